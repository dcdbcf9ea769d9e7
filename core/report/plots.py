"""The plots of the page, by matplotlib, as SVG that takes its colours from the page."""

from __future__ import annotations

import io
import math
import re
from typing import Any

import numpy as np

from ..errors import BadInput
from .model import Shot

# matplotlib writes these, the page's own colours take their place: dark on screen, light in print.
INKS = {
    "#010101": "var(--ink)",
    "#020202": "var(--quiet)",
    "#030303": "var(--line)",
    "#040404": "var(--ours)",
    "#050505": "var(--alone)",
    "#060606": "var(--mark)",
}
INK, QUIET, LINE, OURS, ALONE, MARK = INKS
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "stillbrush",  # the same report gives the same page
    "svg.fonttype": "none",  # text stays text: the page's font, found and read aloud
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": QUIET,
    "axes.edgecolor": LINE,
    "axes.titlecolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": LINE,
    "grid.linewidth": 0.5,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "path.simplify": True,
}
ROWS = {
    "style": "style error",
    "content": "content error",
    "sharpness": "sharpness",
}
WIDTH = 11.2  # inches, at 100 pixels each on the page


def require_matplotlib() -> None:
    """Say in time that the plots need matplotlib.

    Raises:
        BadInput: it is not there.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise BadInput(
            "the report's page: its plots need matplotlib; pip install 'stillbrush[plot]'."
        ) from error


def curves(shot: Shot, strip: np.ndarray | None) -> str:
    """Plot flicker, where it is, and what it is paid with, over the frames.

    Args:
        shot: the report.
        strip: (height, frames, 4) uint8, where in the frame paint changes, from top to bottom.

    Returns:
        An SVG element; empty where nothing was measured.
    """
    names = [name for name in ROWS if name in shot.compared]
    has_flicker = "temporal" in shot.compared
    if not names and not has_flicker:
        return ""
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    heights = ([2.3, 0.75, 0.42] if has_flicker else []) + [0.85] * len(names)
    with rc_context(dict(STYLE)):
        figure = Figure((WIDTH, sum(heights) + 0.35 * len(heights) + 0.5))
        grid = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)
        axes = list(grid[:, 0])
        if has_flicker:
            flicker, where, unknown, *axes = axes
            draw_flicker(flicker, shot)
            draw_strip(where, shot, strip)
            draw_unknown(unknown, shot)
        for axis, name in zip(axes, names, strict=True):
            draw_pair(axis, shot, name)
            title(axis, ROWS[name])
        last = figure.axes[-1]
        last.set_xlabel("frame")
        step = max(1, math.ceil(len(shot.frames) / 16))
        last.xaxis.set_major_locator(MaxNLocator(nbins=16, integer=True))
        margin = max(0.5, 0.004 * len(shot.frames) * step)
        last.set_xlim(shot.frames[0] - margin, shot.frames[-1] + margin)
        figure.align_ylabels()
        figure.subplots_adjust(left=0.055, right=0.99, top=0.965, bottom=0.075, hspace=0.42)
        return as_svg(figure)


def draw_pair(axis: Any, shot: Shot, name: str, scale: float = 1.0) -> None:
    """Draw one measure, ours over frame by frame."""
    dotted = {"marker": "o", "markersize": 2.2} if len(shot.rows) <= 60 else {}
    for column, colour, width in ((f"{name}_alone", ALONE, 1.1), (name, OURS, 1.7)):
        values = scale * np.array(shot.column(column))
        axis.plot(shot.frames, values, color=colour, linewidth=width, **dotted)
    top = np.nanmax([shot.column(name), shot.column(f"{name}_alone")]) * scale
    axis.set_ylim(0, top * 1.1 or 1)
    axis.locator_params(axis="y", nbins=4)
    for row in shot.rows:
        if row.is_cut:
            axis.axvline(row.frame, color=MARK, linewidth=0.8, linestyle=(0, (4, 3)))


def draw_flicker(axis: Any, shot: Shot) -> None:
    """Draw the temporal error."""
    draw_pair(axis, shot, "temporal", 1000)
    title(axis, "flicker: temporal error × 1000")
    for row in shot.rows:
        if row.is_cut:
            axis.text(row.frame, axis.get_ylim()[1], " cut", color=MARK, va="top", fontsize=8)


def draw_strip(axis: Any, shot: Shot, strip: np.ndarray | None) -> None:
    """Draw where in the frame paint changes, as colour: the frame's rows over the frames."""
    title(axis, "where, from the top to the bottom of the picture; brighter changes more")
    axis.grid(visible=False)
    axis.set_yticks([])
    if strip is not None:
        ends = (shot.frames[0] - 0.5, shot.frames[-1] + 0.5)
        axis.imshow(strip, aspect="auto", extent=(*ends, 1, 0), interpolation="nearest")


def draw_unknown(axis: Any, shot: Shot) -> None:
    """Draw the share of the frame whose motion cannot be followed, and is not judged."""
    share = 100 * (1 - np.array(shot.column("followed")))
    axis.fill_between(shot.frames, share, color=QUIET, alpha=0.35, linewidth=0)
    axis.set_ylim(0, max(10.0, float(np.nanmax(share)) * 1.1))
    axis.locator_params(axis="y", nbins=2)
    title(axis, "not judged, % of the frame: motion that cannot be followed")


def title(axis: Any, text: str) -> None:
    """Name a plot."""
    axis.set_title(text, loc="left", fontsize=9, pad=4)


def as_svg(figure: Any) -> str:
    """Return a figure as an SVG element for a page: no header, no metadata, the page's colours."""
    file = io.StringIO()
    empty = {"Date": None, "Creator": None, "Format": None, "Type": None}
    figure.savefig(file, format="svg", transparent=True, metadata=empty)
    text = file.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text)
    text = re.sub(r'<svg width="[^"]*" height="[^"]*"', "<svg", text)  # as wide as the page
    text = re.sub(r"font-family: [^;\"]*", "font-family: var(--sans)", text)
    for written, variable in INKS.items():
        text = text.replace(written, variable)
    return text

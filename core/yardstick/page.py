"""The page of a table: figures, plots and maps in one HTML file that loads nothing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from ..report import pictures
from ..report.plots import ALONE, INK, LINE, MARK, OURS, QUIET, STYLE, as_svg, title
from .cell import Measured, Method
from .sweep import SHARES, Cell, Line, Prediction

HERE = Path(__file__).parent
HUES = (OURS, ALONE, MARK, INK, QUIET)
MARKERS = "osD^vP*Xh<>"
WIDEST = 11.2  # inches, at 100 pixels each on the page
WORST = 9  # pictures of where paint changes


def html(cells: list[Cell], table: list[Line], prediction: Prediction | None) -> str:
    """Return the page as text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    folders = [str(HERE), str(HERE.parent / "report")]
    environment = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    css = (HERE.parent / "report" / "page.css").read_text(encoding="utf-8")
    ours = [line for line in table if line.method is not Method.PER_FRAME]
    return environment.get_template("measure.html").render(
        css=Markup(css),
        names=SHARES,
        rows=[row(line) for line in ours],
        means=means(ours),
        absolute=[absolute(line) for line in table],
        scatter=Markup(scatter(ours)),
        curves=[
            {"name": clip, "svg": Markup(svg)}
            for clip in dict.fromkeys(cell.clip for cell in cells)
            if (svg := curves([cell for cell in cells if cell.clip == clip]))
        ],
        worst=worst(cells),
        prediction=prediction,
        distortions=distortions(cells),
        counts={
            "clips": len({line.clip for line in table}),
            "looks": len({line.look for line in table}),
            "ways": len({line.method for line in table}),
        },
    )


def percent(value: float) -> str:
    """Write a share as a whole percentage."""
    return "–" if math.isnan(value) else f"{100 * value:.0f} %"


def row(line: Line) -> dict[str, Any]:
    """Return one line of shares."""
    cells = [{"told": percent(line.shares[name]), "is": verdict(name, line)} for name in SHARES]
    return {"clip": line.clip, "look": line.look, "method": line.method.value, "cells": cells}


def verdict(name: str, line: Line) -> str:
    """Say whether a share is good, poor, or neither, as a class of the page."""
    value = line.shares[name]
    if math.isnan(value):
        return ""
    if name == "sharpness":
        return "good" if value >= 0.9 else "poor"
    return "good" if value <= 1.05 else "poor" if value > 1.2 else ""


def means(table: list[Line]) -> list[dict[str, Any]]:
    """Return the mean share of every look in every way, over the clips in which things move."""
    found = []
    for look, way in dict.fromkeys((line.look, line.method) for line in table):
        own = [line for line in table if (line.look, line.method) == (look, way)]
        moving = [line for line in own if not line.is_static] or own
        told = {name: percent(mean([one.shares[name] for one in moving])) for name in SHARES}
        found.append({"look": look, "method": way.value, "count": len(moving), "told": told})
    return found


def mean(values: list[float]) -> float:
    """Return the mean of what is known; NaN where nothing is."""
    known = [value for value in values if math.isfinite(value)]
    return float(np.mean(known)) if known else math.nan


def absolute(line: Line) -> dict[str, Any]:
    """Return one line of the numbers as they stand."""
    numbers = {name: number(value) for name, value in line.numbers.items()}
    return {"clip": line.clip, "look": line.look, "method": line.method.value, "numbers": numbers}


def number(value: float) -> str:
    """Write a number with three figures."""
    return "–" if not math.isfinite(value) else f"{value:.3g}"


def scatter(table: list[Line]) -> str:
    """Plot what steadiness is paid with: temporal share against style share, a mark a cell."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(dict(STYLE)):
        figure = Figure((WIDEST, 4.4))
        axes = figure.subplots(1, 2, sharex=True)
        kinds = list(dict.fromkeys((line.look, line.method) for line in table))
        for axis, name in zip(axes, ("style", "sharpness"), strict=True):
            axis.axhline(100, color=LINE, linewidth=1)
            axis.axvline(100, color=LINE, linewidth=1)
            for place, kind in enumerate(kinds):
                own = [line for line in table if (line.look, line.method) == kind]
                axis.plot(
                    [100 * line.shares["temporal"] for line in own],
                    [100 * line.shares[name] for line in own],
                    linestyle="none",
                    marker=MARKERS[place % len(MARKERS)],
                    color=HUES[place % len(HUES)],
                    markersize=6,
                    alpha=0.85,
                    label=kind[0] if kind[1] is Method.OWN else f"{kind[0]}, {kind[1].value}",
                )
            axis.set_xlabel("temporal error, % of frame by frame")
            title(axis, f"{name}, % of frame by frame")
        axes[1].legend(frameon=False, fontsize=8, loc="best")
        figure.subplots_adjust(left=0.055, right=0.99, top=0.93, bottom=0.12, wspace=0.12)
        return as_svg(figure)


def curves(cells: list[Cell]) -> str:
    """Plot the flicker of one clip by frame, all looks; frame by frame is the thin line."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    looks = list(dict.fromkeys(cell.look for cell in cells))
    columns = min(3, len(looks))
    deep = math.ceil(len(looks) / columns)
    with rc_context(dict(STYLE)):
        figure = Figure((WIDEST, 1.7 * deep + 0.4))
        grid = figure.subplots(deep, columns, sharex=True, squeeze=False)
        for axis in grid.flat[len(looks) :]:
            axis.set_visible(False)
        for axis, look in zip(grid.flat, looks, strict=False):
            for cell in (cell for cell in cells if cell.look == look):
                colour, width = (ALONE, 1.0) if cell.method is Method.PER_FRAME else (OURS, 1.6)
                dash = (0, (3, 2)) if cell.method is Method.SHOT else "-"
                x, y = flicker(cell.measured)
                axis.plot(x, y, color=colour, linewidth=width, linestyle=dash)
            axis.set_ylim(bottom=0)
            axis.locator_params(axis="y", nbins=4)
            axis.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
            title(axis, look)
        bottom = 0.45 / (1.7 * deep + 0.4)
        figure.subplots_adjust(
            left=0.045, right=0.99, top=1 - 0.25 / (1.7 * deep), bottom=bottom, hspace=0.5
        )
        return as_svg(figure)


def flicker(measured: Measured) -> tuple[list[float], list[float]]:
    """Return frames and their temporal error times a thousand."""
    known = [row for row in measured.rows if "temporal" in row]
    return [row["frame"] for row in known], [1000 * row["temporal"] for row in known]


def worst(cells: list[Cell]) -> list[dict[str, Any]]:
    """Return where paint changes most: the cells of the largest temporal error, worst first."""
    ours = [c for c in cells if c.method is not Method.PER_FRAME and c.measured.heat is not None]
    ours.sort(key=lambda cell: -cell.measured.mean("temporal"))
    chosen = ours[:WORST]
    if not chosen:
        return []
    roots = [np.sqrt(np.clip(heat_of(cell), 0, None)) for cell in chosen]
    top = max(0.02, float(np.percentile(np.concatenate([root.ravel() for root in roots]), 99.5)))
    made = []
    for cell, root in zip(chosen, roots, strict=True):
        plate, paint = cell.measured.plate, cell.measured.paint
        if plate is None or paint is None:
            continue
        change = np.rint(np.clip(root / pictures.CEILING, 0, 1) * 255).astype(np.uint8)
        made.append(
            {
                "clip": cell.clip,
                "look": cell.look,
                "method": cell.method.value,
                "frame": cell.measured.worst,
                "heat": pictures.uri(pictures.heat(change, plate, top), 320, 80),
                "paint": pictures.uri(paint, 320, 80),
            }
        )
    return made


def distortions(cells: list[Cell]) -> list[dict[str, Any]]:
    """Return how well every look keeps what distortions keep: areas, mean over the clips."""
    found: dict[str, dict[str, list[float]]] = {}
    for cell in cells:
        for kind, curve in cell.measured.distortions.items():
            found.setdefault(cell.look, {}).setdefault(kind, []).append(curve.area)
    return [
        {"look": look, "areas": {kind: number(mean(values)) for kind, values in kinds.items()}}
        for look, kinds in found.items()
    ]


def heat_of(cell: Cell) -> np.ndarray:
    """Return a cell's map, which is there."""
    heat = cell.measured.heat
    return np.zeros((1, 1), np.float32) if heat is None else heat

"""The page: a report's JSON and a gallery of pictures become one HTML file that loads nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UnreadableFile
from ..look import Look
from ..media.atomic import write_text_atomic
from ..render.gallery import Gallery, Panel
from . import facts, pictures
from .model import Row, Shot, read_report, spread
from .plots import curves
from .verdict import caution, in_short, percent, place_in_words, verdict

HERE = Path(__file__).parent
CONTACT = 24  # pictures on the contact sheet
WORST = 6
BUDGET = 4_200_000  # characters of the contact sheet's pictures
LADDER = ((960, 80), (800, 78), (640, 76), (480, 74), (320, 70))  # widths and WebP qualities
PANEL = 620  # width of a picture among six
AVERAGED = 240  # maps of the whole shot that are averaged, at most


def write_page(report: Path, gallery: Gallery, look: Look, page: Path) -> None:
    """Make the page of a render.

    Args:
        report: the render's JSON.
        gallery: what was kept of its frames.
        look: what it was painted like.
        page: the file to write.

    Raises:
        UnreadableFile: the JSON is not there or damaged.
        WriteRefused: the page cannot be written.
    """
    try:
        shot = read_report(json.loads(report.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableFile(f"report {report}: cannot be read ({error}).") from error
    write_text_atomic(page, html(shot, gallery, look))


def html(shot: Shot, gallery: Gallery, look: Look) -> str:
    """Return the page as text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    script = (HERE / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    maps = read_maps(shot, gallery)
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html").render(
        script=Markup(script),
        script_hash=digest,
        css=Markup((HERE / "page.css").read_text(encoding="utf-8")),
        look=look,
        thumbnail=pictures.file_uri(look.thumbnail, 448) if look.thumbnail else "",
        curves=Markup(curves(shot, strip(shot, maps))),
        curves_text=facts.in_words(shot),
        verdict=verdict(shot),
        caution=caution(shot),
        tiles=tiles(shot),
        is_per_frame=shot.is_per_frame,
        **sheet(shot, gallery),
        **flicker(shot, gallery, maps),
        **facts.facts(shot),
    )


def tiles(shot: Shot) -> list[dict[str, str]]:
    """Return the four numbers under the title."""
    told = {
        "style": ("Style error", "distance from the painting"),
        "content": ("Content error", "distance from the plate"),
        "sharpness": ("Sharpness", "mean gradient of the paint"),
    }
    compared, made = shot.compared, []
    if "temporal" in compared and not shot.is_per_frame:
        changes = compared["temporal"]
        words = f"{percent(changes.share)} of the temporal error frame by frame"
        made.append({"what": "Flicker", "figure": in_short(changes), "means": words})
    for name, (what, means) in told.items():
        if name in compared:
            one = compared[name]
            figure = f"{one.ours:.3g}" if shot.is_per_frame else percent(one.share)
            made.append({"what": what, "figure": figure, "means": means})
        else:
            made.append({"what": what, "figure": "–", "means": "not judged"})
    return made


def sheet(shot: Shot, gallery: Gallery) -> dict[str, Any]:
    """Return the contact sheet, its pictures as large as the page can bear."""
    rows = {row.frame: row for row in shot.rows}
    frames = spread([f for f in gallery.panels() if f in rows], CONTACT)
    panels = [(frame, panel) for frame in frames if (panel := gallery.panel(frame)) is not None]
    if not panels:
        return {"cells": [], "shown": None, "shape": "1"}
    width, quality = LADDER[0]
    alone = not shot.is_per_frame
    frame, middle = panels[len(panels) // 2]  # its size stands for all
    for width, quality in LADDER:
        one = cell(rows[frame], middle, width, quality, alone=alone)
        if len(panels) * sum(len(one[k]) for k in pictures_of(alone=alone)) <= BUDGET:
            break
    cells = [cell(rows[f], p, width, quality, alone=alone) for f, p in panels]
    height, width = panels[0][1].painted.shape[:2]
    return {"cells": cells, "shown": cells[len(cells) // 2], "shape": f"{width / height:.5f}"}


def pictures_of(*, alone: bool) -> tuple[str, ...]:
    """Return which pictures a frame of the contact sheet has."""
    return ("plate", "painted", "alone") if alone else ("plate", "painted")


def cell(row: Row, panel: Panel, width: int, quality: int, *, alone: bool) -> dict[str, Any]:
    """Return one frame of the contact sheet."""
    error = row.get("temporal")
    return {
        "frame": row.frame,
        "is_cut": row.is_cut,
        "note": "" if math.isnan(error) else f"{1000 * error:.2f}",
        "plate": pictures.uri(panel.plate, width, quality),
        "painted": pictures.uri(panel.painted, width, quality),
        "alone": pictures.uri(panel.alone, width, quality) if alone else "",
    }


def read_maps(shot: Shot, gallery: Gallery) -> dict[int, np.ndarray]:
    """Read the maps of all frames, by frame."""
    found = {frame: gallery.map(frame) for frame in shot.frames}
    return {frame: read for frame, read in found.items() if read is not None}


def strip(shot: Shot, maps: dict[int, np.ndarray]) -> np.ndarray | None:
    """Return where paint changes, from top to bottom, over the frames: (h, frames, 4) uint8.

    A frame that was not compared with the one before it is transparent.
    """
    known = [row.frame in maps and not math.isnan(row.get("temporal")) for row in shot.rows]
    if not any(known):
        return None
    height = next(iter(maps.values())).shape[0]
    level = np.zeros((height, len(shot.rows)), np.float32)
    for column, frame in enumerate(shot.frames):
        if known[column]:
            level[:, column] = np.sqrt((maps[frame][..., 0].astype(np.float32) ** 2).mean(1))
    colours = pictures.coloured(level / max(float(np.percentile(level[:, known], 99.5)), 1e-6))
    alpha = np.broadcast_to(255 * np.array(known, np.uint8), level.shape)
    return np.dstack((colours, alpha))


def flicker(shot: Shot, gallery: Gallery, maps: dict[int, np.ndarray]) -> dict[str, Any]:
    """Return which frames flicker, and where."""
    blank = {"average": None, "worst": [], "scale": "", "scale_top": "", "wheel": "", "speed": ""}
    known = [row.frame for row in shot.rows if not math.isnan(row.get("temporal"))]
    chosen = spread([frame for frame in known if frame in maps], AVERAGED)
    panels = gallery.panels()
    if not chosen or not panels:
        return blank
    middle = gallery.panel(panels[len(panels) // 2])
    if middle is None:
        return blank
    squares = np.stack([maps[frame].astype(np.float32) ** 2 for frame in chosen])
    mean = np.rint(np.sqrt(squares.mean(0))).astype(np.uint8)
    worst = [(row, p) for row in shot.worst(panels, WORST) if (p := gallery.panel(row.frame))]
    top = pictures.heat_top([maps[frame] for frame in chosen])
    speed = pictures.speed_scale([panel for _, panel in worst])
    average = {
        "ours": pictures.uri(pictures.heat(mean[..., 0], middle.plate, top), PANEL + 180, 82),
        "alone": "",
        "count": len(chosen),
        "place": place_in_words(mean[..., 0]),
    }
    if not shot.is_per_frame:
        over = pictures.heat(mean[..., 1], middle.plate, top)
        average["alone"] = pictures.uri(over, PANEL + 180, 82)
    return {
        "average": average,
        "worst": [worst_frame(shot, row, panel, top, speed) for row, panel in worst],
        "scale": pictures.uri(pictures.heat_scale(), 240, 90),
        "scale_top": f"{100 * top:.0f}",
        "wheel": pictures.uri(pictures.wheel(160), 160, 92),
        "speed": f"{speed:.0f}" if speed >= 10 else f"{speed:.1f}",
    }


def worst_frame(shot: Shot, row: Row, panel: Panel, top: float, speed: float) -> dict[str, Any]:
    """Return one of the frames that flicker most."""
    mean, error = shot.compared["temporal"].ours, row.get("temporal")
    alone = row.get("temporal_alone")
    place = place_in_words(panel.change[..., 0])
    told = f"changes {error / mean:.1f}× the mean of the shot, most {place}"
    if alone > 0 and not shot.is_per_frame:
        told += f"; {percent(error / alone)} of frame by frame"
    height, width = panel.plate.shape[:2]
    small = pictures.shrunk(panel.plate, PANEL)
    wide = min(width, PANEL)
    flow = pictures.enlarged_flow(panel.flow, (wide, round(height * wide / width)))
    made = {
        "frame": row.frame,
        "told": told,
        "trusted": percent(float(panel.mask.mean()) / 255),
        "plate": pictures.uri(panel.plate, PANEL, 78),
        "painted": pictures.uri(panel.painted, PANEL, 80),
        "heat": pictures.uri(pictures.heat(panel.change[..., 0], small, top), PANEL, 78),
        "flow": pictures.uri(pictures.motion(flow, speed), PANEL, 80),
        "mask": pictures.uri(pictures.over_plate(panel.mask, small), PANEL, 75),
        "alone": "",
    }
    if not shot.is_per_frame:
        over = pictures.heat(panel.change[..., 1], small, top)
        made["alone"] = pictures.uri(over, PANEL, 78)
    return made

"""Wedges: one frame or a few of a shot in many looks and settings, for choosing between them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from ..errors import BadInput, Cancelled
from ..media.source import Shot
from .assembly import Request, assemble
from .painting import Settings, ShotPainting
from .sheet import contact_sheet
from .shown import display_picture
from .watching import Progress, Watcher

CELL = 480  # pixels across, on the sheet
WIDEST = 4096
MOST = 120  # pictures on a sheet
MOST_FRAMES = 12
# What acts after the network: pictures that differ in nothing else are painted once.
AFTERWARDS = {"strength": 1.0, "mix": 1.0, "keep_colours": 0.0, "detail": 0.25}


@dataclass(frozen=True)
class Setting:
    """One setting of a wedge."""

    request: Request
    label: str


@dataclass(frozen=True)
class Cell:
    """One picture of a wedge."""

    label: str
    frame: int
    picture: np.ndarray  # (h, w, 3) uint8


def check_wedge(settings: list[Setting], frames: tuple[int, ...]) -> None:
    """Refuse what no sheet can hold.

    Raises:
        BadInput: says what is too much.
    """
    if not settings or not frames:
        raise BadInput("wedge: expected at least one look and one frame.")
    if len(frames) > MOST_FRAMES:
        raise BadInput(f"wedge: expected at most {MOST_FRAMES} frames; got {len(frames)}.")
    if len(settings) * len(frames) > MOST:
        raise BadInput(
            f"wedge: expected at most {MOST} pictures; got {len(settings)} settings of "
            f"{len(frames)} frames. Name fewer looks or steps."
        )


def paint_wedge(
    settings: list[Setting], shot: Shot, frames: tuple[int, ...], pre_roll: int, watcher: Watcher
) -> list[Cell]:
    """Paint every setting of every frame.

    Args:
        settings: in order; neighbours that differ only in what acts after the network share paint.
        shot: what is painted.
        frames: of the shot, in order.
        pre_roll: frames painted before the first.
        watcher: told of every picture, and asked whether to stop.

    Returns:
        The pictures by setting, then by frame.

    Raises:
        Cancelled: the watcher wanted to stop.
        StillbrushError: a look cannot be used, a frame cannot be read.
    """
    check_wedge(settings, frames)
    begun, total = time.perf_counter(), len(settings) * len(frames)
    made: dict[tuple[str, int], Cell] = {}
    for _, alike in groupby(settings, key=lambda setting: painted_alike(setting.request)):
        group = list(alike)
        painting = short_painting(replace(group[0].request, source=shot), shot, frames, pre_roll)
        for cell in paint_group(group, painting, frames, watcher):
            made[cell.label, cell.frame] = cell
            seconds = time.perf_counter() - begun
            stages = dict(painting.stopwatch.seconds)
            watcher.progress(Progress(cell.frame, len(made), total, seconds, stages))
    return [made[setting.label, frame] for setting in settings for frame in frames]


def painted_alike(request: Request) -> tuple[str, Settings]:
    """Return what decides the paint before it goes back over the plate."""
    knobs = replace(request.settings.knobs, **AFTERWARDS)
    return str(request.look.path), replace(request.settings, knobs=knobs)


def short_painting(
    request: Request, shot: Shot, frames: tuple[int, ...], pre_roll: int
) -> ShotPainting:
    """Set up a painting that begins a few frames before the first."""
    first, last = (shot.frames.index(frame) for frame in (frames[0], frames[-1]))
    part = shot.frames[max(0, first - pre_roll) : last + 1]
    assembly = replace(assemble(replace(request, cold=True)), frames=part)
    painting = assembly.painting()
    painting.freeze_if_asked()
    return painting


def paint_group(
    group: list[Setting], painting: ShotPainting, frames: tuple[int, ...], watcher: Watcher
) -> Iterator[Cell]:
    """Paint frames once, and finish them in every setting."""
    for moment in painting.timeline.roll(painting.frames[0], frames[-1]):
        if watcher.is_cancelled():
            raise Cancelled("stopped; nothing was written.")
        if moment.frame not in frames:
            continue
        prepared = painting.prepared.get(moment.frame)
        for setting in group:
            knobs = setting.request.settings.knobs
            rgb = painting.finish(prepared, moment.outputs.picture, knobs)
            picture = display_picture(painting.shot, prepared.placed, rgb, 2 * CELL)
            yield Cell(setting.label, moment.frame, picture)


def wedge_sheet(cells: list[Cell], columns: int, title: str) -> np.ndarray:
    """Lay a wedge out, (H, W, 3) uint8."""
    several = len({cell.frame for cell in cells}) > 1
    labels = [f"{c.label}, frame {c.frame}" if several else c.label for c in cells]
    pictures = [(cell.picture / 255).astype(np.float32) for cell in cells]
    width = min(WIDEST, max(2, columns) * CELL)
    return contact_sheet(pictures, labels, columns, title=title, width=width)

"""Wedges: one frame or a few of a shot in many looks and settings, for choosing between them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import BadInput, Cancelled
from ..media.source import Shot
from ..stylizers.load import load_painter
from .assembly import assemble
from .painting import Settings, ShotPainting
from .request import Request, check_request
from .sheet import BACKGROUND, contact_sheet
from .shown import display_picture
from .watching import Progress, Watcher

CELL = 480  # pixels across, on the sheet
MOST_COLUMNS = 8  # beyond, a row is broken into several
AROUND = 100  # pixels, more than margin and label take of a row
TALLEST_JPEG = 65_535
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
    """Refuse what no sheet can hold and what cannot be painted, before anything is.

    Raises:
        BadInput: says what is too much, or which settings contradict each other.
        StillbrushError: a look cannot be used.
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
    for setting in settings:
        check_request(setting.request)
    for look in {str(s.request.look.path): s.request.look for s in settings}.values():
        load_painter(look)


def check_height(output: Path, shot: Shot, count: int, across: int) -> None:
    """Refuse a JPEG taller than JPEG can be.

    Raises:
        BadInput: says how tall it would be.
    """
    rows, columns = laid_out(across)
    rows *= -(-count // across)
    aspect = shot.display.height / (shot.display.width * float(shot.pixel_aspect))
    tall = AROUND + rows * (round(sheet_width(columns) / columns * aspect) + AROUND)
    if output.suffix.lower() != ".png" and tall > TALLEST_JPEG:
        raise BadInput(
            f"output {output}: expected at most {TALLEST_JPEG} pixels of height in a JPEG; the "
            f"sheet has about {tall}. Write a .png, or name fewer looks or steps."
        )


def paint_wedge(
    settings: list[Setting], shot: Shot, frames: tuple[int, ...], pre_roll: int, watcher: Watcher
) -> list[Cell]:
    """Paint every setting of every frame.

    Args:
        settings: in order; those that differ only in what acts after the network share paint.
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
    made: dict[tuple[int, int], Cell] = {}
    for group in groups(settings):
        first = next(iter(group.values())).request
        painting = short_painting(replace(first, source=shot), shot, frames, pre_roll)
        for place, cell in paint_group(group, painting, frames, watcher):
            made[place, cell.frame] = cell
            seconds = time.perf_counter() - begun
            stages = dict(painting.stopwatch.seconds)
            watcher.progress(Progress(cell.frame, len(made), total, seconds, stages))
    return [made[place, frame] for place in range(len(settings)) for frame in frames]


def groups(settings: list[Setting]) -> list[dict[int, Setting]]:
    """Return the settings that share paint, by their place on the sheet."""
    made: list[tuple[tuple[str, Settings], dict[int, Setting]]] = []  # settings have no hash
    for place, setting in enumerate(settings):
        alike = painted_alike(setting.request)
        group = next((group for key, group in made if key == alike), None)
        if group is None:
            group = {}
            made.append((alike, group))
        group[place] = setting
    return [group for _, group in made]


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
    group: dict[int, Setting], painting: ShotPainting, frames: tuple[int, ...], watcher: Watcher
) -> Iterator[tuple[int, Cell]]:
    """Paint frames once, and finish them in every setting of a group."""
    for moment in painting.timeline.roll(painting.frames[0], frames[-1]):
        if watcher.is_cancelled():
            raise Cancelled("stopped; nothing was written.")
        if moment.frame not in frames:
            continue
        prepared = painting.prepared.get(moment.frame)
        for place, setting in group.items():
            knobs = setting.request.settings.knobs
            rgb = painting.finish(prepared, moment.outputs.picture, knobs)
            picture = display_picture(painting.shot, prepared.placed, rgb, 2 * CELL)
            yield place, Cell(setting.label, moment.frame, picture)


def laid_out(across: int) -> tuple[int, int]:
    """Return rows and columns for pictures that belong in one row, as wide as it may be."""
    rows = -(-across // MOST_COLUMNS)
    return rows, -(-across // rows)


def sheet_width(columns: int) -> int:
    """Return the width of a sheet, pixels."""
    return max(2, columns) * CELL


def wedge_sheet(cells: list[Cell], across: int, title: str) -> np.ndarray:
    """Lay a wedge out, (H, W, 3) uint8.

    Args:
        cells: by setting, then by frame.
        across: how many belong in one row; of more than fit, every row is broken alike.
        title: above them.
    """
    several = len({cell.frame for cell in cells}) > 1
    labels = [f"{c.label}, frame {c.frame}" if several else c.label for c in cells]
    pictures = [(cell.picture / 255).astype(np.float32) for cell in cells]
    rows, columns = laid_out(across)
    blank = np.full_like(pictures[0], np.array(BACKGROUND, np.float32) / 255)
    lacking = rows * columns - across
    for place in reversed(range(across, len(cells), across) if lacking else ()):
        pictures[place:place] = [blank] * lacking
        labels[place:place] = [""] * lacking
    return contact_sheet(pictures, labels, columns, title=title, width=sheet_width(columns))

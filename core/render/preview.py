"""One frame, quickly: rolled up from a short pre-roll, labelled as what it is."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ..errors import BadInput
from ..media.source import Shot
from .assembly import Assembly
from .output import display_colour
from .space import in_space


@dataclass(frozen=True)
class Region:
    """A rectangle of the display window, y down."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Preview:
    """One painted frame to look at.

    Attributes:
        frame: its number.
        painted: (h, w, 3) display values, 0 to 1.
        plate: the same of the plate.
        rolled: frames that were painted before it.
        is_exact: whether a render gives these very pixels.
        seconds: what it took.
    """

    AUTO: ClassVar[int] = 4

    frame: int
    painted: np.ndarray
    plate: np.ndarray
    rolled: int
    is_exact: bool
    seconds: float


def preview(
    assembly: Assembly, frame: int | None, pre_roll: int | None, region: Region | None
) -> Preview:
    """Paint one frame.

    Args:
        assembly: the shot and how it is painted.
        frame: its number; None takes the middle of the shot.
        pre_roll: frames painted before it; None rolls up from where the shot or its last cut
            begins.
        region: what part to return; None returns the display window.

    Raises:
        BadInput: no such frame, a region outside the frame.
    """
    begun = time.perf_counter()
    shot = assembly.shot
    frame = shot.frames[len(shot.frames) // 2] if frame is None else frame
    if frame not in shot.frames:
        raise BadInput(
            f"--frame {frame}: the shot has frames {shot.frames[0]} to {shot.frames[-1]}."
        )
    window = crop(shot, region)
    place = shot.frames.index(frame)
    rolled = place if pre_roll is None else min(pre_roll, place)
    short = replace(assembly, frames=shot.frames[place - rolled : place + 1])
    short = replace(short, request=replace(assembly.request, cold=True))
    exact = rolled == place or assembly.request.settings.per_frame
    painting = short.painting()
    painting.freeze_if_asked()
    display = display_colour()
    placed = painting.prepared.get(frame).placed
    painted = in_space(placed, painting.frame(frame), shot.colour, display)
    plate = in_space(placed, placed.rgb, shot.colour, display)
    shown = [np.clip(np.nan_to_num(picture[window]), 0, 1) for picture in (painted, plate)]
    return Preview(frame, shown[0], shown[1], rolled, exact, time.perf_counter() - begun)


def crop(shot: Shot, region: Region | None) -> tuple[slice, slice]:
    """Return rows and columns of the canvas."""
    display, canvas = shot.display, shot.canvas
    region = region or Region(0, 0, display.width, display.height)
    right, bottom = region.x + region.width, region.y + region.height
    fits = region.x >= 0 and region.y >= 0 and right <= display.width and bottom <= display.height
    if not fits or region.width < 1 or region.height < 1:
        raise BadInput(
            f"--region: expected a part of {display.width}x{display.height}; got "
            f"{region.x},{region.y},{region.width},{region.height}."
        )
    top, left = display.y - canvas.y + region.y, display.x - canvas.x + region.x
    return slice(top, top + region.height), slice(left, left + region.width)

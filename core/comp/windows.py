"""Shots with other windows: cut to a box, or brought to another format."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from ..media.placing import Placed, Window
from ..media.source import Shot


class Resize(enum.Enum):
    """How a picture meets a format of other proportions."""

    FIT = "fit"
    FILL = "fill"
    WIDTH = "width"
    HEIGHT = "height"
    DISTORT = "distort"
    NONE = "none"


def cropped(shot: Shot, box: Window, *, reformat: bool) -> Shot:
    """Return a shot that is black outside a box of its display window.

    Args:
        reformat: whether the box becomes the format; the frames are new pictures then.
    """
    display, canvas = shot.display, shot.canvas
    left, top = display.x - canvas.x + box.x, display.y - canvas.y + box.y
    if reformat:
        return new_pictures(shot, box.width, box.height, lambda v: window(v, left, top, box))

    def read(number: int) -> Placed:
        placed = shot.read(number)
        keep = np.zeros(placed.rgb.shape[:2], bool)
        keep[max(0, top) : max(0, top + box.height), max(0, left) : max(0, left + box.width)] = True
        rgb = np.where(keep[..., None], placed.rgb, np.float32(0))
        if placed.alpha is None:
            return replace(placed, rgb=rgb)
        alpha = np.where(keep, placed.alpha, np.float32(0))
        return replace(placed, rgb=rgb, alpha=alpha, own_alpha=False)

    return replace(shot, read=read)


def window(values: np.ndarray, left: int, top: int, box: Window) -> np.ndarray:
    """Cut a box out of pixels (H, W, ...), 0 where there are none."""
    made = np.zeros((box.height, box.width, *values.shape[2:]), np.float32)
    rows = slice(max(0, top), max(0, min(values.shape[0], top + box.height)))
    columns = slice(max(0, left), max(0, min(values.shape[1], left + box.width)))
    kept = values[rows, columns]
    y, x = rows.start - top, columns.start - left
    if kept.size:
        made[y : y + kept.shape[0], x : x + kept.shape[1]] = kept
    return made


def reformatted(shot: Shot, width: int, height: int, resize: Resize) -> Shot:
    """Return a shot in another format, centred; the frames are new pictures.

    What lies outside the display window is lost.
    """
    display = shot.display
    across, down = width / display.width, height / display.height
    scale = {
        Resize.FIT: (min(across, down),) * 2,
        Resize.FILL: (max(across, down),) * 2,
        Resize.WIDTH: (across, across),
        Resize.HEIGHT: (down, down),
        Resize.DISTORT: (across, down),
        Resize.NONE: (1.0, 1.0),
    }[resize]
    size = tuple(
        max(1, round(side * by))
        for side, by in zip((display.width, display.height), scale, strict=True)
    )
    left, top = display.x - shot.canvas.x, display.y - shot.canvas.y
    target = Window((size[0] - width) // 2, (size[1] - height) // 2, width, height)

    def change(values: np.ndarray) -> np.ndarray:
        shown = window(values, left, top, display)
        if (shown.shape[1], shown.shape[0]) != size:
            shrinks = size[0] < shown.shape[1]
            how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
            shown = cv2.resize(shown, size, interpolation=how)
        return window(shown, target.x, target.y, target)

    return new_pictures(shot, width, height, change)


def new_pictures(
    shot: Shot, width: int, height: int, change: Callable[[np.ndarray], np.ndarray]
) -> Shot:
    """Return a shot of new pictures; colour, rate and numbers are kept, layers are not."""
    window = Window(0, 0, width, height)
    whole = (slice(0, height), slice(0, width))

    def read(number: int) -> Placed:
        placed = shot.read(number)
        alpha, rgb = placed.alpha, placed.rgb
        if alpha is not None and not placed.is_premultiplied:
            rgb = rgb * alpha[..., None]
        made = change(np.ascontiguousarray(rgb))
        cover = None if alpha is None else np.clip(change(np.ascontiguousarray(alpha)), 0, 1)
        return Placed(number, np.ascontiguousarray(made, np.float32), cover, None, whole)

    return replace(shot, canvas=window, display=window, read=read, sequence=None)

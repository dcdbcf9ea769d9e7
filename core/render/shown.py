"""Pictures to look at: the display window in display colours, small enough for a page."""

from __future__ import annotations

import cv2
import numpy as np
from torch import Tensor

from ..media.placing import Placed
from ..media.source import Shot
from .output import display_colour
from .space import in_space


def window(shot: Shot, height: int, width: int) -> tuple[slice, slice]:
    """Return rows and columns of the display window in a picture of the canvas of any size."""
    display, canvas = shot.display, shot.canvas
    down, across = height / canvas.height, width / canvas.width
    top, left = round((display.y - canvas.y) * down), round((display.x - canvas.x) * across)
    bottom = top + max(1, round(display.height * down))
    right = left + max(1, round(display.width * across))
    return slice(max(top, 0), bottom), slice(max(left, 0), right)


def fitted(shot: Shot, picture: np.ndarray, width: int) -> np.ndarray:
    """Scale (H, W, C) down to at most a width, its pixels made square; never up."""
    high, wide = picture.shape[:2]
    squared = wide * float(shot.pixel_aspect)
    width = max(1, min(width, round(squared)))
    size = (width, max(1, round(high * width / squared)))
    if (wide, high) == size:
        return picture
    scaled = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return scaled.reshape(size[1], size[0], -1)


def display_picture(shot: Shot, placed: Placed, rgb: np.ndarray, width: int) -> np.ndarray:
    """Return a plate or a finished frame (H, W, 3) over the canvas as 8-bit sRGB to look at."""
    seen = in_space(placed, rgb, shot.colour, display_colour())
    seen = np.clip(np.nan_to_num(seen[window(shot, *seen.shape[:2])]), 0, 1)
    return eight_bit(fitted(shot, seen.astype(np.float32), width))


def plane(shot: Shot, tensor: Tensor, width: int) -> np.ndarray:
    """Return the display window of a tensor (1, h, w, C) as (h, w, C) float32."""
    values = tensor[0].detach().float().cpu().numpy()
    return fitted(shot, np.ascontiguousarray(values[window(shot, *values.shape[:2])]), width)


def eight_bit(values: np.ndarray) -> np.ndarray:
    """Return values of 0 to 1 as 8-bit."""
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)

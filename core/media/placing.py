"""Where a frame's pixels lie on the canvas of its shot."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .images import Plate


@dataclass(frozen=True)
class Window:
    """A rectangle of pixels, y down."""

    x: int
    y: int
    width: int
    height: int

    def union(self, other: Window) -> Window:
        """Return the smallest window that holds both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        right = max(self.x + self.width, other.x + other.width)
        bottom = max(self.y + self.height, other.y + other.height)
        return Window(x, y, right - x, bottom - y)


@dataclass(frozen=True)
class Placed:
    """One frame on the canvas that all frames of its shot share.

    Attributes:
        frame: its number.
        rgb: (H, W, 3) float32 over the canvas, the plate's own colour space; 0 where it has none.
        alpha: (H, W) float32 over the canvas; None where the plate is opaque and fills it.
        plate: what the writer needs to keep; None for video, proxies and frames that stand in.
        inside: rows and columns of the canvas that the plate has.
        own_alpha: whether alpha is what the plate's file holds.
    """

    frame: int
    rgb: np.ndarray
    alpha: np.ndarray | None
    plate: Plate | None
    inside: tuple[slice, slice]
    own_alpha: bool = True

    @property
    def is_premultiplied(self) -> bool:
        """Say whether RGB is stored multiplied by alpha."""
        return self.plate.is_premultiplied if self.plate else True


def place(plate: Plate, window: Window, canvas: Window) -> Placed:
    """Put a plate's data window where it lies on the canvas."""
    top, left = window.y - canvas.y, window.x - canvas.x
    inside = (slice(top, top + window.height), slice(left, left + window.width))
    if (window.width, window.height) == (canvas.width, canvas.height):
        return Placed(plate.frame, plate.rgb, plate.alpha, plate, inside)
    rgb = np.zeros((canvas.height, canvas.width, 3), np.float32)
    rgb[inside] = plate.rgb
    alpha = np.zeros((canvas.height, canvas.width), np.float32)
    alpha[inside] = 1.0 if plate.alpha is None else plate.alpha
    return Placed(plate.frame, rgb, alpha, plate, inside)


def shrunk(window: Window, by: int) -> Window:
    """Return a window at proxy size."""
    if by == 1:
        return window
    width, height = max(1, window.width // by), max(1, window.height // by)
    return Window(window.x // by, window.y // by, width, height)


def shrink(picture: np.ndarray, window: Window) -> np.ndarray:
    """Average a picture down to a window's size."""
    if picture.shape[:2] == (window.height, window.width):
        return picture
    size = (window.width, window.height)
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def proxy(placed: Placed, window: Window) -> Placed:
    """Return a frame at proxy size; it is a new picture, so nothing else of the plate is kept."""
    whole = (slice(0, window.height), slice(0, window.width))
    alpha = None if placed.alpha is None else shrink(placed.alpha, window)
    return Placed(placed.frame, shrink(placed.rgb, window), alpha, None, whole)

"""Progress, live previews and Cancel."""

# pyright: reportMissingImports=false

from __future__ import annotations

import time
from collections.abc import Callable

import comfy.model_management as mm
import comfy.utils
import cv2
import numpy as np
from PIL import Image

from ...core.media.colour import PlateColour, sanitise
from ...core.render.output import display_colour

EVERY = 0.4  # seconds between previews: they bypass ComfyUI's own throttle
WIDEST = 512  # pixels of a preview


class Progress:
    """The bar of a node that loops; every step is a moment at which Cancel is heard."""

    def __init__(self, total: int) -> None:
        self.bar = comfy.utils.ProgressBar(total)
        self.total, self.done, self.seen = total, 0, 0.0

    def check(self, frame: int = 0) -> None:
        """Stop here if the user pressed Cancel."""
        mm.throw_exception_if_processing_interrupted()

    def step(self, show: Callable[[], np.ndarray] | None = None, done: int | None = None) -> None:
        """Take note of a finished frame.

        Args:
            show: gives a picture (H, W, 3) of display values; asked only when a preview is due.
            done: frames finished so far; one more than before if not given.
        """
        self.check()
        self.done = self.done + 1 if done is None else done
        self.show(show)

    def show(self, show: Callable[[], np.ndarray] | None) -> None:
        """Show how far it is, with a picture where one is due; stop if Cancel was pressed.

        Args:
            show: as in `step`.
        """
        self.check()
        now = time.perf_counter()
        preview = None
        if show is not None and (now - self.seen > EVERY or self.done == self.total):
            preview = ("JPEG", thumbnail(show()), WIDEST)
            self.seen = now
        self.bar.update_absolute(self.done, self.total, preview)


def thumbnail(picture: np.ndarray) -> Image.Image:
    """Make a small picture of display values (H, W, 3)."""
    height, width = picture.shape[:2]
    scale = min(1.0, WIDEST / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(np.asarray(picture, np.float32), size, interpolation=cv2.INTER_AREA)
    eight = np.clip(np.nan_to_num(small) * 255 + 0.5, 0, 255).astype(np.uint8)
    return Image.fromarray(eight)


def displayed(rgb: np.ndarray, colour: PlateColour) -> np.ndarray:
    """Return a picture (H, W, 3) in a plate's space as a display shows it, coarsely and fast."""
    coarse = max(1, max(rgb.shape[:2]) // (2 * WIDEST))
    small = np.ascontiguousarray(rgb[::coarse, ::coarse])
    display = display_colour()
    if colour.space == display.space:
        return small
    return display.from_linear(colour.to_linear(sanitise(small)[0]))

"""Mattes that come from a shot: its alpha where that says anything, else its brightness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import BadInput
from ..media.placing import Window
from ..media.source import Shot


@dataclass(frozen=True)
class ShotMatte:
    """Another shot as a matte; 1 means here.

    Attributes:
        source: what gives it; a single frame is that of every frame.
        shot: over whose canvas it lies.
        inverted: whether 1 means elsewhere.
    """

    source: Shot
    shot: Shot
    inverted: bool = False

    def frame(self, number: int) -> np.ndarray:
        """Return a frame's matte (H, W), 0 to 1, over the shot's canvas.

        Raises:
            BadInput: it has no such frame, or another size than the shot.
        """
        frames = self.source.frames
        number = frames[0] if len(frames) == 1 else number
        if number not in frames:
            raise BadInput(f"mask {self.source.name}: frame {number}: there is none.")
        placed = self.source.read(number)
        whole = placed.alpha is None or bool((placed.alpha >= 1).all())
        values = placed.rgb.mean(-1) if placed.alpha is None or whole else placed.alpha
        matte = np.clip(np.nan_to_num(on_canvas(values, self.source, self.shot, "mask")), 0, 1)
        return 1 - matte if self.inverted else matte


def on_canvas(values: np.ndarray, source: Shot, shot: Shot, what: str) -> np.ndarray:
    """Put pixels (H, W, ...) of one shot on the canvas of another, 0 where it has none.

    Raises:
        BadInput: their display windows differ in size.
    """
    size, wanted = (source.display.width, source.display.height), shot.display
    if size != (wanted.width, wanted.height):
        raise BadInput(
            f"{what} {source.name}: expected {wanted.width}x{wanted.height} as {shot.name} has; "
            f"got {size[0]}x{size[1]}. Put a Reformat in between."
        )
    x = source.canvas.x - source.display.x + wanted.x - shot.canvas.x
    y = source.canvas.y - source.display.y + wanted.y - shot.canvas.y
    if (x, y) == (0, 0) and values.shape[:2] == (shot.canvas.height, shot.canvas.width):
        return values
    made = np.zeros((shot.canvas.height, shot.canvas.width, *values.shape[2:]), np.float32)
    kept = values[max(0, -y) : made.shape[0] - y, max(0, -x) : made.shape[1] - x]
    top, left = max(0, y), max(0, x)
    made[top : top + kept.shape[0], left : left + kept.shape[1]] = kept
    return made


def box(x: int, y: int, width: int, height: int, where: str) -> Window:
    """Return a rectangle.

    Raises:
        BadInput: it is empty.
    """
    if width < 1 or height < 1:
        raise BadInput(f"{where}: expected a box of one pixel or more; got {width}x{height}.")
    return Window(x, y, width, height)

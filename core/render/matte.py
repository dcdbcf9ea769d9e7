"""Mattes: where to paint. 1 means paint here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import BadInput, MissingFrame
from ..media.images import read_plate
from ..media.sequences import Sequence, find_sequence
from ..media.source import Shot, shrink


@dataclass(frozen=True)
class Matte:
    """A sequence or one still that says where to paint."""

    sequence: Sequence
    shot: Shot
    inverted: bool = False

    def frame(self, number: int) -> np.ndarray:
        """Return a frame's matte (H, W), 0 to 1, over the shot's canvas.

        The alpha channel, where the file has one, else its brightness.

        Raises:
            MissingFrame: the matte has no such frame.
            BadInput: it has another size than the plate.
        """
        sequence = self.sequence
        still = len(sequence.frames) == 1
        if number not in sequence.frames and not still:
            raise MissingFrame(f"matte {sequence.template}: expected frame {number}; there is none.")
        path = sequence.path(sequence.frames[0] if still else number)
        plate = read_plate(path, number)
        values = plate.rgb.mean(-1) if plate.alpha is None else plate.alpha
        matte = self.placed(values, path)
        return 1 - matte if self.inverted else matte

    def placed(self, values: np.ndarray, path: Path) -> np.ndarray:
        """Put a matte on the canvas: it fits the canvas or the display window."""
        canvas, display, proxy = self.shot.canvas, self.shot.display, self.shot.proxy
        height, width = values.shape
        for window in (canvas, display):
            shrunk = (max(1, height // proxy), max(1, width // proxy))
            if (window.height, window.width) in ((height, width), shrunk):
                full = np.zeros((canvas.height, canvas.width), np.float32)
                top, left = window.y - canvas.y, window.x - canvas.x
                small = shrink(np.ascontiguousarray(values, np.float32), window)
                full[top : top + window.height, left : left + window.width] = small
                return np.clip(np.nan_to_num(full), 0, 1)
        raise BadInput(
            f"matte {path}: expected {display.width}x{display.height} as the plate; "
            f"got {width}x{height}."
        )


def open_matte(text: str | Path, shot: Shot, *, inverted: bool = False) -> Matte:
    """Open a matte: a pattern, a folder or a still."""
    return Matte(find_sequence(text), shot, inverted)

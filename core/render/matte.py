"""Mattes: where to paint. 1 means paint here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import BadInput, MissingFrame
from ..media.images import probe, read_plate
from ..media.sequences import Sequence, find_sequence
from ..media.source import Shot, Window, shrink


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
        path = self.path(number)
        plate = read_plate(path, number)
        values = plate.rgb.mean(-1) if plate.alpha is None else plate.alpha
        matte = self.placed(values, path)
        return 1 - matte if self.inverted else matte

    @property
    def files(self) -> list[Path]:
        """Return every file."""
        return [self.sequence.path(frame) for frame in self.sequence.frames]

    def path(self, number: int) -> Path:
        """Return the file of a frame; a still is that of every frame."""
        sequence = self.sequence
        if len(sequence.frames) == 1:
            return sequence.path(sequence.frames[0])
        if number not in sequence.frames:
            name = sequence.template
            raise MissingFrame(f"matte {name}: expected frame {number}; there is none.")
        return sequence.path(number)

    def check(self, frames: tuple[int, ...]) -> None:
        """Refuse a matte that will fail on one of these frames; reads headers only.

        Raises:
            MissingFrame, BadInput: as for `frame`.
        """
        for path in dict.fromkeys(map(self.path, frames)):
            header = probe(path)
            self.window(header.height, header.width, path)

    def window(self, height: int, width: int, path: Path) -> Window:
        """Return what a matte of this size covers: the canvas or the display window."""
        canvas, display, proxy = self.shot.canvas, self.shot.display, self.shot.proxy
        shrunk = (max(1, height // proxy), max(1, width // proxy))
        for window in (canvas, display):
            if (window.height, window.width) in ((height, width), shrunk):
                return window
        raise BadInput(
            f"matte {path}: expected {display.width}x{display.height} as the plate; "
            f"got {width}x{height}."
        )

    def placed(self, values: np.ndarray, path: Path) -> np.ndarray:
        """Put a matte on the canvas: it fits the canvas or the display window."""
        height, width = values.shape
        canvas, window = self.shot.canvas, self.window(height, width, path)
        full = np.zeros((canvas.height, canvas.width), np.float32)
        top, left = window.y - canvas.y, window.x - canvas.x
        small = shrink(np.ascontiguousarray(values, np.float32), window)
        full[top : top + window.height, left : left + window.width] = small
        return np.clip(np.nan_to_num(full), 0, 1)


def open_matte(text: str | Path, shot: Shot, *, inverted: bool = False) -> Matte:
    """Open a matte: a pattern, a folder or a still."""
    return Matte(find_sequence(text), shot, inverted)

"""Mattes: where to paint. 1 means paint here."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from ..errors import BadInput, MissingFrame, StillbrushError
from ..media.headers import named_channels, opened, part_specs
from ..media.images import probe, read_channels, read_plate
from ..media.placing import Window, shrink
from ..media.sequences import Sequence, find_sequence
from ..media.source import Shot


class Where(Protocol):
    """Says where to paint."""

    def frame(self, number: int) -> np.ndarray:
        """Return a frame's matte (H, W), 0 to 1, over the canvas."""
        ...


@dataclass(frozen=True)
class Extent:
    """Where a matte file's pixels lie.

    Attributes:
        data: the pixels that the file has.
        display: the picture that they are part of; `data` itself where the file is no EXR.
        alpha: the channel to read where the file has alpha and no picture; else None.
    """

    data: Window
    display: Window
    alpha: str | None = None

    @property
    def is_whole(self) -> bool:
        """Say whether the file has every pixel of its display window."""
        return self.display.union(self.data) == self.data


@dataclass(frozen=True)
class Matte:
    """A sequence or one still that says where to paint."""

    sequence: Sequence
    shot: Shot
    inverted: bool = False

    def frame(self, number: int) -> np.ndarray:
        """Return a frame's matte (H, W), 0 to 1, over the shot's canvas.

        The alpha channel, where it says anything; else the brightness. An alpha that is 1
        everywhere in every file is only what a program adds to an opaque picture.

        Raises:
            MissingFrame: the matte has no such frame.
            BadInput: it has another size than the plate.
        """
        path = self.path(number)
        extent = extent_of(path)
        rgb, alpha = read_matte(path, extent)
        if rgb is None or (alpha is not None and not is_opaque(alpha, extent)):
            values = alpha
        else:
            values = alpha if alpha is not None and self.has_alpha else rgb.mean(-1)
        assert values is not None  # a file has one or the other
        matte = self.placed(values, extent, path)
        return 1 - matte if self.inverted else matte

    @cached_property
    def has_alpha(self) -> bool:
        """Say whether any file's alpha is less than 1 somewhere; one frame alone cannot tell."""
        for path in self.files:
            with contextlib.suppress(StillbrushError):  # refused when its own frame is painted
                extent = extent_of(path)
                rgb, alpha = read_matte(path, extent)
                if alpha is not None and (rgb is None or not is_opaque(alpha, extent)):
                    return True
        return False

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
            extent = extent_of(path)
            if not self.is_cropped(extent):
                self.window(extent.data.height, extent.data.width, path)

    def window(self, height: int, width: int, path: Path) -> Window:
        """Return what a matte of this size covers: the canvas or the display window."""
        canvas, display = self.shot.canvas, self.shot.display
        for window in (canvas, display):
            if self.fits(height, width, window):
                return window
        raise BadInput(
            f"matte {path}: expected {display.width}x{display.height} as the plate; "
            f"got {width}x{height}."
        )

    def fits(self, height: int, width: int, window: Window) -> bool:
        """Say whether a size is that of a window, at the shot's size or before the proxy."""
        proxy = self.shot.proxy
        shrunk = (max(1, height // proxy), max(1, width // proxy))
        return (window.height, window.width) in ((height, width), shrunk)

    def is_cropped(self, extent: Extent) -> bool:
        """Say whether the data window is to be placed inside the plate's display window."""
        data, shown = extent.data, extent.display
        canvas, display = self.shot.canvas, self.shot.display
        if data == shown or not self.fits(shown.height, shown.width, display):
            return False
        return canvas == display or not self.fits(data.height, data.width, canvas)

    def placed(self, values: np.ndarray, extent: Extent, path: Path) -> np.ndarray:
        """Put a matte on the canvas: it fits the canvas or the display window, or is cropped."""
        canvas = self.shot.canvas
        if self.is_cropped(extent):
            values, window = self.uncropped(values, extent), canvas
        else:
            window = self.window(values.shape[0], values.shape[1], path)
        full = np.zeros((canvas.height, canvas.width), np.float32)
        top, left = window.y - canvas.y, window.x - canvas.x
        small = shrink(np.ascontiguousarray(values, np.float32), window)
        full[top : top + window.height, left : left + window.width] = small
        return np.clip(np.nan_to_num(full), 0, 1)

    def uncropped(self, values: np.ndarray, extent: Extent) -> np.ndarray:
        """Put a data window on the canvas in the file's own pixels, 0 elsewhere."""
        data, shown = extent.data, extent.display
        canvas, display = self.shot.canvas, self.shot.display
        is_small = (shown.height, shown.width) == (display.height, display.width)
        scale = 1 if is_small else self.shot.proxy
        left, top = (display.x - canvas.x) * scale, (display.y - canvas.y) * scale
        wider = (canvas.width - display.width) * scale
        higher = (canvas.height - display.height) * scale
        full = np.zeros((shown.height + higher, shown.width + wider), np.float32)
        x, y = data.x - shown.x + left, data.y - shown.y + top
        kept = values[max(0, -y) : max(0, full.shape[0] - y), max(0, -x) :]
        kept = kept[:, : max(0, full.shape[1] - max(0, x))]
        x, y = max(0, x), max(0, y)
        full[y : y + kept.shape[0], x : x + kept.shape[1]] = kept
        return full


def extent_of(path: Path) -> Extent:
    """Read where a matte's pixels lie; headers only.

    Raises:
        MissingFrame, UnreadableFile: as for `probe`.
        BadInput: it has neither a picture nor an alpha.
    """
    try:
        header = probe(path)
    except BadInput:
        with opened(path) as inp:
            specs = part_specs(inp, path)
        for name, part, _ in named_channels(specs):
            if name.rpartition(".")[2].lower() in ("a", "alpha"):
                spec = specs[part]
                data = Window(spec.x, spec.y, spec.width, spec.height)
                shown = Window(spec.full_x, spec.full_y, spec.full_width, spec.full_height)
                return Extent(data, shown, name)
        raise
    return Extent(Window(*header.data_window), Window(*header.display_window))


def read_matte(path: Path, extent: Extent) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return a matte file's RGB (H, W, 3) and alpha (H, W), as stored; None for what it lacks."""
    if extent.alpha is not None:
        return None, read_channels(path, (extent.alpha,))[..., 0]
    plate = read_plate(path, 0)
    return plate.rgb, plate.alpha


def is_opaque(alpha: np.ndarray, extent: Extent) -> bool:
    """Say whether an alpha is 1 everywhere; outside of a cropped file it is 0."""
    return extent.is_whole and bool((alpha >= 1).all())


def open_matte(text: str | Path, shot: Shot, *, inverted: bool = False) -> Matte:
    """Open a matte: a pattern, a folder or a still."""
    return Matte(find_sequence(text), shot, inverted)

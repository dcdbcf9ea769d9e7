"""A clip: what flows between nodes. An immutable description that reads nothing until asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

from .errors import BadInput

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Format:
    """The display window of a clip."""

    width: int
    height: int
    pixel_aspect: float = 1.0


@dataclass(frozen=True)
class Clip(Generic[T]):
    """Frames numbered as on disk, each pulled on demand and always the same."""

    frames: tuple[int, ...]
    format: Format
    fps: Fraction | None
    pull: Callable[[int], T]

    def frame(self, number: int) -> T:
        """Return one frame.

        Raises:
            BadInput: the clip has no such frame.
        """
        if number not in self.frames:
            raise BadInput(f"frame {number}: the clip has {self.frames[0]} to {self.frames[-1]}.")
        return self.pull(number)

    def map(self, change: Callable[[T], U]) -> Clip[U]:
        """Return the clip with a pure function applied to every frame."""
        return Clip(self.frames, self.format, self.fps, lambda number: change(self.pull(number)))

    def before(self, number: int) -> int | None:
        """Return the frame before this one; None for the first."""
        place = self.frames.index(number)
        return self.frames[place - 1] if place else None


def renumbered(clip: Clip[T], first: int) -> Clip[T]:
    """Return a clip whose frames are numbered from another one on."""
    back = dict(enumerate(clip.frames, start=first))
    return Clip(tuple(back), clip.format, clip.fps, lambda number: clip.pull(back[number]))

"""What a render needs of whoever paints: one protocol for networks and for optimisation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from torch import Tensor

from .paint_state import PaintState
from .prior import Prior
from .shot_statistics import Sample, ShotStatistics

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class Iterate:
    """A frame while it is being painted.

    Attributes:
        done: iterations so far, over all scales.
        total: of how many at most.
        energy: what is minimised.
        terms: its parts by name.
        picture: (1, h, w, 3), 0 to 1; smaller than the frame while a coarse scale is painted.
    """

    done: int
    total: int
    energy: float
    terms: dict[str, float]
    picture: Tensor


Watch = Callable[[Iterate], None]
"""Told of every iterate; may raise to stop."""


class Before(NamedTuple):
    """Another painted frame, carried onto this one."""

    picture: Tensor  # (1, h, w, 3), 0 to 1
    mask: Tensor  # (1, h, w, 1), 0 to 1


class PaintedFrame(NamedTuple):
    """One painted frame."""

    picture: Tensor  # (1, h, w, 3), 0 to 1, network encoding
    carried: Tensor | None  # (1, h, w, 4): the masked, warped last frame and its mask
    state: PaintState


class Stylizer(Protocol):
    """Paints frames in order, each from what its state remembers."""

    @property
    def width(self) -> int:
        """Width in pixels at which a frame is painted when the stroke size is 1."""
        ...

    @property
    def lacks_statistics(self) -> bool:
        """Say whether statistics are to be frozen before a shot is painted with `shot`."""
        ...

    def go_on(
        self,
        frame: Tensor,
        prior: Prior | None,
        state: PaintState,
        watch: Watch | None = None,
        settle: int = 0,
    ) -> PaintedFrame:
        """Paint a frame from its prior and what was painted.

        Args:
            frame: (1, h, w, 3), network encoding.
            prior: how to carry what was painted last; None: nothing.
            state: what was painted last.
            watch: told of every iterate, where there are any.
            settle: how often a network goes over a frame that it paints by itself; an optimisation
                has iterations for that.
        """
        ...

    def paint(
        self, frame: Tensor, prior: Prior | None, state: PaintState
    ) -> tuple[Tensor, PaintState]:
        """Paint a frame; return the picture and the next state."""
        ...

    def repaint(
        self,
        frame: Tensor,
        start: Tensor | None,
        carried: Before | None,
        watch: Watch | None = None,
    ) -> Tensor:
        """Paint a frame (1, h, w, 3) from a picture: one turn of several passes.

        Args:
            frame: network encoding, painting size.
            start: what to paint from, 0 to 1; None: the frame by itself.
            carried: a neighbour's paint, where a temporal loss is to count.
            watch: told of every iterate, where there are any.
        """
        ...

    def measure(self, samples: Iterable[Sample], size: tuple[int, int]) -> ShotStatistics:
        """Measure a shot's statistics, where there are any to freeze."""
        ...

    def frozen(self, statistics: ShotStatistics) -> Self:
        """Return the same with frozen statistics."""
        ...

"""What a render needs of whatever paints: the joint between time and paint."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from torch import Tensor

from .prior import Prior

if TYPE_CHECKING:
    from .painter import PaintState, Sample, ShotStatistics


class FramePainter(Protocol):
    """Paints one frame at a time; all that it remembers is in the state that it is handed."""

    @property
    def statistics(self) -> ShotStatistics | None:
        """Frozen statistics of the shot; None: those of each frame."""
        ...

    def assemble(
        self, frame: Tensor, prior: Prior | None, state: PaintState
    ) -> tuple[Tensor, bool]:
        """Return all that painting starts from, and whether an earlier picture is in it.

        Args:
            frame: (1, h, w, 3), network encoding, at painting size.
            prior: how to carry what was painted last; None paints the frame by itself.
            state: what was painted last.

        Returns:
            (1, h, w, 7): the frame, what is carried of the last picture, and where.
        """
        ...

    def paint_layers(
        self, layers: Tensor, prior: Prior | None, state: PaintState
    ) -> tuple[Tensor, PaintState]:
        """Paint what `assemble` returned; no prior where it said that there is none.

        Returns:
            The painted frame (1, h, w, 3), 0 to 1, and the next state.
        """
        ...

    def paint(
        self, frame: Tensor, prior: Prior | None, state: PaintState
    ) -> tuple[Tensor, PaintState]:
        """Do both."""
        ...

    def measure(self, samples: Iterable[Sample], size: tuple[int, int]) -> ShotStatistics:
        """Measure what `frozen` takes over neighbouring pairs of a shot, at painting size."""
        ...

    def frozen(self, statistics: ShotStatistics) -> FramePainter:
        """Return the same painter with frozen statistics."""
        ...

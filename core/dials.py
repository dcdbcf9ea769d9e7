"""Knobs that move: their values by frame, as a host's curves and expressions give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

K = TypeVar("K")


@dataclass(frozen=True)
class Dials:
    """The values of animated knobs; what is not in it stands still.

    Attributes:
        values: knob -> frame -> value, checked by whoever made it.
    """

    values: Mapping[str, Mapping[int, Any]] = field(default_factory=dict)

    def at(self, knobs: K, frame: int) -> K:
        """Return knobs as they are on a frame."""
        moved = {name: by[frame] for name, by in self.values.items() if frame in by}
        return replace(knobs, **moved) if moved else knobs  # pyright: ignore[reportArgumentType]

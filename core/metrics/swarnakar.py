"""The temporal error of Swarnakar & Bao, in three readings.

As printed (eq 7) its denominator has a sign: a static pixel divides by 0.01, a pixel that darkens
by just that divides by nothing, and the whole may be negative. It needs no motion, and therefore
counts all texture that moves. Use it as a share of another run, never by itself.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

EPSILON = 0.01


class Readings(NamedTuple):
    """One pair's error, mean over pixels and channels."""

    literal: float
    """As printed; any sign."""
    absolute: float
    """Over the size of the plate's change."""
    squared: float
    """Over its square."""


def plate_and_paint(plate: tuple[Tensor, Tensor], paint: tuple[Tensor, Tensor]) -> Readings:
    """Return how differently plate and paint change from one frame to the next.

    Args:
        plate: two neighbouring frames (1, h, w, 3), 0 to 1.
        paint: the same frames, painted.
    """
    change = plate[0] - plate[1]
    error = (change - (paint[0] - paint[1])).square()
    denominators = (change + EPSILON, change.abs() + EPSILON, change.square() + EPSILON)
    return Readings(*(float((error / below).nan_to_num().mean()) for below in denominators))

"""Grading: light scaled, lifted and bent, in scene-linear."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import BadInput
from ..media.alpha import premultiply, unpremultiply
from ..media.placing import Placed
from ..media.source import Shot
from ..render.compose import over
from ..render.matte import Where


@dataclass(frozen=True)
class Curve:
    """What happens to a value: (gain * value + lift) ** (1 / gamma)."""

    gain: float = 1.0
    lift: float = 0.0
    gamma: float = 1.0

    def applied(self, values: np.ndarray) -> np.ndarray:
        """Return values, changed; those below 0 are not bent."""
        values = values * np.float32(self.gain) + np.float32(self.lift)
        if self.gamma == 1:
            return values
        bent = np.power(np.maximum(values, 0), np.float32(1 / self.gamma))
        return np.where(values > 0, bent, values)


def curve(
    points: tuple[float, float], levels: tuple[float, float], multiply: float, add: float,
    gamma: float,
) -> Curve:  # fmt: skip
    """Return the curve that takes black and white points to black and white levels.

    Raises:
        BadInput: both points are one.
    """
    (black_point, white_point), (black, white) = points, levels
    if black_point == white_point:
        raise BadInput(
            f"grade.whitepoint: expected another value than blackpoint; got {white_point:g}."
        )
    gain = multiply * (white - black) / (white_point - black_point)
    return Curve(gain, add + black - gain * black_point, gamma)


def graded(shot: Shot, change: Curve, mix: float, mask: Where | None) -> Shot:
    """Return a shot with its light changed; alpha and everything else stay."""
    if change == Curve() or mix == 0:
        return shot

    def read(number: int) -> Placed:
        placed = shot.read(number)
        amount = np.full(placed.rgb.shape[:2], mix, np.float32)
        if mask is not None:
            amount *= mask.frame(number)
        return replace(placed, rgb=over(placed.rgb, lit(placed), amount, placed.alpha))

    def lit(placed: Placed) -> np.ndarray:
        with np.errstate(invalid="ignore", over="ignore"):
            rgb, alpha = placed.rgb, placed.alpha
            if alpha is None or not placed.is_premultiplied:
                return shot.colour.from_linear(change.applied(shot.colour.to_linear(rgb)))
            straight = shot.colour.to_linear(unpremultiply(rgb, alpha))
            return premultiply(shot.colour.from_linear(change.applied(straight)), alpha, rgb)

    return replace(shot, read=read)

"""A finished frame in another colour space."""

from __future__ import annotations

import numpy as np

from ..media.alpha import premultiply, unpremultiply
from ..media.colour import PlateColour
from ..media.placing import Placed


def in_space(
    placed: Placed, rgb: np.ndarray, plate: PlateColour, wanted: PlateColour
) -> np.ndarray:
    """Convert a finished frame (H, W, 3) to another colour space, alpha minded."""
    if plate.space == wanted.space:
        return rgb
    if placed.alpha is None or not placed.is_premultiplied:
        return wanted.from_linear(plate.to_linear(rgb))
    straight = unpremultiply(rgb, placed.alpha)
    converted = wanted.from_linear(plate.to_linear(straight))
    return premultiply(converted, placed.alpha, converted)  # light without coverage stays

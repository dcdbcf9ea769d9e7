"""What a network sees of scene-linear light, and what paint becomes on the way back.

Going in: sRGB below a knee, a logarithmic shoulder above it, so that the network meets the contrast
it was trained on and a highlight of 100 still differs from one of 10.

Coming back, paint is reflectance lit by the plate: its display value, times the light by which the
plate exceeds what a display shows there. Paint on an ordinary pixel stays between black and white
paper; paint on the sun shines like the sun; an unpainted pixel comes back as it was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import BadInput

KNEE = 0.6  # linear value up to which the encoding is plain sRGB
BRIGHTEST = 128.0  # linear value that the shoulder maps to 1
SLOPE = 19.55203067829459  # makes the shoulder as steep at the knee as the line before it
MOST_EXPOSURE = 10.0  # stops
SHOULDER = math.log1p(SLOPE * (BRIGHTEST - KNEE))


def to_srgb(linear: Tensor) -> Tensor:
    """Apply the sRGB curve (IEC 61966-2-1); straight on below 0."""
    power = linear.clamp(min=0.0031308).pow_(1 / 2.4).mul_(1.055).sub_(0.055)
    return torch.where(linear <= 0.0031308, linear * 12.92, power)


def from_srgb(encoded: Tensor) -> Tensor:
    """Undo the sRGB curve; straight on below 0."""
    power = encoded.clamp(min=0.04045).add_(0.055).div_(1.055).pow_(2.4)
    return torch.where(encoded <= 0.04045, encoded / 12.92, power)


@dataclass(frozen=True)
class Encoding:
    """One shot's way into the network's colours and back.

    Attributes:
        exposure: stops added before encoding and taken off after.
        has_shoulder: True for scene-referred plates, whose values go on above 1. Display-referred
            plates (video, 8-bit pictures) end at white: plain sRGB is theirs exactly.
    """

    exposure: float = 0.0
    has_shoulder: bool = True

    def __post_init__(self) -> None:
        """Refuse an exposure that leaves nothing to see."""
        if not abs(self.exposure) <= MOST_EXPOSURE:
            raise BadInput(
                f"exposure: expected {-MOST_EXPOSURE:g} to {MOST_EXPOSURE:g} stops; "
                f"got {self.exposure}."
            )

    def encode(self, linear: Tensor) -> Tensor:
        """Encode scene-linear Rec.709 for a network.

        Args:
            linear: any values; below 0 becomes 0, above the brightest (after exposure) becomes 1.

        Returns:
            The same shape, 0 to 1. With the shoulder, grey 0.18 is 0.46 and white 1 is 0.86.
        """
        x = linear * 2.0**self.exposure
        if not self.has_shoulder:
            return to_srgb(x.clamp_(0, 1))
        x.clamp_(0, BRIGHTEST)
        bright = x > KNEE  # few pixels, as a rule
        above = x[bright] - KNEE
        x[bright] = KNEE + (1 - KNEE) * torch.log1p(SLOPE * above) / SHOULDER
        return to_srgb(x)

    def light(self, linear: Tensor) -> Tensor:
        """Return how much brighter each value is than its code shows on a display; >= 1.

        1 below the knee; about 11 where the plate is 10.
        """
        x = linear * 2.0**self.exposure
        bright = x > (KNEE if self.has_shoulder else 1.0)
        shown = from_srgb(self.encode(linear[bright]))
        return torch.ones_like(x).masked_scatter_(bright, x[bright] / shown)

    def decode(self, encoded: Tensor, linear: Tensor) -> Tensor:
        """Bring network values back to scene-linear, lit by the plate.

        Args:
            encoded: painted values, 0 to 1.
            linear: the plate that was encoded, same shape.

        `decode(encode(x), x)` is x for every x >= 0.
        """
        light = self.light(linear)  # first: it takes the most memory on the way
        return from_srgb(encoded).mul_(light).mul_(2.0**-self.exposure)

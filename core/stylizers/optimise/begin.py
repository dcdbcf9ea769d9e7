"""What a frame's optimisation begins from (Ruder et al. 4.1; Delcour and Lewin III)."""

from __future__ import annotations

import torch
from torch import Tensor

from ...networks.vgg import VGG_MEAN
from ...temporal.long_term import remembered
from .energy import FULL_SCALE
from .memory import Onwards, planes
from .settings import Begin, OptimiseKnobs

SEEDS = 1_000_003  # frames' seeds of one shot never meet those of another


def first_picture(plate: Tensor, settings: OptimiseKnobs, age: int) -> Tensor:
    """Return what a frame begins from that goes on from nothing.

    Args:
        plate: (1, 3, h, w), 0 to 1.
        settings: `first` says what.
        age: frames since the recursion began; another age, other noise.
    """
    return noise(plate, settings.first, settings, age)


def later_picture(
    plate: Tensor,
    last: Tensor,
    onwards: Onwards,
    settings: OptimiseKnobs,
    age: int,
) -> Tensor:
    """Return what a frame begins from that goes on from the last one.

    Args:
        plate: (1, 3, h, w), 0 to 1.
        last: the last painted frame, where it was.
        onwards: earlier paint, carried by the motion.
        settings: `later` says what.
        age: frames since the recursion began.
    """
    how = settings.later
    if how is Begin.PREVIOUS:
        return last
    if how is Begin.WARPED:
        return planes(onwards.warped)
    if how is Begin.TRUSTED:
        return torch.lerp(plate, planes(onwards.warped), planes(onwards.mask))
    if how is Begin.REMEMBERED:
        pictures, weights = ([before[part] for before in onwards.before] for part in (0, 1))
        # A few iterations never turn paint of something else into this: ghosts, streaks at borders.
        carried = torch.lerp(plate.permute(0, 2, 3, 1), onwards.warped, onwards.belongs)
        return planes(remembered(pictures, weights, carried))
    return noise(plate, how, settings, age)


def noise(plate: Tensor, how: Begin, settings: OptimiseKnobs, age: int) -> Tensor:
    """Return the plate, or noise of its size: the same for the same seed and age."""
    rng = torch.Generator().manual_seed(settings.seed * SEEDS + age)
    if how is Begin.RANDOM:
        mean = torch.tensor(VGG_MEAN[::-1], dtype=plate.dtype).view(1, 3, 1, 1)
        spread = torch.randn(plate.shape, generator=rng, dtype=plate.dtype) * settings.spread
        return ((mean + spread) / FULL_SCALE).to(plate.device)
    if how is Begin.WHITE:
        return torch.rand(plate.shape, generator=rng, dtype=plate.dtype).to(plate.device)
    return plate

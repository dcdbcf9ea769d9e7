"""One step down the gradient, and the running mean of the weights that is kept."""

from __future__ import annotations

import torch
from torch import Tensor, nn

AVERAGING = 0.998  # of the weights that are saved: the mean of the last five hundred steps or so
STEEPEST = 1.0  # norm of the gradient


def descend(
    optimiser: torch.optim.Optimizer,
    network: nn.Module,
    average: nn.Module,
    total: Tensor,
    step: int,
) -> None:
    """Move a network's weights, then their mean after them; young means follow faster."""
    optimiser.zero_grad()
    total.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), STEEPEST)
    optimiser.step()
    keep = min(AVERAGING, (1 + step) / (10 + step))
    with torch.no_grad():
        for mean, value in zip(average.parameters(), network.parameters(), strict=True):
            mean.lerp_(value, 1 - keep)

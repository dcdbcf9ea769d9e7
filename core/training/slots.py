"""Shots under way: each slot holds how far its shot has come and what was painted last.

Ruder et al. eq 19 recurse n - 1 frames without a gradient and learn from the last. Here a shot
stays in its slot between iterations, so that every step of a recursion is learnt from once and a
shot may last a hundred frames at the price of one.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..networks.style_network import Statistics


@dataclass
class Slots:
    """State of every shot under way; empty slots have age -1."""

    seeds: Tensor  # (K,) int64, trajectory
    ages: Tensor  # (K,) int64, frame that was painted last
    painted: Tensor  # (K, 3, H, W), 0 to 1
    means: list[Tensor]  # per layer (K, C); NaN: use the picture's own
    variances: list[Tensor]

    @classmethod
    def empty(cls, count: int, size: int, widths: list[int]) -> Slots:
        """Make slots with nothing under way."""

        def unknown() -> list[Tensor]:
            return [torch.full((count, width), torch.nan) for width in widths]

        numbers = torch.full((count,), -1, dtype=torch.int64)
        painted = torch.zeros((count, 3, size, size))
        return cls(numbers.clone(), numbers.clone(), painted, unknown(), unknown())

    def start(self, slot: int, seed: int, painted: Tensor) -> None:
        """Begin a shot with its first painted frame."""
        self.seeds[slot], self.ages[slot] = seed, 0
        self.painted[slot] = painted
        for mean, variance in zip(self.means, self.variances, strict=True):
            mean[slot] = variance[slot] = torch.nan

    def advance(self, slots: Tensor, painted: Tensor) -> None:
        """Store the next painted frame (n, 3, H, W) of each of n shots."""
        self.ages[slots] += 1
        self.painted[slots] = painted

    def freeze(self, slots: Tensor, statistics: Statistics, rows: Tensor) -> None:
        """Keep the statistics that rows of a batch used for some slots."""
        for layer, (mean, variance) in enumerate(statistics):
            self.means[layer][slots] = mean[rows].detach()
            self.variances[layer][slots] = variance[rows].detach()

    def statistics(self, slots: Tensor, before: int) -> Statistics:
        """Return statistics for a batch: `before` rows of NaN, then the slots' own."""

        def rows(stored: Tensor) -> Tensor:
            unknown = torch.full((before, stored.shape[1]), torch.nan)
            return torch.cat((unknown, stored[slots]))

        return tuple((rows(m), rows(v)) for m, v in zip(self.means, self.variances, strict=True))

    def tensors(self) -> dict[str, Tensor]:
        """Return everything as named tensors."""
        named = {
            "slots.seeds": self.seeds,
            "slots.ages": self.ages,
            "slots.painted": self.painted,
        }
        for layer, (mean, variance) in enumerate(zip(self.means, self.variances, strict=True)):
            named[f"slots.mean.{layer}"] = mean
            named[f"slots.variance.{layer}"] = variance
        return named

    def restore(self, named: dict[str, Tensor]) -> None:
        """Take everything back from named tensors."""
        for key, tensor in self.tensors().items():
            tensor.copy_(named[key])

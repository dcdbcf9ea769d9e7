"""Several processes that train one network together, as `torchrun` starts them.

PyTorch's own distributed data parallel: each process draws shots of its own, gradients are
averaged, and all of them hold the same weights after every step. The first one alone writes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn


@dataclass(frozen=True)
class Team:
    """The processes of a run; by default one, by itself."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Say whether this process is the one that writes and is asked."""
        return self.rank == 0

    def share(self, network: nn.Module) -> nn.Module:
        """Return a network whose gradients are the mean of all processes'."""
        if self.size == 1:
            return network
        return nn.parallel.DistributedDataParallel(network)

    def agree(self, number: float) -> float:
        """Return the first process' number, in every process."""
        if self.size == 1:
            return number
        told = torch.tensor(number, dtype=torch.float64)
        dist.broadcast(told, 0)
        return told.item()

    def mean(self, numbers: list[float]) -> list[float]:
        """Return the means of all processes' numbers."""
        if self.size == 1:
            return numbers
        total = torch.tensor(numbers, dtype=torch.float64)
        dist.all_reduce(total)
        return (total / self.size).tolist()

    def gather(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return all processes' tensors on the processor, those of the first under plain names."""
        if self.size == 1:
            return tensors
        found = {}
        for name, tensor in tensors.items():
            parts = [torch.empty_like(tensor) for _ in range(self.size)]
            dist.all_gather(parts, tensor)
            found |= {owned(name, rank): part for rank, part in enumerate(parts)}
        return found

    def own(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return what is this process' own of what `gather` returned, under plain names."""
        if self.leads:
            return tensors
        start = owned("", self.rank)
        return {k[len(start) :]: v for k, v in tensors.items() if k.startswith(start)}


ALONE = Team()


def owned(name: str, rank: int) -> str:
    """Return a tensor's name in a checkpoint of several processes."""
    return f"rank{rank}.{name}" if rank else name

"""The processes of a training run, as `torchrun` starts them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import torch
import torch.distributed as dist

from ...core.errors import BadInput
from ...core.training.team import ALONE, Team


@contextlib.contextmanager
def joined() -> Iterator[Team]:
    """Join the processes that `torchrun` started, or be alone.

    Raises:
        BadInput: fewer GPUs than processes on this machine.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ALONE
        return
    if torch.cuda.is_available():
        local, count = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
        if local >= count:
            raise BadInput(f"train: expected at most {count} processes, one a GPU; got more.")
        torch.cuda.set_device(local)
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    dist.init_process_group(backend)
    try:
        yield Team(dist.get_rank(), size)
    finally:
        dist.destroy_process_group()

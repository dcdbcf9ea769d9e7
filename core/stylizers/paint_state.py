"""What a stylizer carries from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

NEAR = ("painted", "reference", "resting", "anchor", "anchor_plate", "course", "dry", "trace")


@dataclass(frozen=True)
class PaintState:
    """What a stylizer carries to the next frame."""

    painted: Tensor | None = None  # (1, h, w, 3), 0 to 1, network encoding; None: nothing yet
    reference: Tensor | None = None  # (1, h, w, 3): the plate as it was when that was painted
    age: int = 0  # frames since the recursion began
    resting: Tensor | None = None  # (1, h, w, 1), 0 to 1: how firmly paint rested of late
    earlier: Tensor | None = None  # (n, h, w, 3), half precision: painted before, newest first
    seen: Tensor | None = None  # (m, h, w, 1), 8 bits: luma of the plates so far, newest first
    trace: Tensor | None = None  # (k, 3, h, w), 0 to 1: iterates of the frame painted last
    anchor: Tensor | None = None  # (1, h, w, 3): an earlier frame's paint, which lasts
    anchor_plate: Tensor | None = None  # (1, h, w, 4): the plate that it belongs to, how dry it was
    course: Tensor | None = None  # (1, h, w, 2) pixels: from the frame painted last to the anchor's
    dry: Tensor | None = None  # (1, h, w, 1), 0 to 1: 1: begun or changed long ago

    def to(self, device: torch.device) -> PaintState:
        """Return the state on a device: a checkpoint is read into the processor's memory.

        What is seldom asked for stays in main memory until it is.
        """
        near = {name: getattr(self, name) for name in NEAR}
        moved = {name: None if t is None else t.to(device) for name, t in near.items()}
        return replace(self, **moved)

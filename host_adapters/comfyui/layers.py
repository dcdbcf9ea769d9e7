"""Motion and masks as EXR layers, named as `stylize --debug-layers` names them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ...core.motion.flow import Flow, is_known


def planes(
    flow: Flow | None, mask: Tensor | None, frames: tuple[int, ...], first: int
) -> Callable[[int], dict[str, np.ndarray]]:
    """Return what gives the layers of a frame by its number.

    Vectors are in Nuke's convention, pixels and y up; 0 where nothing is known.

    Args:
        flow: of a batch.
        mask: (B, H, W, 1).
        frames: the batch's frames.
        first: the number under which the first of them is written.
    """
    places = {first + number - frames[0]: place for place, number in enumerate(frames)}

    def layers(frame: int) -> dict[str, np.ndarray]:
        place = places[frame]
        made: dict[str, np.ndarray] = {}
        for way in () if flow is None else ("backward", "forward"):
            vectors = getattr(flow, way)[place : place + 1]
            vectors = torch.where(is_known(vectors), vectors, 0.0)[0]
            made[f"stillbrush.{way}.u"] = vectors[..., 0].contiguous().numpy()
            made[f"stillbrush.{way}.v"] = (-vectors[..., 1]).contiguous().numpy()
        if mask is not None:
            made["stillbrush.mask.trust"] = mask[place, ..., 0].contiguous().numpy()
        return made

    return layers

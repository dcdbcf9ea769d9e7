"""Which earlier frame counts where: Ruder et al. 2018, section 4.2, equations 11 and 12.

A frame that is painted like several earlier ones takes each pixel from the nearest that saw it, so
that what was hidden for a while comes back as it was.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import BadInput


def long_term_weights(masks: list[Tensor]) -> list[Tensor]:
    """Return the weight of every earlier frame, pixel by pixel (eq 12).

    Args:
        masks: 1 where the flow from that frame can be trusted, (B, H, W, 1) each, from the nearest
            frame to the furthest.

    Returns:
        What each mask has beyond all nearer ones together, (B, H, W, 1) each. Of masks that are 0
        or 1 at most one frame has a weight at a pixel, so the weights sum to 1 at most.

    Raises:
        BadInput: the masks differ in shape.
    """
    weights: list[Tensor] = []
    nearer: Tensor | None = None
    for mask in masks:
        if mask.ndim != 4 or mask.shape[-1] != 1 or mask.shape != masks[0].shape:
            raise BadInput(
                "long-term masks: expected (B, H, W, 1) of one size; got "
                f"{tuple(mask.shape)} after {tuple(masks[0].shape)}."
            )
        weights.append(mask if nearer is None else (mask - nearer).clamp(min=0))
        nearer = mask if nearer is None else nearer + mask
    return weights


def earlier_frames(place: int, offsets: tuple[int, ...]) -> tuple[int, ...]:
    """Return the places in a shot that a frame is held to, nearest first (eq 11: i - j >= 1).

    Args:
        place: of the frame, from 0.
        offsets: the set J; in any order.

    Raises:
        BadInput: an offset is no number of frames back.
    """
    if any(offset < 1 for offset in offsets):
        raise BadInput(f"long-term offsets: expected 1 or more frames back; got {offsets}.")
    return tuple(place - offset for offset in sorted(set(offsets)) if offset <= place)


def remembered(carried: list[Tensor], weights: list[Tensor], otherwise: Tensor) -> Tensor:
    """Return what the earlier frames say of a picture together.

    Args:
        carried: pictures warped from each earlier frame, (B, H, W, C).
        weights: of each, as `long_term_weights` gives them.
        otherwise: (B, H, W, C), what stands where no earlier frame counts.
    """
    total = sum(weights, torch.zeros_like(otherwise[..., :1]))
    known = sum(
        (picture * weight for picture, weight in zip(carried, weights, strict=True)),
        torch.zeros_like(otherwise),
    )
    return known + otherwise * (1 - total).clamp(min=0)

"""The temporal error of Ruder et al. 2018, equation 8, over what can be followed."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from ..motion.consistency import trust
from ..motion.flow import Estimator, Flow, resize_flow
from ..motion.warp import warp
from ..stylizers.prior import resize_picture


class Followed(NamedTuple):
    """Where the picture of the frame before went."""

    flow: Flow  # (1, h, w, 2) pixels each
    mask: Tensor  # (1, h, w, 1), 1 where the motion can be followed


def follow(previous: Tensor, current: Tensor, estimator: Estimator, share: float = 1.0) -> Followed:
    """Measure the motion between two plates (1, h, w, 3) in network encoding.

    Args:
        previous: the plate before.
        current: the plate.
        estimator: one that painted nothing: an estimator must not judge its own motion.
        share: of the size at which motion is estimated; vectors and mask come back at full size.
    """
    height, width = current.shape[1:3]
    small = max(1, round(height * share)), max(1, round(width * share))
    flow = estimator.estimate(*(resize_picture(p, *small).clamp(0, 1) for p in (previous, current)))
    flow = Flow(*(resize_flow(way, height, width) for way in flow))
    return Followed(flow, trust(flow))


def carried_change(before: Tensor, painted: Tensor, followed: Followed) -> Tensor:
    """Return how paint differs from the paint before it, carried along the motion.

    Args:
        before: what was painted last, (1, h, w, 3), network encoding.
        painted: what is painted, (1, h, w, 3).
        followed: the motion between their plates.

    Returns:
        (1, h, w, 1), the mean square over the channels (Ruder et al. eq 8), 0 where the motion
        cannot be followed.
    """
    change = (painted - warp(before, followed.flow.backward)).square().mean(-1, keepdim=True)
    return followed.mask * change


def temporal_error(change: Tensor, mask: Tensor) -> float:
    """Return the mean of `carried_change` over what can be followed; 0 where nothing can."""
    return float(change.sum() / mask.sum().clamp(min=1))


def sharpness(painted: Tensor) -> float:
    """Return the mean gradient of a picture (1, h, w, 3): blur is steady, and shows here."""
    return float(painted.diff(dim=1).abs().mean() + painted.diff(dim=2).abs().mean())

"""The energies a look is trained on: style, content, total variation and the temporal term."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..networks.adain import precise

Features = dict[str, Tensor]

STYLE_TAPS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT_TAPS = {"relu4_1": 1.0, "relu3_1": 0.5}


@dataclass(frozen=True)
class Manner:
    """How a picture is painted, at one layer: the mean of its features and how they vary together.

    The Gram matrix of Gatys et al. holds both at once, and the mean makes up 65 to 95 % of its
    norm: a network that has the mean right has a small Gram error and paints like nobody. Apart,
    both count.
    """

    mean: Tensor  # (C,)
    covariance: Tensor  # (C, C)


def manner(features: Tensor) -> Manner:
    """Measure how pictures (N, C, H, W) are painted, pooled over all of them."""
    kind = torch.promote_types(features.dtype, torch.float32)
    mean = features.mean((0, 2, 3), dtype=kind)
    # The covariance does not change with the mean it is taken about, to first order.
    centred = (features - mean.detach().to(features.dtype).view(1, -1, 1, 1)).flatten(2)
    together = torch.bmm(centred, centred.transpose(1, 2)).sum(0, dtype=kind)
    return Manner(mean, together / (features.shape[0] * centred.shape[2]))


def manners(features: Features) -> dict[str, Manner]:
    """Measure every style tap that the loss network gives."""
    return {tap: manner(features[tap]) for tap in STYLE_TAPS if tap in features}


def style_loss(features: Features, targets: dict[str, Manner]) -> Tensor:
    """Return the style error of pictures, pooled over all of them.

    At each layer the squared differences of mean and covariance, each divided by the mean squared
    norm of both sides: every layer counts alike, whichever loss network it comes from, and a style
    of low energy (ink on paper) does not drown the others while the network still paints like none
    of them. Close to the style this is the error relative to the style's own norm.
    """
    errors = []
    for tap, target in targets.items():
        painted = manner(features[tap])
        errors.append(relative(painted.mean, target.mean))
        errors.append(relative(painted.covariance, target.covariance))
    return torch.stack(errors).sum()


def relative(value: Tensor, target: Tensor) -> Tensor:
    """Return a squared difference over the mean squared norm of both sides."""
    norms = target.square().sum() + value.detach().square().sum()
    return 2 * (value - target).square().sum() / norms


def content_loss(features: Features, plate: Features) -> Tensor:
    """Return the content error per picture (N,), each layer relative to the plate's own energy."""
    total = torch.zeros(())
    for tap, weight in CONTENT_TAPS.items():
        if tap in features:
            known = precise(plate[tap])
            difference = (precise(features[tap]) - known).square().mean((1, 2, 3))
            total = total + weight * difference / known.square().mean((1, 2, 3))
    return total


def total_variation(pictures: Tensor) -> Tensor:
    """Return the mean absolute difference of neighbouring pixels per picture (N,)."""
    across = (pictures[..., 1:] - pictures[..., :-1]).abs().mean((1, 2, 3))
    down = (pictures[..., 1:, :] - pictures[..., :-1, :]).abs().mean((1, 2, 3))
    return across + down


USUAL_CHANGE = 0.006  # temporal error of fresh paint, in the middle of many looks
LEAST_CHANGE = 0.0005  # what fresh paint changes less than is as good as still


def temporal_loss(painted: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Return the short-term temporal error per picture (N,): Ruder et al. eq 8, over all pixels."""
    return (mask * (painted - target).square()).mean((1, 2, 3))


def relative_change(painted: Tensor, fresh: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Return the temporal error beside that of fresh paint of the same frames, over all pictures.

    Looks of high contrast change ten times as much as flat ones: weighted as it stands, the error
    made the former keep their paint until it wore away, and left the latter to boil.

    Args:
        painted, target, mask: as for `temporal_loss`.
        fresh: (N, 3, H, W), 0 to 1, the same frames without a prior; taken as given.

    Returns:
        The share of fresh paint's error, a scalar, times `USUAL_CHANGE`.
    """
    anew = temporal_loss(fresh.detach(), target, mask).mean()
    change = temporal_loss(painted, target, mask).mean()
    return change * USUAL_CHANGE / anew.clamp_min(LEAST_CHANGE)


def vigour_loss(painted: Tensor, fresh: Tensor, side: int = 32) -> Tensor:
    """Return how far paint that goes on differs from fresh paint of the same frames, (N,).

    Blocks are compared by their mean gradient and their mean colour. Where the strokes lie is free:
    the temporal term decides that. Without this term paint that is carried over blurs (each warp
    takes a little of its sharpness), piles up, or drifts in colour, and what the mask leaves open
    shows as a patch of another strength.

    Args:
        painted: (N, 3, H, W), 0 to 1, with a prior.
        fresh: (N, 3, H, W), 0 to 1, the same frames without one; taken as given.
        side: of a block, pixels.
    """
    fresh = fresh.detach()
    strength = F.avg_pool2d(gradient(fresh), side, side // 2)
    lost = F.avg_pool2d(gradient(painted), side, side // 2) - strength
    relative_strength = (lost / (strength + strength.mean((1, 2, 3), keepdim=True))).square()
    colour = F.avg_pool2d(painted - fresh, side, side // 2).square().sum(1, keepdim=True)
    spread = fresh.var((2, 3)).sum(1)[:, None, None, None] + 1e-3
    return (4 * relative_strength + colour / spread).mean((1, 2, 3))


def gradient(pictures: Tensor) -> Tensor:
    """Return the mean absolute difference to the pixels on the right and below, (N, 1, H, W)."""
    across = (pictures[..., 1:] - pictures[..., :-1]).abs().mean(1, keepdim=True)
    down = (pictures[..., 1:, :] - pictures[..., :-1, :]).abs().mean(1, keepdim=True)
    return F.pad(across, (0, 1)) + F.pad(down, (0, 0, 0, 1))


STRIDE = 4  # of the network, pixels
CHEQUERED = 4.0  # times the error at twice the stride, beside that at the stride


def lattices(pictures: Tensor) -> Tensor:
    """Return the energy that is locked to the network's grid, per picture (N,).

    Both at its stride and at twice that, where neighbouring cells take turns: a chequerboard is the
    cheapest texture a network can make, and no brush makes it.
    """
    return lattice(pictures, STRIDE) + CHEQUERED * chequers(pictures)


def chequers(pictures: Tensor, period: int = 2 * STRIDE, block: int = 32) -> Tensor:
    """Return how much waves of one period prefer one phase on the grid, per picture (N,).

    Strokes lie anywhere: sines and cosines hold the same energy in them. A pattern that belongs to
    the grid has one phase. Only the difference counts, so that strokes of this very width are free.

    Args:
        pictures: (N, 3, H, W), sides longer than one block.
        period: in pixels.
        block: side of the blocks that one phase is measured in.
    """
    fine = pictures - F.avg_pool2d(pictures, period + 1, 1, period // 2, count_include_pad=False)
    angle = (torch.arange(block, device=pictures.device) + 0.5) * (2 * math.pi / period)
    waves = torch.stack((angle.sin(), angle.cos(), torch.full_like(angle, 0.5**0.5))) * 2**0.5
    height, width = (side // block for side in pictures.shape[-2:])
    waves = waves.to(fine.dtype)
    cut = fine[..., : height * block, : width * block]
    cut = cut.unflatten(-2, (height, block)).unflatten(-1, (width, block))
    found = torch.einsum("nchiwj,ai,bj->nchwab", cut, waves, waves) / block**2
    energy = found.square().mean((1, 2, 3))  # (N, 3, 3): sine, cosine, none; down and across
    down, across = energy[:, :2, 2], energy[:, 2, :2]
    both = energy[:, :2, :2].flatten(1)
    uneven = [(e - e.mean(1, keepdim=True)).abs().sum(1) for e in (down, across, both)]
    return torch.stack(uneven).sum(0)


def lattice(pictures: Tensor, period: int = STRIDE, block: int = 32) -> Tensor:
    """Return the energy at one period of the network's grid, per picture (N,).

    Slow changes are taken off, then blocks are folded onto one period and averaged: what remains
    repeats with the stride and belongs to the network, not to the picture.

    Args:
        pictures: (N, 3, H, W), sides longer than one block.
        period: in pixels.
        block: side of the blocks.
    """
    slow = F.avg_pool2d(pictures, period, 1)  # no padding: a bright border is no lattice
    height, width = slow.shape[-2:]
    half, (count, channels) = period // 2, pictures.shape[:2]
    pictures = pictures[..., half : half + height, half : half + width] - slow
    rows, columns, folds = height // block, width // block, block // period
    cut = pictures[..., : rows * block, : columns * block]
    cut = cut.reshape(count, channels, rows, folds, period, columns, folds, period)
    folded = cut.mean((3, 6)).permute(0, 1, 2, 4, 3, 5)
    return folded.var((4, 5)).mean((1, 2, 3))

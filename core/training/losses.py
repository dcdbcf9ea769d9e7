"""The energies a look is trained on: style, content, total variation and the temporal term."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

Features = dict[str, Tensor]

STYLE_TAPS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT_TAPS = {"relu4_1": 1.0, "relu3_1": 0.5}


def gram(features: Tensor) -> Tensor:
    """Return the Gram matrix of features (N, C, H, W), divided by their own number of pixels.

    Ruder et al. eq 2: each Gram by its own M, so that pictures of different sizes compare.
    """
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[-1]


def style_grams(features: Features) -> dict[str, Tensor]:
    """Return the Gram matrices of every style tap that the loss network gives."""
    return {tap: gram(features[tap]) for tap in STYLE_TAPS if tap in features}


def style_loss(features: Features, targets: dict[str, Tensor]) -> Tensor:
    """Return the style error per picture (N,).

    Each layer's squared Gram difference is divided by the mean squared norm of both Grams: every
    layer counts alike, whichever loss network it comes from, and a style of low energy (ink on
    paper) does not drown the others while the network still paints like none of them. Close to the
    style this is the error relative to the style's own norm.

    Args:
        features: of the painted pictures.
        targets: Gram matrices (N or 1, C, C) of each picture's style.
    """
    errors = []
    for tap, target in targets.items():
        painted = gram(features[tap])
        difference = (painted - target).square().sum((1, 2))
        norms = target.square().sum((1, 2)) + painted.detach().square().sum((1, 2))
        errors.append(2 * difference / norms)
    return torch.stack(errors).sum(0)


def content_loss(features: Features, plate: Features) -> Tensor:
    """Return the content error per picture (N,), each layer relative to the plate's own energy."""
    total = torch.zeros(())
    for tap, weight in CONTENT_TAPS.items():
        if tap in features:
            difference = (features[tap] - plate[tap]).square().mean((1, 2, 3))
            total = total + weight * difference / plate[tap].square().mean((1, 2, 3))
    return total


def total_variation(pictures: Tensor) -> Tensor:
    """Return the mean absolute difference of neighbouring pixels per picture (N,)."""
    across = (pictures[..., 1:] - pictures[..., :-1]).abs().mean((1, 2, 3))
    down = (pictures[..., 1:, :] - pictures[..., :-1, :]).abs().mean((1, 2, 3))
    return across + down


def temporal_loss(painted: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Return the short-term temporal error per picture (N,): Ruder et al. eq 8, over all pixels."""
    return (mask * (painted - target).square()).mean((1, 2, 3))


def lattice(pictures: Tensor, period: int = 4, block: int = 32) -> Tensor:
    """Return the energy at the network's own stride, per picture (N,).

    Slow changes are taken off, then blocks are folded onto one period and averaged: what remains
    repeats with the stride and belongs to the network, not to the picture.

    Args:
        pictures: (N, 3, H, W), at least one block in size.
        period: stride of the network in pixels.
        block: side of the blocks.
    """
    pictures = pictures[..., 1:, 1:] - F.avg_pool2d(pictures, period, 1, period // 2)[..., 1:-1, 1:-1]
    count, channels, height, width = pictures.shape
    rows, columns, folds = height // block, width // block, block // period
    cut = pictures[..., : rows * block, : columns * block]
    cut = cut.reshape(count, channels, rows, folds, period, columns, folds, period)
    folded = cut.mean((3, 6)).permute(0, 1, 2, 4, 3, 5)
    return folded.var((4, 5)).mean((1, 2, 3))

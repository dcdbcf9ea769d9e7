"""The systems that can be trained, by name, and the energies that only some of them know."""

from __future__ import annotations

import enum

import numpy as np
import torch
from torch import Tensor

from ..networks.adain import adain, moments
from .losses import CONTENT_TAPS, STYLE_TAPS, Features


class SystemKind(enum.Enum):
    """A learned system."""

    PRIOR = "prior"  # Ruder et al.
    FEEDFORWARD = "feedforward"  # Johnson et al.
    NOISE = "noise"  # Delcour and Lewin: the same with a noise loss
    RECURRENT = "recurrent"  # Gupta et al.
    ADAIN = "adain"  # Swarnakar and Bao


def with_noise(pictures: Tensor, reach: float, pixels: float, rng: np.random.Generator) -> Tensor:
    """Return pictures with noise in some pixels, evenly spread between two bounds.

    Swarnakar and Bao eq 5: R = 40 of 255, 1000 pixels of 256x256. Their code adds 40 to values of 0
    to 1; here, as in the network that they took it from, the range is one of 0 to 255.

    Args:
        pictures: (N, 3, H, W), 0 to 1; the result is not clamped.
        reach: R, of 255.
        pixels: share of the pixels.
    """
    count, _, height, width = pictures.shape
    chosen = torch.from_numpy(rng.random((count, 1, height, width), dtype=np.float32)) < pixels
    spread = rng.uniform(-reach / 255, reach / 255, pictures.shape).astype(np.float32)
    return pictures + (torch.from_numpy(spread) * chosen).to(pictures)


def noise_loss(painted: Tensor, painted_noisy: Tensor) -> Tensor:
    """Return the mean squared difference per picture (N,): eq 5; both sides learn."""
    return (painted - painted_noisy).square().mean((1, 2, 3))


def aligned_content(plate: Features, style: Features) -> Features:
    """Return t of eq 3: the plate's features with the mean and spread of the style's."""
    return {
        tap: adain(plate[tap].float(), moments(plate[tap]), moments(style[tap]))
        for tap in CONTENT_TAPS
        if tap in plate and tap in style
    }


def moment_loss(features: Features, style: Features) -> Tensor:
    """Return the error of mean and spread at every layer per picture (N,), relative to the style's.

    The style loss of the code of Huang and Belongie, and of Swarnakar and Bao.
    """
    errors = []
    for tap in STYLE_TAPS:
        if tap in features and tap in style:
            pairs = zip(moments(features[tap]), moments(style[tap]), strict=True)
            mean, spread = ((p, s) for p, s in pairs)
            errors.append(relative_rows(*mean))
            errors.append(relative_rows(*(value.clamp_min(1e-8).sqrt() for value in spread)))
    return torch.stack(errors).sum(0)


def gram_loss(features: Features, style: Features) -> Tensor:
    """Return the error of Gram matrices at every layer per picture (N,), relative to the style's.

    Eq 4 of Swarnakar and Bao; each matrix is divided by its own number of positions.
    """
    errors = [
        relative_rows(gram(features[tap]).flatten(1), gram(style[tap]).flatten(1))
        for tap in STYLE_TAPS
        if tap in features and tap in style
    ]
    return torch.stack(errors).sum(0)


def gram(features: Tensor) -> Tensor:
    """Return the Gram matrix (N, C, C) of features (N, C, H, W), over the number of positions."""
    flat = features.flatten(2)
    return torch.bmm(flat, flat.transpose(1, 2)).float() / flat.shape[2]


def relative_rows(value: Tensor, target: Tensor) -> Tensor:
    """Return squared differences (N,) over the mean squared norm of both sides, rows (N, D)."""
    norms = target.square().sum(1) + value.detach().square().sum(1)
    return 2 * (value - target).square().sum(1) / norms


def gupta_temporal_loss(last: Tensor, warped_back: Tensor, mask: Tensor) -> Tensor:
    """Return the temporal error per picture (N,): Gupta et al. eq 6, over pixels, not channels.

    Args:
        last: the picture painted before, (N, 3, H, W).
        warped_back: the one painted next, brought back onto it by the forward flow.
        mask: (N, 1, H, W) on the grid of the earlier one, 1 where both show the point.
    """
    return (mask * (last - warped_back)).square().sum(1).mean((1, 2))

"""The systems that can be trained, by name, and the energies that only some of them know."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..networks.adain import adain, moments, precise
from .losses import CONTENT_TAPS, STYLE_TAPS, Features

COVARIED = ("relu1_1", "relu2_1", "relu3_1")


class SystemKind(enum.Enum):
    """A learned system."""

    PRIOR = "prior"  # Ruder et al.
    FEEDFORWARD = "feedforward"  # Johnson et al.
    NOISE = "noise"  # Delcour and Lewin: the same with a noise loss
    RECURRENT = "recurrent"  # Gupta et al.
    ADAIN = "adain"  # Swarnakar and Bao


class TemporalTerm(enum.Enum):
    """What the temporal weight of a prior network is of."""

    RELATIVE = "relative"  # the change beside that of fresh paint
    PLAIN = "plain"  # the mean squared change (Ruder et al. eq 16)


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


@dataclass(frozen=True)
class Painted:
    """How each of several pictures is painted, at one layer."""

    mean: Tensor  # (N, C)
    covariance: Tensor  # (N, C, C)

    @property
    def variance(self) -> Tensor:
        """Return the variance of each channel, (N, C)."""
        return self.covariance.diagonal(dim1=1, dim2=2)

    @property
    def gram(self) -> Tensor:
        """Return the Gram matrix (N, C, C) over the number of positions."""
        return self.covariance + self.mean[:, :, None] * self.mean[:, None]


def how_painted(features: Features) -> dict[str, Painted]:
    """Measure every style tap of pictures, each by itself."""
    return {tap: how_painted_layer(features[tap]) for tap in STYLE_TAPS if tap in features}


def how_painted_layer(features: Tensor) -> Painted:
    """Measure features (N, C, H, W); mean and spread fall out of one product."""
    kind = features.dtype if features.dtype is torch.float64 else torch.float32
    mean = features.mean((2, 3), dtype=kind)
    # The covariance does not change with the mean it is taken about, to first order.
    centred = (features - mean.detach().to(features.dtype)[:, :, None, None]).flatten(2)
    product = torch.bmm(centred, centred.transpose(1, 2))
    return Painted(mean, product.to(mean.dtype) / centred.shape[2])


def aligned_content(plate: Features, style: dict[str, Painted]) -> Features:
    """Return t of eq 3: the plate's features with the mean and spread of the style's."""
    return {
        tap: adain(precise(plate[tap]), moments(plate[tap]), (style[tap].mean, style[tap].variance))
        for tap in CONTENT_TAPS
        if tap in plate and tap in style
    }


def moment_loss(painted: dict[str, Painted], style: dict[str, Painted]) -> Tensor:
    """Return the error of mean and spread at every layer per picture (N,), relative to the style's.

    The style loss of the code of Huang and Belongie, and of Swarnakar and Bao.
    """
    errors = []
    for tap, wanted in style.items():
        if tap in painted:
            found = painted[tap]
            errors.append(relative_rows(found.mean, wanted.mean))
            errors.append(relative_rows(spread(found), spread(wanted)))
    return torch.stack(errors).sum(0)


def spread(painted: Painted) -> Tensor:
    """Return the standard deviation of each channel, (N, C)."""
    return painted.variance.clamp_min(1e-8).sqrt()


def covariance_loss(painted: dict[str, Painted], style: dict[str, Painted]) -> Tensor:
    """Return the error of how features vary together, per picture (N,), relative to the style's.

    With the means right this is the Gram loss of Swarnakar and Bao, eq 4; but means make up most of
    a Gram matrix, and would hide what is between them. Deeper layers have about as many channels
    as a training frame has positions, or more: what is measured there of a single one is chance.
    """
    return matrix_error(
        {tap: value.covariance for tap, value in painted.items() if tap in COVARIED},
        {tap: value.covariance for tap, value in style.items() if tap in COVARIED},
    )


def gram_loss(painted: dict[str, Painted], style: dict[str, Painted]) -> Tensor:
    """Return the error of Gram matrices per picture (N,), relative to the style's: eq 4."""
    return matrix_error(
        {tap: value.gram for tap, value in painted.items()},
        {tap: value.gram for tap, value in style.items()},
    )


def matrix_error(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> Tensor:
    """Return the relative errors of matrices (N, C, C), summed over the layers."""
    pairs = [(found[tap].flatten(1), wanted[tap].flatten(1)) for tap in wanted if tap in found]
    return torch.stack([relative_rows(*pair) for pair in pairs]).sum(0)


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

"""How alike two pictures are: structural similarity and peak signal-to-noise ratio."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

SIGMA = 1.5  # of the Gaussian window, Wang et al. 2004
REACH = 5  # the window is 11 pixels wide
C1, C2 = 0.01**2, 0.03**2  # for values 0 to 1


def ssim(a: Tensor, b: Tensor) -> float:
    """Return the mean structural similarity (Wang et al. 2004) of two pictures; 1 where identical.

    As scikit-image computes it with `gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False`: borders of half a window are left out, channels averaged.

    Args:
        a: (1, h, w, C), 0 to 1, sides of 11 pixels or more.
        b: the other, likewise.
    """
    channels = a.shape[-1]
    stacked = torch.cat([p.permute(3, 0, 1, 2) for p in (a, b, a * a, b * b, a * b)])
    mean_a, mean_b, square_a, square_b, product = smooth(stacked.double()).split(channels)
    var_a, var_b = square_a - mean_a**2, square_b - mean_b**2
    covariance = product - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    contrast = (2 * covariance + C2) / (var_a + var_b + C2)
    return float((luminance * contrast).mean())


def smooth(planes: Tensor) -> Tensor:
    """Average planes (N, 1, h, w) under the Gaussian window, where it lies within."""
    axis = torch.arange(-REACH, REACH + 1, dtype=planes.dtype, device=planes.device)
    window = torch.exp(-(axis**2) / (2 * SIGMA**2))
    window = window / window.sum()
    across = F.conv2d(planes, window.view(1, 1, 1, -1))
    return F.conv2d(across, window.view(1, 1, -1, 1))


def psnr(a: Tensor, b: Tensor) -> float:
    """Return the peak signal-to-noise ratio of two pictures of values 0 to 1, in decibels.

    Infinite where they are identical.
    """
    error = float((a.double() - b.double()).square().mean())
    return math.inf if error == 0 else -10 * math.log10(error)

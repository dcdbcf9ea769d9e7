"""What a painting is like at each layer: how its features vary together, whatever their place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from .settings import StyleForm

TINY = 1e-12  # keeps a layer that sees nothing from dividing by nothing
EVEN = 0.05  # of the squared mean: features that vary less count as even, and are not blown up
CHANNELS_OF_KERAS = 3  # that example divides by the picture's channels, in place of the layer's


class Texture(NamedTuple):
    """The statistics of one layer."""

    mean: Tensor  # (N,)
    gram: Tensor  # (N, N): F F^T over the number of pixels; about the mean where `StyleForm.MANNER`


def texture(features: Tensor, form: StyleForm) -> Texture:
    """Measure features (1, N, H, W); each Gram matrix is divided by its own number of pixels."""
    flat = features.flatten(2)[0]
    mean = flat.mean(1)
    if form is StyleForm.MANNER:
        flat = flat - mean[:, None]
    return Texture(mean, flat @ flat.T / flat.shape[1])


def blended(textures: Iterable[tuple[Texture, float]]) -> Texture:
    """Mix the textures of several paintings; shares are brought to a sum of 1."""
    parts = list(textures)
    total = sum(share for _, share in parts)
    means = [part.mean * (share / total) for part, share in parts]
    grams = [part.gram * (share / total) for part, share in parts]
    return Texture(torch.stack(means).sum(0), torch.stack(grams).sum(0))


def texture_error(
    painted: Texture, target: Texture, form: StyleForm, pixels: int, frame_pixels: int
) -> Tensor:
    """Return how far one layer is from the painting's.

    Args:
        painted: of the frame.
        target: of the painting.
        form: how it is normalised.
        pixels: of the frame at this layer (M).
        frame_pixels: of the frame itself.
    """
    error = (painted.gram - target.gram).square().sum()  # S / M^2
    channels = target.gram.shape[0]
    if form is StyleForm.RELATIVE:
        return error / (target.gram.square().sum() + TINY)
    if form is StyleForm.MANNER:
        known = target.mean.square().sum() + TINY
        away = (painted.mean - target.mean).square().sum() / known
        return away + error / (target.gram.square().sum() + (EVEN * known) ** 2)
    factors = {
        StyleForm.EQUATION: channels**-2,
        StyleForm.CODE: channels**-4,
        StyleForm.MEAN: channels**-4,
        StyleForm.GATYS: 0.25 * channels**-2,
        StyleForm.GUPTA: pixels / channels,
        StyleForm.CMU: pixels**2 / (4 * CHANNELS_OF_KERAS**2 * frame_pixels**2),
    }
    return error * factors[form]

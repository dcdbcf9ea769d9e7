"""The energy that a painted frame is a minimum of (Gatys et al.; Ruder et al. eq 3, 9 and 10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ...networks.loss_network import LossNetwork
from .layers import Layers
from .settings import (
    ContentForm,
    OptimiseKnobs,
    SmoothForm,
    Stabilise,
    StyleForm,
    TemporalForm,
    Units,
)
from .texture import TINY, Texture, texture, texture_error

FULL_SCALE = 255.0  # of a pixel, in the units of VGG
KERAS_POWER = 1.25
RANGE_WEIGHT = 100.0  # a clamp in place of it would leave L-BFGS without a way back
KINK = 0.01  # of the range of 0 to 1


class Carried(NamedTuple):
    """Paint of an earlier frame on this frame's grid."""

    picture: Tensor  # (1, 3, h, w), 0 to 1
    weight: Tensor  # (1, 1, h, w), 0 to 1: how far it is to be kept


@dataclass(frozen=True)
class Aims:
    """What one frame is to come close to.

    Attributes:
        content: the plate's features by layer.
        style: the painting's texture by layer.
        carried: earlier paint, nearest first.
        trace: (k, 3, h, w), iterates of the last frame, for the CMU project's term.
        stride: iterations from one of them to the next.
    """

    content: Mapping[str, Tensor]
    style: Mapping[str, Texture]
    carried: tuple[Carried, ...] = ()
    trace: Tensor | None = None
    stride: int = 1


@dataclass(frozen=True)
class Energy:
    """The weighted sum of all terms; a weight of 0 leaves its term out."""

    network: LossNetwork
    layers: Layers
    settings: OptimiseKnobs
    aims: Aims
    wanted: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Note which layers count."""
        named = [*self.aims.content, *self.aims.style]
        object.__setattr__(self, "wanted", frozenset(named))

    def terms(self, x: Tensor, iteration: int = 0) -> dict[str, Tensor]:
        """Return the weighted terms of a picture (1, 3, h, w), 0 to 1."""
        k, found = self.settings, {}
        features = self.layers.features(self.network, x, self.wanted) if self.wanted else {}
        if k.content_weight and self.aims.content:
            found["content"] = k.content_weight * self.content(features, pixels_of(x))
        if k.style_weight and self.aims.style:
            found["style"] = k.style_weight * self.style(features, pixels_of(x))
        if k.smooth_weight:
            found["smooth"] = k.smooth_weight * self.smooth(x)
        if k.bounded:
            found["range"] = RANGE_WEIGHT * (x - x.clamp(0, 1)).square().mean()
        if k.temporal_weight and self.aims.carried:
            parts = [temporal_error(x, c, k.temporal_form, self.scale) for c in self.aims.carried]
            found["temporal"] = k.temporal_weight * torch.stack(parts).sum()
        if k.stabilise is not Stabilise.NONE and self.aims.trace is not None:
            last = aligned(self.aims.trace, iteration, self.aims.stride)
            error = (self.scale * (x - last)).square().mean()
            found["stabilise"] = k.stabilise_weight * error
        return found

    def __call__(self, x: Tensor, iteration: int = 0) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the energy of a picture (1, 3, h, w) and its terms."""
        terms = self.terms(x, iteration)
        total = torch.stack(list(terms.values())).sum() if terms else 0.0 * x.sum()
        return total, terms

    @property
    def scale(self) -> float:
        """Return what full scale is in the units of the weights."""
        return FULL_SCALE if self.settings.units is Units.VGG else 1.0

    def share(self, pixels: int) -> float:
        """Return what brings a sum over a picture's pixels to the size that weights are for."""
        reference = self.settings.reference_pixels
        return reference / pixels if reference else 1.0

    def content(self, features: Mapping[str, Tensor], pixels: int) -> Tensor:
        """Return the content error, weighted by layer."""
        form = self.settings.content_form
        share = self.share(pixels) if form is ContentForm.SUM else 1.0
        errors = [
            self.layers.content[layer] * share * content_error(features[layer], known, form)
            for layer, known in self.aims.content.items()
        ]
        return torch.stack(errors).sum()

    def style(self, features: Mapping[str, Tensor], pixels: int) -> Tensor:
        """Return the style error, weighted by layer."""
        form, errors = self.settings.style_form, []
        for layer, target in self.aims.style.items():
            size = features[layer].shape[-2] * features[layer].shape[-1]
            own = texture(features[layer], form)
            error = texture_error(own, target, form, size, pixels)
            errors.append(self.layers.style[layer] * error)
        total = torch.stack(errors).sum()
        if form is StyleForm.GUPTA:
            return total * self.share(pixels)
        return total / len(errors) if form in (StyleForm.MEAN, StyleForm.CMU) else total

    def smooth(self, x: Tensor) -> Tensor:
        """Return the total variation."""
        form = self.settings.smooth_form
        if form is SmoothForm.ABSOLUTE:
            return roughness(x, form)
        return self.share(pixels_of(x)) * roughness(x * self.scale, form)


def pixels_of(x: Tensor) -> int:
    """Return how many pixels a picture has."""
    return x.shape[-2] * x.shape[-1]


def content_error(features: Tensor, known: Tensor, form: ContentForm) -> Tensor:
    """Return the content error of one layer (Ruder et al. eq 1, and its other normalisations)."""
    difference = (features - known).square()
    if form is ContentForm.SUM:
        return difference.sum()
    error = difference.mean()
    return error / (known.square().mean() + TINY) if form is ContentForm.RELATIVE else error


def roughness(x: Tensor, form: SmoothForm) -> Tensor:
    """Return the total variation of a picture (1, 3, h, w)."""
    across, down = x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]
    if form is SmoothForm.ABSOLUTE:
        return rounded(across).mean() + rounded(down).mean()
    if form is SmoothForm.SQUARED:
        return 0.5 * (across.square().sum() + down.square().sum())
    return (across[..., :-1, :].square() + down[..., :-1].square()).pow(KERAS_POWER).sum()


def rounded(x: Tensor) -> Tensor:
    """Return absolute values without the kink at 0, at which L-BFGS would jitter."""
    return (x.square() + KINK**2).sqrt() - KINK


def temporal_error(x: Tensor, carried: Carried, form: TemporalForm, scale: float) -> Tensor:
    """Return how far paint moved away from what was carried (Ruder et al. eq 8).

    The mean goes over all pixels, trusted or not: half of the trusted area has half of the error.
    """
    difference = scale * (x - carried.picture)
    if form is TemporalForm.ABSOLUTE:
        error = difference.abs()
    elif form is TemporalForm.SMOOTH:
        error = F.smooth_l1_loss(difference, torch.zeros_like(difference), reduction="none")
    else:
        error = difference.square()
    return (carried.weight * error).mean()


def aligned(trace: Tensor, iteration: int, stride: int) -> Tensor:
    """Return the iterate of the last frame that belongs to an iteration, (1, 3, h, w)."""
    at = min(iteration // stride, len(trace) - 1)
    return trace[at : at + 1]

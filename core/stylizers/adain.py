"""Painting like any picture: encoder, decoder, and the statistics of pictures as the style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from ..media.stills import read_style_picture
from ..networks.adain import Decoder, blended, encode, moments, renormalised
from ..networks.bands import Bands
from ..networks.encoder import Encoder
from ..networks.layouts import CARRIED
from ..networks.style_network import Statistics
from .painter import GuidedPainter
from .shot_statistics import ShotStatistics

STYLE_SIDE = 320
"""Short side to which a style picture is scaled: with it, the size of its strokes is decided."""
SMALLEST = 32  # pixels, of a style picture


@dataclass(frozen=True)
class StyleMix:
    """What is painted like: the statistics of pictures, and how much of each.

    Attributes:
        styles: mean and variance of every level of each picture.
        shares: of each; what is missing to 1 is the plate's own.
    """

    styles: tuple[Statistics, ...] = ()
    shares: tuple[float, ...] = ()

    def along(self, place: float) -> StyleMix:
        """Return the mix at a place along the pictures: 0 is the first, 1 the second."""
        place = min(max(place, 0.0), len(self.styles) - 1.0)
        shares = tuple(max(0.0, 1.0 - abs(place - n)) for n in range(len(self.styles)))
        return StyleMix(self.styles, shares)

    def over(self, own: Statistics) -> Statistics:
        """Return what a plate with statistics of its own is painted like."""
        rest = 1.0 - sum(self.shares)
        if rest < 1e-6:
            return blended(self.styles, self.shares)
        return blended((*self.styles, own), (*self.shares, rest))


@dataclass(frozen=True)
class AnyStylePainter(GuidedPainter):
    """Encoder and decoder, what they paint like, and how they run."""

    encoder: Encoder
    decoder: Decoder
    mix: StyleMix
    bands: Bands = field(default_factory=Bands)
    statistics: ShotStatistics | None = None

    def along(self, place: float) -> AnyStylePainter:
        """Return the painter at a place along its pictures."""
        return replace(self, mix=self.mix.along(place)) if self.mix.styles else self

    @property
    def keeps(self) -> bool:
        """Say yes: every decoder does."""
        return True

    @torch.inference_mode()
    def run(
        self, layers: Tensor, statistics: Statistics | None = None, *, pooled: bool = False
    ) -> tuple[Tensor, Statistics]:
        """Encode, renormalise and decode, one picture at a time."""
        planes = layers.permute(0, 3, 1, 2)
        if pooled and statistics is None:
            found = [self.measured_one(planes[n : n + 1, :3]) for n in range(len(planes))]
            statistics = together(found)
        painted, used = zip(
            *(self.run_one(planes[n : n + 1], statistics) for n in range(len(planes))), strict=True
        )
        return torch.cat(painted).permute(0, 2, 3, 1).contiguous(), used[0]

    def rounding(self, device: torch.device) -> torch.autocast:
        """Return the context in which the networks run."""
        return torch.autocast(
            device.type, torch.bfloat16, enabled=self.bands.precision is torch.bfloat16
        )

    def run_one(self, planes: Tensor, statistics: Statistics | None) -> tuple[Tensor, Statistics]:
        """Paint one picture (1, 7, H, W)."""
        with self.rounding(planes.device):
            features = encode(self.encoder, planes[:, :3])
            features = [features[level] for level in self.decoder.read]
            own = statistics or tuple(moments(level) for level in features)
            given, _ = renormalised(features, self.mix.over(own), own)
            return self.decoder(given, planes[:, -CARRIED:]), own

    def measured_one(self, frame: Tensor) -> Statistics:
        """Measure the statistics of one picture (1, 3, H, W)."""
        with self.rounding(frame.device):
            features = encode(self.encoder, frame)
        return tuple(moments(features[level]) for level in self.decoder.read)


def together(found: Sequence[Statistics]) -> Statistics:
    """Return the statistics of pictures of one size, measured as if they were one."""
    pooled = []
    for level in zip(*found, strict=True):
        means = torch.cat([mean for mean, _ in level])
        variances = torch.cat([variance for _, variance in level])
        mean = means.mean(0, keepdim=True)
        spread = (means - mean).square().mean(0, keepdim=True)
        pooled.append((mean, variances.mean(0, keepdim=True) + spread))
    return tuple(pooled)


@torch.inference_mode()
def read_style_statistics(path: Path, encoder: Encoder, levels: range) -> Statistics:
    """Measure a style picture at the levels that a decoder reads.

    Raises:
        MissingFrame, UnreadableFile, BadInput: as `read_style_picture`.
    """
    picture = read_style_picture(path, STYLE_SIDE, SMALLEST)
    device = next(encoder.parameters()).device
    features = encode(encoder, picture.to(device))
    return tuple(moments(features[level]) for level in levels)

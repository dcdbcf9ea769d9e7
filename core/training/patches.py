"""What an encoder is taught on: patches of photographs, of paintings, and of what is neither.

A loss network judges paint that is not finished, at any scale and in any colours; one that has seen
photographs alone can be fooled by it. So patches are scaled, mirrored, recoloured, blended, spoilt
with grain and flattened, and some are pure texture.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

TEXTURE_SHARE = 0.07  # of the patches
PAINTING_SHARE = 0.45  # of the others
BLENDED_SHARE, GRAINY_SHARE, FLAT_SHARE, RECOLOURED_SHARE = 0.15, 0.3, 0.1, 0.6
SCALES = (-1.0, 0.7)  # octaves of source pixels per pixel of a patch
MOST_GRAIN = 0.1  # standard deviation


class Patches:
    """Draws patches; the same random numbers draw the same ones.

    Args:
        photographs, paintings: pictures (3, H, W), 8 bits; at least one of either.
        size: side of a patch in pixels.
    """

    def __init__(self, photographs: list[Tensor], paintings: list[Tensor], size: int) -> None:
        self.photographs = photographs or paintings
        self.paintings = paintings or photographs
        self.size = size

    def batch(self, count: int, rng: np.random.Generator) -> Tensor:
        """Return patches (N, 3, size, size), 0 to 1."""
        return torch.stack([self.patch(rng) for _ in range(count)])

    def patch(self, rng: np.random.Generator) -> Tensor:
        """Return one patch (3, size, size), 0 to 1."""
        patch = self.texture(rng) if rng.random() < TEXTURE_SHARE else self.crop(rng)
        if rng.random() < BLENDED_SHARE:
            other = self.crop(rng) if rng.random() < 0.7 else self.texture(rng)
            patch = patch.lerp(other, rng.uniform(0.2, 0.8))
        if rng.random() < RECOLOURED_SHARE:
            patch = recolour(patch, rng)
        if rng.random() < FLAT_SHARE:
            levels = int(rng.integers(3, 8))
            patch = (patch * levels).round() / levels
        if rng.random() < GRAINY_SHARE:
            patch = patch + rng.uniform(0, MOST_GRAIN) * noise(rng, self.size)
        return patch.clamp(0, 1)

    def crop(self, rng: np.random.Generator) -> Tensor:
        """Cut a patch out of a photograph or a painting."""
        pictures = self.paintings if rng.random() < PAINTING_SHARE else self.photographs
        picture = pictures[int(rng.integers(len(pictures)))]
        height, width = picture.shape[-2:]
        side = min(round(self.size * 2 ** rng.uniform(*SCALES)), height, width)
        top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
        cut = picture[None, :, top : top + side, left : left + side].float() / 255
        size = (self.size, self.size)
        cut = F.interpolate(cut, size=size, mode="bilinear", antialias=True, align_corners=False)
        return cut[0].flip(2) if rng.random() < 0.5 else cut[0]

    def texture(self, rng: np.random.Generator) -> Tensor:
        """Return noise of one grain size or of all, in related or unrelated colours."""
        coarsest = int(math.log2(self.size)) - 1
        octaves = range(coarsest) if rng.random() < 0.5 else [int(rng.integers(coarsest))]
        total = torch.zeros((3, self.size, self.size))
        for octave in octaves:
            grain = noise(rng, max(2, self.size >> octave))[None]
            size = (self.size, self.size)
            total += F.interpolate(grain, size=size, mode="bicubic", align_corners=False)[0]
        total = total.lerp(total.mean(0, keepdim=True), rng.uniform(0, 1))
        deviation = total.std().clamp_min(1e-6)
        return rng.uniform(0.1, 0.9) + rng.uniform(0.05, 0.4) * total / deviation


def noise(rng: np.random.Generator, side: int) -> Tensor:
    """Return normal noise (3, side, side)."""
    return torch.from_numpy(rng.standard_normal((3, side, side), dtype=np.float32))


def recolour(patch: Tensor, rng: np.random.Generator) -> Tensor:
    """Change contrast, saturation and balance; now and then swap or invert channels."""
    patch = patch.clamp(0, 1) ** (2 ** rng.uniform(-0.8, 0.8))
    grey = patch.mean(0, keepdim=True)
    patch = grey + rng.uniform(0.0, 1.8) * (patch - grey)
    gains = torch.from_numpy(rng.uniform(0.75, 1.3, (3, 1, 1)).astype(np.float32))
    patch = (patch - 0.5) * gains + 0.5 + rng.uniform(-0.1, 0.1)
    if rng.random() < 0.1:
        patch = patch[torch.from_numpy(rng.permutation(3))]
    return 1 - patch if rng.random() < 0.05 else patch

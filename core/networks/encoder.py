"""Our own loss network: what a picture shows and how it is painted, in less than two megabytes.

It answers with the five taps of VGG-19 that style and content losses read, as wide as VGG's. Every
channel is scaled so that its mean over photographs and paintings is 1: the normalised VGG of Gatys
et al., so that no layer and no channel outweighs the others by its units. ``training/distil.py``
makes its weights; ``docs/encoder.md`` says how well they agree with VGG.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .weights import check_tensors, read_tensor, save_aside

HEADER, VERSION = "stillbrush-encoder", "1"
TAPS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CHANNELS = (64, 128, 256, 512, 512)
"""Channels of each tap, those of VGG-19."""
WIDEST, DEEPEST = 512, 16  # of what a file may ask for
BASIS = 27  # all that a 3x3 neighbourhood in colour can say
CENTRE, GAIN = 0.45, 4.0  # of a picture's values: about zero mean and unit variance


@dataclass(frozen=True)
class EncoderShape:
    """Widths of the encoder inside, and convolutions behind each tap; saved beside its weights."""

    widths: tuple[int, ...] = (16, 48, 96, 128, 128)
    depths: tuple[int, ...] = (1, 1, 2, 2, 0)

    def metadata(self) -> dict[str, str]:
        """Return the shape as safetensors metadata."""
        return {key: ",".join(map(str, values)) for key, values in asdict(self).items()}

    @classmethod
    def from_metadata(cls, metadata: dict[str, str]) -> EncoderShape:
        """Read a shape back.

        Raises:
            ValueError: a number is missing, is none, or is beyond what any encoder has.
        """
        widths = numbers("widths", metadata.get("widths", ""), 1, WIDEST)
        return cls(widths, numbers("depths", metadata.get("depths", ""), 0, DEEPEST))


def numbers(key: str, text: str, least: int, most: int) -> tuple[int, ...]:
    """Read one number for every tap, so that a forged header cannot ask for all of the memory.

    Raises:
        ValueError: there are more or fewer, one is no number or out of range.
    """
    words = text[:80].split(",")
    fine = all(word.isascii() and word.isdigit() and len(word) < 5 for word in words)
    if not (fine and len(words) == len(TAPS) and all(least <= int(w) <= most for w in words)):
        raise ValueError(
            f"{key}: expected {len(TAPS)} numbers from {least} to {most}; got {text[:40]!r}"
        )
    return tuple(map(int, words))


class Encoder(nn.Module):
    """Pictures (N, 3, H, W) RGB, 0 to 1, in; features by tap out. Sides of 32 pixels or more.

    The first tap is one convolution, as in VGG, written as a basis of all 3x3 neighbourhoods and a
    1x1 map: the basis can be whitened, without which fine edges are learnt very slowly. Each later
    block halves the picture, convolves, and lifts the result to the width of its tap by a 1x1 map;
    residual convolutions lead to the next.
    """

    def __init__(self, shape: EncoderShape | None = None) -> None:
        super().__init__()
        self.shape = shape = shape or EncoderShape()
        widths = shape.widths
        self.basis = nn.Conv2d(3, BASIS, 3)
        self.squeeze = nn.Conv2d(BASIS, widths[0], 1)
        self.entries = nn.ModuleList(nn.Conv2d(a, b, 3) for a, b in pairwise(widths))
        pairs = zip((BASIS, *widths[1:]), CHANNELS, strict=True)
        self.lifts = nn.ModuleList(nn.Conv2d(inner, outer, 1) for inner, outer in pairs)
        self.residuals = nn.ModuleList(
            nn.ModuleList(nn.Conv2d(width, width, 3) for _ in range(depth))
            for width, depth in zip(widths, shape.depths, strict=True)
        )

    def forward(self, x: Tensor, wanted: Collection[str] | None = None) -> dict[str, Tensor]:
        """Return the taps that are wanted, or all, relu1_1 first."""
        taps: dict[str, Tensor] = {}
        for tap, lift, inner in zip(TAPS, self.lifts, self.inner(x), strict=True):
            if wanted is None or tap in wanted:
                taps[tap] = F.relu(lift(inner))
            if wanted is not None and len(taps) == len(wanted):
                break
        return taps

    def inner(self, x: Tensor) -> Iterator[Tensor]:
        """Yield what each tap is lifted from, as narrow as the encoder is inside."""
        for block in range(len(TAPS)):
            x = self.enter(x, block)
            yield x
            x = self.refine(x, block)

    def enter(self, x: Tensor, block: int) -> Tensor:
        """Return what a block's tap is lifted from."""
        if block == 0:
            return self.basis(padded((x - CENTRE) * GAIN))
        return F.relu(self.entries[block - 1](padded(F.max_pool2d(x, 2))))

    def refine(self, x: Tensor, block: int) -> Tensor:
        """Run the residual convolutions behind a tap."""
        if block == 0:
            x = F.relu(self.squeeze(x))
        residuals = self.residuals[block]
        assert isinstance(residuals, nn.ModuleList)
        for convolution in residuals:
            x = F.relu(x + convolution(padded(x)))
        return x


def padded(x: Tensor) -> Tensor:
    """Pad (N, C, H, W) by reflection for a 3x3 kernel."""
    return F.pad(x, (1, 1, 1, 1), mode="reflect")


def save_encoder(encoder: Encoder, path: Path, facts: dict[str, str]) -> None:
    """Write an encoder as fp16, with its shape, its version and what else is known of it."""
    tensors = {name: value.half() for name, value in encoder.state_dict().items()}
    save_aside(tensors, path, facts | {HEADER: VERSION} | encoder.shape.metadata())


def read_encoder(file: Any) -> Encoder:
    """Read an encoder from an open safetensors file; nothing is allocated before sizes are checked.

    Raises:
        ValueError: it is of another version, a tensor is missing, too many, of another size or
            holds NaN.
    """
    metadata = file.metadata() or {}
    version = metadata.get(HEADER, "")
    if version != VERSION:
        raise ValueError(f"expected an encoder of version {VERSION}; got {version[:40]!r}")
    shape = EncoderShape.from_metadata(metadata)
    with torch.device("meta"):  # sizes without memory
        encoder = Encoder(shape)
    check_tensors(file, encoder)
    tensors = {name: read_tensor(file, name) for name in encoder.state_dict()}
    encoder.load_state_dict(tensors, assign=True)
    return encoder

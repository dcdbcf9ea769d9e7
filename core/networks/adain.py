"""Any picture as the style: adaptive instance normalisation between our encoder and a decoder.

Swarnakar and Bao, after Huang and Belongie: the features of the plate are given the mean and the
spread that the features of a painting have, and a decoder that mirrors the encoder makes a picture
of them. The encoder is the one that ships, and stays as it is; only the decoder is trained. Ours
differs in two things. The decoder reads more than the deepest level, renormalised likewise, down to
the colours of the picture itself, so that a small one stays sharp and true in colour. And it sees
what was painted last, as the prior network of Ruder et al. does: at every level, and at the end it
says, pixel by pixel, how much of that to keep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import MissingFrame, UnreadableFile
from .encoder import Encoder, padded
from .layouts import CARRIED, bounded
from .style_network import Statistics, keep
from .weights import check_tensors, read_tensor, save_aside

HEADER, VERSION = "stillbrush-any-style", "1"
EPSILON = 1e-5
GREY = 4e-4  # variance of colours, 0 to 1: what has less is grain, and is not made a palette of
LEVELS = 4  # relu4_1, relu3_1 and relu2_1 of the encoder, and the picture's own colours
WIDEST, MOST_SKIPS = 512, 3
FIRST_KEPT = 1.0  # logit of the share of the last paint that an untrained decoder keeps


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and variance (N, C) of features (N, C, H, W), both in float32 or better."""
    variance, mean = torch.var_mean(precise(features), (2, 3), correction=1)
    return mean, variance


def precise(x: Tensor) -> Tensor:
    """Return values in float32, or in float64 where they are."""
    return x if x.dtype is torch.float64 else x.float()


def adain(
    x: Tensor,
    own: tuple[Tensor, Tensor],
    style: tuple[Tensor, Tensor],
    least: float = EPSILON,
) -> Tensor:
    """Give features (N, C, H, W) another mean and variance, (N or 1, C) each.

    Args:
        x: features.
        own: the mean and variance they have.
        style: those they get.
        least: variance that is added to both, so that next to none is not blown up.
    """
    gain = torch.sqrt((style[1] + least) / (own[1] + least))
    offset = style[0] - own[0] * gain
    return x * gain[:, :, None, None].to(x.dtype) + offset[:, :, None, None].to(x.dtype)


@dataclass(frozen=True)
class DecoderShape:
    """Widths of a decoder; saved beside its weights.

    Attributes:
        sources: channels at each level, deepest first: those of the encoder, then the colours.
        widths: channels of the decoder at each level, deepest first, the picture's own size last.
        skips: levels above the deepest whose features are read too; the paper reads none.
    """

    sources: tuple[int, int, int, int] = (128, 96, 48, 3)
    widths: tuple[int, int, int, int] = (96, 64, 32, 16)
    skips: int = 3

    def metadata(self) -> dict[str, str]:
        """Return the shape as safetensors metadata."""
        return {
            "sources": ",".join(map(str, self.sources)),
            "widths": ",".join(map(str, self.widths)),
            "skips": str(self.skips),
        }

    @classmethod
    def from_metadata(cls, metadata: dict[str, str]) -> DecoderShape:
        """Read a shape back.

        Raises:
            ValueError: a number is missing, is none, or is beyond what any decoder has.
        """
        sources = tuple(
            bounded("sources", word, WIDEST) for word in metadata.get("sources", "")[:80].split(",")
        )
        widths = tuple(
            bounded("widths", word, WIDEST) for word in metadata.get("widths", "")[:80].split(",")
        )
        if len(sources) != LEVELS or len(widths) != LEVELS:
            raise ValueError("its header does not say the widths of a decoder")
        skips = metadata.get("skips", "")
        if skips not in tuple(map(str, range(MOST_SKIPS + 1))):
            raise ValueError(f"skips: expected 0 to {MOST_SKIPS}; got {skips[:40]!r}")
        return cls(sources, widths, int(skips))  # pyright: ignore[reportArgumentType]


class Decoder(nn.Module):
    """Renormalised features in, deepest first; a picture out."""

    def __init__(self, shape: DecoderShape | None = None) -> None:
        super().__init__()
        self.shape = shape = shape or DecoderShape()
        self.entries, self.refines = nn.ModuleList(), nn.ModuleList()
        below = 0
        for level, width in enumerate(shape.widths):
            inputs = below + (shape.sources[level] if level in self.read else 0) + CARRIED
            self.entries.append(nn.Conv2d(inputs, width, 3))
            if level < LEVELS - 1:
                self.refines.append(nn.Conv2d(width, width, 3))
            below = width
        self.head = nn.Conv2d(below + CARRIED, 4, 3)  # colour, and how much of the prior to keep
        with torch.no_grad():
            assert self.head.bias is not None
            self.head.bias[3] = FIRST_KEPT

    @property
    def read(self) -> range:
        """Return the levels whose features are read, deepest first."""
        return range(1 + self.shape.skips)

    def forward(self, features: Sequence[Tensor], carried: Tensor) -> Tensor:
        """Paint.

        Args:
            features: renormalised features of the levels that are read, deepest first.
            carried: (N, 4, H, W): the masked warped prior and its mask.

        Returns:
            (N, 3, H, W), 0 to 1; where the mask is 0, independent of the prior's colours.
        """
        small = pyramid(carried)
        x = carried[:, :0]
        for level, entry in enumerate(self.entries):
            beside = small[level].to(features[0].dtype)
            parts = [enlarged(x, beside)] if level > 0 else []
            parts += [features[level]] if level in self.read else []
            x = F.relu(entry(padded(torch.cat((*parts, beside), 1))))
            if level < LEVELS - 1:
                x = x + F.relu(self.refines[level](padded(x)))
        x = precise(self.head(padded(torch.cat((x, carried.to(x.dtype)), 1))))
        return keep(x, carried, 1)


def pyramid(picture: Tensor) -> list[Tensor]:
    """Return a picture (N, C, H, W) at every level, smallest first, halved as the encoder does."""
    levels = [picture]
    for _ in range(LEVELS - 1):
        levels.append(F.avg_pool2d(levels[-1], 2))
    return levels[::-1]


def enlarged(x: Tensor, like: Tensor) -> Tensor:
    """Double a picture without steps; what halving dropped of an odd side is the edge again."""
    x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
    (height, width), (rows, columns) = x.shape[-2:], like.shape[-2:]
    if (height, width) == (rows, columns):
        return x
    return F.pad(x, (0, columns - width, 0, rows - height), mode="replicate")


def encode(encoder: Encoder, pictures: Tensor) -> list[Tensor]:
    """Return what a decoder can read of pictures (N, 3, H, W), 0 to 1, deepest level first."""
    return [*list(islice(encoder.inner(pictures), LEVELS))[:0:-1], opponents(pictures)]


def opponents(pictures: Tensor) -> Tensor:
    """Return pictures (N, 3, H, W) as light, yellow against blue, red against green.

    In ordinary pictures the three vary by themselves, so that another mean and spread of each is
    another palette (Reinhard et al. 2001).
    """
    red, green, blue = pictures.unbind(1)
    light, yellow = (red + green + blue) / 3**0.5, (red + green - 2 * blue) / 6**0.5
    return torch.stack((light, yellow, (red - green) / 2**0.5), 1)


def renormalised(
    features: Sequence[Tensor], style: Statistics, statistics: Statistics | None = None
) -> tuple[list[Tensor], Statistics]:
    """Give features the statistics of a style.

    Args:
        features: of the plate, deepest first.
        style: mean and variance of each level.
        statistics: the plate's own, frozen; absent: those of each picture.

    Returns:
        The features, and the plate's statistics that were used.
    """
    own = statistics or tuple(moments(level) for level in features)
    given = [
        adain(level, has, gets, GREY if place == LEVELS - 1 else EPSILON)
        for place, (level, has, gets) in enumerate(zip(features, own, style, strict=True))
    ]
    return given, own


def blended(styles: Sequence[Statistics], shares: Sequence[float]) -> Statistics:
    """Mix the statistics of several pictures; what varies between their means does not count.

    Args:
        styles: of each picture.
        shares: of each picture; they sum to 1.
    """
    return tuple(
        (
            sum((share * mean for share, (mean, _) in pairs), torch.zeros(())),
            sum((share * variance.sqrt() for share, (_, variance) in pairs), torch.zeros(())) ** 2,
        )
        for pairs in (tuple(zip(shares, level, strict=True)) for level in zip(*styles, strict=True))
    )


def save_decoder(decoder: Decoder, path: Path, encoder: str) -> None:
    """Write a decoder as fp16, with its shape and the hash of the encoder that it belongs to."""
    tensors = {name: value.half() for name, value in decoder.state_dict().items()}
    facts = {HEADER: VERSION, "encoder": encoder}
    save_aside(tensors, path, facts | decoder.shape.metadata())


def load_decoder(path: Path, encoder: str) -> Decoder:
    """Read a decoder; nothing is allocated before names, sizes and types are checked.

    Args:
        encoder: hash of the encoder that it is to go with.

    Raises:
        MissingFrame: no such file.
        UnreadableFile: damaged, no decoder, or one for another encoder.
    """
    if not path.is_file():
        raise MissingFrame(f"weights {path}: expected a .safetensors file; there is none.")
    try:
        with safe_open(path, framework="pt") as file:
            return read_decoder(file, encoder)
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        first = (str(error).splitlines() or ["it cannot be read"])[0][:200]
        raise UnreadableFile(f"weights {path}: expected an any-style decoder; {first}.") from error


def read_decoder(file: Any, encoder: str) -> Decoder:
    """Read a decoder from an open safetensors file.

    Raises:
        ValueError: it is of another version or for another encoder, or its tensors do not fit.
    """
    metadata = file.metadata() or {}
    version = metadata.get(HEADER, "")
    if version != VERSION:
        raise ValueError(f"expected version {VERSION}; got {version[:40]!r}")
    if metadata.get("encoder") != encoder:
        raise ValueError("it was trained with another encoder than the one that ships")
    with torch.device("meta"):  # sizes without memory
        decoder = Decoder(DecoderShape.from_metadata(metadata))
    check_tensors(file, decoder)
    tensors = {name: read_tensor(file, name) for name in decoder.state_dict()}
    decoder.load_state_dict(tensors, assign=True)
    return decoder.eval().requires_grad_(False)

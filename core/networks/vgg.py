"""VGG-16 and VGG-19 as their files have them: the original, torchvision's, or compressed."""

from __future__ import annotations

import enum
import math
from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .weights import read_tensor

MOST_VALUES = 512 * 512 * 9  # of a tensor
VGG_MEAN = (103.939, 116.779, 123.68)  # BGR, 0 to 255
TORCHVISION_MEAN, TORCHVISION_SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # RGB, 0 to 1
POOL = "pool"
LAYERS = tuple(
    layer
    for block, count in enumerate((2, 2, 4, 4, 4), start=1)
    for layer in (*(f"{block}_{number}" for number in range(1, count + 1)), POOL)
)[:-1]
"""The layers of VGG-19 in order, 1_1 to 5_4; VGG-16 lacks the last of blocks 3, 4 and 5."""
DISTILLED_LAST = "5_1"


class Source(enum.Enum):
    """Who trained the weights; each sees pictures in its own way."""

    ORIGINAL = "original"  # BGR, 0 to 255, about the mean
    TORCHVISION = "torchvision"  # RGB, 0 to 1, about the mean, over the spread
    DISTILLED = "distilled"  # sixteen times smaller, normalised: features of mean 1


class Vgg(nn.Module):
    """VGG as its file has it; pictures (N, 3, H, W) RGB, 0 to 1, in; features by tap out."""

    def __init__(self, tensors: dict[str, Tensor], source: Source) -> None:
        super().__init__()
        self.source = source
        for key, tensor in tensors.items():
            self.register_buffer(key.replace(".", "/"), tensor)
        distilled = source is Source.DISTILLED
        there = [
            layer for layer in LAYERS if layer == POOL or f"{self.key(layer)}.weight" in tensors
        ]
        while there and there[-1] == POOL:
            there.pop()
        self.layers = tuple(there)
        lifted = (f"{self.key(layer)}_aux.weight" in tensors for layer in there)
        self.taps = tuple(
            f"relu{layer}"
            for layer, is_lifted in zip(there, lifted, strict=True)
            if layer != POOL and (is_lifted or not distilled)
        )

    def key(self, layer: str) -> str:
        """Return what a layer's tensors are called."""
        if self.source is Source.DISTILLED:
            return f"e5.conv{layer.replace('_', '')}"
        return f"conv{layer}"

    def tensor(self, key: str) -> Tensor | None:
        """Return one weight by its name in the file."""
        return getattr(self, key.replace(".", "/"), None)

    def convolve(self, x: Tensor, key: str, padding: str = "reflect") -> Tensor:
        """Apply a 3x3 convolution and a rectifier."""
        weight, bias = self.tensor(f"{key}.weight"), self.tensor(f"{key}.bias")
        assert weight is not None
        mode = "constant" if padding == "zeros" else padding
        return F.relu(F.conv2d(F.pad(x, (1, 1, 1, 1), mode=mode), weight, bias))

    def forward(self, x: Tensor, wanted: Collection[str] | None = None) -> dict[str, Tensor]:
        """Return the taps that are wanted and that the file has; nothing behind the last is run."""
        chosen = [tap for tap in self.taps if wanted is None or tap in wanted]
        x, padding = self.seen(x), "reflect" if self.source is Source.DISTILLED else "zeros"
        taps: dict[str, Tensor] = {}
        for layer in self.layers:
            if len(taps) == len(chosen):
                break
            if layer == POOL:
                x = F.max_pool2d(x, 2)
                continue
            x = self.convolve(x, self.key(layer), padding)
            if f"relu{layer}" in chosen:
                taps[f"relu{layer}"] = self.lifted(x, self.key(layer))
        return taps

    def seen(self, x: Tensor) -> Tensor:
        """Return a picture as the weights were trained to see it."""
        if self.source is Source.DISTILLED:
            weight, bias = self.tensor("e5.conv0.weight"), self.tensor("e5.conv0.bias")
            assert weight is not None
            return F.conv2d(x, weight, bias)
        if self.source is Source.ORIGINAL:
            return x.flip(1) * 255 - plane(VGG_MEAN, x)
        return (x - plane(TORCHVISION_MEAN, x)) / plane(TORCHVISION_SPREAD, x)

    def lifted(self, x: Tensor, key: str) -> Tensor:
        """Bring a compressed layer to the full width of VGG-19 by its auxiliary 1x1 map."""
        lift = self.tensor(f"{key}_aux.weight")
        if lift is None:
            return x
        return F.relu(F.conv2d(x, lift, self.tensor(f"{key}_aux.bias")))


def plane(values: tuple[float, float, float], like: Tensor) -> Tensor:
    """Return three values as (1, 3, 1, 1)."""
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(1, 3, 1, 1)


def torchvision_names(keys: Collection[str]) -> dict[str, str]:
    """Return our name of every convolution in torchvision's layout, `features.0.weight`."""
    is_sixteen = "features.17.weight" in keys  # in VGG-19 a rectifier stands there
    names: dict[str, str] = {}
    place = 0
    for layer in LAYERS:
        if layer == POOL:
            place += 1
        elif not (is_sixteen and layer in ("3_4", "4_4", "5_4")):
            for kind in ("weight", "bias"):
                if f"features.{place}.{kind}" in keys:
                    names[f"features.{place}.{kind}"] = f"conv{layer}.{kind}"
            place += 2
    return names


def read_vgg(file: Any) -> Vgg:
    """Read VGG, compressed or as far as the file goes.

    Raises:
        ValueError: there is none in the file, a tensor is too large for one, or holds NaN.
    """
    keys = list(file.keys())
    source, names = recognise(keys)
    for key in names:
        shape = file.get_slice(key).get_shape()
        if len(shape) not in (1, 4) or math.prod(shape) > MOST_VALUES:
            raise ValueError(f"tensor {key[:80]!r} is {shape}, as in no VGG-19")
    return Vgg({name: read_tensor(file, key) for key, name in names.items()}, source)


def recognise(keys: list[str]) -> tuple[Source, dict[str, str]]:
    """Return whose weights a file holds, and our names of its tensors.

    Raises:
        ValueError: of no network that is known.
    """
    if "e5.conv0.weight" in keys:
        return Source.DISTILLED, {key: key for key in keys if key.startswith("e5.")}
    if "conv1_1.weight" in keys:
        plain = [key for key in keys if key.partition(".")[0].removeprefix("conv") in LAYERS]
        return Source.ORIGINAL, {key: key for key in plain}
    if "features.0.weight" in keys:
        return Source.TORCHVISION, torchvision_names(keys)
    raise ValueError(
        "expected our own encoder, `e5.conv0.weight` (compressed VGG-19), `conv1_1.weight` or "
        "`features.0.weight` (VGG), or `fire2.squeeze1x1.weight` (SqueezeNet 1.1); got "
        f"{', '.join(sorted(keys)[:4])[:200] or 'nothing'}"
    )

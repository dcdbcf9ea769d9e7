"""SqueezeNet 1.1 as a loss network: small, and its fires stand for the blocks of VGG."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .vgg import plane
from .weights import read_tensor

MARK = "fire2.squeeze1x1.weight"
MEAN = (104.0, 117.0, 123.0)  # BGR, 0 to 255
MOST_VALUES = 512 * 512 * 9
FIRES = {
    "fire2": "relu2_1", "fire3": "relu2_2", "fire4": "relu3_1", "fire5": "relu3_2",
    "fire6": "relu4_1", "fire7": "relu4_2", "fire8": "relu5_1", "fire9": "relu5_2",
}  # fmt: skip
POOLED = ("fire2", "fire4", "fire6")  # a pooling comes before these
PARTS = ("squeeze1x1", "expand1x1", "expand3x3")


class SqueezeNet(nn.Module):
    """Pictures (N, 3, H, W) RGB, 0 to 1, in; features by tap out."""

    taps = ("relu1_1", *FIRES.values())

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        super().__init__()
        for key, tensor in tensors.items():
            self.register_buffer(key.replace(".", "/"), tensor)

    def convolve(self, x: Tensor, key: str, stride: int = 1, padding: int = 0) -> Tensor:
        """Apply a convolution and a rectifier."""
        weight, bias = (getattr(self, f"{key}.{kind}".replace(".", "/")) for kind in WEIGHTS)
        return F.relu(F.conv2d(x, weight, bias, stride, padding))

    def forward(self, x: Tensor, wanted: Collection[str] | None = None) -> dict[str, Tensor]:
        """Return the taps that are wanted, or all."""
        chosen = [tap for tap in self.taps if wanted is None or tap in wanted]
        x = self.convolve(x.flip(1) * 255 - plane(MEAN, x), "conv1", stride=2)
        taps = {"relu1_1": x} if "relu1_1" in chosen else {}
        for fire, tap in FIRES.items():
            if len(taps) == len(chosen):
                break
            if fire in POOLED:
                x = F.max_pool2d(x, 3, 2, ceil_mode=True)
            x = self.convolve(x, f"{fire}.squeeze1x1")
            expanded = (
                self.convolve(x, f"{fire}.expand1x1"),
                self.convolve(x, f"{fire}.expand3x3", padding=1),
            )
            x = torch.cat(expanded, 1)
            if tap in chosen:
                taps[tap] = x
        return taps


WEIGHTS = ("weight", "bias")


def read_squeezenet(file: Any) -> SqueezeNet:
    """Read SqueezeNet; its classifier is left where it is.

    Raises:
        ValueError: a tensor is missing, too large, or holds NaN.
    """
    layers = ["conv1", *(f"{fire}.{part}" for fire in FIRES for part in PARTS)]
    names = [f"{layer}.{kind}" for layer in layers for kind in WEIGHTS]
    there = set(file.keys())
    for name in names:
        if name not in there:
            raise ValueError(f"tensor {name!r} is missing")
        if math.prod(file.get_slice(name).get_shape()) > MOST_VALUES:
            raise ValueError(f"tensor {name!r} is too large for SqueezeNet")
    return SqueezeNet({name: read_tensor(file, name) for name in names})

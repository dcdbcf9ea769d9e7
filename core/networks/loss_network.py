"""Loss networks: encoders whose features say what a picture shows and how it is painted.

Our own encoder ships (``encoder.py``). Two more kinds are read, recognised by their keys: the
sixteen-fold compressed VGG-19 of Collaborative Distillation (``e5.*``, relu1_1 to relu5_1) and
plain VGG-19 (``convX_Y.*``), cut wherever the file ends.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import MissingFrame, UnreadableFile
from ..looks import SHIPPED
from .encoder import HEADER, VERSION, Encoder, read_encoder
from .weights import read_tensor

MOST_VALUES = 512 * 512 * 9  # of a tensor
VGG_MEAN = (103.939, 116.779, 123.68)  # BGR, 0 to 255
POOL = "pool"
LAYERS = tuple(
    layer
    for block, count in enumerate((2, 2, 4, 4, 1), start=1)
    for layer in (*(f"{block}_{number}" for number in range(1, count + 1)), POOL)
)[:-1]
"""The layers of VGG-19 in order, 1_1 to 5_1."""


class LossNetwork(nn.Module):
    """A frozen encoder with a name: pictures (N, 3, H, W) RGB, 0 to 1, in; features by tap out."""

    def __init__(self, name: str, network: Encoder | Vgg) -> None:
        super().__init__()
        self.name, self.network = name, network

    def forward(self, x: Tensor, wanted: Collection[str] | None = None) -> dict[str, Tensor]:
        """Return the taps that are wanted and that the network has, relu1_1 first.

        Args:
            wanted: names such as relu3_1; None: all there are.
        """
        return self.network(x, wanted)


class Vgg(nn.Module):
    """VGG-19 as its file has it, plain or compressed."""

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        super().__init__()
        self.is_distilled = "e5.conv0.weight" in tensors
        for key, tensor in tensors.items():
            self.register_buffer(key.replace(".", "/"), tensor)

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
        """Return the taps that are wanted and that the file has."""
        return self.distilled(x, wanted) if self.is_distilled else self.plain(x, wanted)

    def distilled(self, x: Tensor, wanted: Collection[str] | None) -> dict[str, Tensor]:
        """Run e5; each tap is lifted to the full width of VGG-19 by its auxiliary 1x1 map."""
        taps: dict[str, Tensor] = {}
        weight, bias = self.tensor("e5.conv0.weight"), self.tensor("e5.conv0.bias")
        assert weight is not None
        x = F.conv2d(x, weight, bias)
        for layer in LAYERS:
            if layer == POOL:
                x = F.max_pool2d(x, 2)
                continue
            key = f"e5.conv{layer.replace('_', '')}"
            x = self.convolve(x, key)
            lift = self.tensor(f"{key}_aux.weight")
            if lift is not None and (wanted is None or f"relu{layer}" in wanted):
                lifted = F.conv2d(x, lift, self.tensor(f"{key}_aux.bias"))
                taps[f"relu{layer}"] = F.relu(lifted)
        return taps

    def plain(self, x: Tensor, wanted: Collection[str] | None) -> dict[str, Tensor]:
        """Run VGG-19 as far as the file goes."""
        mean = torch.tensor(VGG_MEAN, device=x.device).view(1, 3, 1, 1)
        x = x.flip(1) * 255 - mean
        taps: dict[str, Tensor] = {}
        for layer in LAYERS:
            if layer == POOL:
                x = F.max_pool2d(x, 2)
            elif self.tensor(f"conv{layer}.weight") is None:
                break
            else:
                x = self.convolve(x, f"conv{layer}", padding="zeros")
                if wanted is None or f"relu{layer}" in wanted:
                    taps[f"relu{layer}"] = x
                if wanted is not None and len(taps) == len(wanted):
                    break
        return taps


def shipped_encoder() -> Path:
    """Return the file of the encoder that ships."""
    return SHIPPED / "encoder.safetensors"


def load_loss_network(path: Path) -> LossNetwork:
    """Read a loss network from a safetensors file.

    No tensor is read before its size is known to be one that an encoder can have.

    Raises:
        MissingFrame: no such file.
        UnreadableFile: no safetensors file, one whose layers are not those of a known encoder, or
            NaN among its weights.
    """
    if not path.is_file():
        raise MissingFrame(f"loss network {path}: expected a .safetensors file; there is none.")
    try:
        with safe_open(path, framework="pt") as file:
            if HEADER in (file.metadata() or {}):
                name, network = f"Stillbrush encoder {VERSION}", read_encoder(file)
            else:
                name, network = path.stem, read_vgg(file)
    except (SafetensorError, OSError) as error:
        raise UnreadableFile(f"loss network {path}: cannot be read ({error}).") from error
    except ValueError as error:
        raise UnreadableFile(f"loss network {path}: {error}.") from error
    made = LossNetwork(name, network).eval().requires_grad_(False)
    try:
        made(torch.zeros((1, 3, 64, 64)))
    except (AssertionError, RuntimeError, TypeError) as error:
        first = (str(error).splitlines() or ["a layer is missing"])[0]
        raise UnreadableFile(f"loss network {path}: its layers do not fit; {first}.") from error
    return made


def read_vgg(file: Any) -> Vgg:
    """Read VGG-19, compressed or as far as the file goes.

    Raises:
        ValueError: there is none in the file, a tensor is too large for one, or holds NaN.
    """
    names = list(file.keys())
    wanted = [name for name in names if name.startswith("e5.")] or [
        name for name in names if name.partition(".")[0].removeprefix("conv") in LAYERS
    ]
    if not {"e5.conv0.weight", "conv1_1.weight"} & set(wanted):
        raise ValueError(
            "expected our own encoder, `e5.conv0.weight` (compressed VGG-19) or `conv1_1.weight` "
            f"(VGG-19); got {', '.join(sorted(names)[:4])[:200] or 'nothing'}"
        )
    for name in wanted:
        shape = file.get_slice(name).get_shape()
        if len(shape) not in (1, 4) or math.prod(shape) > MOST_VALUES:
            raise ValueError(f"tensor {name[:80]!r} is {shape}, as in no VGG-19")
    return Vgg({name: read_tensor(file, name) for name in wanted})

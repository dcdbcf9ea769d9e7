"""Loss networks: encoders whose features say what a picture shows and how it is painted.

A file is recognised by its keys. Two kinds are read: the sixteen-fold compressed VGG-19 of
Collaborative Distillation (``e5.*``, relu1_1 to relu5_1) and plain VGG-19 (``convX_Y.*``), cut
wherever the file ends.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import MissingFrame, UnreadableFile

VGG_MEAN = (103.939, 116.779, 123.68)  # BGR, 0 to 255
POOL = "pool"
LAYERS = tuple(
    layer
    for block, count in enumerate((2, 2, 4, 4, 1), start=1)
    for layer in (*(f"{block}_{number}" for number in range(1, count + 1)), POOL)
)[:-1]
"""The layers of VGG-19 in order, 1_1 to 5_1."""


class LossNetwork(nn.Module):
    """A frozen encoder: pictures (N, 3, H, W) RGB, 0 to 1, in; features by layer name out."""

    def __init__(self, name: str, tensors: dict[str, Tensor]) -> None:
        super().__init__()
        self.name = name
        self.is_distilled = "e5.conv0.weight" in tensors
        for key, tensor in tensors.items():
            self.register_buffer(key.replace(".", "/"), tensor.float())

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
        """Return every tap the file can give, relu1_1 first, or those that are wanted."""
        return self.distilled(x, wanted) if self.is_distilled else self.plain(x)

    def distilled(self, x: Tensor, wanted: Collection[str] | None = None) -> dict[str, Tensor]:
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

    def plain(self, x: Tensor) -> dict[str, Tensor]:
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
                taps[f"relu{layer}"] = x
        return taps


def load_loss_network(path: Path) -> LossNetwork:
    """Read a loss network from a safetensors file.

    Raises:
        MissingFrame: no such file.
        UnreadableFile: no safetensors file, or one whose layers are not those of a known encoder.
    """
    if not path.is_file():
        raise MissingFrame(f"loss network {path}: expected a .safetensors file; there is none.")
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            wanted = [n for n in names if n.startswith("e5.")] or [
                name for name in names if name.partition(".")[0].removeprefix("conv") in LAYERS
            ]
            tensors = {name: file.get_tensor(name) for name in wanted}
    except (SafetensorError, OSError) as error:
        raise UnreadableFile(f"loss network {path}: cannot be read ({error}).") from error
    if "e5.conv0.weight" not in tensors and "conv1_1.weight" not in tensors:
        raise UnreadableFile(
            f"loss network {path}: expected keys `e5.conv0.weight` (distilled VGG-19) or "
            f"`conv1_1.weight` (VGG-19); got {', '.join(sorted(names)[:4]) or 'none'}."
        )
    network = LossNetwork(path.stem, tensors).eval().requires_grad_(False)
    try:
        network(torch.zeros((1, 3, 64, 64)))
    except (AssertionError, RuntimeError, TypeError) as error:
        first = (str(error).splitlines() or ["a layer is missing"])[0]
        raise UnreadableFile(f"loss network {path}: its layers do not fit; {first}.") from error
    return network

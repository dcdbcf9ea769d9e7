"""Loss networks: encoders whose features say what a picture shows and how it is painted.

A file is recognised by its keys. Two kinds are read: the sixteen-fold compressed VGG-19 of
Collaborative Distillation (``e5.*``, relu1_1 to relu5_1) and plain VGG-19 (``convX_Y.*``), cut
wherever the file ends.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import MissingFrame, UnreadableFile

DISTILLED = "11 12 P 21 22 P 31 32 33 34 P 41 42 43 44 P 51".split()
VGG_MEAN = (103.939, 116.779, 123.68)  # BGR, 0 to 255
VGG19 = (
    "conv1_1 conv1_2 P conv2_1 conv2_2 P conv3_1 conv3_2 conv3_3 conv3_4 P "
    "conv4_1 conv4_2 conv4_3 conv4_4 P conv5_1"
).split()


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

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return every tap the file can give, relu1_1 first."""
        return self.distilled(x) if self.is_distilled else self.plain(x)

    def distilled(self, x: Tensor) -> dict[str, Tensor]:
        """Run e5; each tap is lifted to the full width of VGG-19 by its auxiliary 1x1 map."""
        taps: dict[str, Tensor] = {}
        weight, bias = self.tensor("e5.conv0.weight"), self.tensor("e5.conv0.bias")
        assert weight is not None
        x = F.conv2d(x, weight, bias)
        for key in DISTILLED:
            if key == "P":
                x = F.max_pool2d(x, 2)
                continue
            x = self.convolve(x, f"e5.conv{key}")
            lift = self.tensor(f"e5.conv{key}_aux.weight")
            if lift is not None:
                lifted = F.conv2d(x, lift, self.tensor(f"e5.conv{key}_aux.bias"))
                taps[f"relu{key[0]}_{key[1]}"] = F.relu(lifted)
        return taps

    def plain(self, x: Tensor) -> dict[str, Tensor]:
        """Run VGG-19 as far as the file goes."""
        mean = torch.tensor(VGG_MEAN, device=x.device).view(1, 3, 1, 1)
        x = x.flip(1) * 255 - mean
        taps: dict[str, Tensor] = {}
        for key in VGG19:
            if key == "P":
                x = F.max_pool2d(x, 2)
            elif self.tensor(f"{key}.weight") is None:
                break
            else:
                x = self.convolve(x, key, padding="zeros")
                taps[key.replace("conv", "relu")] = x
        return taps


def load_loss_network(path: Path) -> LossNetwork:
    """Read a loss network from a safetensors file.

    Raises:
        MissingFrame: no such file.
        UnreadableFile: no safetensors file, or one with other keys than those known.
    """
    if not path.is_file():
        raise MissingFrame(f"loss network {path}: expected a .safetensors file; there is none.")
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            wanted = [n for n in names if n.startswith("e5.")] or names
            tensors = {name: file.get_tensor(name) for name in wanted}
    except (SafetensorError, OSError) as error:
        raise UnreadableFile(f"loss network {path}: not a sound safetensors file ({error}).") from error
    if "e5.conv0.weight" not in tensors and "conv1_1.weight" not in tensors:
        raise UnreadableFile(
            f"loss network {path}: expected keys `e5.conv0.weight` (distilled VGG-19) or "
            f"`conv1_1.weight` (VGG-19); got {', '.join(sorted(tensors)[:4])}."
        )
    network = LossNetwork(path.stem, tensors).eval()
    return network.requires_grad_(False)

"""Loss networks: encoders whose features say what a picture shows and how it is painted.

Our own encoder ships (``encoder.py``). More kinds are read, recognised by their keys: VGG-16 and
VGG-19 (``vgg.py``), cut wherever the file ends, the sixteen-fold compressed VGG-19 of Collaborative
Distillation, and SqueezeNet 1.1 (``squeezenet.py``).
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ..errors import MissingFrame, UnreadableFile
from ..looks import SHIPPED
from .encoder import HEADER, TAPS, VERSION, Encoder, read_encoder
from .squeezenet import MARK, SqueezeNet, read_squeezenet
from .vgg import Source, Vgg, read_vgg

SQUEEZENET_SIZE = {
    "relu1_1": 14.3, "relu2_1": 24.2, "relu2_2": 24.5, "relu3_1": 30.2, "relu3_2": 16.5,
    "relu4_1": 20.4, "relu4_2": 8.5, "relu5_1": 9.4, "relu5_2": 2.0,
}  # fmt: skip
"""Mean features of SqueezeNet, measured over 24 photographs."""


class LossNetwork(nn.Module):
    """A frozen encoder with a name: pictures (N, 3, H, W) RGB, 0 to 1, in; features by tap out."""

    def __init__(self, name: str, network: Encoder | Vgg | SqueezeNet) -> None:
        super().__init__()
        self.name, self.network = name, network

    @property
    def taps(self) -> tuple[str, ...]:
        """The layers it has, relu1_1 first."""
        return TAPS if isinstance(self.network, Encoder) else self.network.taps

    @property
    def kind(self) -> str:
        """What it is, for a report."""
        if isinstance(self.network, Encoder):
            return "Stillbrush's own encoder, distilled from VGG-19"
        if isinstance(self.network, SqueezeNet):
            return "SqueezeNet 1.1"
        if self.network.source is Source.DISTILLED:
            return "VGG-19, compressed sixteenfold"
        number = "16" if self.taps[-1] == "relu5_3" else "19"
        return f"VGG-{number} ({self.network.source.value}), to {self.taps[-1]}"

    def size_of(self, tap: str) -> float | None:
        """Return how large a layer's features are on the average; None: as in the original VGG."""
        if isinstance(self.network, SqueezeNet):
            return SQUEEZENET_SIZE[tap]
        is_original = isinstance(self.network, Vgg) and self.network.source is Source.ORIGINAL
        return None if is_original else 1.0

    def forward(self, x: Tensor, wanted: Collection[str] | None = None) -> dict[str, Tensor]:
        """Return the taps that are wanted and that the network has, relu1_1 first.

        Args:
            wanted: names such as relu3_1; None: all there are.
        """
        return self.network(x, wanted)


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
            elif MARK in file.keys():  # noqa: SIM118 - a file is no dictionary
                name, network = path.stem, read_squeezenet(file)
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

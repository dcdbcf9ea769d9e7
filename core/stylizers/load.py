"""From a look to a painter."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ..errors import BadInput
from ..looks import Look
from ..networks.bands import Bands
from ..networks.style_network import StyleNetwork
from ..networks.weights import load_weights
from .painter import Painter


@dataclass(frozen=True)
class Wanted:
    """A network on a device; the same file, unchanged, is the same network."""

    path: Path
    size: int
    changed: int  # nanoseconds
    sha256: str
    device: torch.device
    look: Look = field(compare=False)


def load_painter(
    look: Look, device: torch.device | None = None, bands: Bands | None = None
) -> Painter:
    """Load a look's network and its style; the networks used last stay loaded.

    Raises:
        MissingFrame, UnreadableFile: the weights are not there, damaged or not the look's own.
        BadInput: the weights have fewer styles than the look asks for.
    """
    device = device or torch.device("cpu")
    path = look.weights_path()
    facts = path.stat()
    sha256 = look.weights.sha256
    wanted = Wanted(path, facts.st_size, facts.st_mtime_ns, sha256, device, look)
    network = load_network(wanted)
    styles, number = network.shape.styles, look.weights.style
    if number >= styles:
        raise BadInput(
            f"look {look.path}: weights.style: expected 0 to {styles - 1}; got {number}."
        )
    style = torch.zeros(styles)
    style[number] = 1.0
    return Painter(network, style.to(device), bands or Bands())


@functools.lru_cache(maxsize=4)
def load_network(wanted: Wanted) -> StyleNetwork:
    """Load a network after checking its hash: a node asks on every frame, a disk is slow."""
    return load_weights(wanted.look.verified_weights()).to(wanted.device)

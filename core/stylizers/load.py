"""From a look to whoever paints it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ..errors import BadInput
from ..looks import Look, StylizerKind
from ..networks.bands import Bands
from ..networks.style_network import StyleNetwork
from ..networks.weights import load_weights
from .optimise.load import load_optimiser
from .painter import Painter
from .protocol import Stylizer


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
) -> Stylizer:
    """Load what a look paints with; what was used last stays loaded.

    Raises:
        MissingFrame, UnreadableFile: its files are not there, damaged or not the look's own.
        BadInput: they do not fit what the look asks for.
    """
    return LOADERS[look.stylizer](look, device or torch.device("cpu"), bands or Bands())


def load_network_painter(
    look: Look, device: torch.device | None = None, bands: Bands | None = None
) -> Painter:
    """Load a look's network and its style.

    Raises:
        BadInput: the look has no network, or one with fewer styles than it asks for.
        MissingFrame, UnreadableFile: as `load_painter`.
    """
    device = device or torch.device("cpu")
    weights, path = look.network, look.weights_path()
    facts = path.stat()
    wanted = Wanted(path, facts.st_size, facts.st_mtime_ns, weights.sha256, device, look)
    network = load_network(wanted)
    styles, number = network.shape.styles, weights.style
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


LOADERS: dict[StylizerKind, Callable[[Look, torch.device, Bands], Stylizer]] = {
    StylizerKind.PRIOR: load_network_painter,
    StylizerKind.OPTIMISE: lambda look, device, bands: load_optimiser(look, device),
}
"""How each kind of stylizer is loaded."""

"""From a look that optimises to its painter."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ...errors import BadInput
from ...look import Look
from ...look_files import verified_file
from ...networks.loss_network import LossNetwork, load_loss_network, shipped_encoder
from ...optimise_looks import Optimise
from .layers import Layers, choose_layers
from .painter import OptimisePainter
from .settings import read_layers
from .styles import Painting, read_painting


@dataclass(frozen=True)
class Wanted:
    """A painter on a device; the same files, unchanged, and the same settings are the same one."""

    stamps: tuple[tuple[Path, int, int], ...]
    digest: str
    device: torch.device
    look: Look = field(compare=False)


def load_optimiser(look: Look, device: torch.device) -> OptimisePainter:
    """Load a look's paintings and the loss network that sees them; those used last stay loaded.

    Raises:
        BadInput: the look optimises nothing, or its loss network lacks what it names.
        MissingFrame, UnreadableFile: its files are not there, damaged or not the look's own.
    """
    stamps = tuple((path, *stamp(path)) for path in look.paint_files())
    return load(Wanted(stamps, look.paint_digest, device, look))


def stamp(path: Path) -> tuple[int, int]:
    """Return size and time of a file."""
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns


@functools.lru_cache(maxsize=4)
def load(wanted: Wanted) -> OptimisePainter:
    """Load a painter after checking every hash: a node asks on every frame."""
    look, told = wanted.look, told_by(wanted.look)
    with torch.inference_mode(mode=False):
        paintings = []
        for style in told.styles:
            path = verified_file(look.own_path(), "optimise.styles", style)
            paintings.append(Painting(read_painting(path).to(wanted.device), style.share))
        network, settings = loss_network(look).to(wanted.device), told.settings()
        layers = choose_layers(network, settings)
        return OptimisePainter(network, layers, tuple(paintings), settings)


def told_by(look: Look) -> Optimise:
    """Return how a look optimises.

    Raises:
        BadInput: it has a network.
    """
    if look.optimise is None:
        raise BadInput(f"look {look.path or look.name}: expected one that paints by optimise.")
    return look.optimise


def loss_network(look: Look) -> LossNetwork:
    """Read the loss network of a look: its own, or the encoder that ships."""
    named = told_by(look).loss_network
    if named is None:
        return load_loss_network(shipped_encoder())
    return load_loss_network(verified_file(look.own_path(), "optimise.loss_network", named))


def seen_by(look: Look) -> dict[str, Any]:
    """Say what a look's paint is judged by while it is made, for the report.

    Returns:
        The loss network's name and kind, the layers that count, and what stands in for those that
        it lacks.
    """
    network = loss_network(look)
    settings = told_by(look).settings()
    layers: Layers = choose_layers(network, settings)
    return {
        "loss_network": network.name,
        "kind": network.kind,
        "content": dict(layers.content),
        "style": dict(layers.style),
        "stood_in": {name: other or "left out" for name, other in layers.stood_in.items()},
        "named": [*read_layers(settings.content_layers), *read_layers(settings.style_layers)],
    }

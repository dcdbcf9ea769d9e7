"""From a look to whoever paints it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from ..errors import BadInput
from ..hashing import file_sha256
from ..look_pictures import shares
from ..looks import Look, StylizerKind
from ..networks.adain import Decoder, load_decoder
from ..networks.bands import Bands
from ..networks.encoder import Encoder
from ..networks.loss_network import load_loss_network, shipped_encoder
from ..networks.style_network import Statistics, StyleNetwork
from ..networks.weights import load_weights
from .adain import AnyStylePainter, StyleMix, read_style_statistics
from .optimise.load import load_optimiser
from .painter import Painter, RecurrentPainter, StillPainter
from .protocol import Stylizer

MOST_STYLES = 64  # pictures whose statistics are kept


@dataclass(frozen=True)
class Wanted:
    """A network on a device; the same file, unchanged, is the same network."""

    path: Path
    size: int
    changed: int  # nanoseconds
    sha256: str
    device: torch.device
    look: Look = field(compare=False)

    @classmethod
    def by(cls, look: Look, device: torch.device) -> Wanted:
        """Return what a look wants; raises as `Look.weights_path`."""
        path = look.weights_path()
        facts = path.stat()
        return cls(path, facts.st_size, facts.st_mtime_ns, look.network.sha256, device, look)


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
    return load_styled(look, device or torch.device("cpu"), bands or Bands())


def load_styled(
    look: Look, device: torch.device, bands: Bands, kind: type[Painter] = Painter
) -> Painter:
    """Load a network that holds styles of its own."""
    if look.pictures:
        raise BadInput(
            f"look {look.name}: paints like one painting; only looks for any style take pictures."
        )
    network = load_network(Wanted.by(look, device))
    styles, number = network.shape.styles, look.network.style
    if number >= styles:
        raise BadInput(
            f"look {look.path}: weights.style: expected 0 to {styles - 1}; got {number}."
        )
    style = torch.zeros(styles)
    style[number] = 1.0
    return kind(network, style.to(device), bands)


def load_any_style(look: Look, device: torch.device, bands: Bands) -> AnyStylePainter:
    """Load the decoder, and measure the pictures that it is to paint like."""
    decoder = load_any_decoder(Wanted.by(look, device))
    encoder = painting_encoder(device)
    styles = []
    for picture in look.pictures:
        path = picture.path(look.path)
        facts = path.stat()
        styles.append(
            style_statistics(path, facts.st_size, facts.st_mtime_ns, device, decoder.shape.skips)
        )
    return AnyStylePainter(encoder, decoder, StyleMix(tuple(styles), shares(look.pictures)), bands)


Loader = Callable[[Look, torch.device, Bands], Stylizer]
LOADERS: dict[StylizerKind, Loader] = {
    StylizerKind.PRIOR: load_styled,
    StylizerKind.FEEDFORWARD: functools.partial(load_styled, kind=StillPainter),
    StylizerKind.RECURRENT: functools.partial(load_styled, kind=RecurrentPainter),
    StylizerKind.ADAIN: load_any_style,
    StylizerKind.OPTIMISE: lambda look, device, bands: load_optimiser(look, device),
}
"""How each kind of stylizer is loaded."""


@functools.lru_cache(maxsize=4)
def load_network(wanted: Wanted) -> StyleNetwork:
    """Load a network after checking its hash: a node asks on every frame, a disk is slow."""
    return load_weights(wanted.look.verified_weights()).to(wanted.device)


@functools.lru_cache(maxsize=2)
def load_any_decoder(wanted: Wanted) -> Decoder:
    """Load a decoder after checking its hash."""
    path = wanted.look.verified_weights()
    return load_decoder(path, file_sha256(shipped_encoder())).to(wanted.device)


@functools.lru_cache(maxsize=2)
def painting_encoder(device: torch.device) -> Encoder:
    """Load the encoder that ships, by which any picture is read."""
    network: nn.Module = load_loss_network(shipped_encoder()).network
    assert isinstance(network, Encoder)
    return network.to(device)


@functools.lru_cache(maxsize=MOST_STYLES)
def style_statistics(
    path: Path, size: int, changed: int, device: torch.device, skips: int
) -> Statistics:
    """Measure a style picture; the same file, unchanged, is measured once."""
    return read_style_statistics(path, painting_encoder(device), range(1 + skips))

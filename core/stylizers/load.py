"""From a look to whoever paints it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import BadInput
from ..hashing import file_sha256
from ..look import Look, StylizerKind, Weights
from ..look_files import file_beside, verified_file
from ..look_pictures import shares
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
    key: str = field(compare=False)  # under which the look names the file
    look: Look = field(compare=False)
    weights: Weights = field(compare=False)

    @classmethod
    def by(cls, look: Look, key: str, weights: Weights, device: torch.device) -> Wanted:
        """Return what a look wants; raises as `file_beside`."""
        path = file_beside(look.own_path(), key, weights)
        facts = path.stat()
        size, changed = facts.st_size, facts.st_mtime_ns
        return cls(path, size, changed, weights.sha256, device, key, look, weights)

    def verified(self) -> Path:
        """Return the file after checking its hash; raises as `verified_file`."""
        return verified_file(self.look.own_path(), self.key, self.weights)


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
    network, style = styled(look, "weights", look.network, device)
    if look.opener is None:
        return kind(network, style, bands)
    opener = Painter(*styled(look, "opener", look.opener, device), bands)
    return kind(network, style, bands, opener=opener)


def styled(
    look: Look, key: str, weights: Weights, device: torch.device
) -> tuple[StyleNetwork, Tensor]:
    """Load a network of a look, and the share of each of its styles."""
    network = load_network(Wanted.by(look, key, weights, device))
    styles = network.shape.styles
    if weights.style >= styles:
        raise BadInput(
            f"look {look.path}: {key}.style: expected 0 to {styles - 1}; got {weights.style}."
        )
    style = torch.zeros(styles)
    style[weights.style] = 1.0
    return network, style.to(device)


def load_any_style(look: Look, device: torch.device, bands: Bands) -> AnyStylePainter:
    """Load the decoder, and measure the pictures that it is to paint like."""
    decoder = load_any_decoder(Wanted.by(look, "weights", look.network, device))
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
    return load_weights(wanted.verified()).to(wanted.device)


@functools.lru_cache(maxsize=2)
def load_any_decoder(wanted: Wanted) -> Decoder:
    """Load a decoder after checking its hash."""
    path = wanted.verified()
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

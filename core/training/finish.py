"""The end of a run: weights and one look for every style."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from ..errors import StillbrushError, WriteRefused
from ..hashing import file_sha256
from ..look import Look, StylizerKind, Trained, Weights
from ..looks import look_text, save_look
from ..metrics.manners import manner_beside
from ..networks.adain import Decoder, load_decoder, save_decoder
from ..networks.loss_network import load_loss_network, shipped_encoder
from ..networks.style_network import StyleNetwork
from ..networks.weights import load_weights, save_weights
from .aims import read_style
from .loop import Loop
from .plan import Request


def write_looks(request: Request, trainer: Loop, trained: Trained, kind: StylizerKind) -> None:
    """Write the weights as fp16 and a look for every style.

    What a finished run has written before stays as it is.

    Args:
        trained: facts of the run; what is in `on` holds for every style.
        kind: what paints with them.

    Raises:
        WriteRefused: something else lies there, and it may not be replaced.
    """
    network, losses = trainer.average, trainer.encoder.name
    assert isinstance(network, StyleNetwork)
    keep_weights(network, request.weights, request)
    digest = file_sha256(request.weights)
    opener = write_opener(request)
    encoder = load_loss_network(shipped_encoder())  # what reports are judged by
    facts = (trained.steps, trained.device, trained.minutes)
    pairs = zip(request.look_names, request.styles, strict=True)
    for index, (name, style) in enumerate(pairs):
        path = request.folder / f"{name}.yaml"
        painting = read_style(style, request.recipe(1).style_side)
        replaces = request.overwrite or not path.exists()
        look = Look(
            name=name,
            title=title(style.stem),
            stylizer=kind,
            about=f"Trained with `stillbrush train`; losses by {losses}.",
            weights=Weights(request.weights.name, digest, index),
            licence=request.licence.strip(),
            trained=Trained((*trained.on, f"style: {style.name}"), *facts),
            manner=manner_beside(path, painting, encoder, overwrite=replaces),
            opener=opener,
        )
        keep_look(look, request)


def write_opener(request: Request) -> Weights | None:
    """Copy what paints first frames beside the looks; None where they paint those themselves.

    Raises:
        WriteRefused: something else lies there, and it may not be replaced.
    """
    image = request.image_network
    if image is None:
        return None
    path = request.weights.with_suffix(".opener.safetensors")
    network = load_weights(image.path)
    keep_weights(network, path, request)
    return Weights(path.name, file_sha256(path), image.style or 0)


def keep_weights(network: StyleNetwork, path: Path, request: Request) -> None:
    """Write weights as fp16, unless they lie there as they are."""
    if alike(network, lambda: load_weights(path)):
        return
    refuse_other_weights(path, request)
    save_weights(network, path)


def refuse_other_weights(path: Path, request: Request) -> None:
    """Refuse to replace weights, unless that is allowed."""
    if path.exists() and not request.overwrite:
        raise WriteRefused(
            f"{path}: holds other weights; choose another name or allow overwriting."
        )


def write_any_style(request: Request, trainer: Loop, trained: Trained, kind: StylizerKind) -> None:
    """Write a decoder as fp16 and one look, which is given its pictures when it is used.

    Raises:
        WriteRefused: something else lies there, and it may not be replaced.
    """
    decoder = trainer.average
    assert isinstance(decoder, Decoder)
    encoder = file_sha256(shipped_encoder())
    if not alike(decoder, lambda: load_decoder(request.weights, encoder)):
        refuse_other_weights(request.weights, request)
        save_decoder(decoder, request.weights, encoder)
    on = (*trained.on, f"styles: {len(request.styles)} pictures")
    look = Look(
        name=request.run_name,
        title="Any style",
        about=f"Paints like the pictures it is given. Losses by {trainer.encoder.name}.",
        stylizer=kind,
        weights=Weights(request.weights.name, file_sha256(request.weights), 0),
        licence=request.licence.strip(),
        trained=Trained(on, trained.steps, trained.device, trained.minutes),
    )
    keep_look(look, request)


def keep_look(look: Look, request: Request) -> None:
    """Write a look, unless it lies there as it is."""
    path = request.folder / f"{look.name}.yaml"
    if not (path.is_file() and path.read_bytes() == look_text(look).encode()):
        save_look(look, request.folder, overwrite=request.overwrite)


def alike(network: nn.Module, load: Callable[[], nn.Module]) -> bool:
    """Say whether what lies in a file is a network's weights."""
    try:
        there = load().state_dict()
    except StillbrushError:
        return False
    wanted = {name: value.cpu().half().float() for name, value in network.state_dict().items()}
    return there.keys() == wanted.keys() and all(
        torch.equal(value, wanted[name]) for name, value in there.items()
    )


def title(stem: str) -> str:
    """Return a file's name as a title."""
    words = " ".join(stem.replace("_", " ").replace("-", " ").split())
    return words[:1].upper() + words[1:] or stem

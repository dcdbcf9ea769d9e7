"""The end of a run: weights and one look for every style."""

from __future__ import annotations

from pathlib import Path

import torch

from ..errors import StillbrushError, WriteRefused
from ..hashing import file_sha256
from ..looks import Look, Trained, Weights, look_text, save_look
from ..metrics.manners import manner_beside
from ..networks.loss_network import load_loss_network, shipped_encoder
from ..networks.style_network import StyleNetwork
from ..networks.weights import load_weights, save_weights
from .plan import Request
from .trainer import read_style


def write_looks(request: Request, network: StyleNetwork, trained: Trained, losses: str) -> None:
    """Write the weights as fp16 and a look for every style.

    What a finished run has written before stays as it is.

    Args:
        trained: facts of the run; what is in `on` holds for every style.
        losses: name of the loss network.

    Raises:
        WriteRefused: something else lies there, and it may not be replaced.
    """
    if not holds(request.weights, network):
        if request.weights.exists() and not request.overwrite:
            raise WriteRefused(
                f"{request.weights}: holds other weights; choose another name or allow overwriting."
            )
        save_weights(network, request.weights)
    digest = file_sha256(request.weights)
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
            about=f"Trained with `stillbrush train`; losses by {losses}.",
            weights=Weights(request.weights.name, digest, index),
            licence=request.licence.strip(),
            trained=Trained((*trained.on, f"style: {style.name}"), *facts),
            manner=manner_beside(path, painting, encoder, overwrite=replaces),
        )
        if not (path.is_file() and path.read_bytes() == look_text(look).encode()):
            save_look(look, request.folder, overwrite=request.overwrite)


def holds(path: Path, network: StyleNetwork) -> bool:
    """Say whether a file holds a network's weights."""
    try:
        there = load_weights(path).state_dict()
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

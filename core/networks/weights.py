"""Weights on disk: safetensors with the network's shape in the header; nothing is unpickled."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..errors import MissingFrame, UnreadableFile
from .style_network import Shape, StyleNetwork


def save_aside(tensors: dict[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
    """Write a safetensors file under a temporary name, then rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    save_file({k: v.contiguous() for k, v in tensors.items()}, str(aside), metadata=metadata)
    os.replace(aside, path)


def save_weights(network: StyleNetwork, path: Path, *, half: bool = True) -> None:
    """Write a network's weights with its shape, fp16 unless told otherwise."""
    kind = torch.float16 if half else torch.float32
    tensors = {name: value.to(kind) for name, value in network.state_dict().items()}
    save_aside(tensors, path, network.shape.metadata())


def load_weights(path: Path) -> StyleNetwork:
    """Read a style network.

    Raises:
        MissingFrame: no such file.
        UnreadableFile: damaged, no safetensors file, or no style network.
    """
    if not path.is_file():
        raise MissingFrame(f"weights {path}: expected a .safetensors file; there is none.")
    try:
        with safe_open(path, framework="pt") as file:
            shape = Shape.from_metadata(file.metadata() or {})
            network = StyleNetwork(shape)
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
            network.load_state_dict(tensors)
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as error:
        first = str(error).splitlines()[0]
        raise UnreadableFile(f"weights {path}: expected a style network; {first}.") from error
    return network.eval().requires_grad_(False)

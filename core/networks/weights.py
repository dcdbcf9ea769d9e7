"""Weights on disk: safetensors with the network's shape in the header; nothing is unpickled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ..errors import MissingFrame, UnreadableFile
from ..state import write_tensors
from .layouts import Shape
from .style_network import StyleNetwork

KINDS = ("F16", "BF16", "F32")


def save_aside(tensors: dict[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
    """Write a safetensors file, whole or not at all.

    Raises:
        WriteRefused: the disk is full, or there is no permission; what lay there is unchanged.
    """
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    write_tensors(plain, path, metadata)


def save_weights(network: StyleNetwork, path: Path, *, half: bool = True) -> None:
    """Write a network's weights with its shape, fp16 unless told otherwise."""
    kind = torch.float16 if half else torch.float32
    tensors = {name: value.to(kind) for name, value in network.state_dict().items()}
    save_aside(tensors, path, network.shape.metadata())


def load_weights(path: Path) -> StyleNetwork:
    """Read a style network.

    Nothing is allocated before names, sizes and types of all tensors are known to be those of the
    network that the header tells of; a tensor is never larger than its file.

    Raises:
        MissingFrame: no such file.
        UnreadableFile: damaged, no safetensors file, no style network, or NaN among the weights.
    """
    if not path.is_file():
        raise MissingFrame(f"weights {path}: expected a .safetensors file; there is none.")
    try:
        with safe_open(path, framework="pt") as file:
            shape = Shape.from_metadata(file.metadata() or {})
            with torch.device("meta"):  # sizes without memory
                network = StyleNetwork(shape)
            check_tensors(file, network)
            tensors = {name: read_tensor(file, name) for name in file.keys()}  # noqa: SIM118
            network.load_state_dict(tensors, assign=True)
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        first = (str(error).splitlines() or ["it cannot be read"])[0][:200]
        raise UnreadableFile(f"weights {path}: expected a style network; {first}.") from error
    return network.eval().requires_grad_(False)


def check_tensors(file: Any, network: nn.Module) -> None:
    """Compare what a file holds with what a network needs; no tensor is read.

    Raises:
        ValueError: a tensor is missing, too many, or of another size or type.
    """
    expected = {name: list(value.shape) for name, value in network.state_dict().items()}
    names = set(file.keys())
    if names != set(expected):
        odd = min(names ^ set(expected))
        raise ValueError(f"tensor {odd[:80]!r} is {'too many' if odd in names else 'missing'}")
    for name, shape in expected.items():
        tensor = file.get_slice(name)
        if tensor.get_shape() != shape:
            raise ValueError(f"tensor {name!r} is {tensor.get_shape()}, not {shape}")
        if tensor.get_dtype() not in KINDS:
            raise ValueError(f"tensor {name!r} is {tensor.get_dtype()}, not {', '.join(KINDS)}")


def read_tensor(file: Any, name: str) -> Tensor:
    """Read a tensor as float32 into memory of its own, not the file's.

    Raises:
        ValueError: it holds NaN or infinity.
    """
    tensor = file.get_tensor(name).to(torch.float32, copy=True)
    if not torch.isfinite(tensor).all():
        raise ValueError(f"tensor {name!r} holds NaN or infinity")
    return tensor

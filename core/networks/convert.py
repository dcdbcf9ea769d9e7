"""Bringing torchvision's VGG in: read as weights alone, written as safetensors."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import Tensor

from ..errors import BadInput, MissingFrame, UnreadableFile, WriteRefused
from .vgg import torchvision_names
from .weights import save_aside


def convert_vgg(source: Path, target: Path, *, overwrite: bool = False) -> int:
    """Write the convolutions of a `.pth` of VGG-16 or VGG-19 as safetensors, half precision.

    Nothing in the file is executed: it is read with `weights_only`.

    Returns:
        How many layers were written.

    Raises:
        MissingFrame, UnreadableFile: no such file, or no weights.
        BadInput: weights of another network, or another suffix.
        WriteRefused: the target is there and may not be replaced.
    """
    if not source.is_file():
        raise MissingFrame(f"weights {source}: there is no such file.")
    if target.suffix != ".safetensors":
        raise BadInput(f"output {target}: expected a name that ends in .safetensors.")
    if target.exists() and not overwrite:
        raise WriteRefused(f"output {target}: is there already. --overwrite replaces it.")
    try:
        found = torch.load(source, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        first = (str(error).splitlines() or ["it cannot be read"])[0][:200]
        raise UnreadableFile(f"weights {source}: expected a file of weights; {first}") from error
    tensors = found if isinstance(found, dict) else {}
    names = torchvision_names([str(key) for key in tensors])
    kept = {key: tensors[key] for key in names if isinstance(tensors[key], Tensor)}
    if "features.0.weight" not in kept:
        got = ", ".join(map(str, tensors))[:120] or "none"
        raise BadInput(
            f"weights {source}: expected torchvision's VGG-16 or VGG-19 without batch "
            f"normalisation, `features.0.weight`; got {got}."
        )
    save_aside({key: value.half() for key, value in kept.items()}, target, {"from": source.name})
    return len(kept) // 2

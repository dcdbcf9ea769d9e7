"""Save and load any state: tensors as safetensors, float32, so that going on is exact.

A checksum over every value makes a damaged file an error and never another picture.
"""

from __future__ import annotations

import hashlib
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from .errors import UnreadableFile
from .media.atomic import replacing

VERSION = "3"
S = TypeVar("S")


def save_state(state: Any, path: Path) -> None:
    """Write a state dataclass whose fields are tensors, whole numbers or None.

    Raises:
        WriteRefused: the disk is full, or there is no permission.
    """
    tensors: dict[str, Tensor] = {}
    places: set[int] = set()
    plain = {"stillbrush-state": VERSION, "type": type(state).__name__}
    for field in fields(state):
        value = getattr(state, field.name)
        if isinstance(value, Tensor):
            tensor = value.detach().cpu().contiguous()
            place = tensor.untyped_storage().data_ptr()
            tensors[field.name] = tensor.clone() if place in places else tensor  # stored twice
            places.add(place)
        elif value is not None:
            plain[field.name] = str(int(value))
    plain["sha256"] = digest(tensors, plain)
    write_tensors(tensors, path, plain)


def write_tensors(tensors: dict[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
    """Write a safetensors file, whole or not at all.

    Args:
        tensors: contiguous, in main memory.

    Raises:
        WriteRefused: the disk is full, or there is no permission; what lay there is unchanged.
    """
    with replacing(path, overwrite=True) as aside:
        # Not save_file: its own hidden file outlives a kill, and only its owner may read it.
        aside.write_bytes(save(tensors, metadata=metadata))


def load_state(kind: type[S], path: Path) -> S:
    """Read a state back.

    Raises:
        UnreadableFile: missing, damaged, or the state of something else.
    """
    try:
        with safe_open(path, framework="pt") as file:
            plain = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise UnreadableFile(f"checkpoint {path}: cannot be read ({error}).") from error
    if plain.get("stillbrush-state") != VERSION or plain.get("type") != kind.__name__:
        raise UnreadableFile(f"checkpoint {path}: expected a {kind.__name__}, version {VERSION}.")
    if plain.pop("sha256", None) != digest(tensors, plain):
        raise UnreadableFile(f"checkpoint {path}: is damaged; its checksum does not fit.")
    names = {field.name for field in fields(kind)}  # pyright: ignore[reportArgumentType]
    numbers = {name: int(text) for name, text in plain.items() if name in names}
    return kind(**tensors, **numbers)


def digest(tensors: dict[str, Tensor], plain: dict[str, str]) -> str:
    """Return a checksum of everything in a file."""
    made = hashlib.sha256(repr(sorted(plain.items())).encode())
    for name, tensor in sorted(tensors.items()):
        made.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        made.update(tensor.numpy().data)
    return made.hexdigest()

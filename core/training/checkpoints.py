"""Training checkpoints: safetensors, written aside and renamed, exact to go on from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..errors import BadInput, UnreadableFile, WriteRefused
from ..media.atomic import replacing
from .loop import Loop

NAME = re.compile(r"checkpoint-(\d{7})\.safetensors")
KEPT = 2  # the newest, and the one before in case the disk damaged it


def checkpoint_path(folder: Path, step: int) -> Path:
    """Return the file of a step's checkpoint."""
    return folder / f"checkpoint-{step:07d}.safetensors"


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints in a folder, newest first."""
    if not folder.is_dir():
        return []
    return sorted((p for p in folder.iterdir() if NAME.fullmatch(p.name)), reverse=True)


def drop_old_checkpoints(folder: Path) -> None:
    """Remove all but the newest two."""
    for path in list_checkpoints(folder)[KEPT:]:
        path.unlink(missing_ok=True)


def save_checkpoint(trainer: Loop, path: Path, notes: Mapping[str, Any]) -> None:
    """Write everything a run needs to go on exactly where it was.

    All processes of a run call it together; the first one writes.

    Args:
        notes: plain values that JSON holds.

    Raises:
        WriteRefused: the disk is full, or there is no permission.
    """
    tensors = {f"network.{k}": v for k, v in trainer.network.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in trainer.average.state_dict().items()}
    state = trainer.optimiser.state_dict()["state"]
    for index, moments in state.items():
        for key, value in moments.items():
            tensors[f"adam.{index}.{key}"] = torch.as_tensor(value)
    tensors |= trainer.team.gather(trainer.slots.tensors())
    if not trainer.team.leads:
        return
    metadata = {"step": str(trainer.step), "notes": json.dumps(dict(notes), sort_keys=True)}
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        with replacing(path, overwrite=True) as aside:
            save_file(plain, str(aside), metadata=metadata)
    except SafetensorError as error:
        raise WriteRefused(f"checkpoint {path}: cannot be written ({error}).") from error


def read_notes(path: Path) -> dict[str, Any]:
    """Return the notes of a checkpoint without loading it.

    Raises:
        UnreadableFile: the file is damaged, or no checkpoint.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return json.loads((file.metadata() or {})["notes"])
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise UnreadableFile(f"checkpoint {path}: cannot be read ({error}).") from error


def load_checkpoint(trainer: Loop, path: Path) -> dict[str, Any]:
    """Put a run back where its checkpoint left it.

    Returns:
        The notes that were saved with it.

    Raises:
        UnreadableFile: the file is damaged.
        BadInput: it belongs to a network of another shape.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise UnreadableFile(f"checkpoint {path}: cannot be read ({error}).") from error
    try:
        notes, step = json.loads(metadata["notes"]), int(metadata["step"])
        restore(trainer, tensors)
    except (KeyError, RuntimeError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise BadInput(
            f"checkpoint {path}: expected a run with the same styles and sizes; {first} "
            "Start afresh in another folder, or give the arguments the run was begun with."
        ) from error
    trainer.step = step
    return notes


def restore(trainer: Loop, tensors: dict[str, Tensor]) -> None:
    """Distribute a checkpoint's tensors."""

    def under(prefix: str) -> dict[str, Tensor]:
        return {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}

    trainer.network.load_state_dict(under("network."))
    trainer.average.load_state_dict(under("average."))
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in under("adam.").items():
        index, _, name = key.partition(".")
        moments.setdefault(int(index), {})[name] = value
    state = trainer.optimiser.state_dict()
    trainer.optimiser.load_state_dict({"state": moments, "param_groups": state["param_groups"]})
    trainer.slots.restore(trainer.team.own(tensors))

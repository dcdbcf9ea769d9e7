"""Training checkpoints: safetensors, written aside and renamed, exact to go on from."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..errors import BadInput, UnreadableFile
from ..networks.weights import save_aside
from .trainer import Trainer


def save_checkpoint(trainer: Trainer, path: Path, notes: dict[str, str]) -> None:
    """Write everything a run needs to go on exactly where it was."""
    tensors = {f"network.{k}": v for k, v in trainer.network.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in trainer.average.state_dict().items()}
    state = trainer.optimiser.state_dict()["state"]
    for index, moments in state.items():
        for key, value in moments.items():
            tensors[f"adam.{index}.{key}"] = torch.as_tensor(value)
    tensors |= trainer.slots.tensors()
    metadata = {"step": str(trainer.step), "notes": json.dumps(notes, sort_keys=True)}
    save_aside(tensors, path, metadata)


def load_checkpoint(trainer: Trainer, path: Path) -> dict[str, str]:
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
        restore(trainer, tensors)
        trainer.step = int(metadata["step"])
        return json.loads(metadata["notes"])
    except (KeyError, RuntimeError, ValueError) as error:
        raise BadInput(
            f"checkpoint {path}: expected a run with the same styles and sizes; {error}. "
            "Start afresh in another folder, or give the arguments the run was begun with."
        ) from error


def restore(trainer: Trainer, tensors: dict[str, Tensor]) -> None:
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
    trainer.slots.restore(tensors)

"""A distillation from folders to a file: held-out pictures, checkpoints; exact to go on with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..errors import BadInput, UnreadableFile
from ..hashing import file_sha256
from ..networks.encoder import save_encoder
from ..networks.loss_network import load_loss_network
from ..networks.weights import save_aside
from .checkpoints import checkpoint_path, drop_old_checkpoints, list_checkpoints, read_notes
from .checks import refuse_other
from .distil import Distiller, Errors, Lesson, Teachers
from .patches import Patches
from .photographs import Photographs
from .plan import content_digest

SHORT_SIDE = 288  # pixels, to which pictures are scaled
HELD_PHOTOGRAPHS, HELD_PAINTINGS = 60, 12  # of each folder
CHECKPOINT_EVERY = 250  # iterations
LICENCE = "CC0-1.0"


@dataclass(frozen=True)
class Material:
    """What an encoder is distilled from and on."""

    photographs: Path
    paintings: tuple[Path, ...]
    shallow: Path  # a true VGG-19, conv1_1 to conv3_1 or further
    deep: Path  # a compressed VGG-19, up to relu5_1
    lesson: Lesson = field(default_factory=Lesson)

    def identity(self) -> dict[str, Any]:
        """Return everything that decides the weights, as plain values; files by what they hold."""
        return self.lesson.identity() | {
            "photographs": content_digest(self.photographs),
            "paintings": [content_digest(folder) for folder in self.paintings],
            "teachers": [file_sha256(path) for path in (self.shallow, self.deep)],
        }

    def teachers(self) -> Teachers:
        """Load the teachers."""
        return Teachers(load_loss_network(self.shallow), load_loss_network(self.deep))

    def pictures(self) -> tuple[Split, Split]:
        """Read photographs and paintings."""
        paintings = [split(folder, HELD_PAINTINGS) for folder in self.paintings]
        taught = [picture for each in paintings for picture in each.taught]
        held = [named for each in paintings for named in each.held]
        return split(self.photographs, HELD_PHOTOGRAPHS), Split(taught, held)


@dataclass(frozen=True)
class Split:
    """Pictures (3, H, W), 8 bits: those to learn from, and by name those held out."""

    taught: list[Tensor]
    held: list[tuple[str, Tensor]]


def split(folder: Path, held: int) -> Split:
    """Read a folder of pictures and hold some out, evenly spaced by name."""
    pictures = Photographs(folder, SHORT_SIDE)
    out = pictures.hold_out(min(held, len(pictures) // 2))
    return Split(pictures.pictures, out)


def distil(material: Material, work: Path, watch: Callable[[Distiller, Errors], None]) -> Distiller:
    """Distil to the end, going on where the newest checkpoint in a folder is.

    Args:
        work: folder of the checkpoints.
        watch: called after every iteration; may raise to stop.

    Raises:
        BadInput: the folder holds a distillation of something else.
    """
    photographs, paintings = material.pictures()
    patches = Patches(photographs.taught, paintings.taught, material.lesson.size)
    distiller = Distiller(material.lesson, material.teachers(), patches)
    identity = json.loads(json.dumps(material.identity()))
    resume(distiller, work, identity)
    while distiller.step < material.lesson.iterations:
        errors = distiller.iterate()
        if not torch.isfinite(torch.tensor(errors.total)):
            raise BadInput(f"distil: at iteration {distiller.step} the losses are {errors.total}.")
        if distiller.step % CHECKPOINT_EVERY == 0:
            save(distiller, work, identity)
        watch(distiller, errors)
    return distiller


def finish(distiller: Distiller, material: Material, path: Path) -> None:
    """Write what was learnt as an encoder that ships: fp16, with a header that tells of it."""
    networks = distiller.teachers.shallow.name, distiller.teachers.deep.name
    facts = {
        "title": "Stillbrush encoder: VGG-19's relu1_1 to relu5_1, distilled",
        "licence": LICENCE,
        "distilled_from": "VGG-19 (relu1_1 to relu3_1: {}; relu4_1, relu5_1: {})".format(*networks),
        "distilled_on": ", ".join(listed(distiller, material)),
        "iterations": str(distiller.step),
    }
    save_encoder(distiller.average, path, facts)


def listed(distiller: Distiller, material: Material) -> Iterator[str]:
    """Name what was learnt from."""
    patches = distiller.patches
    yield f"{len(patches.photographs)} photographs"
    yield f"{len(patches.paintings)} paintings"
    yield f"patches of {material.lesson.size} px, recoloured, blended, with grain; textures"


def save(distiller: Distiller, work: Path, identity: dict[str, Any]) -> None:
    """Write everything that is needed to go on exactly here."""
    tensors = {f"network.{k}": v for k, v in distiller.network.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in distiller.average.state_dict().items()}
    for index, moments in distiller.optimiser.state_dict()["state"].items():
        tensors |= {f"adam.{index}.{k}": torch.as_tensor(v) for k, v in moments.items()}
    run = {"step": distiller.step, "seconds": distiller.seconds}
    notes = json.dumps({"identity": identity, "run": run}, sort_keys=True)
    save_aside(tensors, checkpoint_path(work, distiller.step), {"notes": notes})
    drop_old_checkpoints(work)


def resume(distiller: Distiller, work: Path, identity: dict[str, Any]) -> None:
    """Go on where the newest sound checkpoint is, if there is one.

    Raises:
        BadInput: it belongs to a distillation of something else.
    """
    for path in list_checkpoints(work):
        try:
            notes = read_notes(path)
            with safe_open(path, framework="pt") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (UnreadableFile, SafetensorError, OSError):
            continue
        refuse_other(work, notes["identity"], identity)
        restore(distiller, tensors)
        distiller.step, distiller.seconds = notes["run"]["step"], notes["run"]["seconds"]
        return


def restore(distiller: Distiller, tensors: dict[str, Tensor]) -> None:
    """Distribute a checkpoint's tensors."""

    def under(prefix: str) -> dict[str, Tensor]:
        return {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}

    distiller.network.load_state_dict(under("network."))
    distiller.average.load_state_dict(under("average."))
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in under("adam.").items():
        index, _, name = key.partition(".")
        moments.setdefault(int(index), {})[name] = value
    groups = distiller.optimiser.state_dict()["param_groups"]
    distiller.optimiser.load_state_dict({"state": moments, "param_groups": groups})

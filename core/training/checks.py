"""What is checked before anything is trained, and the run that is gone on with."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BadInput, MissingFrame, UnreadableFile, WriteRefused
from ..networks.style_network import StyleNetwork
from ..networks.weights import load_weights
from .aims import load_encoder, read_style
from .checkpoints import list_checkpoints, read_notes
from .photographs import picture_files
from .plan import Request
from .recipe import Recipe
from .start import begin
from .terms import SystemKind

PICTURES = ("style", "content", "footage")
FILES = ("loss_network", "start", "image_network")  # of an identity


@dataclass(frozen=True)
class Begun:
    """A run that is under way, as its newest sound checkpoint has it."""

    path: Path
    iterations: int  # of the whole run
    step: int
    seconds: float  # that training has taken
    devices: tuple[str, ...]
    damaged: tuple[Path, ...] = ()  # newer checkpoints that cannot be read

    @classmethod
    def read(cls, path: Path, notes: dict[str, Any], damaged: list[Path]) -> Begun:
        """Read the notes of a checkpoint."""
        run = notes["run"]
        devices = tuple(run["devices"])
        step, seconds = int(run["step"]), float(run["seconds"])
        return cls(path, int(run["iterations"]), step, seconds, devices, tuple(damaged))

    @property
    def is_finished(self) -> bool:
        """Say whether every iteration is done."""
        return self.step >= self.iterations


def check(request: Request) -> Begun | None:
    """Check styles, losses and output, before the photographs are read and anything is trained.

    Returns:
        The run to go on with; None where none was begun.

    Raises:
        StillbrushError: one clear line on whatever is wrong.
    """
    refuse_own_output(request)
    for path in request.styles:
        read_style(path, request.recipe(1).style_side)
    load_encoder(request.loss_network)
    recipe = request.recipe(1)
    if recipe.start:
        begin(StyleNetwork(recipe.shape), recipe.start)
    if recipe.image_network:
        check_opener(recipe)
    if request.samples is not None and not picture_files(request.samples):
        raise BadInput(f"samples: expected pictures in {request.samples}; found none.")
    begun = find_begun(request.work, request.identity())
    refuse_existing(request, begun)
    return begun


def check_opener(recipe: Recipe) -> None:
    """Refuse an image network where none is used, or one that lacks the style asked for.

    Raises:
        MissingFrame, UnreadableFile: there are no such weights.
        BadInput: another system than prior, or no such style.
    """
    image = recipe.image_network
    if image is None:
        return
    if recipe.system is not SystemKind.PRIOR:
        raise BadInput(
            f"train.image_network: expected system prior; got {recipe.system.value}, which needs "
            "none."
        )
    styles = load_weights(image.path).shape.styles
    if not 0 <= (image.style or 0) < styles:
        raise BadInput(
            f"train.image_network: {image.path} holds {styles} styles; there is no style "
            f"{image.style}."
        )


def refuse_own_output(request: Request) -> None:
    """Refuse to write among the training pictures, or over the weights that are begun with."""
    if request.content is not None and not request.content.is_dir():
        raise MissingFrame(f"training pictures: expected a folder; {request.content} is none.")
    for folder in (request.content, *request.footage):
        if folder and request.work.resolve().is_relative_to(folder.resolve()):
            raise BadInput(
                f"output {request.folder}: lies in the folder of the training pictures, and the "
                "sample sheets would be taken for some. Choose another."
            )
    if request.start and request.start.path.resolve() == request.weights.resolve():
        raise BadInput(
            f"output {request.weights}: is what the run starts from. Choose another name or folder."
        )


def refuse_existing(request: Request, begun: Begun | None) -> None:
    """Refuse to replace looks or weights; a run that is finished may have written its own."""
    if request.overwrite or (begun is not None and begun.is_finished):
        return
    for path in (*request.looks, request.weights):
        if path.exists():
            raise WriteRefused(
                f"{path}: is there already. Choose another name or folder, or allow overwriting."
            )


def find_begun(folder: Path, identity: dict[str, Any]) -> Begun | None:
    """Find the newest sound checkpoint.

    Raises:
        BadInput: it belongs to a run with other arguments; the message names the first.
        UnreadableFile: there are checkpoints, and none can be read.
    """
    damaged: list[Path] = []
    for path in list_checkpoints(folder):
        try:
            notes = read_notes(path)
            begun = Begun.read(path, notes, damaged)
            before = typing.cast("dict[str, Any]", notes["identity"])
        except (UnreadableFile, KeyError, TypeError, ValueError):
            damaged.append(path)
            continue
        refuse_other(folder, before, identity)
        return begun
    if damaged:
        raise UnreadableFile(
            f"checkpoint {damaged[0]}: cannot be read, nor any before it. Remove {folder} to begin "
            "again."
        )
    return None


def refuse_other(folder: Path, before: dict[str, Any], identity: dict[str, Any]) -> None:
    """Refuse to go on with a run that was begun with other arguments."""
    for key in sorted(identity.keys() | before.keys()):
        then, now = before.get(key), identity.get(key)
        if then == now:
            continue
        what = key.replace("_", " ")
        detail = "other pictures" if key in PICTURES else f"{now}, not {then}"
        detail = "another file" if key in FILES else detail
        raise BadInput(
            f"{folder}: holds a run that was begun with another {what}; got {detail}. Give the "
            "arguments it was begun with, choose another name, or remove that folder."
        )

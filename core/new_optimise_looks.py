"""Making a look that optimises: its paintings copied beside it, its preset and knobs checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import looks
from .errors import BadInput, MissingFrame, WriteRefused
from .hashing import file_sha256
from .look import Look, StylizerKind
from .look_files import NamedFile
from .looks import NAME, save_look
from .networks.loss_network import load_loss_network, shipped_encoder
from .new_looks import copy_file
from .optimise_looks import Optimise, StyleFile
from .stylizers.optimise.layers import choose_layers
from .stylizers.optimise.presets import DEFAULT, PRESETS, preset
from .stylizers.optimise.settings import make_settings, plain_settings
from .stylizers.optimise.styles import read_painting

LICENCE = "as the style pictures' own"


@dataclass(frozen=True)
class NewLook:
    """What a look that optimises is made of.

    Attributes:
        name: lower-case letters, digits and hyphens.
        styles: pictures, each with its share.
        preset: a paper's, or our own.
        knobs: where they differ from the preset's.
        loss_network: a safetensors file; None: the encoder that ships.
        title: in lists.
        licence: of what is painted in it.
    """

    name: str
    styles: tuple[tuple[Path, float], ...]
    preset: str = DEFAULT
    knobs: dict[str, Any] = field(default_factory=dict)
    loss_network: Path | None = None
    title: str | None = None
    licence: str = LICENCE


def save_new_look(new: NewLook, folder: Path, *, overwrite: bool = False) -> Path:
    """Check a look, copy its files into a folder and write it there.

    Raises:
        BadInput: a name that is none or that a shipped look bears, a preset, knob or picture that
            is not right, or a loss network that lacks what the preset names.
        MissingFrame, UnreadableFile: a picture, or the loss network.
        WriteRefused: a look of that name is there already, or the system refused.
    """
    if not NAME.fullmatch(new.name):
        raise BadInput(f"look {new.name!r}: expected lower-case letters, digits and hyphens.")
    if (looks.SHIPPED / f"{new.name}.yaml").exists():
        raise BadInput(f"look {new.name}: a look of that name ships. Choose another name.")
    target = folder / f"{new.name}.yaml"
    if target.exists() and not overwrite:
        raise WriteRefused(f"look {target}: is there already. Choose another name.")
    settings = preset(new.preset, new.knobs)
    choose_layers(load_loss_network(new.loss_network or shipped_encoder()), settings)
    for path, _ in new.styles:
        if not path.is_file():
            raise MissingFrame(f"style picture {path}: there is no such file.")
        read_painting(path)
    folder.mkdir(parents=True, exist_ok=True)
    told = Optimise(
        tuple(copied_style(path, share, folder) for path, share in new.styles),
        new.preset,
        copied(new.loss_network, folder) if new.loss_network else None,
        differing(new.preset, new.knobs),
    )
    title = new.title or ", ".join(path.stem for path, _ in new.styles)
    look = Look(new.name, title, None, new.licence, StylizerKind.OPTIMISE, optimise=told)
    return save_look(look, folder, overwrite=overwrite)


def differing(name: str, knobs: dict[str, Any]) -> dict[str, Any]:
    """Return the knobs that are not the preset's own, as plain values."""
    base = plain_settings(preset(name))
    made = plain_settings(make_settings(PRESETS[name] | knobs))
    return {knob: value for knob, value in made.items() if value != base[knob]}


def copied(source: Path, folder: Path) -> NamedFile:
    """Copy a file beside the look, unless it is there."""
    digest = file_sha256(source)
    return NamedFile(copy_file(source, digest, folder), digest)


def copied_style(source: Path, share: float, folder: Path) -> StyleFile:
    """Copy a painting beside the look, unless it is there."""
    named = copied(source, folder)
    return StyleFile(named.file, named.sha256, share)

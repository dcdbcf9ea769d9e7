"""Making a look from another: its knobs set anew, its weights copied beside it."""

from __future__ import annotations

import enum
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from . import looks
from .errors import BadInput, WriteRefused
from .hashing import file_sha256
from .look import Look, Weights
from .look_files import NamedFile, verified_file
from .look_pictures import StylePicture
from .looks import NAME, look_nodes, save_look
from .media.atomic import replacing
from .optimise_looks import StyleFile
from .spec import REGISTRY, read_knobs

CHAIN = "stylize_shot"
C = TypeVar("C", NamedFile, StyleFile, Weights)


def knob_owner(knob: str) -> str:
    """Return the node in whose name a look sets a knob of the chain.

    Raises:
        BadInput: the chain has no such knob.
    """
    for node in (*(id for id in look_nodes() if id != CHAIN), CHAIN):
        if any(field.name == knob for field in REGISTRY[node].knobs):
            return node
    known = ", ".join(field.name for field in REGISTRY[CHAIN].knobs)
    raise BadInput(f"{CHAIN}.{knob}: no such knob; there are {known}.")


def flat_knobs(look: Look) -> dict[str, Any]:
    """Return what a look sets, by knob; a knob belongs to one node only."""
    return {knob: value for values in look.knobs.values() for knob, value in values.items()}


def set_knobs(look: Look, given: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return a look's knobs with some of the chain's set anew, by node.

    Args:
        look: whose knobs stay where nothing is given.
        given: by knob of the chain; None leaves a knob as it is.

    Raises:
        BadInput: an unknown knob, or a value out of range.
    """
    values = flat_knobs(look) | {knob: v for knob, v in given.items() if v is not None}
    made: dict[str, dict[str, Any]] = {}
    for field in REGISTRY[CHAIN].knobs:
        if field.name in values:
            value = field.check(values.pop(field.name), CHAIN)
            plain = value.value if isinstance(value, enum.Enum) else value
            made.setdefault(knob_owner(field.name), {})[field.name] = plain
    for unknown in values:
        knob_owner(unknown)
    return made


def with_knobs(look: Look, knobs: object) -> Look:
    """Return a look with the knobs of a node of the chain in it, where they are not defaults."""
    fields = read_knobs(type(knobs), CHAIN)
    given = {f.name: v for f in fields if (v := getattr(knobs, f.name)) != f.default}
    return replace(look, knobs=set_knobs(look, given))


def derive(
    base: Look,
    name: str,
    given: dict[str, Any],
    *,
    title: str | None = None,
    exposure: float | None = None,
) -> Look:
    """Return a look like another with a name of its own; provenance and licence stay.

    Raises:
        BadInput: a name that is none or that a shipped look bears, or a knob that is not right.
    """
    if not NAME.fullmatch(name):
        raise BadInput(f"look {name!r}: expected a name of lower-case letters, digits and hyphens.")
    if (looks.SHIPPED / f"{name}.yaml").exists():
        raise BadInput(
            f"look {name}: a look of that name ships with Stillbrush and would hide yours. "
            "Choose another name."
        )
    return replace(
        base,
        name=name,
        title=title or f"{base.title} ({name})",
        knobs=set_knobs(base, given),
        exposure=base.exposure if exposure is None else exposure,
    )


def save_derived(look: Look, folder: Path, *, overwrite: bool = False) -> Path:
    """Write a derived look and, where it is not there yet, a copy of its weights into a folder.

    Raises:
        WriteRefused: a look of that name is there already, or the system refused.
        MissingFrame, UnreadableFile: the weights that it was derived from are not as they were.
        BadInput: the look would not read back.
    """
    target = folder / f"{look.name}.yaml"
    looks.parse_look(looks.look_text(look), target)
    if target.exists() and not overwrite:
        raise WriteRefused(f"look {target}: is there already. Choose another name.")
    look = with_copies(look, folder)
    look = replace(look, pictures=copy_pictures(look, folder))
    manner = look.verified_manner()
    if look.manner and manner:
        file = copy_file(manner, look.manner.sha256, folder)
        look = replace(look, manner=replace(look.manner, file=file))
    return save_look(look, folder, overwrite=overwrite)


def with_copies(look: Look, folder: Path) -> Look:
    """Copy what a look paints from into a folder; return the look that names the copies."""

    def copied(named: C, key: str) -> C:
        path = verified_file(look.own_path(), key, named)
        return replace(named, file=copy_file(path, named.sha256, folder))

    if look.optimise is None:
        file = copy_file(look.verified_weights(), look.network.sha256, folder)
        look = replace(look, weights=replace(look.network, file=file))
        return replace(look, opener=copied(look.opener, "opener") if look.opener else None)
    told = look.optimise
    network = told.loss_network
    optimise = replace(
        told,
        styles=tuple(copied(style, "optimise.styles") for style in told.styles),
        loss_network=copied(network, "optimise.loss_network") if network else None,
    )
    return replace(look, optimise=optimise)


def copy_pictures(look: Look, folder: Path) -> tuple[StylePicture, ...]:
    """Return what a look paints like, with the pictures in a folder."""
    named = ((picture, picture.path(look.path)) for picture in look.pictures)
    return tuple(
        replace(picture, file=copy_file(path, picture.sha256, folder), given=None)
        for picture, path in named
    )


def copy_file(source: Path, digest: str, folder: Path) -> str:
    """Return the name of a look's file in a folder; copied if none there has the same hash."""
    size = source.stat().st_size
    for there in sorted(folder.glob(f"*{source.suffix}")):
        usable = not there.name.startswith(".") and there.resolve().parent == folder.resolve()
        usable = usable and there.is_file() and there.stat().st_size == size
        if usable and file_sha256(there) == digest:
            return there.name
    taken = (folder / source.name).exists()
    name = f"{source.stem}-{digest[:12]}{source.suffix}" if taken else source.name
    with replacing(folder / name, overwrite=False) as partial:
        shutil.copyfile(source, partial)
    return name

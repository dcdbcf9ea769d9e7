"""Looks as files: small YAML, checked by the knobs' own declarations; read, written, found by name.

A look is data: it is read with a safe loader, its weights are safetensors beside it, and nothing in
it is executed or leaves its folder.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from .errors import BadInput, MissingFrame, WriteRefused
from .look import Encoding, Look, MannerFile, StylizerKind, Trained, Weights
from .look_files import parse_file
from .look_pictures import MOST_PICTURES, StylePicture
from .media.atomic import write_text_atomic
from .media.encoding import MOST_EXPOSURE
from .media.stills import STILLS
from .optimise_looks import parse_optimise
from .spec import REGISTRY
from .strict_yaml import Reader, read_text, read_yaml, write_yaml

VERSION = 1
LARGEST_FILE = 64 * 1024
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
SAFE = (".safetensors",)
SHIPPED = Path(__file__).resolve().parent.parent / "presets"
TOP = ("look", "name", "title", "about", "stylizer", "weights", "optimise", "manner", "licence",
       "trained", "knobs", "colour", "pictures", "opener")  # fmt: skip


def parse_look(text: str, path: Path) -> Look:
    """Parse a look.

    Raises:
        BadInput: names the file, the key and what was expected there.
    """
    read = Reader(path)
    try:
        raw = read_yaml(text)
    except ValueError as error:
        raise BadInput(f"look {path}: {error}.") from None
    if not isinstance(raw, dict):
        raise BadInput(f"look {path}: expected a mapping that begins with `look: {VERSION}`.")
    if type(raw.get("look")) is not int or raw["look"] != VERSION:
        raise read.fail("look", f"version {VERSION}", raw.get("look"))
    read.only(raw, TOP)
    name = read.text(raw, "name")
    if not NAME.fullmatch(name):
        raise read.fail("name", "lower-case letters, digits and hyphens", name)
    colour = read.mapping(raw, "colour", ("encode", "exposure"))
    stylizer = read.choice(StylizerKind, raw.get("stylizer", "prior"), "stylizer")
    wanted, other = ("optimise", "weights")[:: 1 if stylizer is StylizerKind.OPTIMISE else -1]
    if other in raw:
        raise read.fail(other, f"none: stylizer {stylizer.value} has {wanted}", raw[other])
    if wanted == "optimise" and wanted not in raw:
        raise read.fail(wanted, "a mapping with styles", None)
    return Look(
        name=name,
        title=read.text(raw, "title"),
        about=parse_about(read, raw),
        stylizer=stylizer,
        weights=parse_weights(read, raw, "weights") if wanted == "weights" else None,
        opener=parse_opener(read, raw, stylizer),
        optimise=parse_optimise(read, raw),
        manner=parse_manner(read, raw),
        licence=read.text(raw, "licence"),
        trained=parse_trained(read, raw),
        knobs=parse_knobs(read, raw),
        exposure=read.number(colour, "colour.exposure", 0.0, -MOST_EXPOSURE, MOST_EXPOSURE),
        encode=read.choice(Encoding, colour.get("encode", "srgb-knee"), "colour.encode"),
        path=path,
        pictures=parse_pictures(read, raw),
    )


def parse_pictures(read: Reader, raw: dict[str, Any]) -> tuple[StylePicture, ...]:
    """Read what the look paints like; pictures lie in its own folder."""
    listed = raw.get("pictures", [])
    if not isinstance(listed, list) or len(listed) > MOST_PICTURES:
        raise read.fail("pictures", f"a list of at most {MOST_PICTURES}", listed)
    pictures = []
    for number, entry in enumerate(listed):
        key = f"pictures.{number}"
        picture = read.mapping({key: entry}, key, ("file", "sha256", "share"))
        file, digest = parse_file(read, picture, key, STILLS)
        share = read.number(picture, f"{key}.share", 1.0, 0.0, 1000.0)
        pictures.append(StylePicture(file, digest, share))
    return tuple(pictures)


def parse_about(read: Reader, raw: dict[str, Any]) -> str:
    """Read what the look says of itself; it may have several lines."""
    about = raw.get("about", "")
    if not isinstance(about, str):
        raise read.fail("about", "text", about)
    for line in about.split("\n"):
        read.line(line, "about", required=False)
    return about


def parse_weights(read: Reader, raw: dict[str, Any], key: str) -> Weights:
    """Read where the weights are."""
    weights = read.mapping(raw, key, ("file", "sha256", "style"))
    file, digest = parse_file(read, weights, key, SAFE)
    style = read.number(weights, f"{key}.style", 0, 0, 1023)
    if style != int(style):
        raise read.fail(f"{key}.style", "a whole number", style)
    return Weights(file, digest, int(style))


def parse_opener(read: Reader, raw: dict[str, Any], stylizer: StylizerKind) -> Weights | None:
    """Read what paints first frames; a look need not say."""
    if "opener" not in raw:
        return None
    if stylizer is not StylizerKind.PRIOR:
        raise read.fail("opener", "none: only stylizer prior has one", raw["opener"])
    return parse_weights(read, raw, "opener")


def parse_manner(read: Reader, raw: dict[str, Any]) -> MannerFile | None:
    """Read where it stands how the painting is painted; a look need not say."""
    manner = read.mapping(raw, "manner", ("file", "sha256"))
    return MannerFile(*parse_file(read, manner, "manner", SAFE)) if manner else None


def parse_trained(read: Reader, raw: dict[str, Any]) -> Trained:
    """Read how the look came to be."""
    trained = read.mapping(raw, "trained", ("on", "steps", "device", "minutes"))
    on = trained.get("on", [])
    if not isinstance(on, list):
        raise read.fail("trained.on", "a list of texts", on)
    for item in on:
        read.line(item, "trained.on")
    return Trained(
        on=tuple(on),
        steps=int(read.number(trained, "trained.steps", 0, 0, 1e12)),
        device=read.text(trained, "trained.device", ""),
        minutes=read.number(trained, "trained.minutes", 0, 0, 1e9),
    )


def look_nodes() -> tuple[str, ...]:
    """Return the nodes whose knobs a look may set: those of the painting chain.

    Files to read or write, and whether they are replaced, are never up to a look.
    """
    chain = REGISTRY.get("stylize_shot")
    known = {field.name for field in chain.knobs} if chain else set()
    names = {id: {field.name for field in node.knobs} for id, node in REGISTRY.items()}
    return tuple(id for id, knobs in names.items() if knobs and knobs <= known)


def parse_knobs(read: Reader, raw: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Check the look's knobs against the nodes' declarations."""
    knobs = read.mapping(raw, "knobs", look_nodes())
    seen: dict[str, str] = {}
    for node, values in knobs.items():
        if not isinstance(values, dict):
            raise read.fail(f"knobs.{node}", "a mapping", values)
        if "follow_look" in values:
            raise read.fail(f"knobs.{node}", "no follow_look: it is up to the shot", values)
        try:
            REGISTRY[node].make_knobs(**values)
        except BadInput as error:
            raise BadInput(f"look {read.path}: knobs: {error}") from error
        for knob in values:
            if knob in seen:
                raise BadInput(
                    f"look {read.path}: knobs.{node}.{knob}: expected it once; "
                    f"{seen[knob]} has it too."
                )
            seen[knob] = node
    return knobs


def load_look(path: Path) -> Look:
    """Read a look's file.

    Raises:
        MissingFrame, UnreadableFile, BadInput: with the file, the key and what was expected.
    """
    return parse_look(read_text(path, "look", LARGEST_FILE), path)


def list_looks(user_folder: Path) -> list[Path]:
    """Return the looks that can be named: those that ship, then the user's own."""
    found = [path for folder in (SHIPPED, user_folder) for path in sorted(folder.glob("*.yaml"))]
    return [path for path in found if not path.name.startswith(".")]  # .NAME.partial, ._NAME


def find_look(name: str, user_folder: Path) -> Look:
    """Find a look by name or path.

    Raises:
        MissingFrame: lists the looks there are.
    """
    if name.endswith((".yaml", ".yml")) or "/" in name or "\\" in name:
        return load_look(Path(name))
    known = {path.stem: path for path in reversed(list_looks(user_folder))}
    if name in known:
        return load_look(known[name])
    listed = ", ".join(sorted(known)) or "none"
    raise MissingFrame(f"look {name!r}: there is no such look. There are: {listed}.")


def look_text(look: Look) -> str:
    """Write a look as YAML that diffs well."""
    plain: dict[str, Any] = {"look": VERSION, "name": look.name, "title": look.title}
    if look.about:
        plain["about"] = look.about
    plain["stylizer"] = look.stylizer.value
    if look.weights:
        plain["weights"] = vars(look.weights).copy()
    if look.opener:
        plain["opener"] = vars(look.opener).copy()
    if look.optimise:
        plain["optimise"] = look.optimise.plain()
    if look.manner:
        plain["manner"] = vars(look.manner).copy()
    if look.pictures:
        plain["pictures"] = [
            {"file": picture.file, "sha256": picture.sha256, "share": picture.share}
            for picture in look.pictures
        ]
    plain["licence"] = look.licence
    if look.trained != Trained():
        plain["trained"] = vars(look.trained) | {"on": list(look.trained.on)}
    if look.knobs:
        plain["knobs"] = look.knobs
    plain["colour"] = {"encode": look.encode.value, "exposure": look.exposure}
    return write_yaml(plain)


def save_look(look: Look, folder: Path, *, overwrite: bool = False) -> Path:
    """Write a look into a folder.

    Raises:
        WriteRefused: a look of that name is there already, or the system refused.
        BadInput: the look would not read back.
    """
    path = folder / f"{look.name}.yaml"
    text = look_text(look)
    parse_look(text, path)
    if path.exists() and not overwrite:
        raise WriteRefused(f"look {path}: is there already. Choose another name.")
    write_text_atomic(path, text, overwrite=overwrite)
    return path

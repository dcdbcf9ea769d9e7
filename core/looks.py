"""Looks: how a shot is to be painted, as one small YAML file, checked by the knobs' own declarations.

A look is data: it is read with a safe loader, its weights are safetensors beside it, and nothing in
it is executed or leaves its folder.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .errors import BadInput, MissingFrame, UnreadableFile, WriteRefused
from .hashing import file_sha256
from .spec import REGISTRY

VERSION = 1
LARGEST_FILE = 256 * 1024
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
SHIPPED = Path(__file__).resolve().parent.parent / "presets"


class Encoding(enum.Enum):
    """How scene-linear light becomes what a network sees."""

    SRGB_KNEE = "srgb-knee"


class StylizerKind(enum.Enum):
    """Which stylizer paints a look."""

    PRIOR = "prior"


@dataclass(frozen=True)
class Weights:
    """Where a look's weights are and which of the styles in them it paints."""

    file: str
    sha256: str
    style: int


@dataclass(frozen=True)
class Trained:
    """How a look came to be."""

    on: tuple[str, ...] = ()
    steps: int = 0
    device: str = ""
    minutes: float = 0.0


@dataclass(frozen=True)
class Look:
    """A look as written in its file."""

    name: str
    title: str
    weights: Weights
    licence: str
    stylizer: StylizerKind = StylizerKind.PRIOR
    about: str = ""
    trained: Trained = field(default_factory=Trained)
    knobs: dict[str, dict[str, Any]] = field(default_factory=dict)  # node id -> knob -> value
    exposure: float = 0.0  # stops, before encoding
    encode: Encoding = Encoding.SRGB_KNEE
    path: Path | None = None

    def weights_path(self) -> Path:
        """Return the weights' file, inside the look's own folder.

        Raises:
            BadInput: the path leaves the folder.
            MissingFrame: there is no such file.
        """
        assert self.path is not None
        folder = self.path.parent.resolve()
        target = (folder / self.weights.file).resolve()
        if not target.is_relative_to(folder):
            raise BadInput(
                f"look {self.path}: weights.file: expected a file in the look's own folder; "
                f"got {self.weights.file!r}."
            )
        if not target.is_file():
            raise MissingFrame(
                f"look {self.path}: weights {self.weights.file}: there is no such file. "
                "Copy it beside the look."
            )
        return target

    def verified_weights(self) -> Path:
        """Return the weights' file after checking its hash.

        Raises:
            UnreadableFile: the file is not the one that the look was made with.
        """
        target = self.weights_path()
        found = file_sha256(target)
        if found != self.weights.sha256:
            raise UnreadableFile(
                f"look {self.path}: weights.sha256: expected {self.weights.sha256[:12]}..., the "
                f"file {target.name} has {found[:12]}.... It was damaged or replaced: copy it again."
            )
        return target


class Reader:
    """Reads one look's mapping and names file, key and expectation when something is off."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fail(self, key: str, expected: str, got: object) -> BadInput:
        """Build the error for one key."""
        shown = repr(got) if len(repr(got)) < 80 else repr(got)[:77] + "..."
        return BadInput(f"look {self.path}: {key}: expected {expected}; got {shown}.")

    def text(self, where: dict[str, Any], key: str, default: str | None = None) -> str:
        """Read text; required where there is no default."""
        value = where.get(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.fail(key, "text", value)
        return value

    def number(self, where: dict[str, Any], key: str, default: float, lo: float, hi: float) -> float:
        """Read a number in a range."""
        value = where.get(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not lo <= value <= hi:
            raise self.fail(key, f"a number, {lo:g} to {hi:g}", value)
        return float(value)

    def mapping(self, where: dict[str, Any], key: str, known: tuple[str, ...]) -> dict[str, Any]:
        """Read a mapping with known keys; empty where it is absent."""
        value = where.get(key, {})
        if not isinstance(value, dict):
            raise self.fail(key, "a mapping", value)
        self.only(value, known, f"{key}.")
        return value

    def only(self, where: dict[str, Any], known: tuple[str, ...], prefix: str = "") -> None:
        """Refuse keys that mean nothing."""
        for key in where:
            if key not in known:
                raise BadInput(
                    f"look {self.path}: {prefix}{key}: no such key; expected {', '.join(known)}."
                )

    def choice(self, kind: type[enum.Enum], value: object, key: str) -> Any:
        """Read a member of an enumeration."""
        try:
            return kind(value)
        except ValueError:
            raise self.fail(key, ", ".join(str(m.value) for m in kind), value) from None


TOP = ("look", "name", "title", "about", "stylizer", "weights", "licence", "trained", "knobs", "colour")


def parse_look(text: str, path: Path) -> Look:
    """Parse a look.

    Raises:
        BadInput: names the file, the key and what was expected there.
    """
    read = Reader(path)
    try:
        raw = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        first = " ".join(str(error).split())[:160]
        raise BadInput(f"look {path}: expected YAML; {first}.") from error
    if not isinstance(raw, dict):
        raise BadInput(f"look {path}: expected a mapping that begins with `look: {VERSION}`.")
    if raw.get("look") != VERSION:
        raise read.fail("look", f"version {VERSION}", raw.get("look"))
    read.only(raw, TOP)
    name = read.text(raw, "name")
    if not NAME.fullmatch(name):
        raise read.fail("name", "lower-case letters, digits and hyphens", name)
    colour = read.mapping(raw, "colour", ("encode", "exposure"))
    return Look(
        name=name,
        title=read.text(raw, "title"),
        about=read.text(raw, "about", ""),
        stylizer=read.choice(StylizerKind, raw.get("stylizer", "prior"), "stylizer"),
        weights=parse_weights(read, raw),
        licence=read.text(raw, "licence"),
        trained=parse_trained(read, raw),
        knobs=parse_knobs(read, raw),
        exposure=read.number(colour, "exposure", 0.0, -10, 10),
        encode=read.choice(Encoding, colour.get("encode", "srgb-knee"), "colour.encode"),
        path=path,
    )


def parse_weights(read: Reader, raw: dict[str, Any]) -> Weights:
    """Read where the weights are."""
    weights = read.mapping(raw, "weights", ("file", "sha256", "style"))
    file = read.text(weights, "file")
    if not file.endswith(".safetensors"):
        raise read.fail("weights.file", "a .safetensors file", file)
    digest = read.text(weights, "sha256")
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise read.fail("weights.sha256", "64 hexadecimal digits", digest)
    style = read.number(weights, "style", 0, 0, 1023)
    if style != int(style):
        raise read.fail("weights.style", "a whole number", style)
    return Weights(file, digest, int(style))


def parse_trained(read: Reader, raw: dict[str, Any]) -> Trained:
    """Read how the look came to be."""
    trained = read.mapping(raw, "trained", ("on", "steps", "device", "minutes"))
    on = trained.get("on", [])
    if not isinstance(on, list) or not all(isinstance(item, str) for item in on):
        raise read.fail("trained.on", "a list of texts", on)
    return Trained(
        on=tuple(on),
        steps=int(read.number(trained, "steps", 0, 0, 1e12)),
        device=read.text(trained, "device", ""),
        minutes=read.number(trained, "minutes", 0, 0, 1e9),
    )


def parse_knobs(read: Reader, raw: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Check the look's knobs against the nodes' declarations."""
    knobs = read.mapping(raw, "knobs", tuple(REGISTRY))
    for node, values in knobs.items():
        if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
            raise read.fail(f"knobs.{node}", "a mapping", values)
        try:
            REGISTRY[node].make_knobs(**values)
        except BadInput as error:
            raise BadInput(f"look {read.path}: knobs: {error}") from error
    return knobs


def load_look(path: Path) -> Look:
    """Read a look's file.

    Raises:
        MissingFrame, UnreadableFile, BadInput: with the file, the key and what was expected.
    """
    if not path.is_file():
        raise MissingFrame(f"look {path}: there is no such file.")
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise UnreadableFile(f"look {path}: expected at most {LARGEST_FILE // 1024} KiB of YAML.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"look {path}: cannot be read as UTF-8 text ({error}).") from error
    return parse_look(text, path)


def list_looks(user_folder: Path) -> list[Path]:
    """Return the looks that can be named: those that ship, then the user's own."""
    return [path for folder in (SHIPPED, user_folder) for path in sorted(folder.glob("*.yaml"))]


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
    plain["weights"] = vars(look.weights).copy()
    plain["licence"] = look.licence
    plain["trained"] = vars(look.trained) | {"on": list(look.trained.on)}
    if look.knobs:
        plain["knobs"] = look.knobs
    plain["colour"] = {"encode": look.encode.value, "exposure": look.exposure}
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)


def save_look(look: Look, folder: Path, *, overwrite: bool = False) -> Path:
    """Write a look into a folder.

    Raises:
        WriteRefused: a look of that name is there already.
        BadInput: the look would not read back.
    """
    path = folder / f"{look.name}.yaml"
    text = look_text(look)
    parse_look(text, path)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("w" if overwrite else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise WriteRefused(f"look {path}: is there already. Choose another name.") from error
    return path

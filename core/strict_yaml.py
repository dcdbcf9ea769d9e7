"""Small YAML files, read strictly: one mapping of plain values, and a clear line where it is not.

Scalars follow YAML 1.2, so that the key `on` is text, `1e-3` a number and `1:30` no number in
base 60. Aliases (the billion laughs), tags and repeated keys, of which one would win unseen, are
refused.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from pathlib import Path
from typing import Any

import yaml

from .errors import BadInput, MissingFrame, UnreadableFile
from .spec import shown

LONGEST_LINE = 500
_TAG = "tag:yaml.org,2002:"
_UNSEEN = ("Cc", "Cs", "Zl", "Zp")  # control characters, half characters, line separators
_SCALARS = (
    ("null", re.compile(r"~|null|Null|NULL|"), ["~", "n", "N", ""]),
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE"), list("tTfF")),
    ("int", re.compile(r"[-+]?[0-9]+"), list("-+0123456789")),
    (
        "float",
        re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"),
        list("-+.0123456789"),
    ),
)


class _Loader(yaml.SafeLoader):
    """Composes nodes; :func:`_plain` turns them into values, and no constructor ever runs."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012 - PyYAML's own shape

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse what a list of settings never needs."""
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _Refused("no anchors (&) and no aliases (*)", event.start_mark.line)
        if getattr(event, "tag", None):
            raise _Refused("no tags (!)", event.start_mark.line)
        return super().compose_node(parent, index)


class _Dumper(yaml.SafeDumper):
    """Quotes whatever YAML 1.1 or 1.2 would take for something other than text."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write a value out wherever it stands."""
        return True


_Dumper.add_multi_representer(enum.Enum, lambda dumper, member: dumper.represent_data(member.value))

for _kind, _pattern, _first in _SCALARS:
    _whole = re.compile(f"(?:{_pattern.pattern})\\Z")
    _Loader.add_implicit_resolver(_TAG + _kind, _whole, _first)
    _Dumper.add_implicit_resolver(_TAG + _kind, _whole, _first)


class _Refused(ValueError):
    def __init__(self, expected: str, line: int) -> None:
        super().__init__(f"line {line + 1}: expected {expected}")


def _plain(node: yaml.Node) -> Any:
    """Return what a node says, as plain Python values."""
    if isinstance(node, yaml.MappingNode):
        made: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _Refused("a key of one word", key.start_mark.line)
            if key.value in made:
                raise _Refused(f"the key {shown(key.value)} only once", key.start_mark.line)
            made[key.value] = _plain(value)
        return made
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    kind = node.tag.removeprefix(_TAG)
    if kind == "null":
        return None
    if kind == "bool":
        return node.value.lower() == "true"
    return {"int": int, "float": float}.get(kind, str)(node.value)


def read_yaml(text: str) -> Any:
    """Read one YAML document into plain dictionaries, lists, texts, numbers, booleans and None.

    Raises:
        ValueError: with the line and what was expected there.
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        return None if node is None else _plain(node)
    except RecursionError:
        raise ValueError("expected a few levels of nesting; got hundreds") from None
    except _Refused:
        raise
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ValueError(f"{line}expected YAML; {error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ValueError("expected YAML; " + " ".join(str(error).split())[:200]) from None


def write_yaml(values: dict[str, Any]) -> str:
    """Write plain values as YAML that diffs well and that :func:`read_yaml` reads back."""
    return yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def read_text(path: Path, what: str, largest: int) -> str:
    """Read a small UTF-8 file.

    Args:
        path: of the file.
        what: names its kind in messages.
        largest: size in bytes that is still read.

    Raises:
        MissingFrame, UnreadableFile: with what was expected.
    """
    try:
        if not path.is_file():
            raise MissingFrame(f"{what} {path}: there is no such file.")
        if path.stat().st_size > largest:
            raise UnreadableFile(f"{what} {path}: expected at most {largest >> 10} KiB of YAML.")
        return path.read_text(encoding="utf-8")
    except (MissingFrame, UnreadableFile):
        raise
    except (OSError, ValueError) as error:
        raise UnreadableFile(
            f"{what} {shown(str(path))}: cannot be read as UTF-8 text ({error})."
        ) from None


def last(key: str) -> str:
    """Return the key itself of a dotted key."""
    return key.rpartition(".")[2]


class Reader:
    """Reads one file's mapping and names file, key and expectation when something is off.

    A key within a mapping is given dotted, as messages show it: `weights.file`.
    """

    def __init__(self, path: Path, what: str = "look") -> None:
        self.path, self.what = path, what

    def fail(self, key: str, expected: str, got: object) -> BadInput:
        """Build the error for one key."""
        return BadInput(f"{self.what} {self.path}: {key}: expected {expected}; got {shown(got)}.")

    def text(self, where: dict[str, Any], key: str, default: str | None = None) -> str:
        """Read one line of text; required where there is no default."""
        return self.line(where.get(last(key), default), key, required=default is None)

    def line(self, value: object, key: str, *, required: bool = True) -> str:
        """Check one line of text."""
        if not isinstance(value, str) or (required and not value.strip()):
            raise self.fail(key, "text", value)
        if len(value) > LONGEST_LINE or any(unicodedata.category(c) in _UNSEEN for c in value):
            raise self.fail(key, f"printable text, at most {LONGEST_LINE} characters a line", value)
        return value

    def number(
        self, where: dict[str, Any], key: str, default: float, lo: float, hi: float
    ) -> float:
        """Read a number in a range."""
        value = where.get(last(key), default)
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
                named = key if key.isidentifier() and len(key) < 60 else shown(key)
                raise BadInput(
                    f"{self.what} {self.path}: {prefix}{named}: no such key; expected "
                    f"{', '.join(known)}."
                )

    def choice(self, kind: type[enum.Enum], value: object, key: str) -> Any:
        """Read a member of an enumeration."""
        try:
            return kind(value)
        except ValueError:
            raise self.fail(key, ", ".join(str(m.value) for m in kind), value) from None

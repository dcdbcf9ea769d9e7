"""The files that lie beside a look: found inside its own folder, and checked by their hash."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .errors import BadInput, MissingFrame, UnreadableFile
from .hashing import file_sha256
from .strict_yaml import Reader

LARGEST_FILE = 256 * 1024**2


class Named(Protocol):
    """A file as a look names it."""

    @property
    def file(self) -> str:
        """Its path, relative to the look's folder."""
        ...

    @property
    def sha256(self) -> str:
        """Its hash, hexadecimal."""
        ...


@dataclass(frozen=True)
class NamedFile:
    """A file beside a look and its hash."""

    file: str
    sha256: str


def parse_file(
    read: Reader, raw: dict[str, Any], key: str, suffixes: tuple[str, ...]
) -> tuple[str, str]:
    """Read a file's name and hash.

    Args:
        suffixes: that the name may end in.
    """
    file = read.text(raw, f"{key}.file")
    if not file.lower().endswith(suffixes):
        raise read.fail(f"{key}.file", f"a {', '.join(suffixes)} file", file)
    digest = read.text(raw, f"{key}.sha256")
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise read.fail(f"{key}.sha256", "64 hexadecimal digits", digest)
    return file, digest


def file_beside(look: Path, key: str, named: Named) -> Path:
    """Return a file, inside the look's own folder.

    Args:
        look: the look's own file.
        key: under which the look names the file, for messages.
        named: the file as the look names it.

    Raises:
        BadInput: the path leaves the folder, by `..`, by a link or because it is absolute.
        MissingFrame: there is no such file.
    """
    try:
        folder = look.parent.resolve()
        target = (folder / named.file).resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links, a name too long
        folder, target = look, Path()
    if not target.is_relative_to(folder):
        raise BadInput(
            f"look {look}: {key}.file: expected a file in the look's own folder; "
            f"got {named.file!r}."
        )
    if not target.is_file():
        raise MissingFrame(
            f"look {look}: {key} {named.file}: there is no such file. Copy it beside the look."
        )
    return target


def verified_file(look: Path, key: str, named: Named) -> Path:
    """Return a file beside a look after checking its hash.

    Raises:
        UnreadableFile: the file is not the one that the look was made with.
        BadInput, MissingFrame: as `file_beside`.
    """
    target = file_beside(look, key, named)
    try:
        if target.stat().st_size > LARGEST_FILE:
            raise UnreadableFile(
                f"look {look}: {key} {target.name}: expected at most {LARGEST_FILE >> 20} MiB."
            )
        found = file_sha256(target)
    except PermissionError as error:
        raise UnreadableFile(f"look {look}: {key} {target.name}: {error}.") from error
    if found != named.sha256:
        raise UnreadableFile(
            f"look {look}: {key}.sha256: expected {named.sha256[:12]}..., "
            f"the file {target.name} has {found[:12]}.... It was damaged or replaced: "
            "copy it again."
        )
    return target

"""Files as the system sees them: what kind one is, and the digest of its bytes."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

from .errors import UnreadableFile


def refuse_special(path: Path, what: str) -> None:
    """Refuse a pipe or a device, which has no end or never answers; anything else passes.

    Raises:
        UnreadableFile: names it.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return  # whoever opens it says why it cannot be
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise UnreadableFile(f"{path}: expected {what}; got a pipe or a device.")


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal text."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def text_sha256(text: str) -> str:
    """Return the SHA-256 of a text as hexadecimal text."""
    return hashlib.sha256(text.encode()).hexdigest()

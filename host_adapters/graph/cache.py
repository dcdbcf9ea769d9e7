"""What was worked out, by hash: in memory, and pictures that cost painting on disk as well."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ...core.errors import BadInput
from ...core.media.atomic import replacing
from ...core.media.placing import Placed

MEMORY = 512 << 20
DISK = 4 << 30


def size_of(value: Any) -> int:
    """Return the bytes of pixels that a value holds."""
    if isinstance(value, Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, Placed):
        parts = value.plate.original.parts if value.plate else ()
        pixels = sum(part.pixels.nbytes for part in parts)
        return pixels + value.rgb.nbytes + (0 if value.alpha is None else value.alpha.nbytes)
    if isinstance(value, tuple):
        return sum(map(size_of, value))
    return sum(map(size_of, vars(value).values())) if is_dataclass(value) else 64


class Cache:
    """Least recently used goes first, in memory and on disk alike.

    Attributes:
        hits: how often something was there.
    """

    def __init__(self, memory: int = MEMORY, folder: Path | None = None, disk: int = DISK) -> None:
        if memory < 0 or disk < 0:
            raise BadInput(f"cache: expected sizes of 0 bytes or more; got {memory} and {disk}.")
        self.memory, self.folder, self.disk = memory, folder, disk
        self.held: OrderedDict[str, tuple[Any, int]] = OrderedDict()
        self.bytes = 0
        self.hits = 0

    def get(self, key: str) -> Any:
        """Return a value from memory; None where it is not there."""
        found = self.held.get(key)
        if found is None:
            return None
        self.held.move_to_end(key)
        self.hits += 1
        return found[0]

    def put(self, key: str, value: Any) -> None:
        """Keep a value in memory; the latest stays, however large it is."""
        size = size_of(value)
        if key in self.held:
            self.bytes -= self.held.pop(key)[1]
        self.held[key] = (value, size)
        self.bytes += size
        while self.bytes > self.memory and len(self.held) > 1:
            self.bytes -= self.held.popitem(last=False)[1][1]

    def read(self, key: str) -> np.ndarray | None:
        """Return a picture from disk; None where there is no sound one."""
        if self.folder is None:
            return None
        path = self.folder / f"{key}.npy"
        try:
            content = path.read_bytes()
            if hashlib.sha256(content[32:]).digest() != content[:32]:
                raise ValueError
            made = np.load(io.BytesIO(content[32:]), allow_pickle=False)
            path.touch()
        except (OSError, ValueError):
            return None
        self.hits += 1
        return made

    def write(self, key: str, picture: np.ndarray) -> None:
        """Keep a picture on disk; where that is impossible, it is not kept."""
        if self.folder is None or picture.nbytes > self.disk:
            return
        packed = io.BytesIO()
        np.save(packed, picture, allow_pickle=False)
        content = packed.getvalue()
        with (
            contextlib.suppress(OSError),
            replacing(self.folder / f"{key}.npy", overwrite=True) as partial,
        ):
            partial.write_bytes(hashlib.sha256(content).digest() + content)
        self.make_room()

    def make_room(self) -> None:
        """Remove the files that were used longest ago, down to the limit."""
        files = sorted(self.files(), key=lambda item: item[1])
        total = sum(size for _, _, size in files)
        for path, _, size in files:
            if total <= self.disk:
                break
            with contextlib.suppress(OSError):
                path.unlink()
                total -= size

    def files(self) -> Iterator[tuple[Path, int, int]]:
        """Find the pictures on disk, with the time of their last use and their size."""
        for path in self.folder.glob("*.npy") if self.folder else ():
            with contextlib.suppress(OSError):
                facts = path.stat()
                yield path, facts.st_mtime_ns, facts.st_size

    def clear(self) -> None:
        """Forget everything in memory; files stay."""
        self.held.clear()
        self.bytes = 0

"""Where a host writes what it hands over: one folder for each thing that flowed in.

A plate that changes gets another folder, so that a job at work or in the queue still reads its own;
folders that nobody waits for are cleared away.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable

NOTE = "written.json"


class Plates:
    """The plates and mattes of one node.

    Attributes:
        folder: the node's own.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder.replace("\\", "/").rstrip("/")

    def pattern(self, kind: str, stamp: str) -> str:
        """Return the pattern of the files that a stamp stands for; `kind` is plate or matte."""
        mark = hashlib.sha256(stamp.encode("utf-8")).hexdigest()[:12]
        return f"{self.folder}/{kind}-{mark}/{kind}.####.exr"

    def is_written(self, pattern: str, first: int, last: int) -> bool:
        """Say whether these frames were written before."""
        try:
            with open(os.path.join(os.path.dirname(pattern), NOTE), encoding="utf-8") as file:
                begun, ended = json.load(file)
        except (OSError, ValueError, TypeError):
            return False
        return begun <= first and last <= ended and missing(pattern, first, last) is None

    def mark_written(self, pattern: str, first: int, last: int) -> None:
        """Take note that these frames are there."""
        with open(os.path.join(os.path.dirname(pattern), NOTE), "w", encoding="utf-8") as file:
            json.dump([first, last], file)

    def clear(self, wanted: Iterable[str]) -> None:
        """Remove the plates that were written here, but for the wanted ones."""
        kept = {os.path.basename(os.path.dirname(pattern)) for pattern in wanted if pattern}
        for name in os.listdir(self.folder) if os.path.isdir(self.folder) else ():
            found = re.fullmatch(r"(plate|matte)-[0-9a-f]{12}", name)
            if found is None or name in kept:
                continue
            place = os.path.join(self.folder, name)
            ours = re.compile(rf"{found[1]}\.-?\d+\.exr")
            for file in os.listdir(place):
                if file == NOTE or ours.fullmatch(file):
                    os.remove(os.path.join(place, file))
            if not os.listdir(place):
                os.rmdir(place)


def numbered(pattern: str, frame: int) -> str:
    """Return the file of a frame."""
    return pattern.replace("####", f"{frame:04d}")


def missing(pattern: str, first: int, last: int) -> int | None:
    """Return the first frame that has no file; None where all are there."""
    frames = range(first, last + 1)
    return next((f for f in frames if not os.path.isfile(numbered(pattern, f))), None)


def files_stamp(pattern: str) -> list[list[object]]:
    """Return what tells the files of a sequence from later ones of the same names."""
    folder, name = os.path.split(pattern)
    stem = re.split(r"[#%\[$]", name, maxsplit=1)[0]
    try:
        with os.scandir(folder or ".") as entries:
            found = [(e.name, e.stat()) for e in entries if e.name.startswith(stem)]
    except OSError:
        return []
    return sorted([name, facts.st_size, facts.st_mtime_ns] for name, facts in found)

"""The journal of a render: which frames are finished, and of which settings.

One JSON line a frame, appended and flushed when the frame's file is whole under its own name. After
a crash the render goes on from there. Checkpoints of the recursion lie beside it. Other lines say
that a frame's file is about to be written, so that a file that a crash left without its entry is
known as ours; that a video is being made of the frames; that all is finished.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import hashlib
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import UnreadableFile, WriteRefused
from ..hashing import file_sha256
from ..state import load_state, save_state
from ..stylizers.paint_state import PaintState

VERSION = 1
TAKEN = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK}


@dataclass(frozen=True)
class Entry:
    """One finished frame."""

    frame: int
    file: str
    size: int
    sha256: str
    numbers: dict[str, float] = field(default_factory=dict)


def sound(entry: Entry) -> Entry:
    """Return an entry whose values are of the kinds that an entry has.

    Raises:
        TypeError: one is of another, as in a journal that somebody edited.
    """
    kinds = [(entry.frame, int), (entry.file, str), (entry.size, int), (entry.sha256, str)]
    kinds += [(entry.numbers, dict), *((value, (int, float)) for value in entry.numbers.values())]
    if not all(isinstance(value, kind) for value, kind in kinds):
        raise TypeError("no entry")
    return entry


class Stage(enum.Enum):
    """How far a render has come."""

    PAINTING = "painting"
    MUXING = "muxing"  # whatever lies under the video's name is ours
    FINISHED = "finished"


def lock(descriptor: int) -> None:
    """Lock an open file against every other opening of it, at once.

    Raises:
        OSError: another holds it, or the file system knows no locks.
    """
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def fingerprint(settings: dict[str, Any]) -> str:
    """Return a digest of everything that decides the pixels."""
    text = json.dumps(settings, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


class Journal:
    """The journal of one output, in a hidden folder beside it."""

    def __init__(
        self, folder: Path, name: str, digest: str, notes: dict[str, Any] | None = None
    ) -> None:
        """Open nothing yet.

        Args:
            folder: of the output.
            name: of the output.
            digest: of everything that decides the pixels.
            notes: what the first line says beside that, for a reader.
        """
        self.folder = folder / ".stillbrush" / name
        self.path = self.folder / "journal.jsonl"
        self.digest, self.notes = digest, notes or {}
        self.entries: dict[int, Entry] = {}
        self.claims: dict[int, str] = {}  # files that are ours to write, by frame
        self.lock = threading.Lock()
        self.stage = Stage.PAINTING
        self.finished: tuple[int, ...] = ()  # the frames of the render that was finished

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep other renders out of the folder; the system lets go when the process ends.

        Raises:
            WriteRefused: another render holds it, or nothing can be written there.
        """
        path = self.folder / "lock"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = path.open("ab")
        except OSError as error:
            raise WriteRefused(f"{path}: cannot be written ({error}).") from error
        with file:  # its end ends the lock; the file stays, lest two renders lock two files
            try:
                lock(file.fileno())
            except OSError as error:
                # A share that knows no locks renders without one.
                if error.errno in TAKEN:
                    raise WriteRefused(
                        f"{self.folder}: another render is writing it. "
                        "Wait until it ends, or choose another output."
                    ) from None
            yield

    def finished_entries(self, path: Callable[[int], Path]) -> list[Entry]:
        """Return every finished frame whose file bears the name that `path` gives it, in order."""
        kept = sorted(self.entries.items())
        return [entry for frame, entry in kept if entry.file == path(frame).name]

    def read(self) -> str | None:
        """Read the entries; return the fingerprint they were made with, None without a journal.

        A last line that was cut off by a crash is no entry.
        """
        if not self.path.is_file():
            return None
        lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        made_with = None
        for line in lines:
            try:
                record = json.loads(line)
                if "stillbrush-journal" in record:
                    made_with = str(record["fingerprint"])
                elif "claim" in record:
                    self.claims[int(record["claim"])] = str(record["file"])
                elif "stage" in record:
                    self.stage = Stage(record["stage"])
                    self.finished = tuple(record["frames"])
                else:
                    entry = sound(Entry(**record))
                    self.entries[entry.frame] = entry
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                continue
        return made_with

    def is_finished(self, frame: int, path: Path) -> bool:
        """Say whether a frame's file is there, whole, and the one that was written."""
        entry = self.entries.get(frame)
        if entry is None or entry.file != path.name or not path.is_file():
            return False
        return path.stat().st_size == entry.size and file_sha256(path) == entry.sha256

    def is_ours(self, frame: int, path: Path) -> bool:
        """Say whether a frame was written under this name, or begun, whatever became of it."""
        entry = self.entries.get(frame)
        names = (self.claims.get(frame), entry.file if entry else None)
        return path.name in names

    def begin(self, keep: set[int], *, afresh: bool = False) -> None:
        """Start the journal's file again with the entries that still hold.

        Args:
            keep: their frames; the files of the others stay ours.
            afresh: whether to forget everything: the entries are those of other settings.
        """
        if afresh:
            self.entries, self.claims = {}, {}
        self.claims |= {frame: entry.file for frame, entry in self.entries.items()}
        self.entries = {frame: e for frame, e in sorted(self.entries.items()) if frame in keep}
        self.stage, self.finished = Stage.PAINTING, ()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            aside = self.path.with_suffix(".partial")
            with aside.open("w", encoding="utf-8") as file:
                head = {"stillbrush-journal": VERSION, "fingerprint": self.digest}
                head |= self.notes
                file.write(json.dumps(head) + "\n")
                for frame, name in sorted(self.claims.items()):
                    file.write(json.dumps({"claim": frame, "file": name}) + "\n")
                for entry in self.entries.values():
                    file.write(json.dumps(vars(entry)) + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(aside, self.path)
        except OSError as error:
            raise WriteRefused(f"journal {self.path}: cannot be written ({error}).") from error

    def claim(self, frame: int, path: Path) -> None:
        """Note that a frame's file is about to be written."""
        if self.claims.get(frame) != path.name:
            self.claims[frame] = path.name
            self.append({"claim": frame, "file": path.name})

    def add(self, frame: int, path: Path, numbers: dict[str, float]) -> None:
        """Append a finished frame."""
        entry = Entry(frame, path.name, path.stat().st_size, file_sha256(path), numbers)
        self.entries[frame] = entry
        self.append(vars(entry))

    def amend(self, frame: int, numbers: dict[str, float]) -> None:
        """Append other numbers of a finished frame; its file stays as it is."""
        entry = replace(self.entries[frame], numbers=numbers)
        self.entries[frame] = entry
        self.append(vars(entry))

    def mark(self, stage: Stage, frames: tuple[int, ...]) -> None:
        """Append how far the whole has come."""
        self.stage, self.finished = stage, frames
        self.append({"stage": stage.value, "frames": frames})

    def append(self, record: dict[str, Any]) -> None:
        """Append a line that is on disk when this returns."""
        try:
            with self.lock, self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise WriteRefused(f"journal {self.path}: cannot be written ({error}).") from error


class OnDisk:
    """Checkpoints of the recursion, beside the journal, float32: going on from one is exact."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, frame: int) -> Path:
        """Return the file of a frame's state."""
        return self.folder / f"state.{frame}.safetensors"

    def before(self, frame: int) -> tuple[int, PaintState] | None:
        """Return the latest sound checkpoint that is <= frame, and the state after it."""
        numbers = []
        for path in self.folder.glob("state.*.safetensors"):
            text = path.name.split(".")[1]
            if text.lstrip("-").isdigit() and int(text) <= frame:
                numbers.append(int(text))
        for number in sorted(numbers, reverse=True):
            try:
                return number, load_state(PaintState, self.path(number))
            except UnreadableFile:
                self.path(number).unlink(missing_ok=True)
        return None

    def keep(self, frame: int, state: PaintState) -> None:
        """Store the state after a frame."""
        save_state(state, self.path(frame))

    def clear(self) -> None:
        """Remove every checkpoint, and what a killed render left of one."""
        for pattern in ("state.*.safetensors", ".state.*.partial*"):
            for path in self.folder.glob(pattern):
                path.unlink(missing_ok=True)

"""Hashes of what nodes give: from knobs, inputs and time, never from pixels."""

from __future__ import annotations

import enum
import hashlib
from pathlib import Path
from typing import Any

from ...core.errors import StillbrushError
from ...core.looks import find_look
from ...core.media.sequences import find_sequence, is_video
from ...core.render.assembly import product_version
from ..folders import user_looks
from .curves import Curve
from .declared import LOOK, knobs_of, spec_of
from .expressions import Expression
from .model import State
from .values import Values


def digest(*parts: object) -> str:
    """Return a digest of plain values."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def plain(setting: Any) -> Any:
    """Return a setting as something that is written the same every time."""
    if isinstance(setting, (Curve, Expression)):
        return (type(setting).__name__, setting.text if isinstance(setting, Expression)
                else setting.text())  # fmt: skip
    return setting.value if isinstance(setting, enum.Enum) else setting


def stamp(path: Path) -> tuple[str, int, int]:
    """Return what tells a file from a later one of the same name."""
    try:
        facts = path.stat()
    except OSError:
        return str(path), -1, -1
    return str(path.resolve()), facts.st_size, facts.st_mtime_ns


def files_stamp(text: str) -> tuple[Any, ...]:
    """Return the stamps of the files of a sequence, a still or a video."""
    try:
        if is_video(text):
            return (stamp(Path(text)),)
        sequence = find_sequence(text)
        return tuple(stamp(sequence.path(frame)) for frame in sequence.frames)
    except StillbrushError:
        return ("absent", text)


def look_stamp(name: str, folder: Path) -> tuple[Any, ...]:
    """Return what tells a look from another of its name."""
    try:
        look = find_look(name, folder)
        text = look.path.read_bytes() if look.path else b""
    except (StillbrushError, OSError):
        return ("absent", name)
    return (name, hashlib.sha256(text).hexdigest(), look.paint_digest)


class Hashes:
    """The hashes of a script; each is worked out once until something that it rests on changes.

    Attributes:
        state: the script as it is.
        count: how many hashes of nodes have been worked out.
    """

    def __init__(self) -> None:
        self.state = State()
        self.whole: dict[int, str] = {}
        self.frames: dict[tuple[int, int], str] = {}
        self.count = 0

    def change(self, state: State, changed: set[int]) -> set[int]:
        """Go over to another state; return the nodes whose hashes are forgotten."""
        gone = self.state.dependents(changed & self.state.nodes.keys())
        gone |= state.dependents(changed & state.nodes.keys())
        self.state = state
        self.forget(gone)
        return gone

    def forget(self, nodes: set[int]) -> None:
        """Forget the hashes of nodes."""
        for uid in nodes:
            self.whole.pop(uid, None)
        self.frames = {key: made for key, made in self.frames.items() if key[0] not in nodes}

    def definition(self, uid: int) -> str:
        """Return the hash of all that a node gives, over all of time."""
        order = [uid]
        while order:  # a stack of our own: a graph may be deeper than Python's
            at = order[-1]
            if at in self.whole:
                order.pop()
                continue
            missing = [source for source in self.upstream(at) if source not in self.whole]
            if missing:
                order.extend(missing)
            else:
                self.whole[at] = self.defined(at)
                order.pop()
        return self.whole[uid]

    def upstream(self, uid: int) -> tuple[int, ...]:
        """Return the nodes that one takes pictures from."""
        return tuple(self.state.sources(uid))

    def defined(self, uid: int) -> str:
        """Work the hash of one node out."""
        self.count += 1
        node, spec = self.state.nodes[uid], spec_of(self.state.nodes[uid].kind)
        settings = sorted((k, plain(s), self.resolved(uid, k)) for k, s in node.settings.items())
        wires = [(port, self.whole[source]) for port, source in sorted(node.inputs.items())]
        output = self.whole[node.output] if node.output is not None else None
        version = spec.version if spec else 0
        return digest(product_version(), node.kind, version, settings, node.disable, wires, output,
                      self.on_disk(uid))  # fmt: skip

    def resolved(self, uid: int, knob: str) -> tuple[Any, ...]:
        """Return what an expression rests on: the settings of the knobs that it leads to."""
        found: dict[str, Any] = {}
        waiting = [(uid, self.state.nodes[uid].settings.get(knob))]
        while waiting:
            at, setting = waiting.pop()
            for name in setting.names() if isinstance(setting, Expression) else ():
                owner, _, named = name.rpartition(".")
                number = self.state.number(owner) if owner else at
                full = name if owner else f"{self.state.nodes[at].name}.{name}"
                if number is None or full in found:
                    continue
                number, named = self.state.nodes[number].promoted.get(named, (number, named))
                of = self.state.nodes[number].settings.get(named)
                found[full] = plain(of)
                waiting.append((number, of))
        return tuple(sorted(found.items()))

    def on_disk(self, uid: int) -> tuple[Any, ...]:
        """Return the stamps of the files that a node reads by itself."""
        node, spec = self.state.nodes[uid], spec_of(self.state.nodes[uid].kind)
        if spec is None:
            return ()
        values = Values(self.state)
        if not spec.inputs and "file" in knobs_of(spec):
            return files_stamp(values.at(uid, "file", 0))
        read: tuple[Any, ...] = ()
        if spec.id == "style_picture":
            read = (stamp(Path(values.at(uid, "file", 0))),)
        if LOOK in knobs_of(spec) and LOOK not in node.inputs:
            return (*read, *look_stamp(values.at(uid, LOOK, 0), user_looks()))
        if spec.id == "load_look":
            name, folder = values.at(uid, "name", 0), values.at(uid, "folder", 0)
            return look_stamp(name, Path(folder) if folder else user_looks())
        return read

    def at(self, uid: int, frame: int) -> str:
        """Return the hash of what a node gives at a frame.

        A node that needs no other frame rests on its knobs and inputs at that frame alone.
        """
        order = [uid]
        while order:  # a stack of our own: a graph may be deeper than Python's
            here = order[-1]
            missing = [of for of in self.beside(here) if (of, frame) not in self.frames]
            if (here, frame) in self.frames or not missing:
                order.pop()
                if (here, frame) not in self.frames:
                    self.frames[(here, frame)] = self.made_at(here, frame)
            else:
                order.extend(missing)
        return self.frames[(uid, frame)]

    def beside(self, uid: int) -> tuple[int, ...]:
        """Return the nodes whose hashes at a frame are needed for that of a node."""
        node, spec = self.state.nodes[uid], spec_of(self.state.nodes[uid].kind)
        if node.output is not None:
            return (node.output,)
        return tuple(node.inputs.values()) if spec is not None and spec.local else ()

    def made_at(self, uid: int, frame: int) -> str:
        """Work the hash of one node at a frame out; those that it needs are there."""
        node = self.state.nodes[uid]
        if node.output is not None:
            return self.frames[(node.output, frame)]
        if not self.beside(uid):
            return digest(self.definition(uid), frame)
        return self.local(uid, frame)

    def local(self, uid: int, frame: int) -> str:
        """Work out the hash of a node that needs no other frame."""
        self.count += 1
        node = self.state.nodes[uid]
        values = Values(self.state)
        knobs = sorted((k, plain(values.at(uid, k, frame))) for k in node.settings)
        wires = [(port, self.frames[(of, frame)]) for port, of in sorted(node.inputs.items())]
        version = getattr(spec_of(node.kind), "version", 0)
        stamps = self.on_disk(uid)
        return digest(product_version(), node.kind, version, knobs, node.disable, wires, stamps,
                      frame)  # fmt: skip

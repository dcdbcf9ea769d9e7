"""Pulling pictures through the graph: one frame at a time, in any order, each worked out once."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...core.dials import Dials
from ...core.errors import BadInput, StillbrushError
from ...core.look import Look
from ...core.looks import find_look
from ...core.media.placing import Placed
from ...core.media.source import Shot
from ...core.spec import NodeSpec, Port
from ..folders import user_looks
from .cache import Cache
from .declared import LOOK, PICTURES, arrows, has_output, spec_of
from .frames import FrameNode
from .hashing import Hashes
from .model import NodeData, State
from .values import Values

REACH = 40  # nodes from one picture that is pulled ahead to the next: Python's stack is short
KEYS = "keys"
PLATE = frozenset({"R", "G", "B"})


class Engine:
    """Evaluates one script.

    Attributes:
        counts: how often each node worked a frame out; reads of files are counted there too.
    """

    def __init__(self) -> None:
        self.hashes = Hashes()
        self.cache = Cache()
        self.counts: Counter[str] = Counter()
        self.built: dict[tuple[int, str], tuple[str, Any]] = {}

    @property
    def state(self) -> State:
        """Return the script as it is."""
        return self.hashes.state

    def change(self, state: State, changed: set[int]) -> None:
        """Go over to another state of the script."""
        gone = self.hashes.change(state, changed) - state.nodes.keys()
        self.built = {key: made for key, made in self.built.items() if key[0] not in gone}

    def refresh(self) -> None:
        """Look again at the files on disk; what rests on changed ones is worked out anew."""
        reading = {uid for uid in self.state.nodes if self.hashes.on_disk(uid)}
        self.hashes.forget(self.state.dependents(reading))

    def node(self, uid: int) -> tuple[NodeData, NodeSpec[Any]]:
        """Return a node and its declaration.

        Raises:
            BadInput: this version does not know its class.
        """
        node = self.state.nodes[uid]
        spec = spec_of(node.kind)
        if spec is None:
            raise BadInput(f"{node.name}: this version has no node {node.kind}; it is only kept.")
        return node, spec

    def remembered(self, uid: int, what: str, make: Callable[[], Any]) -> Any:
        """Return what was made for a node, unless something that it rests on has changed."""
        definition = self.hashes.definition(uid)
        found = self.built.get((uid, what))
        if found is None or found[0] != definition:
            found = self.built[(uid, what)] = (definition, make())
        return found[1]

    def upstream(self, uid: int) -> Iterator[int]:
        """Walk up to where pictures come from, sources first."""
        order, waiting, seen = [], [uid], {uid}
        while waiting:
            at = waiting.pop()
            order.append(at)
            for source in self.state.sources(at):
                if source not in seen:
                    seen.add(source)
                    waiting.append(source)
        return reversed(order)

    def shot(self, uid: int) -> Shot:
        """Return what a node gives as a shot; nothing is read yet.

        Raises:
            BadInput: it gives no picture, or is not wired.
        """
        deep = list(self.upstream(uid))
        for source in deep if len(deep) > REACH else ():
            with contextlib.suppress(StillbrushError):  # told when it is needed
                self.remembered(source, "shot", lambda at=source: self.make_shot(at))
        return self.remembered(uid, "shot", lambda: self.make_shot(uid))

    def make_shot(self, uid: int) -> Shot:
        """Make the shot of a node."""
        output = self.state.nodes[uid].output
        if output is not None:
            return self.shot(output)
        node, spec = self.node(uid)
        if not has_output(spec, *PICTURES) and not node.disable:
            raise BadInput(f"{node.name}: gives no picture; ask the nodes that are wired to it.")
        if node.disable:
            return self.background(uid)
        if spec.is_frame_operator:
            return self.cached(uid, self.frame_node(uid).shot(), paints=True)
        if has_output(spec, "clip"):
            return self.cached(uid, self.painted(uid, spec), paints=True)
        return self.cached(uid, self.clip_operator(uid, spec), paints=False)

    def background(self, uid: int) -> Shot:
        """Return the shot that comes in first: what a node that is disabled hands on."""
        node, spec = self.node(uid)
        for port in self.carriers(uid, spec):
            source = node.inputs.get(port.name)
            if source is not None and port.kind.name != LOOK:
                return self.plate(source)
        raise BadInput(f"{node.name}: input {arrows(spec)[0].name if arrows(spec) else ''}: "
                       "is not wired.")  # fmt: skip

    def carriers(self, uid: int, spec: NodeSpec[Any]) -> list[Port]:
        """Return the inputs, the one whose shot is handed on first.

        A few key frames are carried over their source: there it is the source.
        """
        has_keys = any(field.name == KEYS for field in spec.knobs)
        is_carried = has_keys and bool(Values(self.state).at(uid, KEYS, 0))
        return sorted(arrows(spec), key=lambda port: is_carried and port.name != "source")

    def plate(self, uid: int) -> Shot:
        """Return a node's shot; of one that gives no picture, that of the plate it came from."""
        node = self.state.nodes[uid]
        spec = spec_of(node.kind)
        if node.output is None and spec is not None and not has_output(spec, *PICTURES):
            return self.background(uid)
        return self.shot(uid)

    def input(self, uid: int, port: Port) -> Any:
        """Return what flows into a port of a clip operator; None where nothing is wired."""
        node = self.state.nodes[uid]
        source = node.inputs.get(port.name)
        if port.kind.name == LOOK:
            return self.look(uid)
        if port.kind.name == "clip":  # one wire brings both
            source = node.inputs.get("shot")
        if source is None:
            if port.optional:
                return None
            raise BadInput(f"{node.name}: input {port.name}: is not wired.")
        return self.shot(source)

    def look(self, uid: int) -> Look | None:
        """Return the look of a node: what is wired to it, or what its knob names."""
        node, spec = self.node(uid)
        source = node.inputs.get(LOOK)
        if source is not None:
            return self.remembered_outputs(source).look
        port = next(port for port in spec.inputs if port.name == LOOK)
        if port.optional and LOOK not in node.settings:
            return None
        return find_look(Values(self.state).at(uid, LOOK, 0), user_looks())

    def remembered_outputs(self, uid: int) -> Any:
        """Return the outputs of a node whose knobs stand still."""
        node, spec = self.node(uid)
        if spec.is_frame_operator:
            raise BadInput(f"{node.name}: gives its look with every frame; wire a Load Look.")

        def make() -> Any:
            values = {port.name: self.input(uid, port) for port in spec.inputs}
            return spec.step(spec.inputs_type(**values), self.knobs(uid, spec, 0))

        key = f"outputs:{self.hashes.definition(uid)}"
        found = self.cache.get(key)
        if found is None:
            found = make()
            self.cache.put(key, found)
        return found

    def knobs(self, uid: int, spec: NodeSpec[Any], frame: int) -> Any:
        """Return a node's knobs at a frame."""
        given = Values(self.state).all_at(uid, frame)
        if spec.id == "load_look" and not given.get("folder"):
            given["folder"] = str(user_looks())
        return spec.make_knobs(**given)

    def clip_operator(self, uid: int, spec: NodeSpec[Any]) -> Shot:
        """Run a clip operator; where its knobs move, once for every setting of them."""
        x = spec.inputs_type(**{port.name: self.input(uid, port) for port in spec.inputs})
        moving = Values(self.state).moving(uid)
        if not moving:
            return spec.step(x, self.knobs(uid, spec, 0)).shot
        state, made = self.state, {}

        def at(frame: int) -> Shot:
            given = Values(state).all_at(uid, frame)
            knobs = spec.make_knobs(**given)
            if knobs not in made:
                made[knobs] = spec.step(x, knobs).shot
            return made[knobs]

        first = next((v for v in vars(x).values() if isinstance(v, Shot)), None)
        whole = at(first.frames[0] if first else 0)
        return replace(whole, read=lambda frame: at(frame).read(frame))

    def painted(self, uid: int, spec: NodeSpec[Any]) -> Shot:
        """Return a plate with the clip that a node paints over it; painting begins when asked."""
        plate = self.background(uid)
        state = self.state
        made: list[Any] = []

        def clip() -> Any:
            if not made:
                values = {p.name: self.input(uid, p) for p in spec.inputs if p.kind.name != "dials"}
                moving = Values(state).moving(uid)
                by_knob = {
                    k: {f: Values(state).at(uid, k, f) for f in plate.frames} for k in moving
                }
                if by_knob:
                    values["dials"] = Dials(by_knob)
                knobs = self.knobs(uid, spec, plate.frames[0])
                made.append(spec.step(spec.inputs_type(**values), knobs).clip)
            return made[0]

        def read(frame: int) -> Placed:
            return replace(plate.read(frame), rgb=clip().frame(frame)[0].cpu().numpy())

        return replace(plate, read=read)

    def frame_node(self, uid: int) -> FrameNode:
        """Return a frame operator at work."""
        return self.remembered(uid, "steps", lambda: FrameNode(self, uid))

    def cached(self, uid: int, shot: Shot, *, paints: bool) -> Shot:
        """Return a shot whose frames are worked out once; painted ones are kept on disk too."""
        name, read, hashes = self.state.nodes[uid].name, shot.read, self.hashes
        plate = self.background(uid).read if paints else None
        frames = frozenset(shot.frames)

        def pull(frame: int) -> Placed:
            if frame not in frames:
                raise BadInput(
                    f"{name}: frame {frame}: it has {shot.frames[0]} to {shot.frames[-1]}."
                )
            key = hashes.at(uid, frame)
            found = self.cache.get(key)
            if found is None:
                found = self.from_disk(key, plate, frame) if plate else None
            if found is None:
                self.counts[name] += 1
                found = read(frame)
                if plate is not None:
                    self.cache.write(key, found.rgb)
            self.cache.put(key, found)
            return found

        return replace(shot, read=pull)

    def from_disk(self, key: str, plate: Any, frame: int) -> Placed | None:
        """Return a painted frame that is kept on disk, over its plate."""
        rgb = self.cache.read(key)
        if rgb is None:
            return None
        under = plate(frame)
        return replace(under, rgb=rgb) if under.rgb.shape == rgb.shape else None

    def frame(self, uid: int, number: int) -> Placed:
        """Return one frame of a node."""
        shot = self.shot(uid)
        chain = list(self.main_chain(uid))[::-1]
        for at in chain[REACH::REACH]:
            with contextlib.suppress(StillbrushError):
                self.hashes.at(at, number)
                self.shot(at).read(number)
        return shot.read(number)

    def main_chain(self, uid: int) -> Iterator[int]:
        """Walk up along the first inputs."""
        at: int | None = uid
        while at is not None:
            yield at
            node = self.state.nodes[at]
            at = node.output if node.output is not None else next(iter(node.inputs.values()), None)

    def planes(self, uid: int, number: int, channels: tuple[str, ...]) -> dict[str, np.ndarray]:
        """Return channels of a frame over the canvas; where RGB is not asked for, none is painted.

        Raises:
            BadInput: the frame has no such channel.
        """
        if not PLATE & set(channels):
            uid = self.below_paint(uid)
        placed = self.frame(uid, number)
        return {name: plane(placed, name) for name in channels}

    def below_paint(self, uid: int) -> int:
        """Walk up past what only paints: it hands every channel but RGB on."""
        while True:
            node = self.state.nodes[uid]
            spec = spec_of(node.kind)
            source = next(iter(node.inputs.values()), None)
            if node.output is not None:
                uid = node.output
            elif spec is not None and source is not None and has_output(spec, "clip", "encoded"):
                uid = node.inputs.get(arrows(spec)[0].name, source)
            else:
                return uid

    def prepare(self, folder: Path | None, memory: int, disk: int) -> None:
        """Set the cache up."""
        self.cache = Cache(memory, folder, disk)


def plane(placed: Placed, name: str) -> np.ndarray:
    """Return a channel (H, W) of a frame over the canvas, 0 where it has none.

    Raises:
        BadInput: the frame has no such channel.
    """
    if name in PLATE:
        return placed.rgb[..., "RGB".index(name)]
    if name == "A":
        size = placed.rgb.shape[:2]
        return np.ones(size, np.float32) if placed.alpha is None else placed.alpha
    original = placed.plate.original if placed.plate else None
    for part in original.parts if original else ():
        if name in part.spec.channelnames:
            made = np.zeros(placed.rgb.shape[:2], np.float32)
            index = part.spec.channelnames.index(name)
            made[placed.inside] = part.channel(index).astype(np.float32)
            return made
    raise BadInput(f"channel {name}: the frame {placed.frame} has none of that name.")

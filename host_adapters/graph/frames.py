"""A frame operator at work in the graph: its inputs brought to it, its state carried by Timeline.

Paint that comes in network encoding goes back over its plate by the engine's own composer, so that
the wired chain gives the very pixels of StylizeShot: mix and matte act in the plate's own space.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ...core.comp.masks import ShotMatte
from ...core.comp.viewing import displayed
from ...core.errors import BadInput
from ...core.knobs import follow
from ...core.media.encoding import Encoding
from ...core.media.images import read_channels
from ...core.media.placing import Placed
from ...core.media.source import Shot
from ...core.motion.vectors import detect
from ...core.render.compose import restore
from ...core.render.journal import OnDisk
from ...core.render.painting import scratch
from ...core.render.pipeline import Shared
from ...core.render.prepare import Prepared, prepare
from ...core.sequence import InMemory, Timeline
from ...core.spec import Port
from ...core.stylizers.paint_state import PaintState
from .declared import LOOK, has_output
from .values import Values

if TYPE_CHECKING:
    from .engine import Engine

CPU = torch.device("cpu")
MATTE = "matte"


class FrameNode:
    """One frame operator of one state of the script."""

    def __init__(self, engine: Engine, uid: int) -> None:
        self.engine, self.uid = engine, uid
        self.node, self.spec = engine.node(uid)
        self.values = Values(engine.state)
        self.plate = engine.background(uid)
        self.has_look = any(port.name == LOOK for port in self.spec.inputs)
        self.look = engine.look(uid) if self.has_look else None
        exposure = self.look.exposure if self.look else 0.0
        self.encoding = Encoding(exposure, self.plate.is_scene_referred)
        self.prepared = Shared(lambda frame: self.prepare(self.plate, frame), keep=4)
        self.is_paint = has_output(self.spec, "encoded")
        fresh = self.spec.state_type() if self.spec.state_type else None
        on_disk = self.spec.state_type is PaintState
        self.timeline: Timeline[Any, Any, Any] = Timeline(
            lambda x, state: self.spec.step(x[1], self.knobs(x[0]), state),
            lambda frame: (frame, self.inputs(frame)),
            self.plate.frames,
            fresh=fresh,
            begins=lambda frame: self.spec.local,
            checkpoints=OnDisk(scratch(self)) if on_disk else InMemory(most=4),
        )

    def prepare(self, shot: Shot, frame: int) -> Prepared:
        """Bring a frame to the network's colours."""
        encoding = Encoding(self.encoding.exposure, shot.is_scene_referred)
        return prepare(shot.read(frame), shot.colour, encoding, CPU)

    def given(self, frame: int) -> Any:
        """Return the node's knobs at a frame."""
        return self.spec.make_knobs(**self.values.all_at(self.uid, frame))

    def knobs(self, frame: int) -> Any:
        """Return the knobs for the step itself: paint is mixed when it goes over its plate."""
        knobs = self.given(frame)
        return replace(knobs, mix=1.0) if self.is_paint else knobs

    def at(self, frame: int) -> Any:
        """Return the node's outputs at a frame."""
        key = f"outputs:{self.engine.hashes.at(self.uid, frame)}"
        found = self.engine.cache.get(key)
        if found is None:
            self.engine.counts[f"{self.node.name}:outputs"] += 1
            found = self.timeline.at(frame)
            self.engine.cache.put(key, found)
        return found

    def inputs(self, frame: int) -> Any:
        """Bring everything to the node that flows in at a frame."""
        values = {port.name: self.input(port, frame) for port in self.spec.inputs}
        return self.spec.inputs_type(**values)

    def input(self, port: Port, frame: int) -> Any:
        """Return what flows into a port at a frame."""
        source = self.node.inputs.get(port.name)
        if port.name == LOOK:
            return self.look
        if source is None or (self.is_paint and port.name == MATTE):
            if port.optional:
                return None
            raise BadInput(f"{self.node.name}: input {port.name}: is not wired.")
        return self.brought(source, port, frame)

    def brought(self, source: int, port: Port, frame: int) -> Any:
        """Return what a node gives at a frame, as a port wants it."""
        kind = port.kind.name
        while (output := self.engine.state.nodes[source].output) is not None:
            source = output
        node, spec = self.engine.node(source)
        direct = next((p.name for p in spec.outputs if p.kind.name == kind), None)
        is_direct = direct is not None and spec.is_frame_operator and not node.disable
        if kind in {"encoded", "image"} and not (is_direct and kind == "image"):
            shot = self.engine.shot(source)
            made = self.prepared.get(frame) if shot is self.plate else self.prepare(shot, frame)
            return made.encoded if kind == "encoded" else made.linear
        if direct is not None and is_direct:
            return getattr(self.engine.frame_node(source).at(frame), direct)
        shot = self.engine.shot(source)
        if kind == "vectors":
            return vectors(shot.read(frame), port)
        matte = ShotMatte(shot, self.plate).frame(frame)
        return torch.from_numpy(np.ascontiguousarray(matte))[None, ..., None]

    def shot(self) -> Shot:
        """Return what the node gives as a shot: paint over its plate, or pictures to look at."""
        if self.is_paint:
            return replace(self.plate, read=self.restored)
        name = next(p.name for p in self.spec.outputs if p.kind.name == "image")
        return displayed(
            self.plate, lambda frame: getattr(self.at(frame), name)[0].clamp(0, 1).numpy()
        )

    def restored(self, frame: int) -> Placed:
        """Return a painted frame over its plate."""
        prepared = self.prepared.get(frame)
        knobs = self.given(frame)
        if self.look is not None:
            knobs = follow(knobs, self.look.knobs)
        placed = prepared.placed
        amount = np.full(placed.rgb.shape[:2], knobs.mix, np.float32)
        port = next((p for p in self.spec.inputs if p.name == MATTE), None)
        if port is not None and MATTE in self.node.inputs:
            matte = self.brought(self.node.inputs[MATTE], port, frame)[0, ..., 0].numpy()
            amount *= np.clip(np.nan_to_num(matte), 0, 1)
        if not amount[placed.inside].any():
            return placed
        name = next(p.name for p in self.spec.outputs if p.kind.name == "encoded")
        blended = getattr(self.at(frame), name)
        colour, encoding = self.plate.colour, self.encoding
        rgb = restore(prepared, blended, amount, knobs.strength, colour, encoding)
        return replace(placed, rgb=rgb)


def vectors(placed: Placed, port: Port) -> torch.Tensor:
    """Return the motion vectors that a plate carries, as stored: (1, H, W, 2).

    Raises:
        BadInput: it carries none.
    """
    original = placed.plate.original if placed.plate else None
    names = [n for part in original.parts for n in part.spec.channelnames] if original else []
    found = detect(names)
    channels = getattr(found, port.name, None) if found else None
    if channels is None or placed.plate is None:
        raise BadInput(f"frame {placed.frame}: expected {port.name} vectors in the plate's layers.")
    planes = np.zeros((*placed.rgb.shape[:2], 2), np.float32)
    planes[placed.inside] = read_channels(placed.plate.path, channels)
    return torch.from_numpy(planes)[None]

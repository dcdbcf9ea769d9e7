"""A node as a compositor holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ...core.clip import Format
from ...core.errors import BadInput
from ...core.look import Look
from ...core.media.headers import opened, part_specs
from ...core.media.images import probe
from ...core.media.source import Shot
from ...core.spec import shown
from .declared import arrow, arrows, class_name, knobs_of, spec_of
from .groups import promote, ungroup
from .knob import GraphKnob, PlainKnob
from .looks import apply_look, save_look
from .model import NodeData

if TYPE_CHECKING:
    from .script import Script

RGB = ("R", "G", "B")


class Node:
    """A node of a script: wires, knobs, and what it gives."""

    def __init__(self, script: Script, uid: int) -> None:
        self.script, self.uid = script, uid

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and (self.script, self.uid) == (other.script, other.uid)

    def __hash__(self) -> int:
        return hash((id(self.script), self.uid))

    def __repr__(self) -> str:
        known = self.uid in self.script.state.nodes
        return f"<{self.Class()} {self.name()}>" if known else "<deleted node>"

    @property
    def data(self) -> NodeData:
        """Return the node's data."""
        return self.script.data(self.uid)

    def Class(self) -> str:  # noqa: N802 - as compositors know it
        """Return its class: StylizeShot."""
        return class_name(self.data.kind)

    def help(self) -> str:
        """Return what it does."""
        spec = spec_of(self.data.kind)
        return spec.help if spec else ""

    def name(self) -> str:
        """Return its name; no other node of the script has it."""
        return self.data.name

    def setName(self, name: str) -> None:  # noqa: N802
        """Rename it; expressions that name it follow."""
        self.script.rename(self.uid, name)

    def label(self) -> str:
        """Return what is written under its name."""
        return self.data.label

    def setLabel(self, text: str) -> None:  # noqa: N802
        """Write something under its name."""
        self.script.change(self.uid, label=str(text))

    def isDisabled(self) -> bool:  # noqa: N802
        """Say whether it hands its first input on, untouched."""
        return self.data.disable

    def setDisable(self, disable: bool = True) -> None:  # noqa: N802
        """Let it hand its first input on, untouched; or let it work again."""
        self.script.change(self.uid, disable=bool(disable))

    def setXYpos(self, x: int, y: int) -> None:  # noqa: N802
        """Place it in the picture of the graph."""
        self.script.change(self.uid, xpos=int(x), ypos=int(y))

    def xpos(self) -> int:
        """Return where it lies, from the left."""
        return self.data.xpos

    def ypos(self) -> int:
        """Return where it lies, from the top."""
        return self.data.ypos

    def setInput(self, which: int | str, node: Node | None) -> None:  # noqa: N802
        """Wire an input, by number or name; None takes the wire off. `mask` says where it acts.

        Raises:
            BadInput: no such input, what does not fit, or a circle, with its path.
        """
        if node is not None and not isinstance(node, Node):
            raise BadInput(f"{self.name()}: input {which}: expected a node; got {shown(node)}.")
        if node is not None and node.script is not self.script:
            raise BadInput(f"{self.name()}: {node.name()} lies in another script.")
        self.script.wire(self.uid, which, None if node is None else node.uid)

    def input(self, which: int | str) -> Node | None:
        """Return the node that is wired to an input."""
        spec = spec_of(self.data.kind)
        if spec is None:
            return None
        source = self.data.inputs.get(arrow(spec, which).name)
        return None if source is None else Node(self.script, source)

    def inputs(self) -> int:
        """Return how many inputs are wired, as far as the last of them."""
        spec = spec_of(self.data.kind)
        wired = [p.name in self.data.inputs for p in arrows(spec)] if spec else []
        return max((place + 1 for place, there in enumerate(wired) if there), default=0)

    def maxInputs(self) -> int:  # noqa: N802
        """Return how many inputs there are."""
        spec = spec_of(self.data.kind)
        return len(arrows(spec)) if spec else 0

    def dependencies(self) -> list[Node]:
        """Return the nodes that are wired to it."""
        return [
            Node(self.script, uid) for uid in dict.fromkeys(self.script.state.sources(self.uid))
        ]

    def dependent(self) -> list[Node]:
        """Return the nodes that it is wired to."""
        state = self.script.state
        return [Node(self.script, uid) for uid in state.nodes if self.uid in state.sources(uid)]

    def __getitem__(self, knob: str) -> GraphKnob:
        declared = spec_of(self.data.kind)
        if knob in PlainKnob.OWN and not (declared and knob in knobs_of(declared)):
            return cast(GraphKnob, PlainKnob(self.script, self.uid, knob))
        return GraphKnob(self.script, self.uid, knob)

    def knob(self, name: str) -> GraphKnob | None:
        """Return a knob; None where there is none of that name."""
        return self[name] if name in self.knobs() else None

    def knobs(self) -> dict[str, GraphKnob]:
        """Return its knobs by name; of a group, those that were promoted."""
        spec = spec_of(self.data.kind)
        names = knobs_of(spec) if spec else self.data.promoted
        return {name: GraphKnob(self.script, self.uid, name) for name in names}

    def setValues(self, **knobs: Any) -> None:  # noqa: N802
        """Set several knobs in one step."""
        with self.script.one_edit():
            for name, value in knobs.items():
                self[name].setValue(value)

    def shot(self) -> Shot:
        """Return what it gives as a shot of the engine; pixels are read frame by frame."""
        engine = self.script.engine
        return engine.plate(self.uid)

    def frameRange(self) -> tuple[int, int]:  # noqa: N802
        """Return its first and last frame."""
        frames = self.shot().frames
        return frames[0], frames[-1]

    def firstFrame(self) -> int:  # noqa: N802
        """Return its first frame."""
        return self.frameRange()[0]

    def lastFrame(self) -> int:  # noqa: N802
        """Return its last frame."""
        return self.frameRange()[1]

    def format(self) -> Format:
        """Return its display window: width, height, pixel aspect."""
        return self.shot().format

    def bbox(self) -> tuple[int, int, int, int]:
        """Return where it may have pixels: x, y, width, height, y down; overscan is in it."""
        canvas = self.shot().canvas
        return canvas.x, canvas.y, canvas.width, canvas.height

    def channels(self) -> list[str]:
        """Return the channels of a frame, as the file names them; reads a header, no pixels."""
        path = self.header_file()
        return list(RGB) if path is None else list(probe(path).channels)

    def header_file(self, frame: int | None = None) -> Any:
        """Return the file whose header a frame carries on; None where it is a new picture."""
        shot = self.shot()
        if shot.sequence is None or not shot.is_exr:
            return None
        held = shot.stands_in.get(frame or shot.frames[0], frame or shot.frames[0])
        return None if held is None else shot.sequence.path(held)

    def metadata(self, key: str | None = None, frame: int | None = None) -> Any:
        """Return what the header of a frame says: one value, or all of them by name."""
        path = self.header_file(frame)
        found: dict[str, Any] = {}
        if path is not None:
            with opened(path) as picture:
                spec = part_specs(picture, path)[0]
                found = {attribute.name: attribute.value for attribute in spec.extra_attribs}
        return found if key is None else found.get(key)

    def hash(self, frame: int | None = None) -> str:
        """Return a hash of what it gives at a frame: knobs, inputs and time, never pixels."""
        frame = self.script.frame if frame is None else frame
        return self.script.engine.hashes.at(self.uid, frame)

    def pull(
        self, frame: int | None = None, channels: tuple[str, ...] = RGB
    ) -> dict[str, np.ndarray]:
        """Work a frame out: each channel (H, W) float32 over the canvas, in the plate's space.

        Raises:
            StillbrushError: whatever is wrong upstream, naming the node.
        """
        frame = self.script.frame if frame is None else frame
        return self.script.engine.planes(self.uid, frame, tuple(channels))

    def applyLook(self, name: str) -> Look:  # noqa: N802
        """Put a look onto the node: its knobs become those of the look, to be seen and changed."""
        return apply_look(self, name)

    def saveLook(  # noqa: N802
        self, name: str, title: str | None = None, *, overwrite: bool = False
    ) -> Look:
        """Save the node's look with its knobs, under a name of its own, in your own folder."""
        return save_look(self, name, title, overwrite=overwrite)

    def promote(self, knob: GraphKnob, name: str | None = None) -> None:
        """Show a knob of a node inside this group on the group itself."""
        promote(self.script, self.uid, knob.uid, knob.knob, name)

    def nodes(self) -> list[Node]:
        """Return the nodes that lie in this group."""
        all_nodes = self.script.state.nodes.items()
        return [Node(self.script, uid) for uid, node in all_nodes if node.group == self.uid]

    def expand(self) -> None:
        """Take this group away and leave its nodes."""
        ungroup(self.script, self.uid)

"""Flow Viewer: motion as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..core.motion.view import flow_picture
from ..core.ports import FlowPort
from ..core.spec import Image, Knob, node


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    flow: Annotated[FlowPort, "Motion between this frame and the last, in pixels."]


@dataclass(frozen=True)
class Knobs:
    """How it is shown."""

    reach: Annotated[
        float,
        Knob(0.1, 1000.0, "Motion that shows in full colour; lower it to see slow motion.", "px"),
    ] = 16.0
    forward: Annotated[
        bool, Knob(tip="Shows where the last frame went, not where this one came from.")
    ] = False


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    image: Annotated[Image, "White at rest, coloured by direction, dark where nothing is known."]


@dataclass(frozen=True)
class State:
    """Nothing is carried to the next frame."""


@node("flow_viewer", label="Flow Viewer", category="View")
def flow_viewer(x: Inputs, k: Knobs, s: State) -> tuple[Outputs, State]:
    """Show motion: hue says where to, colour how fast."""
    return Outputs(flow_picture(x.flow.forward if k.forward else x.flow.backward, k.reach)), s

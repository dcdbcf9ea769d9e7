"""Vector Flow: rendered motion vectors in place of estimated flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from torch import Tensor

from ..core.file_knobs import VectorKnobs
from ..core.motion.flow import unknown_flow
from ..core.motion.vectors import conventions, to_flow
from ..core.ports import FlowPort
from ..core.spec import Kind, node

Vectors = Annotated[Tensor, Kind("vectors", "B H W 2")]


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    backward: Annotated[Vectors, "Rendered motion of this frame to the last, as stored."]
    forward: Annotated[Vectors | None, "Rendered motion of this frame to the next, as stored."] = (
        None
    )


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    flow: Annotated[FlowPort, "Motion between this frame and the last, in pixels."]


@dataclass(frozen=True)
class State:
    """What is carried to the next frame."""

    forward: Tensor | None = None  # (B, H, W, 2), the last frame's forward vectors as stored
    frames: int = 0  # frames so far


@node("vector_flow", label="Vector Flow", category="Motion")
def vector_flow(x: Inputs, k: VectorKnobs, s: State) -> tuple[Outputs, State]:
    """Turn rendered motion vectors into flow: exact, and free where the shot is CG.

    Without forward vectors, they are derived from the backward ones.
    """
    state = State(x.forward, s.frames + 1)
    height, width = x.backward.shape[1:3]
    if s.frames == 0:
        return Outputs(unknown_flow(height, width, x.backward.device)), state
    return Outputs(to_flow(x.backward, s.forward, conventions()[k.convention.value])), state

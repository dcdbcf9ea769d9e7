"""Flow Estimator: the motion between neighbouring frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from torch import Tensor

from ..core.knobs import FlowKnobs
from ..core.motion.estimators import make_estimator
from ..core.motion.flow import unknown_flow
from ..core.ports import FlowPort
from ..core.spec import Image, node


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    frame: Annotated[Image, "Frame as the eye sees it (network encoding), 0 to 1."]


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    flow: Annotated[FlowPort, "Motion between this frame and the last, in pixels."]


@dataclass(frozen=True)
class State:
    """What is carried to the next frame."""

    last: Tensor | None = None  # (B, H, W, 3), the last frame; None before the first


@node("flow_estimator", label="Flow Estimator", category="Motion")
def flow_estimator(x: Inputs, k: FlowKnobs, s: State) -> tuple[Outputs, State]:
    """Measure where everything came from since the last frame, and where it went.

    The first frame, and a frame of another size, have an unknown flow that nobody trusts.
    """
    height, width = x.frame.shape[1:3]
    if s.last is None or s.last.shape != x.frame.shape:
        return Outputs(unknown_flow(height, width, x.frame.device)), State(x.frame)
    return Outputs(make_estimator(k.method, k.quality).estimate(s.last, x.frame)), State(x.frame)

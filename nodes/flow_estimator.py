"""Flow Estimator: the motion between neighbouring frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from torch import Tensor

from ..core.knobs import EstimatorKnobs, follow
from ..core.motion.cuts import is_cut
from ..core.motion.estimators import make_estimator
from ..core.motion.flow import unknown_flow
from ..core.ports import FlowPort, LookPort
from ..core.spec import Encoded, node


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    frame: Annotated[Encoded, "Frame as the eye sees it."]
    look: Annotated[LookPort | None, "A look to follow where a knob is at its default."] = None


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    flow: Annotated[FlowPort, "Motion between this frame and the last, in pixels."]


@dataclass(frozen=True)
class State:
    """What is carried to the next frame."""

    last: Tensor | None = None  # (B, H, W, 3), the last frame; None before the first


@node("flow_estimator", label="Flow Estimator", category="Motion")
def flow_estimator(x: Inputs, k: EstimatorKnobs, s: State) -> tuple[Outputs, State]:
    """Measure where everything came from since the last frame, and where it went.

    The first frame, a frame of another size and a cut have an unknown flow that nobody trusts.
    """
    k = follow(k, x.look.knobs) if x.look else k
    height, width = x.frame.shape[1:3]
    if s.last is None or s.last.shape != x.frame.shape:
        return Outputs(unknown_flow(height, width, x.frame.device)), State(x.frame)
    flow = make_estimator(k.method, k.quality).estimate(s.last, x.frame)
    if k.detect_cuts and is_cut(s.last, x.frame, flow, k.cut_sensitivity):
        flow = unknown_flow(height, width, x.frame.device)
    return Outputs(flow), State(x.frame)

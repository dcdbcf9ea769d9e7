"""Occlusion Mask: where the motion can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..core.knobs import MaskKnobs, follow
from ..core.motion.consistency import trust
from ..core.ports import FlowPort, LookPort
from ..core.spec import Mask, node


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    flow: Annotated[FlowPort, "Motion between this frame and the last, in pixels."]
    look: Annotated[LookPort | None, "A look to follow where a knob is at its default."] = None


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    mask: Annotated[Mask, "1 where the flow can be trusted."]


@dataclass(frozen=True)
class State:
    """Nothing is carried to the next frame."""


@node("occlusion_mask", label="Occlusion Mask", category="Motion")
def occlusion_mask(x: Inputs, k: MaskKnobs, s: State) -> tuple[Outputs, State]:
    """Find what was uncovered, what left the frame and where motion breaks (Ruder et al. eq 5-7).

    1 is trust. Unknown flow, as on the first frame, is trusted nowhere.
    """
    k = follow(k, x.look.knobs) if x.look else k
    return Outputs(trust(x.flow, **vars(k))), s

"""Prior Warper: carries the last painted frame onto this one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch

from ..core.knobs import PriorKnobs, follow
from ..core.ports import FlowPort, LookPort, PriorPort
from ..core.spec import Image, Mask, node
from ..core.stylizers.prior import carry, make_prior


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    flow: Annotated[FlowPort, "Motion between this frame and the last, in pixels."]
    mask: Annotated[Mask, "1 where the flow can be trusted."]
    previous: Annotated[Image | None, "A previous picture to warp, for graphs of your own."] = None
    frame: Annotated[Image | None, "This frame, where the fill is source."] = None
    look: Annotated[LookPort | None, "A look to follow where a knob is at its default."] = None


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    prior: Annotated[PriorPort, "How to carry the last painted frame; wire it to a Stylizer."]
    warped: Annotated[Image, "The previous picture, warped, masked and filled; black without one."]
    trusted: Annotated[Mask, "The mask with the temporal dial in it."]


@dataclass(frozen=True)
class State:
    """What is carried to the next frame."""

    age: int = 0  # frames so far; varies the noise fill


@node("prior_warper", label="Prior Warper", category="Motion")
def prior_warper(x: Inputs, k: PriorKnobs, s: State) -> tuple[Outputs, State]:
    """Say how yesterday's painted picture is carried onto today's frame (Ruder et al. eq 15).

    The Stylizer, which holds that picture, applies it, so the wiring stays without a cycle.
    """
    k = follow(k, x.look.knobs) if x.look else k
    prior = make_prior(x.flow, x.mask, k)
    if x.previous is None:
        warped = torch.zeros((*prior.mask.shape[:3], 3), device=prior.mask.device)
    else:
        frame = torch.zeros_like(x.previous) if x.frame is None else x.frame
        warped, _ = carry(prior, x.previous, frame, s.age)
    return Outputs(prior, warped, prior.mask), State(s.age + 1)

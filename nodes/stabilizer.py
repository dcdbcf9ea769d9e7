"""Stabilizer: steadies a clip that somebody else painted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch

from ..core.clip import Clip
from ..core.comp.masks import ShotMatte
from ..core.dials import Dials
from ..core.knobs import SteadyKnobs
from ..core.ports import ClipPort, DialsPort, LookPort, ShotPort
from ..core.render.painting import Settings
from ..core.render.steady_request import SteadyRequest, steady_painting
from ..core.spec import Knob, node


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    painted: Annotated[ShotPort, "The clip that somebody painted, or a few key frames of it."]
    source: Annotated[ShotPort, "The shot that it was painted from; its motion is followed."]
    matte: Annotated[ShotPort | None, "1 where to steady."] = None
    look: Annotated[LookPort | None, "With key frames: paints what none of them shows."] = None
    dials: Annotated[DialsPort | None, "Values by frame of knobs that move."] = None


@dataclass(frozen=True)
class Knobs(SteadyKnobs):
    """How firmly, and from what."""

    keys: Annotated[
        bool,
        Knob(
            tip="Takes the painted frames as key frames and carries them over the whole source, "
            "in both directions.",
            animatable=False,
        ),
    ] = False


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    clip: Annotated[ClipPort, "The steady clip, in the colour space of the one that came in."]


@node("stabilizer", label="Stabilizer", category="Paint")
def stabilizer(x: Inputs, k: Knobs) -> Outputs:
    """Steady a painted clip by the motion of its source: no boil, no pumping, no smear.

    Strokes are chosen, not averaged; colour and light are evened out over a few frames to come; a
    cut begins afresh. Any frame may be asked for in any order; its pixels are the same.
    """
    settings = Settings(dials=x.dials or Dials())
    request = SteadyRequest(
        x.source, x.painted, k.keys, k, settings=settings, fill=x.look if k.keys else None
    )
    clip = x.source if k.keys else x.painted
    where = ShotMatte(x.matte, clip) if x.matte else None
    painting = steady_painting(request, where)

    def pull(frame: int) -> torch.Tensor:
        return torch.from_numpy(painting.frame(frame))[None]

    return Outputs(Clip(clip.frames, clip.format, clip.fps, pull))

"""Stylize Shot: the whole chain in one node."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import torch

from ..core.clip import Clip
from ..core.comp.masks import ShotMatte
from ..core.dials import Dials
from ..core.knobs import ShotKnobs, chain, changed
from ..core.look import Look
from ..core.new_looks import with_knobs
from ..core.ports import ClipPort, DialsPort, LookPort, ShotPort
from ..core.render.assembly import assemble
from ..core.render.painting import Settings
from ..core.render.request import Request
from ..core.spec import Knob, node


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    shot: Annotated[ShotPort, "The shot on disk."]
    look: Annotated[LookPort, "What it is painted like."]
    matte: Annotated[ShotPort | None, "1 where to paint."] = None
    dials: Annotated[DialsPort | None, "Values by frame of knobs that move."] = None


@dataclass(frozen=True)
class Knobs(ShotKnobs):
    """The whole chain, and whose settings count."""

    follow_look: Annotated[
        bool,
        Knob(
            tip="Leaves to the look what stands at its default; off, every knob counts as it "
            "stands.",
            animatable=False,
        ),
    ] = True


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    clip: Annotated[ClipPort, "The painted shot over its canvas, in the plate's colour space."]
    look: Annotated[LookPort, "The look with these knobs in it: wire it to Save Look."]


@node("stylize_shot", label="Stylize Shot", category="Paint")
def stylize_shot(x: Inputs, k: Knobs) -> Outputs:
    """Paint a shot: motion, mask, prior and paint in one.

    Any frame may be asked for in any order; its pixels are the same. A knob left at its default
    follows the look, unless that is switched off.
    """
    knobs, look = counted(k, x.look)
    settings = Settings(knobs, exposure=look.exposure, dials=x.dials or Dials())
    where = ShotMatte(x.matte, x.shot) if x.matte else None
    painting = assemble(Request(x.shot, look, settings=settings)).painting(where=where)
    painting.freeze_if_asked()

    def pull(frame: int) -> torch.Tensor:
        return torch.from_numpy(painting.frame(frame))[None]

    clip = Clip(x.shot.frames, x.shot.format, x.shot.fps, pull)
    return Outputs(clip, look)


def counted(k: Knobs, look: Look) -> tuple[ShotKnobs, Look]:
    """Return the chain's knobs as they count, and the look with them in it.

    A knob at its default follows the look, unless that is switched off.
    """
    if not k.follow_look:
        look = replace(look, knobs={})
    knobs = chain(look.knobs, changed(k))
    return knobs, with_knobs(look, knobs)

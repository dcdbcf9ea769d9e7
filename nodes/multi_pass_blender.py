"""Multi Pass Blender: a shot painted several times over, forwards and backwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch

from ..core.clip import Clip
from ..core.comp.masks import ShotMatte
from ..core.dials import Dials
from ..core.knobs import PassKnobs, ShotKnobs, chain, changed
from ..core.ports import ClipPort, DialsPort, LookPort, ShotPort
from ..core.render.assembly import assemble
from ..core.render.painting import Settings
from ..core.render.request import Request
from ..core.spec import node
from ..core.temporal.multi_pass import Passes


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    shot: Annotated[ShotPort, "The shot on disk."]
    look: Annotated[LookPort, "What it is painted like."]
    matte: Annotated[ShotPort | None, "1 where to paint."] = None
    dials: Annotated[DialsPort | None, "Values by frame of knobs that move."] = None


@dataclass(frozen=True)
class Knobs(PassKnobs, ShotKnobs):
    """The passes, and the whole chain; a knob of the chain at its default follows the look."""


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    clip: Annotated[ClipPort, "The painted shot over its canvas, in the plate's colour space."]


@node("multi_pass_blender", label="Multi Pass Blender", category="Paint")
def multi_pass_blender(x: Inputs, k: Knobs) -> Outputs:
    """Paint a shot several times, forwards and backwards in turn (Ruder et al. eq 13, 14).

    Every frame is painted again from a blend of its own paint and its neighbour's, so that what is
    seen later reaches what came before. The first frame that is asked for takes all passes.
    """
    knobs = chain(x.look.knobs, changed(k))
    settings = Settings(knobs, exposure=x.look.exposure, dials=x.dials or Dials())
    passes = Passes(k.passes, k.pass_blend)
    request = Request(x.shot, x.look, settings=settings, passes=passes, disk_limit=k.disk_limit)
    where = ShotMatte(x.matte, x.shot) if x.matte else None
    painting = assemble(request).painting(where=where)
    painting.freeze_if_asked()

    def pull(frame: int) -> torch.Tensor:
        return torch.from_numpy(painting.frame(frame))[None]

    return Outputs(Clip(x.shot.frames, x.shot.format, x.shot.fps, pull))

"""Stylizer: paints a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch

from ..core.knobs import StylizerKnobs, follow
from ..core.new_looks import with_knobs
from ..core.ports import LookPort, PriorPort, StatisticsPort
from ..core.render.compose import blend
from ..core.spec import Encoded, Mask, node
from ..core.stylizers.load import load_painter
from ..core.stylizers.paint_state import PaintState
from ..core.stylizers.painter import painting_size
from ..core.stylizers.prior import begins_shot, resize_picture


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    frame: Annotated[Encoded, "Frame as the eye sees it."]
    look: Annotated[LookPort, "What it is painted like."]
    prior: Annotated[PriorPort | None, "How to carry the last painted frame; none: by itself."] = (
        None
    )
    matte: Annotated[Mask | None, "1 where to paint."] = None
    statistics: Annotated[StatisticsPort | None, "Frozen statistics of the shot."] = None


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    frame: Annotated[Encoded, "Painted frame."]
    look: Annotated[LookPort, "The look with these knobs in it: wire it to Save Look."]


@node("stylizer", label="Stylizer", category="Paint")
def stylizer(x: Inputs, k: StylizerKnobs, s: PaintState) -> tuple[Outputs, PaintState]:
    """Paint a frame so that it goes on from the last painted one (Ruder et al. eq 15).

    What is remembered is the whole painted frame, before strength, mix and matte.
    """
    k = follow(k, x.look.knobs)
    prior, settle = x.prior, 0 if x.prior is None else k.settle
    if prior is not None and begins_shot(prior):
        prior, s = None, PaintState()
    painter = load_painter(x.look, x.frame.device)
    if x.statistics is not None:
        painter = painter.frozen(x.statistics)
    height, width = x.frame.shape[1:3]
    size = painting_size(height, width, width, k.stroke_size, painter.width)
    made = painter.go_on(resize_picture(x.frame, *size).clamp(0, 1), prior, s, settle=settle)
    amount = torch.full_like(x.frame[..., :1], k.mix) if x.matte is None else x.matte * k.mix
    result = torch.lerp(x.frame, blend(x.frame, made.picture, k), amount)
    frame = torch.where(amount > 0, result, x.frame)
    return Outputs(frame, with_knobs(x.look, k)), made.state

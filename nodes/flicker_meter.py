"""Flicker Meter: how steady paint is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from ..core.metrics.meter import read_frame
from ..core.spec import Encoded, Image, Kind, node
from ..core.stylizers.prior import resize_picture

Number = Annotated[Tensor, Kind("number", "1")]


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    source: Annotated[Encoded, "The plate: its motion says what should have stayed."]
    painted: Annotated[Encoded, "What was painted of it, by whomever."]


@dataclass(frozen=True)
class Knobs:
    """Nothing to set."""


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    image: Annotated[Image, "The paint, dimmed; it glows where it changed and should not have."]
    change: Annotated[Number, "Temporal error (Ruder et al. eq 8); 0 on a first frame."]
    sharpness: Annotated[Number, "Mean gradient of the paint: blur is steady, and shows here."]


@dataclass(frozen=True)
class State:
    """What is carried to the next frame."""

    source: Tensor | None = None  # (1, H, W, 3), the last plate; None before the first
    painted: Tensor | None = None  # (1, H, W, 3), the last paint


@node("flicker_meter", label="Flicker Meter", category="View")
def flicker_meter(x: Inputs, k: Knobs, s: State) -> tuple[Outputs, State]:
    """Measure how much paint changes where the plate says that it should have stayed.

    Sharpness stands beside it, since a blurred picture is steady too.
    """
    height, width = x.source.shape[1:3]
    painted = resize_picture(x.painted, height, width)
    known = s.source is not None and s.source.shape == x.source.shape
    found = read_frame(x.source, painted, s.source if known else None, s.painted if known else None)
    numbers = (torch.tensor([value or 0.0]) for value in (found.change, found.sharpness))
    return Outputs(found.picture, *numbers), State(x.source, painted)

"""Flicker Meter: how steady paint is, and what is left in it of look and plate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from ..core.metrics.encoder import judge_of
from ..core.metrics.meter import read_frame
from ..core.ports import LookPort
from ..core.spec import Encoded, Image, Kind, node
from ..core.stylizers.prior import resize_picture

Number = Annotated[Tensor, Kind("number", "1")]
Text = Annotated[str, Kind("text")]


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    source: Annotated[Encoded, "The plate: its motion says what should have stayed."]
    painted: Annotated[Encoded, "What was painted of it, by whomever."]
    look: Annotated[LookPort | None, "What it was painted like; style is judged by it."] = None


@dataclass(frozen=True)
class Knobs:
    """Nothing to set."""


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    image: Annotated[Image, "The paint, dimmed; it glows where it changed and should not have."]
    change: Annotated[Number, "Temporal error (Ruder et al. eq 8); 0 where a shot begins."]
    style: Annotated[Number | None, "Style error: how far from the look's own painting."]
    content: Annotated[Number | None, "Content error: how far from what the plate shows."]
    sharpness: Annotated[Number, "Mean gradient of the paint: blur is steady, and shows here."]
    followed: Annotated[Number, "Share of the picture whose motion could be judged."]
    lacking: Annotated[Text, "Why style could not be judged; empty where it was."]


@dataclass(frozen=True)
class State:
    """What is carried to the next frame."""

    source: Tensor | None = None  # (1, H, W, 3), the last plate; None before the first
    painted: Tensor | None = None  # (1, H, W, 3), the last paint


@node("flicker_meter", label="Flicker Meter", category="View")
def flicker_meter(x: Inputs, k: Knobs, s: State) -> tuple[Outputs, State]:
    """Measure temporal, style and content error of paint together.

    Never one alone: a blurred picture is steady too, and the plate itself keeps all of its content.
    """
    height, width = x.source.shape[1:3]
    painted = resize_picture(x.painted, height, width)
    known = s.source is not None and s.source.shape == x.source.shape
    last = (s.source, s.painted) if known else (None, None)
    appointed = judge_of(x.look)
    found = read_frame(x.source, painted, *last, appointed)
    numbers = {name: torch.tensor([value]) for name, value in found.numbers.items()}
    outputs = Outputs(
        found.picture,
        numbers.get("temporal", torch.zeros(1)),
        numbers.get("style"),
        numbers.get("content"),
        numbers["sharpness"],
        torch.tensor([found.followed]),
        appointed.lacking.get("style", ""),
    )
    return outputs, State(x.source, painted)

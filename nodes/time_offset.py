"""Time Offset: a shot earlier or later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..core.comp.timing import offset
from ..core.ports import ShotPort
from ..core.spec import Knob, node


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    shot: Annotated[ShotPort, "What it works on."]


@dataclass(frozen=True)
class Knobs:
    """What is set."""

    offset: Annotated[
        int,
        Knob(
            -999_999,
            999_999,
            "Frames by which it comes later; earlier where it is below 0.",
            "frames",
            animatable=False,
        ),
    ] = 0


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    shot: Annotated[ShotPort, "The shot with other frame numbers."]


@node("time_offset", label="Time Offset", category="Time")
def time_offset(x: Inputs, k: Knobs) -> Outputs:
    """Move a shot in time; pixels stay."""
    return Outputs(offset(x.shot, k.offset))

"""Frame Hold: one frame all the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..core.comp.timing import held
from ..core.ports import ShotPort
from ..core.spec import Knob, node


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    shot: Annotated[ShotPort, "What it works on."]


@dataclass(frozen=True)
class Knobs:
    """What is set."""

    frame: Annotated[
        int, Knob(-999_999, 999_999, "The frame that is shown.", "frames", animatable=False)
    ] = 1001


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    shot: Annotated[ShotPort, "The frame, on every frame of the shot."]


@node("frame_hold", label="Frame Hold", category="Time")
def frame_hold(x: Inputs, k: Knobs) -> Outputs:
    """Show one frame of a shot on all of its frames."""
    return Outputs(held(x.shot, k.frame))

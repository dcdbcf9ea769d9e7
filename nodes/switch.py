"""Switch: one of several shots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..core.errors import BadInput
from ..core.ports import ShotPort
from ..core.spec import Knob, node


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    shot: Annotated[ShotPort, "The shot of number 0."]
    shot_1: Annotated[ShotPort | None, "The shot of number 1."] = None
    shot_2: Annotated[ShotPort | None, "The shot of number 2."] = None
    shot_3: Annotated[ShotPort | None, "The shot of number 3."] = None


@dataclass(frozen=True)
class Knobs:
    """What is set."""

    which: Annotated[int, Knob(0, 3, "Number of the shot that goes on.")] = 0


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    shot: Annotated[ShotPort, "That shot."]


@node("switch", label="Switch", category="Merge", local=True)
def switch(x: Inputs, k: Knobs) -> Outputs:
    """Hand one of several shots on."""
    chosen = (x.shot, x.shot_1, x.shot_2, x.shot_3)[k.which]
    if chosen is None:
        raise BadInput(f"switch.which: expected the number of a wired input; got {k.which}.")
    return Outputs(chosen)

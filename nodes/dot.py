"""Dot: a corner in a wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..core.ports import ShotPort
from ..core.spec import node


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    shot: Annotated[ShotPort, "What it works on."]


@dataclass(frozen=True)
class Knobs:
    """Nothing is set."""


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    shot: Annotated[ShotPort, "The same shot."]


@node("dot", label="Dot", category="Organise", local=True)
def dot(x: Inputs, k: Knobs) -> Outputs:
    """Hand a shot on."""
    return Outputs(x.shot)

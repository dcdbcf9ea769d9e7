"""Backdrop: a coloured field behind nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..core.spec import Knob, node


@dataclass(frozen=True)
class Inputs:
    """Nothing flows in."""


@dataclass(frozen=True)
class Knobs:
    """What is set."""

    width: Annotated[int, Knob(1, 32768, "Width of the field.", animatable=False)] = 400
    height: Annotated[int, Knob(1, 32768, "Height of the field.", animatable=False)] = 300
    colour: Annotated[str, Knob(tip="Of the field, such as #d8d2c4.", animatable=False)] = "#d8d2c4"


@dataclass(frozen=True)
class Outputs:
    """Nothing flows out."""


@node("backdrop", label="Backdrop", category="Organise", local=True)
def backdrop(x: Inputs, k: Knobs) -> Outputs:
    """Mark nodes that belong together."""
    return Outputs()

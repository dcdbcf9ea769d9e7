"""Grade: light scaled, lifted and bent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..core.comp.light import curve, graded
from ..core.comp.masks import ShotMatte
from ..core.ports import ShotPort
from ..core.spec import Knob, node


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    shot: Annotated[ShotPort, "What it works on."]
    mask: Annotated[ShotPort | None, "1 where it acts: alpha, or brightness."] = None


@dataclass(frozen=True)
class Knobs:
    """What is set."""

    blackpoint: Annotated[float, Knob(-10.0, 10.0, "Light that becomes black.")] = 0.0
    whitepoint: Annotated[float, Knob(-10.0, 100.0, "Light that becomes white.")] = 1.0
    black: Annotated[float, Knob(-10.0, 10.0, "What black becomes.")] = 0.0
    white: Annotated[float, Knob(-10.0, 100.0, "What white becomes.")] = 1.0
    multiply: Annotated[float, Knob(0.0, 100.0, "Multiplies all light; 2 is one stop more.")] = 1.0
    add: Annotated[float, Knob(-10.0, 10.0, "Adds to all light.")] = 0.0
    gamma: Annotated[float, Knob(0.01, 10.0, "Bends the middle; higher is brighter.")] = 1.0
    mix: Annotated[
        float, Knob(0.0, 1.0, "Share of the result; 0 gives the input back bit for bit.")
    ] = 1.0
    invert_mask: Annotated[bool, Knob(tip="Acts where the mask is 0.", animatable=False)] = False


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    shot: Annotated[ShotPort, "The shot with its light changed."]


@node("grade", label="Grade", category="Colour", local=True)
def grade(x: Inputs, k: Knobs) -> Outputs:
    """Change light in scene-linear; alpha and other layers stay.

    At its defaults it gives the input back bit for bit.
    """
    change = curve((k.blackpoint, k.whitepoint), (k.black, k.white), k.multiply, k.add, k.gamma)
    mask = ShotMatte(x.mask, x.shot, k.invert_mask) if x.mask else None
    return Outputs(graded(x.shot, change, k.mix, mask))

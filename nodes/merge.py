"""Merge: one shot over another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..core.comp.masks import ShotMatte
from ..core.comp.merging import Operation, merged
from ..core.ports import ShotPort
from ..core.spec import Knob, node


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    b: Annotated[ShotPort, "What lies below: windows, layers and metadata are its own."]
    a: Annotated[ShotPort, "What is laid over it; a single frame is that of every frame."]
    mask: Annotated[ShotPort | None, "1 where it acts: alpha, or brightness."] = None


@dataclass(frozen=True)
class Knobs:
    """What is set."""

    operation: Annotated[
        Operation, Knob(tip="over uses the alpha of a; mix puts a in place of b.", animatable=False)
    ] = Operation.OVER
    mix: Annotated[
        float, Knob(0.0, 1.0, "Share of the result; 0 gives the input back bit for bit.")
    ] = 1.0
    invert_mask: Annotated[bool, Knob(tip="Acts where the mask is 0.", animatable=False)] = False


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    shot: Annotated[ShotPort, "Both as one."]


@node("merge", label="Merge", category="Merge", local=True)
def merge(x: Inputs, k: Knobs) -> Outputs:
    """Lay A over B in scene-linear, premultiplied."""
    mask = ShotMatte(x.mask, x.b, k.invert_mask) if x.mask else None
    return Outputs(merged(x.b, x.a, k.operation, k.mix, mask))

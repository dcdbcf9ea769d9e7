"""Mask Viewer: a mask over its picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..core.motion.view import mask_picture
from ..core.spec import Image, Knob, Mask, node


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    mask: Annotated[Mask, "1 where the flow can be trusted."]
    frame: Annotated[Image | None, "Picture to lay it over; white where there is none."] = None


@dataclass(frozen=True)
class Knobs:
    """How it is shown."""

    opacity: Annotated[float, Knob(0.0, 1.0, "How much the tint hides of the picture.")] = 0.6


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    image: Annotated[Image, "The picture, magenta where the mask is 0."]


@dataclass(frozen=True)
class State:
    """Nothing is carried to the next frame."""


@node("mask_viewer", label="Mask Viewer", category="View")
def mask_viewer(x: Inputs, k: Knobs, s: State) -> tuple[Outputs, State]:
    """Show where paint is carried over and where it begins anew."""
    return Outputs(mask_picture(x.mask, x.frame, k.opacity)), s

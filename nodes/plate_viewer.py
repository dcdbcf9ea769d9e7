"""Plate Viewer: scene-linear light as a display shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..core.media.encoding import to_srgb
from ..core.spec import Image, Knob, node


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    frame: Annotated[Image, "Scene-linear picture, any values."]


@dataclass(frozen=True)
class Knobs:
    """How it is shown."""

    exposure: Annotated[
        float, Knob(-10.0, 10.0, "Stops added before looking; the picture itself stays.", "stops")
    ] = 0.0


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    image: Annotated[Image, "sRGB picture, 0 to 1: for previews and for nodes that expect that."]


@dataclass(frozen=True)
class State:
    """Nothing is carried to the next frame."""


@node("plate_viewer", label="Plate Viewer", category="View")
def plate_viewer(x: Inputs, k: Knobs, s: State) -> tuple[Outputs, State]:
    """Show a scene-linear picture as sRGB; what is brighter than white is white."""
    return Outputs(to_srgb((x.frame * 2.0**k.exposure).nan_to_num(0.0).clamp(0, 1))), s

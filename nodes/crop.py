"""Crop: what lies outside a box is black."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..core.comp.masks import box
from ..core.comp.windows import cropped
from ..core.ports import ShotPort
from ..core.spec import Knob, node


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    shot: Annotated[ShotPort, "What it works on."]


@dataclass(frozen=True)
class Knobs:
    """What is set."""

    x: Annotated[int, Knob(-32768, 32768, "Left side, from the left.", "pixels")] = 0
    y: Annotated[int, Knob(-32768, 32768, "Upper side, from the top.", "pixels")] = 0
    width: Annotated[int, Knob(1, 32768, "Width of the box.", "pixels")] = 1920
    height: Annotated[int, Knob(1, 32768, "Height of the box.", "pixels")] = 1080
    reformat: Annotated[
        bool, Knob(tip="Makes the box the format; other layers are not kept.", animatable=False)
    ] = False


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    shot: Annotated[ShotPort, "The shot, black outside the box."]


@node("crop", label="Crop", category="Transform", local=True)
def crop(x: Inputs, k: Knobs) -> Outputs:
    """Keep what lies in a box of the display window."""
    kept = box(k.x, k.y, k.width, k.height, "crop")
    return Outputs(cropped(x.shot, kept, reformat=k.reformat))

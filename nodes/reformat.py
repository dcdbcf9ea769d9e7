"""Reformat: another format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..core.comp.windows import Resize, reformatted
from ..core.ports import ShotPort
from ..core.spec import Knob, node


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    shot: Annotated[ShotPort, "What it works on."]


@dataclass(frozen=True)
class Knobs:
    """What is set."""

    width: Annotated[int, Knob(1, 32768, "Width of the format.", "pixels", animatable=False)] = 1920
    height: Annotated[int, Knob(1, 32768, "Height of the format.", "pixels", animatable=False)] = (
        1080
    )
    resize: Annotated[
        Resize,
        Knob(
            tip="fit shows all of the picture, fill leaves no border, distort does both.",
            animatable=False,
        ),
    ] = Resize.FIT


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    shot: Annotated[ShotPort, "New pictures in the format; other layers are not kept."]


@node("reformat", label="Reformat", category="Transform", local=True)
def reformat(x: Inputs, k: Knobs) -> Outputs:
    """Bring a shot to a format, centred; shrinking averages."""
    return Outputs(reformatted(x.shot, k.width, k.height, k.resize))

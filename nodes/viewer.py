"""Viewer: a shot to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..core.comp.viewing import write_view
from ..core.ports import ShotPort
from ..core.spec import Kind, Knob, node


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    shot: Annotated[ShotPort, "What is looked at."]


@dataclass(frozen=True)
class Knobs:
    """What is set."""

    file: Annotated[
        str,
        Knob(tip="view.####.png, a .jpg, or a flipbook: .mp4 or .mov.", animatable=False),
    ] = "view.####.png"
    exposure: Annotated[
        float, Knob(-10.0, 10.0, "Stops added before looking; the picture itself stays.", "stops")
    ] = 0.0
    overwrite: Annotated[bool, Knob(tip="Allows files to be replaced.", animatable=False)] = True


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    files: Annotated[tuple[str, ...], Kind("files"), "What was written, in order."]


@node("viewer", label="Viewer", category="View")
def viewer(x: Inputs, k: Knobs) -> Outputs:
    """Write pictures to look at: sRGB, the display window, over black."""
    return Outputs(write_view(x.shot, k.file, k.exposure, overwrite=k.overwrite))

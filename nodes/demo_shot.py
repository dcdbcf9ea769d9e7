"""Demo Shot: a small HDR plate of our own, to try things on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ..core.demo import make_demo_plates
from ..core.media.source import open_shot
from ..core.ports import ShotPort
from ..core.spec import Knob, node


@dataclass(frozen=True)
class Inputs:
    """Nothing flows in."""


@dataclass(frozen=True)
class Knobs:
    """How large it is."""

    folder: Annotated[str, Knob(tip="Where the frames are written, once.", animatable=False)] = (
        "stillbrush-demo"
    )
    length: Annotated[int, Knob(2, 1000, "Number of frames.", animatable=False)] = 24
    width: Annotated[
        int, Knob(64, 4096, "Width; the height follows at 16:9.", "pixels", animatable=False)
    ] = 640


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    shot: Annotated[ShotPort, "An evening bay: half float EXR with rendered motion vectors."]


@node("demo_shot", label="Demo Shot", category="Image")
def demo_shot(x: Inputs, k: Knobs) -> Outputs:
    """Make a small HDR shot with a moving camera, occlusions and a sun brighter than paper."""
    return Outputs(open_shot(make_demo_plates(Path(k.folder), k.width, k.length)))

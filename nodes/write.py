"""Write: a painted shot goes to disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..core.knobs import WriteKnobs
from ..core.ports import ClipPort, ShotPort
from ..core.render.output import plan_output, write_clip
from ..core.spec import Kind, node


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    clip: Annotated[ClipPort, "Pictures over the shot's canvas, in the plate's colour space."]
    shot: Annotated[ShotPort, "The plate: everything but RGB is kept from it."]


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    files: Annotated[tuple[str, ...], Kind("files"), "What was written, in order."]


@node("write", label="Write", category="Image")
def write(x: Inputs, k: WriteKnobs) -> Outputs:
    """Write a clip frame by frame; every frame is whole under its name, or not there.

    Attributes, layers, types, windows and alpha of the plate are kept.
    """
    output = plan_output(k.file, x.shot, x.clip.frames)
    return Outputs(write_clip(output, x.clip, x.shot, overwrite=k.overwrite))

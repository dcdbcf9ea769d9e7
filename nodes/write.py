"""Write: a painted shot goes to disk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from ..core.clip import renumbered
from ..core.file_knobs import WriteKnobs
from ..core.media.form import Form
from ..core.media.pictures import renumber
from ..core.ports import ClipPort, LayersPort, ShotPort
from ..core.render.assembly import chosen_frames
from ..core.render.output import plan_output, write_clip
from ..core.spec import Kind, node


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    clip: Annotated[ClipPort, "Pictures over the shot's canvas, in the plate's colour space."]
    shot: Annotated[ShotPort, "The plate: everything but RGB is kept from it."]
    layers: Annotated[LayersPort | None, "Further planes of a frame by channel name, for EXR."] = (
        None
    )


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    files: Annotated[tuple[str, ...], Kind("files"), "What was written, in order."]


@node("write", label="Write", category="Image")
def write(x: Inputs, k: WriteKnobs) -> Outputs:
    """Write a clip frame by frame; every frame is whole under its name, or not there.

    Attributes, layers, types, windows and alpha of the plate are kept.
    """
    shot, clip = x.shot, x.clip
    if not shot.files:  # pictures in memory bear no numbers of their own
        shot, clip = renumber(shot, k.start_frame), renumbered(clip, k.start_frame)
    clip = replace(clip, frames=chosen_frames(k.frames or None, shot))
    output = plan_output(k.file, shot, clip.frames, Form(k.depth, k.compression))
    layers = x.layers or (lambda frame: {})
    return Outputs(write_clip(output, clip, shot, overwrite=k.overwrite, layers=layers))

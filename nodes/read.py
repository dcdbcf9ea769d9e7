"""Read: a shot on disk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from ..core.comp.timing import agree, only
from ..core.file_knobs import ReadKnobs
from ..core.media.sequences import parse_frames
from ..core.media.source import ReadSettings, open_shot
from ..core.ports import ShotPort
from ..core.render.assembly import chosen_frames
from ..core.spec import node


@dataclass(frozen=True)
class Inputs:
    """Nothing flows in."""


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    shot: Annotated[ShotPort, "The shot: frames, windows, colour; frames are read when asked for."]


@node("read", label="Read", category="Image")
def read(x: Inputs, k: ReadKnobs) -> Outputs:
    """Open an EXR or image sequence, a folder, a still or a video. Reads headers only."""
    settings = ReadSettings(k.colour or None, k.layer or None, k.missing, k.proxy)
    whole = open_shot(k.file, settings)
    shot = only(whole, k.first, k.last)
    if k.frames:
        agree(parse_frames(k.frames), whole, shot)
    return Outputs(replace(shot, frames=chosen_frames(k.frames or None, shot)))

"""What an artist may set on reading, writing and rendered vectors; each knob declared here once."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Annotated

from .media.form import Compression, Depth
from .media.source import SMALLEST_PROXY, Missing
from .motion.vectors import Convention
from .spec import Knob


@dataclass(frozen=True)
class ReadKnobs:
    """How a shot is read."""

    file: Annotated[
        str,
        Knob(tip="plate.####.exr, a folder, a still or a video.", animatable=False),
    ] = ""
    first: Annotated[
        int,
        Knob(
            -999_999,
            999_999,
            "First frame to take; 0 for both first and last takes everything on disk.",
            animatable=False,
        ),
    ] = 0
    last: Annotated[
        int,
        Knob(
            -999_999,
            999_999,
            "Last frame to take; 0 after a later first takes all from there on.",
            animatable=False,
        ),
    ] = 0
    colour: Annotated[
        str,
        Knob(tip="The plate's colour space; empty takes what the file says.", animatable=False),
    ] = ""
    layer: Annotated[
        str,
        Knob(tip="EXR layer to paint; empty takes the picture.", advanced=True, animatable=False),
    ] = ""
    missing: Annotated[
        Missing,
        Knob(tip="What stands in for a frame that is not on disk.", animatable=False),
    ] = Missing.ERROR
    frames: Annotated[
        str,
        Knob(
            tip="Frames to take where first and last cannot say it, such as 1001-1009x2,1020; they "
            "may not contradict. Empty takes all. Painting begins at the first.",
            animatable=False,
        ),
    ] = ""
    proxy: Annotated[
        int,
        Knob(
            1,
            SMALLEST_PROXY,
            "Reads at a fraction of the size: 2 is half, 4 a quarter.",
            animatable=False,
        ),
    ] = 1


@dataclass(frozen=True)
class WriteKnobs:
    """How a shot is written."""

    file: Annotated[
        str,
        Knob(tip="out/plate.####.exr, a folder, or a .mp4 or .mov.", animatable=False),
    ] = ""
    frames: Annotated[
        str,
        Knob(tip="Frames to write, such as 1001-1100; empty writes all.", animatable=False),
    ] = ""
    overwrite: Annotated[bool, Knob(tip="Allows files to be replaced.", animatable=False)] = False
    depth: Annotated[
        Depth,
        Knob(
            tip="Type of RGB in an EXR; plate keeps the plate's own, and half where there is none.",
            animatable=False,
        ),
    ] = Depth.PLATE
    compression: Annotated[
        Compression,
        Knob(
            tip="Of an EXR; plate keeps the plate's own, and zip where there is none. dwaa and "
            "dwab are small and not exact.",
            animatable=False,
        ),
    ] = Compression.PLATE
    start_frame: Annotated[
        int,
        Knob(
            0,
            999_999,
            "Number of the first frame, for pictures that have no plate; a plate's frames keep "
            "their numbers.",
            animatable=False,
        ),
    ] = 1001


@dataclass(frozen=True)
class VectorKnobs:
    """What rendered motion vectors mean."""

    convention: Annotated[
        Convention,
        Knob(tip="Who rendered the vectors: it decides sign and axes.", animatable=False),
    ] = Convention.NUKE


class Rendered(enum.Enum):
    """Whether motion was rendered, and who wrote it."""

    NONE = "none"
    AUTO = "auto"
    NUKE = "nuke"
    BLENDER = "blender"
    STILLBRUSH = "stillbrush"


@dataclass(frozen=True)
class BesideKnobs:
    """What lies on disk beside a plate: where to paint, and motion that was rendered."""

    matte: Annotated[
        str,
        Knob(
            tip="Paint only here: a sequence or one still; its alpha, or its brightness.",
            animatable=False,
        ),
    ] = ""
    invert_matte: Annotated[bool, Knob(tip="Paint outside the matte.", animatable=False)] = False
    vectors: Annotated[
        Rendered,
        Knob(
            tip="Takes motion vectors rendered into the plate (or the vector files) in place of "
            "estimated motion; auto knows them by their names.",
            animatable=False,
        ),
    ] = Rendered.NONE
    vector_files: Annotated[
        str,
        Knob(
            tip="Another EXR sequence that holds the vectors, or backward flow.####.flo.",
            animatable=False,
        ),
    ] = ""

"""How an EXR is written where it is not to be as its plate: type of RGB, compression."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Depth(enum.Enum):
    """The type of RGB in an EXR."""

    PLATE = "plate"
    HALF = "half"
    FLOAT = "float"


class Compression(enum.Enum):
    """How an EXR is compressed."""

    PLATE = "plate"
    NONE = "none"
    ZIP = "zip"
    ZIPS = "zips"
    PIZ = "piz"
    RLE = "rle"
    DWAA = "dwaa"
    DWAB = "dwab"


@dataclass(frozen=True)
class Form:
    """How an EXR is written; `PLATE` is the plate's own, half and zip for a new picture."""

    depth: Depth = Depth.PLATE
    compression: Compression = Compression.PLATE


AS_PLATE = Form()

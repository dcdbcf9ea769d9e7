"""What a user asks of a render, the same for every door; `assembly.py` makes it ready."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ..errors import BadInput
from ..look import Look, StylizerKind
from ..media.source import ReadSettings, Shot
from ..networks.bands import LEAST_ROWS
from ..stylizers.shot_statistics import Normalise
from ..temporal.multi_pass import Passes
from .given_motion import VectorSettings
from .painting import Settings


class Device(enum.Enum):
    """Where tensors live."""

    AUTO = "auto"
    CUDA = "cuda"
    MPS = "mps"
    CPU = "cpu"


class Precision(enum.Enum):
    """Of the convolutions; everything else is float32."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


@dataclass(frozen=True)
class Request:
    """What a user asks for. Everything optional has the default an artist would choose."""

    source: str | Shot
    look: Look
    read: ReadSettings = field(default_factory=ReadSettings)
    settings: Settings = field(default_factory=Settings)
    frames: str | None = None  # which frames are written; None: all
    cold: bool = False  # begin the recursion at the first written frame
    matte: str | None = None
    invert_matte: bool = False
    vectors: VectorSettings | None = None  # rendered motion; None: estimated
    flow_cache: Path | None = None
    statistics: Path | None = None  # frozen statistics measured before
    device: Device = Device.AUTO
    precision: Precision = Precision.FLOAT32
    band_rows: int | None = None  # rows that the network paints at a time; None: from the size
    passes: Passes | None = None  # several passes, forwards and backwards; None: one, recursive
    disk_limit: float | None = None  # gigabytes between passes; None: no limit


def check_request(request: Request) -> None:
    """Refuse what contradicts itself.

    Raises:
        BadInput: names the setting.
    """
    if request.look.stylizer is StylizerKind.ADAIN and not request.look.pictures:
        raise BadInput(
            f"look {request.look.name}: paints like pictures that it is given; give it a style "
            "picture."
        )
    if request.statistics and request.settings.knobs.normalise is not Normalise.SHOT:
        raise BadInput(
            f"statistics {request.statistics}: are for normalise shot; ask for that too."
        )
    if request.band_rows is not None and request.band_rows < LEAST_ROWS:
        raise BadInput(f"band rows: expected {LEAST_ROWS} or more; got {request.band_rows}.")
    if request.flow_cache is not None and request.flow_cache.is_file():
        raise BadInput(f"flow cache {request.flow_cache}: expected a folder; it is a file.")
    if request.passes is not None and request.settings.per_frame:
        raise BadInput("passes: expected more than frames by themselves; leave --per-frame away.")


def pick_device(device: Device) -> torch.device:
    """Return the device to work on.

    Raises:
        BadInput: there is no such device here.
    """
    available = {
        Device.CUDA: torch.cuda.is_available(),
        Device.MPS: torch.backends.mps.is_available(),
        Device.CPU: True,
    }
    if device is Device.AUTO:
        return torch.device(next(d.value for d, there in available.items() if there))
    if not available[device]:
        raise BadInput(
            f"device {device.value}: this machine has none, or torch was built without it."
        )
    return torch.device(device.value)

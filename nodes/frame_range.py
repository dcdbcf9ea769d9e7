"""Frame Range: which frames there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..core.comp.timing import ranged
from ..core.ports import ShotPort
from ..core.spec import Knob, node


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    shot: Annotated[ShotPort, "What it works on."]


@dataclass(frozen=True)
class Knobs:
    """What is set."""

    first: Annotated[int, Knob(-999_999, 999_999, "First frame.", animatable=False)] = 1001
    last: Annotated[int, Knob(-999_999, 999_999, "Last frame.", animatable=False)] = 1100


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    shot: Annotated[ShotPort, "Exactly these frames; where the shot has none, its nearest is held."]


@node("frame_range", label="Frame Range", category="Time")
def frame_range(x: Inputs, k: Knobs) -> Outputs:
    """Set the range of a shot: a painting begins at its first frame."""
    return Outputs(ranged(x.shot, k.first, k.last))

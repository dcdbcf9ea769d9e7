"""Load Look: what a shot is painted like."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ..core.looks import find_look
from ..core.ports import LookPort
from ..core.spec import Knob, node


@dataclass(frozen=True)
class Inputs:
    """Nothing flows in."""


@dataclass(frozen=True)
class Knobs:
    """Which look."""

    name: Annotated[str, Knob(tip="A look that ships, or one of your own.", animatable=False)] = (
        "starry-night"
    )
    folder: Annotated[str, Knob(tip="Where your own looks are.", animatable=False)] = ""


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    look: Annotated[LookPort, "Weights and knobs: wire it to Stylize Shot or Stylizer."]


@node("load_look", label="Load Look", category="Look")
def load_look(x: Inputs, k: Knobs) -> Outputs:
    """Take a look from those that ship with Stillbrush or from your own."""
    return Outputs(find_look(k.name, Path(k.folder)))

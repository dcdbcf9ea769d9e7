"""Save Look: keeps a look that was found in a graph."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ..core.looks import load_look
from ..core.new_looks import derive, save_derived
from ..core.ports import LookPort
from ..core.spec import Knob, node


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    look: Annotated[LookPort, "A look, as Stylize Shot or Stylizer gives it with its knobs in it."]


@dataclass(frozen=True)
class Knobs:
    """What it is called."""

    name: Annotated[str, Knob(tip="Lower-case letters, digits and hyphens.", animatable=False)] = (
        "my-look"
    )
    title: Annotated[
        str, Knob(tip="What people read; empty makes one of the name.", animatable=False)
    ] = ""
    folder: Annotated[str, Knob(tip="Where your own looks are.", animatable=False)] = ""
    overwrite: Annotated[
        bool, Knob(tip="Allows a look of yours of that name to be replaced.", animatable=False)
    ] = False


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    look: Annotated[LookPort, "The look as it was saved."]


@node("save_look", label="Save Look", category="Look")
def save_look(x: Inputs, k: Knobs) -> Outputs:
    """Save a look with its knobs under a name of its own; weights are copied beside it.

    A look that ships is never hidden, and one of yours is only replaced where that is allowed.
    """
    look = derive(x.look, k.name, {}, title=k.title or None)
    return Outputs(load_look(save_derived(look, Path(k.folder), overwrite=k.overwrite)))

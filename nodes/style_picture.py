"""Style Picture: what a look for any style is to paint like."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ..core.look_pictures import give_picture, keep_picture
from ..core.ports import LookPort, PicturePort
from ..core.spec import Knob, node


@dataclass(frozen=True)
class Inputs:
    """What flows in."""

    look: Annotated[LookPort, "A look for any style."]
    picture: Annotated[PicturePort | None, "What to paint like; without one, the file."] = None


@dataclass(frozen=True)
class Knobs:
    """Which picture, and how much of it."""

    file: Annotated[
        str, Knob(tip="The picture to paint like: JPEG, PNG, TIFF.", animatable=False)
    ] = ""
    share: Annotated[
        float,
        Knob(
            0.0,
            1.0,
            "How much of the picture; several are mixed by their shares, and what is missing to 1 "
            "stays as the plate is.",
            animatable=False,
        ),
    ] = 1.0


@dataclass(frozen=True)
class Outputs:
    """What flows out."""

    look: Annotated[LookPort, "The look with the picture: wire it to Stylize Shot or Stylizer."]


@node("style_picture", label="Style Picture", category="Look")
def style_picture(x: Inputs, k: Knobs) -> Outputs:
    """Let a look for any style paint like a picture; one after the other, like several."""
    if x.picture is None:
        return Outputs(x.look.with_picture(give_picture(Path(k.file), k.share)))
    return Outputs(x.look.with_picture(keep_picture(x.picture, k.share)))

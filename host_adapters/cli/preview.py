"""`stillbrush preview`: one frame or a region, painted in seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np

from ...core.errors import BadInput, WriteRefused
from ...core.render.assembly import assemble
from ...core.render.output import refuse_source
from ...core.render.preview import Preview, Region, preview
from ...core.render.sheet import save_picture_8bit
from .console import console, write_json
from .options import knob_options
from .stylize import request, shot_options
from .variadic import Variadic


@click.command("preview", cls=Variadic, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("source", metavar="PLATE")
@click.option(
    "-o",
    "--output",
    default="preview.png",
    show_default=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A .png or .jpg.",
)
@click.option("--frame", type=int, help="Frame to paint. Default: the middle of the shot.")
@click.option("--region", metavar="X,Y,W,H", help="Show this part of the frame, in plate pixels.")
@click.option(
    "--pre-roll",
    default="auto",
    show_default=True,
    metavar="N|auto|exact",
    help="Frames painted before it: auto is a few and says so, exact is what a render gives.",
)
@click.option("--compare", is_flag=True, help="Put the plate beside it.")
@click.option("--overwrite", is_flag=True, help="Allow the file to be replaced.")
@click.option("--json", "as_json", is_flag=True, help="Say what was done as JSON.")
@shot_options(leave_out=2)
@knob_options("stylize_shot", leave_out=("follow_look",))
def command(
    source: str,
    output: Path,
    frame: int | None,
    region: str | None,
    pre_roll: str,
    compare: bool,
    overwrite: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Paint one frame of a shot, with what came before it, and write a picture to look at."""
    if output.is_dir():
        raise BadInput(f"output {output}: expected the name of a file; it is a folder.")
    if output.exists() and not overwrite:
        raise WriteRefused(f"{output}: is there already. --overwrite replaces it.")
    if output.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise BadInput(f"output {output}: expected a .png or .jpg; got {output.suffix or 'none'}.")
    given |= {"cold": False, "frames": None}
    assembly = assemble(request(source, given))
    refuse_source([output], assembly.files)
    made = preview(assembly, frame, parse_pre_roll(pre_roll), parse_region(region))
    picture = np.concatenate((made.plate, made.painted), 1) if compare else made.painted
    save_picture_8bit(output, picture)
    say(made, output, as_json=as_json)


def say(made: Preview, output: Path, *, as_json: bool) -> None:
    """Say what the picture shows."""
    if as_json:
        write_json(
            event="preview",
            frame=made.frame,
            pre_roll=made.rolled,
            exact=made.is_exact,
            output=output,
            seconds=round(made.seconds, 3),
        )
        return
    kind = "exactly as rendered" if made.is_exact else f"approximate: {made.rolled} frames pre-roll"
    console.print(f"frame {made.frame}, {kind}, {made.seconds:.1f} s: {output}", markup=False)


def parse_pre_roll(text: str) -> int | None:
    """Read a pre-roll; None means exact."""
    if text == "exact":
        return None
    if text == "auto":
        return Preview.AUTO
    if not text.isdigit():
        raise BadInput(f"--pre-roll: expected a number of frames, auto or exact; got {text!r}.")
    return int(text)


def parse_region(text: str | None) -> Region | None:
    """Read a region."""
    if text is None:
        return None
    parts = text.replace(" ", "").split(",")
    if len(parts) != 4 or not all(part.lstrip("-").isdigit() for part in parts):
        raise BadInput(f"--region: expected X,Y,W,H in pixels; got {text!r}.")
    return Region(*(int(part) for part in parts))

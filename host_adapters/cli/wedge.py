"""`stillbrush wedge`: looks and strengths side by side, as a labelled contact sheet."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import click

from ...core.errors import BadInput, StillbrushError, WriteRefused
from ...core.knobs import ShotKnobs
from ...core.look import Look
from ...core.looks import list_looks, load_look
from ...core.media.sequences import format_frames
from ...core.media.source import Shot
from ...core.render.assembly import assemble, chosen_frames
from ...core.render.output import refuse_source
from ...core.render.preview import Preview
from ...core.render.sheet import SUFFIXES, save_picture_8bit
from ...core.render.wedge import Setting, check_height, check_wedge, paint_wedge, wedge_sheet
from ...core.spec import KnobField, read_knobs
from .console import Bar, JsonLines, console, errors, interruptible, write_json
from .folders import user_looks
from .looks import problem
from .options import knob_options
from .stylize import request, shot_options
from .variadic import Variadic

WRAPPED = 4  # columns where there is nothing to lay out in columns but looks


@click.command("wedge", cls=Variadic, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("source", metavar="PLATE")
@click.option(
    "-o",
    "--output",
    default="wedge.png",
    show_default=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A .png or .jpg.",
)
@click.option(
    "--look",
    "looks",
    multiple=True,
    metavar="NAME|FILE",
    help="A look; give it again for more. Default: all there are.",
)
@click.option(
    "--strength", "strengths", type=float, multiple=True, help="A strength; again for more."
)
@click.option(
    "--wedge",
    "steps",
    multiple=True,
    metavar="KNOB=V,V",
    help="Steps of any other knob: stroke_size=0.5,1,2. Again for more knobs.",
)
@click.option("--frame", type=int, help="Frame to paint. Default: the middle of the shot.")
@click.option("--frames", metavar="LIST", help="A few frames in place of one, such as 1001-1004.")
@click.option(
    "--pre-roll",
    type=click.IntRange(0, 1000),
    default=Preview.AUTO,
    show_default=True,
    help="Frames painted before the first: more is closer to a render.",
)
@click.option("--overwrite", is_flag=True, help="Allow the file to be replaced.")
@click.option("--json", "as_json", is_flag=True, help="Progress as JSON lines, for programs.")
@shot_options(begin_with=1, leave_out=2)
@knob_options("stylize_shot", leave_out=("strength", "follow_look"))
def command(
    source: str,
    output: Path,
    looks: tuple[str, ...],
    strengths: tuple[float, ...],
    steps: tuple[str, ...],
    frame: int | None,
    frames: str | None,
    pre_roll: int,
    overwrite: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Paint one frame of a shot, or a few, in many looks and settings: one labelled sheet.

    Looks stand in rows, strengths in columns; of several frames, every setting is a row.
    """
    if output.suffix.lower() not in SUFFIXES:
        raise BadInput(f"output {output}: expected a .png or .jpg; got {output.suffix or 'none'}.")
    if output.is_dir():
        raise BadInput(f"output {output}: expected the name of a file; it is a folder.")
    if output.exists() and not overwrite:
        raise WriteRefused(f"{output}: is there already. --overwrite replaces it.")
    made = wedge_steps(strengths, steps)
    refuse_twice(made[0], given)
    names = tuple(dict.fromkeys(looks)) or usable_looks(pictured=bool(given.get("style_images")))
    given |= {"cold": False, "frames": None}
    settings = [setting(source, given, name, step) for name in names for step in made]
    if not settings:
        kind = "look that takes style pictures" if given.get("style_images") else "look"
        raise BadInput(f"wedge: there is no {kind}; --look names one.")
    assembly = assemble(settings[0].request)
    shot = assembly.shot
    refuse_source([output], assembly.files)
    wanted = wanted_frames(frame, frames, shot)
    check_wedge(settings, wanted)
    across = len(wanted) if len(wanted) > 1 else len(made) if len(made) > 1 else WRAPPED
    check_height(output, shot, len(settings) * len(wanted), across)
    total = len(settings) * len(wanted)
    with interruptible() as interrupt:
        watcher = JsonLines(interrupt) if as_json else Bar(total, interrupt, "starting")
        with watcher:
            cells = paint_wedge(settings, shot, wanted, pre_roll, watcher)
    title = f"{shot.name}, frame {format_frames(wanted)}"
    save_picture_8bit(output, wedge_sheet(cells, across, title))
    if as_json:
        write_json(event="wedge", pictures=len(cells), frames=list(wanted), output=str(output))
        return
    console.print(f"{len(cells)} pictures: {output}", markup=False)


def usable_looks(*, pictured: bool) -> tuple[str, ...]:
    """Return all looks that can be named; one that cannot be used is said and left out.

    Args:
        pictured: style pictures are given; only looks that take any are wanted.
    """
    names = []
    for path in list_looks(user_looks()):
        told = problem(str(path)) or unfit(load_look(path), pictured=pictured)
        if told is None:
            names.append(path.stem)
        elif told:
            errors.print(f"left out: {told}", markup=False)
    return tuple(names)


def unfit(look: Look, *, pictured: bool) -> str | None:
    """Say why a sound look is not among those wanted; None if it is, nothing if it is plain."""
    if pictured:
        return None if look.takes_pictures else ""
    if look.wants_pictures:
        return f"look {look.name}: paints like pictures that it is given, with --style-image."
    return None


def setting(source: str, given: dict[str, Any], look: str, step: dict[str, Any]) -> Setting:
    """Build one setting from the options of the command line."""
    asked = request(source, given | step | {"look_name": look})
    told = ", ".join(f"{knob.replace('_', ' ')} {shown(value)}" for knob, value in step.items())
    return Setting(asked, ", ".join(filter(None, (asked.look.name, told))))


def shown(value: Any) -> str:
    """Write a knob's value; no two values are written alike."""
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def wedge_steps(strengths: tuple[float, ...], steps: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the settings of every step: all combinations of the knobs that are varied.

    Raises:
        BadInput: an unknown knob, a knob given twice, or a value that is none.
    """
    field = knobs()["strength"]
    varied: dict[str, list[Any]] = {}
    if strengths:
        varied["strength"] = [field.check_as(value, "--strength") for value in strengths]
    for text in steps:
        knob, values = parse_step(text)
        if knob in varied:
            raise BadInput(f"--wedge {text}: expected every knob once.")
        varied[knob] = values
    once = [dict.fromkeys(values) for values in varied.values()]
    return [dict(zip(varied, values, strict=True)) for values in product(*once)]


def refuse_twice(step: dict[str, Any], given: dict[str, Any]) -> None:
    """Refuse a knob that is both set and varied.

    Raises:
        BadInput: names it.
    """
    for knob in step:
        if given.get(knob) is not None:
            raise BadInput(f"--{knob.replace('_', '-')}, --wedge {knob}: expected one of the two.")


def knobs() -> dict[str, KnobField]:
    """Return the knobs that can be varied, by name."""
    return {field.name: field for field in read_knobs(ShotKnobs, "stylize_shot")}


def parse_step(text: str) -> tuple[str, list[Any]]:
    """Read a knob and its values: `stroke_size=0.5,1,2`."""
    name, _, values = text.partition("=")
    name = name.strip().replace("-", "_")
    known = knobs()
    if name not in known:
        raise BadInput(f"--wedge {text}: no such knob; there are {', '.join(known)}.")
    parts = [part.strip() for part in values.split(",") if part.strip()]
    if not parts:
        raise BadInput(f"--wedge {text}: expected values, such as {name}=a,b.")
    return name, [parse_value(known[name], part) for part in parts]


def parse_value(field: KnobField, text: str) -> Any:
    """Read one value of a knob."""
    if field.choices:
        field.check_as(text, f"--wedge {field.name}")
        return text
    if field.type is bool:
        if text not in ("on", "off"):
            raise BadInput(f"--wedge {field.name}: expected on or off; got {text!r}.")
        return text == "on"
    try:
        return field.check_as(field.type(text), f"--wedge {field.name}")
    except ValueError as error:
        if isinstance(error, StillbrushError):
            raise
        raise BadInput(f"--wedge {field.name}: expected a number; got {text!r}.") from None


def wanted_frames(frame: int | None, frames: str | None, shot: Shot) -> tuple[int, ...]:
    """Return the frames to show.

    Raises:
        BadInput: the shot lacks one of them, or both options are given.
    """
    if frames is not None and frame is not None:
        raise BadInput("--frame, --frames: expected one of the two.")
    if frames is not None:
        return tuple(sorted(chosen_frames(frames, shot)))
    if frame is None:
        return (shot.frames[len(shot.frames) // 2],)
    return chosen_frames(str(frame), shot)

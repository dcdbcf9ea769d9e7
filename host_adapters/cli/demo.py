"""`stillbrush demo`: a small HDR shot of our own, painted."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from ... import nodes  # noqa: F401 - declares the knobs
from ...core.demo import make_demo_plates
from ...core.knobs import chain
from ...core.looks import find_look
from ...core.media.images import read_plate
from ...core.media.source import Shot
from ...core.render.assembly import assemble
from ...core.render.given_motion import VectorSettings
from ...core.render.output import display_colour
from ...core.render.painting import Settings
from ...core.render.renderer import Job, render
from ...core.render.request import Request
from ...core.render.sheet import contact_sheet, save_picture_8bit
from ...core.render.space import in_space
from ...core.spec import REGISTRY
from .console import Bar, console, interruptible
from .folders import user_looks
from .options import knob_options

SHOWN = 4  # frames on the contact sheet


@click.command("demo", context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-o",
    "--output",
    default="stillbrush-demo",
    show_default=True,
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where it goes.",
)
@click.option(
    "--look",
    "look_name",
    default=REGISTRY["load_look"].make_knobs().name,
    show_default=True,
    metavar="NAME|FILE",
    help="Name of a look (see `stillbrush looks`) or a look file.",
)
@knob_options("demo_shot", leave_out=("folder",))
def command(output: Path, look_name: str, **given: int | None) -> None:
    """Make a small HDR shot and paint it.

    Several textured layers move over each other, with rendered motion vectors and a sun fifty times
    as bright as paper. Writes the plate and the painted shot as EXR, a video, and a contact sheet.
    Run it again and it goes on where it was.
    """
    look = find_look(look_name, user_looks())
    knobs = REGISTRY["demo_shot"].make_knobs(**{k: v for k, v in given.items() if v is not None})
    plates = make_demo_plates(output / "plate", knobs.width, knobs.length)
    settings = Settings(chain(look.knobs, {}), exposure=look.exposure)
    assembly = assemble(Request(plates, look, settings=settings, vectors=VectorSettings()))
    with interruptible() as interrupt:
        for target in (f"{output}/painted/plate.####.exr", f"{output}/painted.mp4"):
            job: Job = assembly.job(target)
            with Bar(knobs.length, interrupt, "starting") as watcher:
                report = render(job, watcher)
            console.print(
                f"{len(report.entries)} frames in {report.seconds:.1f} s: {target}", markup=False
            )
    sheet = save_picture_8bit(output / "sheet.png", make_sheet(assembly.shot, output, look.title))
    console.print(f"look at {sheet}", markup=False)


def make_sheet(shot: Shot, folder: Path, title: str) -> np.ndarray:
    """Lay plate over painting for a few frames."""
    places = np.linspace(0, len(shot.frames) - 1, SHOWN).round().astype(int)
    frames = [shot.frames[place] for place in places]
    display = display_colour()
    pictures, labels = [], []
    for name, source in (("plate", "plate"), ("painted", "painted")):
        for frame in frames:
            plate = read_plate(folder / source / f"plate.{frame:04d}.exr", frame)
            rgb = in_space(shot.read(frame), plate.rgb, shot.colour, display)
            pictures.append(np.clip(rgb, 0, 1))
            labels.append(f"{name} {frame}")
    return contact_sheet(pictures, labels, SHOWN, title=title)

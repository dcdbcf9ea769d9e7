"""`stillbrush demo`: a small HDR shot of our own, painted."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from ... import nodes  # noqa: F401 - declares the knobs
from ...core.demo import DemoShot, write_demo_shot
from ...core.knobs import chain
from ...core.looks import find_look
from ...core.media.images import read_plate
from ...core.media.source import Shot, open_shot
from ...core.render.assembly import Request, assemble
from ...core.render.given_motion import VectorSettings
from ...core.render.output import display_colour
from ...core.render.painting import Settings, in_space
from ...core.render.renderer import Job, render
from ...core.render.sheet import contact_sheet, save_picture_8bit
from .console import Bar, console, interruptible
from .folders import user_looks

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
    default="starry-night",
    show_default=True,
    metavar="NAME|FILE",
    help="What it is painted like.",
)
@click.option(
    "--length",
    type=click.IntRange(2, 1000),
    default=24,
    show_default=True,
    help="Number of frames.",
)
@click.option(
    "--width",
    type=click.IntRange(64, 4096),
    default=640,
    show_default=True,
    help="Width in pixels; the height follows at 16:9.",
)
def command(output: Path, look_name: str, length: int, width: int) -> None:
    """Make a small HDR shot and paint it.

    Several textured layers move over each other, with rendered motion vectors and a sun fifty times
    as bright as paper. Writes the plate and the painted shot as EXR, a video, and a contact sheet.
    Run it again and it goes on where it was.
    """
    look = find_look(look_name, user_looks())
    plates = make_plates(output / "plate", width, length)
    settings = Settings(chain(look.knobs, {}), exposure=look.exposure)
    assembly = assemble(Request(plates, look, settings=settings, vectors=VectorSettings()))
    with interruptible() as interrupt:
        for target in (f"{output}/painted/plate.####.exr", f"{output}/painted.mp4"):
            job: Job = assembly.job(target)
            with Bar(length, interrupt, "starting") as watcher:
                report = render(job, watcher)
            console.print(
                f"{len(report.entries)} frames in {report.seconds:.1f} s: {target}", markup=False
            )
    sheet = save_picture_8bit(output / "sheet.png", make_sheet(assembly.shot, output, look.title))
    console.print(f"look at {sheet}", markup=False)


def make_plates(folder: Path, width: int, length: int) -> str:
    """Write the demo's plates, unless they are there already; return their pattern."""
    shot = DemoShot(width=width, height=round(width * 9 / 16 / 2) * 2, frames=length)
    pattern = str(folder / "plate.####.exr")
    there = [frame for frame in shot.frames if (folder / f"plate.{frame:04d}.exr").exists()]
    if tuple(there) == shot.frames:
        header = open_shot(pattern)
        if (header.display.width, len(header.frames)) == (shot.width, len(shot.frames)):
            return pattern
    return write_demo_shot(folder, shot)


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

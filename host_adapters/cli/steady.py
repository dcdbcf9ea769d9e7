"""`stillbrush steady`: steady a clip that somebody painted, or carry key frames over a shot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ... import nodes  # noqa: F401 - declares the knobs
from ...core.looks import find_look
from ...core.media.sequences import format_frames, parse_frames
from ...core.media.source import Missing, ReadSettings
from ...core.render.painting import Settings
from ...core.render.renderer import render
from ...core.render.steady_request import SteadyAssembly, SteadyRequest, assemble_steady
from ...core.spec import REGISTRY
from .console import Bar, JsonLines, console, interruptible, write_json
from .folders import user_looks
from .options import knob_option, knob_options
from .stylize import vectors

NODE = "stabilizer"


@click.command("steady", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("source", metavar="PLATE")
@click.option(
    "--painted",
    required=True,
    metavar="FILES",
    help="The painted clip: a sequence, a folder or a video, numbered as the plate. With --keys, "
    "only the frames that are there.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILES",
    help="out/steady.####.exr (or .png .tif .jpg .dpx), a folder, or a .mp4 or .mov "
    "(without sound).",
)
@click.option("--keys", is_flag=True, help="The painted frames are key frames; carry them over.")
@click.option(
    "--fill",
    metavar="NAME|FILE",
    help="With --keys: a look that paints what no key frame shows. Default: the nearest key.",
)
@click.option("--cuts", metavar="LIST", help="First frames of new shots, such as 1040,1077.")
@click.option(
    "--matte",
    metavar="FILES",
    help="Steady only here: a sequence or one still; its alpha, or its brightness.",
)
@click.option("--invert-matte", is_flag=True, help="Steady outside the matte.")
@click.option(
    "--vectors",
    metavar="auto|nuke|blender|stillbrush",
    help="Use motion vectors rendered into the plate (or --vector-files).",
)
@click.option(
    "--vector-files",
    metavar="FILES",
    help="Another EXR sequence that holds the vectors, or backward flow.####.flo.",
)
@click.option(
    "--vector-channels",
    metavar="U,V",
    help="The two channels of the backward motion, where they have other names.",
)
@click.option(
    "--vector-scale",
    nargs=2,
    type=float,
    metavar="X Y",
    help="Multiplies the vectors; -1 turns an axis round.",
)
@click.option(
    "--flow-cache",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Keep estimated motion here for the next render.",
)
@click.option(
    "--colour",
    "--color",
    metavar="SPACE",
    help="The plate's colour space, where the file does not say.",
)
@click.option("--layer", metavar="NAME", help="EXR layer of the plate to follow.")
@knob_option("read", "missing")
@click.option("--frames", metavar="LIST", help="Frames to write, such as 1001-1100.")
@click.option(
    "--cold", is_flag=True, help="Begin at the first of --frames: quicker, but not the same pixels."
)
@knob_options(NODE, leave_out=("keys",))
@click.option("--overwrite", is_flag=True, help="Allow files to be replaced.")
@click.option("--dry-run", is_flag=True, help="Check everything, say what would be done, stop.")
@click.option("--json", "as_json", is_flag=True, help="Progress as JSON lines, for programs.")
def command(
    source: str, output: str, overwrite: bool, dry_run: bool, as_json: bool, **given: Any
) -> None:
    """Steady a clip that somebody else painted.

    PLATE is the shot that it was painted from; its motion says what should have stayed. Strokes
    are chosen and not averaged, so that nothing blurs. With --keys a few painted frames are
    carried over the whole shot. A render that was stopped goes on where it was.
    """
    assembly = assemble_steady(request(source, given))
    job = assembly.job(output, overwrite=overwrite)
    written = str(job.output.video or job.output.sequence.template)
    if dry_run:
        describe(assembly, written, as_json=as_json)
        return
    with interruptible() as interrupt:
        watcher = JsonLines(interrupt) if as_json else Bar(len(job.frames), interrupt, "starting")
        with watcher:
            made = render(job, watcher)
    if as_json:
        write_json(event="done", frames=len(made.entries), output=written)
        return
    console.print(f"{len(made.entries)} frames in {made.seconds:.1f} s: {written}", markup=False)


def request(source: str, given: dict[str, Any]) -> SteadyRequest:
    """Build a request from the options of the command line."""
    known = {field.name for field in REGISTRY[NODE].knobs}
    said = {name: value for name, value in given.items() if name in known and value is not None}
    missing = ReadSettings.missing if given["missing"] is None else Missing(given["missing"])
    cuts = parse_frames(given["cuts"]) if given["cuts"] else ()
    return SteadyRequest(
        source,
        given["painted"],
        keys=given["keys"],
        how=REGISTRY[NODE].make_knobs(**said),
        read=ReadSettings(given["colour"], given["layer"], missing),
        settings=Settings(cuts=cuts),
        frames=given["frames"],
        cold=given["cold"],
        matte=given["matte"],
        invert_matte=given["invert_matte"],
        vectors=vectors(given),
        flow_cache=given["flow_cache"],
        fill=find_look(given["fill"], user_looks()) if given["fill"] else None,
    )


def describe(assembly: SteadyAssembly, output: str, *, as_json: bool) -> None:
    """Say what a render would do."""
    clip = assembly.clip
    facts = {
        "plate": assembly.source.name,
        "painted": f"{assembly.painted.name} {format_frames(assembly.painted.frames)}",
        "frames": format_frames(assembly.frames),
        "size": f"{clip.canvas.width}x{clip.canvas.height}",
        "colour": clip.colour.space,
        "motion": assembly.motion.name,
        "output": output,
    }
    if as_json:
        write_json(event="plan", **facts)
        return
    for name, value in facts.items():
        console.print(f"{name:>8}  {value}", markup=False)

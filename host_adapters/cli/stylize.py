"""`stillbrush stylize`: paint a shot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ... import nodes  # noqa: F401 - declares the knobs
from ...core.dials import Dials
from ...core.errors import BadInput
from ...core.file_knobs import BesideKnobs
from ...core.knobs import PassKnobs, chain
from ...core.look import Look
from ...core.looks import find_look
from ...core.media.sequences import format_frames, parse_frames
from ...core.media.source import Missing, ReadSettings, Shot, open_shot
from ...core.render.assembly import Assembly, assemble
from ...core.render.given_motion import VectorSettings
from ...core.render.painting import Settings
from ...core.render.renderer import render
from ...core.render.request import Device, Precision, Request
from ...core.report.making import measured, write_job_page
from ...core.spec import REGISTRY, read_knobs
from ...core.temporal.multi_pass import Passes
from .console import Bar, JsonLines, Live, console, interruptible, write_json
from .folders import user_looks
from .options import knob_option, knob_options
from .variadic import STYLE, STYLE_OPTIONS, Variadic, read_keys, styled

BESIDE = {field.name: field.knob.tip for field in read_knobs(BesideKnobs, "stylize")}
SHOT_OPTIONS = (
    click.option(
        "--look",
        "look_name",
        required=True,
        metavar="NAME|FILE",
        help="Name of a look (see `stillbrush looks`) or a look file.",
    ),
    *STYLE_OPTIONS,
    click.option(
        "--proxy",
        default="1",
        metavar="1/N",
        show_default=True,
        help="Work at a fraction of the size: 1/2, 1/4.",
    ),
    click.option(
        "--per-frame",
        is_flag=True,
        help="Paint every frame by itself: what all others do, for comparison.",
    ),
    click.option("--cuts", metavar="LIST", help="First frames of new shots, such as 1040,1077."),
    click.option(
        "--matte",
        metavar="FILES",
        help=BESIDE["matte"],
    ),
    click.option("--invert-matte", is_flag=True, help=BESIDE["invert_matte"]),
    click.option(
        "--vectors",
        metavar="auto|nuke|blender|stillbrush",
        help="Use motion vectors rendered into the plate (or --vector-files).",
    ),
    click.option(
        "--vector-files",
        metavar="FILES",
        help=BESIDE["vector_files"],
    ),
    click.option(
        "--vector-channels",
        metavar="U,V",
        help="The two channels of the backward motion, where they have other names.",
    ),
    click.option(
        "--vector-scale",
        nargs=2,
        type=float,
        metavar="X Y",
        help="Multiplies the vectors; -1 turns an axis round.",
    ),
    click.option(
        "--flow-cache",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="Keep estimated motion here for the next render.",
    ),
    click.option(
        "--colour",
        "--color",
        metavar="SPACE",
        help="The plate's colour space, where the file does not say: ACEScg, ARRI LogC4.",
    ),
    click.option("--layer", metavar="NAME", help="EXR layer to paint, such as diffuse."),
    knob_option("read", "missing"),
    click.option(
        "--exposure",
        type=float,
        help="Stops added before painting and taken off after. Default: the look's.",
    ),
    click.option(
        "--statistics",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Frozen statistics of an earlier render, with --normalise shot: "
        ".stillbrush/NAME/statistics.*.safetensors beside its output.",
    ),
    click.option(
        "--device",
        type=click.Choice([d.value for d in Device]),
        default="auto",
        show_default=True,
        help="Where to paint.",
    ),
    click.option(
        "--precision",
        type=click.Choice([p.value for p in Precision]),
        default="float32",
        show_default=True,
        help="bfloat16 is faster where the hardware has it, and not bit-exact.",
    ),
    click.option(
        "--band-rows",
        type=int,
        metavar="N",
        help="Rows that the network paints at a time; fewer take less memory. Default: from the "
        "size.",
    ),
    click.option(
        "--frames",
        metavar="LIST",
        help="Frames to write, such as 1001-1100 or 1005,1010-1012. The painting still "
        "begins at the first frame of the shot, so any part agrees with the whole.",
    ),
    click.option(
        "--cold",
        is_flag=True,
        help="Begin painting at the first of --frames: quicker, but not the same pixels.",
    ),
)


def shot_options(*, begin_with: int = 0, leave_out: int = 0) -> Callable[[Any], Any]:
    """Add the options that stylize, preview and wedge share.

    Args:
        begin_with: how many of the first to leave out: the look, where there are several.
        leave_out: how many of the last to leave out: those that only a whole render has.
    """

    def add(command: Any) -> Any:
        for option in reversed(SHOT_OPTIONS[begin_with : len(SHOT_OPTIONS) - leave_out]):
            command = option(command)
        return command

    return add


@click.command("stylize", cls=Variadic, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("source", metavar="PLATE")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILES",
    help="out/plate.####.exr (or .png .tif .jpg .dpx), a folder, or a .mp4 or .mov "
    "(without sound).",
)
@shot_options()
@knob_options("stylize_shot", leave_out=("follow_look",))
@knob_option("multi_pass_blender", "passes")
@knob_option("multi_pass_blender", "pass_blend")
@knob_option("multi_pass_blender", "disk_limit")
@click.option("--overwrite", is_flag=True, help="Allow files to be replaced.")
@click.option(
    "--debug-layers",
    is_flag=True,
    help="Write flow, mask and prior beside the picture, as EXR layers.",
)
@click.option(
    "--report",
    is_flag=True,
    help="Measure while painting and make a page of it, NAME.report.html: before and after, "
    "flicker against the same look frame by frame, style and content. The painted files stay "
    "the same; it takes longer.",
)
@click.option(
    "--loss-network",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="With --report: the encoder that judges style and content. Default: the one that ships.",
)
@click.option(
    "--live",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.png",
    help="Looks that optimise: keep a picture of the frame here as it comes to be; it is replaced.",
)
@click.option("--dry-run", is_flag=True, help="Check everything, say what would be done, stop.")
@click.option("--json", "as_json", is_flag=True, help="Progress as JSON lines, for programs.")
def command(
    source: str,
    output: str,
    overwrite: bool,
    debug_layers: bool,
    report: bool,
    loss_network: Path | None,
    live: Path | None,
    dry_run: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Paint a shot.

    PLATE is plate.####.exr, plate.%04d.exr, plate.[1001-1100].exr, a folder, a still or a video.
    Everything else in the plate is kept: layers, alpha, windows, timecode. A render that was
    stopped goes on where it was when the same command is run again.
    """
    assembly = assemble(request(source, given))
    job = assembly.job(output, overwrite=overwrite, layers=debug_layers)
    look = assembly.request.look
    if loss_network is not None and not report:
        raise BadInput("--loss-network: judges for the report; give --report too.")
    if live is not None and live.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise BadInput(f"--live {live}: expected a .png or .jpg.")
    if report:
        job = measured(job, look, loss_network)
    if dry_run:
        assembly.painting()
        describe(assembly, job.output.video or job.output.sequence.template, as_json=as_json)
        return
    with interruptible() as interrupt:
        watcher = JsonLines(interrupt) if as_json else Bar(len(job.frames), interrupt, "starting")
        with watcher:
            made = render(job, Live(watcher, live) if live else watcher)
    written = str(job.output.video or job.output.sequence.template)
    told = {"report": str(job.output.folder / f"{job.output.name}.report.json")}
    if report:
        told["page"] = str(write_job_page(job, look))
    if as_json:
        write_json(event="done", frames=len(made.entries), output=written, **told)
        return
    console.print(f"{len(made.entries)} frames in {made.seconds:.1f} s: {written}", markup=False)
    for name, path in told.items():
        console.print(f"{name}: {path}", markup=False)


def request(source: str, given: dict[str, Any]) -> Request:
    """Build a request from the options of the command line."""
    look: Look = styled(find_look(given["look_name"], user_looks()), given)
    knobs = chain(look.knobs, {k: v for k, v in given.items() if k in KNOBS})
    exposure = look.exposure if given["exposure"] is None else given["exposure"]
    cuts = parse_frames(given["cuts"], "--cuts") if given["cuts"] else ()
    settings = Settings(knobs, exposure=exposure, per_frame=given["per_frame"], cuts=cuts)
    missing = ReadSettings.missing if given["missing"] is None else Missing(given["missing"])
    read = ReadSettings(given["colour"], given["layer"], missing, proxy(given["proxy"]))
    opened = open_shot(source, read) if given["keys"] else source
    if isinstance(opened, Shot):
        moved = read_keys(given, opened.frames)
        along = moved.pop(STYLE, {})
        settings = replace(settings, dials=Dials(moved), styles=along)
    return Request(
        opened,
        look,
        read,
        settings,
        frames=given["frames"],
        cold=given["cold"],
        matte=given["matte"],
        invert_matte=given["invert_matte"],
        vectors=vectors(given),
        flow_cache=given["flow_cache"],
        statistics=given["statistics"],
        device=Device(given["device"]),
        precision=Precision(given["precision"]),
        band_rows=given["band_rows"],
        passes=passes(given),
        disk_limit=given.get("disk_limit") or PassKnobs.disk_limit,
    )


def passes(given: dict[str, Any]) -> Passes | None:
    """Return the passes that are asked for; None paints in one, each frame from the last."""
    if given.get("passes") is None:
        for name in ("pass_blend", "disk_limit"):
            if given.get(name) is not None:
                said = name.replace("_", "-")
                raise BadInput(f"--{said}: is for several passes; give --passes too.")
        return None
    blend = given["pass_blend"]
    return Passes(given["passes"], PassKnobs.pass_blend if blend is None else blend)


KNOBS = {field.name for field in REGISTRY["stylize_shot"].knobs}


def vectors(given: dict[str, Any]) -> VectorSettings | None:
    """Return where rendered motion is; None where motion is estimated."""
    named = ("vectors", "vector_files", "vector_channels", "vector_scale")
    if all(given[name] is None for name in named):
        return None
    settings = VectorSettings(
        given["vector_files"], given["vectors"] or "auto", given["vector_channels"]
    )
    scale = given["vector_scale"]
    return replace(settings, scale=scale) if scale else settings


def proxy(text: str) -> int:
    """Read a proxy: 1, 1/2, 1/4, or plainly 2."""
    top, _, bottom = text.partition("/")
    try:
        whole = int(bottom or top)
    except ValueError:
        whole = 0
    if whole < 1 or (bottom and top.strip() != "1"):
        raise BadInput(f"--proxy: expected 1/2, 1/4 or another 1/N; got {text!r}.")
    return whole


def describe(assembly: Assembly, output: object, *, as_json: bool) -> None:
    """Say what a render would do."""
    shot, identity = assembly.shot, assembly.identity()
    facts = {
        "plate": shot.name,
        "frames": format_frames(assembly.frames),
        "of": f"{shot.frames[0]}-{shot.frames[-1]}",
        "size": f"{shot.canvas.width}x{shot.canvas.height}",
        "colour": shot.colour.space,
        "look": identity["look"]["title"],
        "motion": assembly.motion.name,
        "device": identity["device"],
        "output": str(output),
    }
    if as_json:
        write_json(event="plan", **facts)
        return
    for name, value in facts.items():
        console.print(f"{name:>8}  {value}", markup=False)

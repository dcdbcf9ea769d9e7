"""`stillbrush measure`: clips times looks times methods, as CSV, JSON and one page."""

from __future__ import annotations

from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ...core.errors import BadInput, Cancelled, StillbrushError
from ...core.look import Look
from ...core.looks import find_look
from ...core.media.atomic import write_text_atomic
from ...core.report.plots import require_matplotlib
from ...core.yardstick.cell import Extent, Method
from ...core.yardstick.clips import ClipFiles, find_clips
from ...core.yardstick.page import html, percent
from ...core.yardstick.sweep import SHARES, Cell, Plan, as_csv, as_json, lines, predict, sweep
from .console import Interrupt, console, errors, interruptible, table
from .folders import user_looks

EXTENT = Extent()


@click.command("measure", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("clips", metavar="CLIP...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Where table, page and finished cells go; the same command goes on where it was.",
)
@click.option(
    "--look", "looks", multiple=True, required=True, metavar="NAME|FILE", help="A look; again."
)
@click.option(
    "--method",
    "methods",
    multiple=True,
    type=click.Choice([way.value for way in Method]),
    default=(Method.OWN.value,),
    show_default=True,
    help="How looks are run; frame by frame is always among them.",
)
@click.option(
    "--frames",
    type=click.IntRange(2, 100_000),
    default=EXTENT.frames,
    show_default=True,
    help="Frames of each clip, from its first on.",
)
@click.option(
    "--width",
    type=click.IntRange(192, 768),
    default=EXTENT.width,
    show_default=True,
    help="Pixels across at which clips are painted.",
)
@click.option(
    "--far",
    type=click.IntRange(0, 1000),
    default=EXTENT.far,
    show_default=True,
    help="Frames between the pictures of the long-term error; 0 leaves it out.",
)
@click.option(
    "--patches",
    type=click.IntRange(0, 100),
    default=EXTENT.patches,
    show_default=True,
    help="Background patches compared a pair of frames; 0 leaves them out.",
)
@click.option(
    "--distortions",
    is_flag=True,
    help="Paint a frame of each clip shifted, blurred and sharpened too.",
)
@click.option(
    "--masks",
    metavar="FOLDER",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Object masks: a folder of PNGs a clip, named like it. DAVIS' own are found.",
)
@click.option(
    "--loss-network",
    "encoder",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="What style and content are seen by. Default: our own encoder.",
)
def command(
    clips: tuple[str, ...],
    output: Path,
    looks: tuple[str, ...],
    methods: tuple[str, ...],
    frames: int,
    width: int,
    far: int,
    patches: int,
    distortions: bool,
    masks: Path | None,
    encoder: Path | None,
) -> None:
    """Measure looks on clips: steadiness, style, content, sharpness, and what the papers measure.

    CLIP is a video, a sequence, a folder of them, or the folder of Sintel or DAVIS as they are
    distributed. Writes measure.csv, measure.json and measure.html.
    """
    require_matplotlib()
    if output.exists() and not output.is_dir():
        raise BadInput(f"output {output}: expected a folder; it is a file.")
    wanted = tuple(find_look(name, user_looks()) for name in dict.fromkeys(looks))
    refuse_namesakes([look.name for look in wanted], "look")
    found = all_clips(clips, masks)
    ways = tuple(Method(way) for way in methods)
    extent = Extent(frames, width, far, patches, distortions)
    plan = Plan(found, wanted, ways, output, extent, encoder)
    with interruptible() as interrupt:
        cells = run(plan, interrupt)
    if not cells:
        raise BadInput("measure: no clip could be measured.")
    measured = lines(cells)
    write_text_atomic(output / "measure.csv", as_csv(measured))
    write_text_atomic(output / "measure.json", as_json(plan, cells, measured))
    write_text_atomic(output / "measure.html", html(cells, measured, predict(plan, measured)))
    ours = [line for line in measured if line.method is not Method.PER_FRAME]
    table(
        ("clip", "look", "way", *SHARES),
        [
            (one.clip, one.look, one.method.value, *(percent(one.shares[n]) for n in SHARES))
            for one in ours
        ],
    )
    console.print(f"{len(cells)} cells: {output / 'measure.html'}", markup=False)


def all_clips(texts: tuple[str, ...], masks: Path | None) -> tuple[ClipFiles, ...]:
    """Find all clips; say what was passed over.

    Raises:
        MissingFrame, BadInput: as `find_clips`, or two clips of one name.
    """
    clips: list[ClipFiles] = []
    for text in texts:
        found = find_clips(Path(text), masks)
        clips += found.clips
        if found.skipped:
            errors.print(f"passed over in {text}: {', '.join(found.skipped)}", markup=False)
    refuse_namesakes([clip.name for clip in clips], "clip")
    return tuple(clips)


def refuse_namesakes(names: list[str], kind: str) -> None:
    """Refuse two of one name: their cells would be one.

    Raises:
        BadInput: names it.
    """
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(f"measure: expected every {kind} under a name of its own; {twice[0]} twice.")


def run(plan: Plan, interrupt: Interrupt) -> list[Cell]:
    """Measure with a progress bar; Ctrl-C stops after a frame, and finished cells stay."""
    bar = Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=errors,
        disable=not errors.is_terminal,
    )
    total = len(plan.cells()) * plan.extent.frames
    task = bar.add_task("measuring", total=total)

    def begun(clip: ClipFiles, look: Look, way: Method) -> None:
        told = f"{clip.name}, {look.name}, {way.value}"
        bar.update(task, description=told)
        if bar.disable:
            errors.print(told, markup=False)

    def passed(frame: int) -> None:
        bar.advance(task)
        if interrupt.asked:
            raise Cancelled("stopped; run the same command to go on.")

    def failed(clip: ClipFiles, error: StillbrushError) -> None:
        errors.print(f"{clip.name}: left out: {error}", markup=False)

    with bar:
        return sweep(plan, begun, passed, failed)

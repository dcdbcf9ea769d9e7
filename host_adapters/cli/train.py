"""`stillbrush train`: make looks from pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import torch

from ... import nodes  # noqa: F401 - declares the knobs that a look is checked against
from ...core.errors import BadInput
from ...core.looks import find_look
from ...core.networks.loss_network import shipped_encoder
from ...core.render.request import Device, Precision, pick_device
from ...core.training.photographs import picture_files
from ...core.training.plan import LICENCE, MINUTES, Request
from ...core.training.recipe import recipe_knobs
from ...core.training.recipes import RecipeFile, find_recipe, list_recipes
from ...core.training.run import Outcome
from ...core.training.session import Session
from ...core.training.start import Start
from ...core.training.team import Team
from .console import console, interruptible, table, write_json
from .folders import user_looks
from .options import names, settings
from .processes import joined
from .train_progress import watched

F = TypeVar("F", bound=Callable[..., Any])
LISTED = 12  # style pictures that are named
FILE = click.Path(path_type=Path)


def recipe_options(command: F) -> F:
    """Add an option for every knob of a recipe."""
    for field in reversed(recipe_knobs()):
        command = click.option(*names(field), **settings(field))(command)
    return command


def show_recipes(context: click.Context, option: click.Parameter, is_asked: bool) -> None:
    """List the recipes that ship, and stop."""
    if is_asked:
        table(("recipe", "what"), [(recipe.name, recipe.title) for recipe in list_recipes()])
        context.exit()


@click.command("train", context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--recipe",
    metavar="NAME|FILE",
    help="Train as a recipe has it; every other option comes after it. --list-recipes shows those "
    "that ship.",
)
@click.option(
    "--list-recipes",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=show_recipes,
    help="List the recipes that ship, and stop.",
)
@click.option(
    "--style",
    "styles",
    multiple=True,
    required=True,
    type=FILE,
    metavar="PICTURE|FOLDER",
    help="What to paint like. Given several times, or a folder, each becomes a look; they share "
    "weights, and the time. With --system adain all of them teach one look for any style.",
)
@click.option(
    "--content",
    type=FILE,
    metavar="FOLDER",
    help="Photographs to practise on: some hundred or more, of anything.",
)
@click.option(
    "--footage",
    multiple=True,
    type=FILE,
    metavar="PATH",
    help="Real shots to practise on, beside --content or in its place: a video, a folder of them "
    "or of frames, Sintel with its true motion, or DAVIS. Given again for more.",
)
@click.option(
    "--loss-network",
    type=FILE,
    metavar="FILE",
    help="What judges the paint while it learns, in place of our own encoder: a VGG-19 "
    "(conv1_1.weight ...) or distilled VGG-19 (e5...) as .safetensors.",
)
@click.option(
    "--start-from",
    metavar="NAME|FILE",
    help="Begin with the weights of a look or of a .safetensors file, in place of random "
    "ones. A look gives its own style to every new one, a file its styles one by one.",
)
@click.option(
    "--image-network",
    metavar="NAME|FILE",
    help="A look or .safetensors that paints the first frame of every shot, while it is trained "
    "and afterwards, as Ruder et al. have it. Default: the network itself.",
)
@click.option(
    "-o",
    "--output",
    type=FILE,
    metavar="FOLDER",
    help="Where the looks go; checkpoints, log and sheets go into NAME.training there. "
    "Default: your own looks, where `--look NAME` finds them.",
)
@click.option("--name", help="Name of the look. Default: the first picture's.")
@click.option(
    "--minutes",
    type=float,
    help=f"How long to train: some iterations are measured first. Default {MINUTES:g}.",
)
@click.option("--iterations", type=int, help="How long to train, in place of --minutes.")
@recipe_options
@click.option(
    "--licence",
    default=LICENCE,
    show_default=True,
    metavar="TEXT",
    help="What the looks say of their use.",
)
@click.option(
    "--samples",
    type=FILE,
    metavar="FOLDER",
    help="Your own pictures for the sample sheets, in place of photographs held out.",
)
@click.option(
    "--checkpoint-every",
    type=int,
    metavar="N",
    help="Iterations between checkpoints. Default: a twentieth of the run, 10 to 250.",
)
@click.option(
    "--sheet-every",
    type=int,
    metavar="N",
    help="Iterations between sheets. Default: a tenth of the run, 10 to 1000.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cuda", "cpu"]),
    default="auto",
    show_default=True,
    help="Where to train.",
)
@click.option(
    "--precision",
    type=click.Choice([p.value for p in Precision]),
    default="float32",
    show_default=True,
    help="bfloat16 is quicker on CUDA and on processors with AVX-512 or AMX; not exact.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    metavar="N",
    help="Processor threads; a resumed run is exact at an equal number of them.",
)
@click.option("--overwrite", is_flag=True, help="Allow looks and weights to be replaced.")
@click.option("--dry-run", is_flag=True, help="Check everything, say what would be done, stop.")
@click.option("--json", "as_json", is_flag=True, help="Progress as JSON lines, for programs.")
def command(threads: int | None, dry_run: bool, as_json: bool, **given: Any) -> None:
    """Train a look from a picture.

    \b
    stillbrush train --style my-painting.jpg --content photographs/ --minutes 20

    A run that was stopped or killed goes on where its last checkpoint is when the same command is
    run again. Look at the sheets in NAME.training while it learns.

    \b
    torchrun --nproc-per-node 4 --no-python stillbrush train ...

    trains on four GPUs; each has a batch of its own.
    """  # noqa: D301 - click's mark for lines that stay as they are
    if threads is not None:
        torch.set_num_threads(threads)
    with joined() as team:
        session = Session(request(given, team))
        if dry_run:
            if team.leads:
                describe(session, as_json=as_json)
            return
        with interruptible() as interrupt, watched(interrupt, team, as_json=as_json) as watcher:
            outcome = session.train(watcher)
        if team.leads:
            conclude(outcome, as_json=as_json)


def request(given: dict[str, Any], team: Team) -> Request:
    """Build a request from the options of the command line."""
    recipe = find_recipe(given["recipe"]) if given["recipe"] else RecipeFile("", "", "")
    told = {knob.name: given[knob.name] for knob in recipe_knobs()}
    iterations = given["iterations"]
    if iterations is None and given["minutes"] is None:
        iterations = recipe.iterations
    halved = Precision(given["precision"]) is Precision.BFLOAT16
    return Request(
        styles=tuple(path for each in given["styles"] for path in pictures_of(each)),
        content=given["content"],
        footage=given["footage"],
        loss_network=given["loss_network"] or shipped_encoder(),
        folder=given["output"] or user_looks(),
        name=given["name"],
        minutes=given["minutes"],
        iterations=iterations,
        knobs=recipe.knobs | {name: value for name, value in told.items() if value is not None},
        licence=given["licence"],
        start=choose_start(given["start_from"]),
        image_network=choose_start(given["image_network"]),
        samples=given["samples"],
        checkpoint_every=given["checkpoint_every"],
        sheet_every=given["sheet_every"],
        overwrite=given["overwrite"],
        device=choose_device(given["device"]),
        precision=torch.bfloat16 if halved else torch.float32,
        team=team,
    )


def pictures_of(path: Path) -> list[Path]:
    """Return a style picture, or all of a folder of them."""
    if not path.is_dir():
        return [path]
    found = picture_files(path)
    if not found:
        raise BadInput(f"train.style: expected pictures in {path}; found none.")
    return found


def choose_start(text: str | None) -> Start | None:
    """Return the weights to begin with: a look's, in its own style, or those of a file."""
    if text is None:
        return None
    if text.lower().endswith(".safetensors"):
        return Start(Path(text))
    look = find_look(text, user_looks())
    return Start(look.verified_weights(), look.network.style)


def choose_device(text: str) -> torch.device:
    """Return the device to train on: CUDA where there is one, else the processor."""
    if text == "auto":
        text = "cuda" if torch.cuda.is_available() else "cpu"
    return pick_device(Device(text))


def describe(session: Session, *, as_json: bool) -> None:
    """Say what a run would do."""
    request, begun = session.request, session.begun
    length = f"{request.minutes or MINUTES:g} minutes"
    if begun or request.iterations:
        length = f"{begun.iterations if begun else request.iterations} iterations"
    facts = {
        "style": styles_of(request),
        "material": "; ".join(session.material()),
        "samples": ", ".join(sample.name for sample in session.samples),
        "losses": request.loss_network.name,
        "length": length + (f", {begun.step} of them done" if begun else ""),
        "starts from": starts_from(request.start),
        **({"first frame": starts_from(request.image_network)} if request.image_network else {}),
        "device": request.device.type,
        "precision": str(request.precision).removeprefix("torch."),
        "licence": request.licence,
        "looks": ", ".join(map(str, request.looks)),
        "weights": str(request.weights),
        "working": str(request.work),
    }
    remarks = list(session.remarks())
    if as_json:
        write_json(event="plan", **facts, remarks=remarks)
        return
    for name, value in facts.items():
        console.print(f"{name:>11}  {value}", markup=False)
    for text in remarks:
        console.print(text, markup=False)


def styles_of(request: Request) -> str:
    """Name the styles of a run; of many, how many there are."""
    names = [path.name for path in request.styles]
    return ", ".join(names) if len(names) <= LISTED else f"{len(names)} pictures"


def starts_from(start: Start | None) -> str:
    """Say what a run begins with."""
    if start is None:
        return "random weights"
    return str(start.path) if start.style is None else f"{start.path}, style {start.style}"


def conclude(outcome: Outcome, *, as_json: bool) -> None:
    """Say what was made."""
    if as_json:
        write_json(event="done", **vars(outcome) | {"looks": [str(p) for p in outcome.looks]})
        return
    console.print(f"{outcome.steps} iterations in {outcome.minutes:g} minutes", markup=False)
    for path in outcome.looks:
        console.print(f"look: {path}", markup=False)
    console.print(f"last sheet: {outcome.sheet}", markup=False)

"""`stillbrush looks new-optimise`: a look that paints by optimisation, from pictures alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ...core.errors import BadInput
from ...core.new_optimise_looks import LICENCE, NewLook, save_new_look
from ...core.stylizers.optimise.presets import DEFAULT, PRESETS
from ...core.stylizers.optimise.settings import fields_by_name
from .console import console, write_json
from .folders import user_looks
from .options import names, settings

F = TypeVar("F", bound=Callable[..., Any])
NETWORKS = "networks"  # in the folder of the user's looks: loss networks that have names


def optimise_options(command: F) -> F:
    """Add an option for every knob of the optimisation; nothing given is the preset's."""
    for field in reversed(fields_by_name().values()):
        told = settings(field)
        told["help"] = told["help"].replace("Default ", f"In {DEFAULT}: ")
        command = click.option(*names(field), **told)(command)
    return command


@click.command("new-optimise", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name")
@click.option(
    "--style",
    "styles",
    required=True,
    multiple=True,
    metavar="PICTURE[=SHARE]",
    help="The painting; several are mixed by their shares.",
)
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    default=DEFAULT,
    show_default=True,
    help="Energy and optimiser: our own, or a paper's.",
)
@click.option(
    "--loss-network",
    metavar="NAME|FILE",
    help="What style and content are seen by: shipped, a safetensors file of VGG-16, VGG-19 or "
    f"SqueezeNet, or the name of one in {NETWORKS}/ beside your looks. Default: shipped.",
)
@click.option("--title", help="What it is called in lists. Default: the pictures' names.")
@click.option("--licence", default=LICENCE, show_default=True, help="Of what is painted in it.")
@click.option("--json", "as_json", is_flag=True, help="JSON, for programs.")
@optimise_options
def new_optimise(
    name: str,
    styles: tuple[str, ...],
    preset: str,
    loss_network: str | None,
    title: str | None,
    licence: str,
    as_json: bool,
    **given: Any,
) -> None:
    """Make a look that paints by optimisation: slow, of the highest quality, with no training.

    It is written to your own folder with copies of the pictures; nothing is replaced.
    """
    knobs = {knob: value for knob, value in given.items() if value is not None}
    pictures = tuple(read_share(text) for text in styles)
    network = find_network(loss_network)
    made = NewLook(name, pictures, preset, knobs, network, title, licence)
    path = save_new_look(made, user_looks())
    if as_json:
        write_json(look=name, file=str(path))
        return
    console.print(f"look {name}: {path}", markup=False)
    console.print(f"use it: stillbrush stylize PLATE -o FILES --look {name}", markup=False)


def read_share(text: str) -> tuple[Path, float]:
    """Read a picture and its share: `starry.jpg=0.7`.

    Raises:
        BadInput: the share is no number above 0.
    """
    path, mark, share = text.rpartition("=")
    if not mark or Path(text).exists():
        return Path(text), 1.0
    try:
        value = float(share)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise BadInput(f"--style {text}: expected PICTURE=SHARE, a share above 0.")
    return Path(path), value


def find_network(text: str | None) -> Path | None:
    """Return the file of a loss network by name or path; None: the one that ships."""
    if text is None or text == "shipped":
        return None
    named = user_looks() / NETWORKS / f"{text}.safetensors"
    return named if named.is_file() else Path(text)

"""`stillbrush looks`: list, show, make, check and compare looks."""

from __future__ import annotations

import enum
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ... import nodes  # noqa: F401 - declares the knobs
from ...core import looks
from ...core.errors import StillbrushError
from ...core.knobs import ShotKnobs, chain, changed
from ...core.look import Look
from ...core.looks import find_look, list_looks, load_look
from ...core.metrics.manners import load_manners
from ...core.new_looks import derive, knob_owner, save_derived
from ...core.optimise_looks import Optimise
from ...core.stylizers.load import load_painter
from .console import console, errors, table, write_json
from .folders import user_looks
from .look_companions import manner, thumbnail
from .look_optimise import new_optimise
from .options import knob_options

HELP = {"help_option_names": ["-h", "--help"]}
JSON = click.option("--json", "as_json", is_flag=True, help="JSON, for programs.")


@click.group("looks", invoke_without_command=True, context_settings=HELP)
@JSON
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List, show, make, check and compare looks; without a command, list them.

    A look is one small YAML file beside its weights. Those that ship come first, then those in
    your own folder; any other is given as a file.
    """
    if ctx.invoked_subcommand is None:
        show_list(as_json=as_json)
    elif as_json:
        raise click.UsageError(f"write --json after {ctx.invoked_subcommand}", ctx)


def show_list(*, as_json: bool) -> None:
    """List the looks; one that cannot be read is listed with the reason."""
    rows = [row(path) for path in list_looks(user_looks())]
    if as_json:
        write_json(folder=str(user_looks()), looks=rows)
        return
    shown = ("name", "title", "stylizer", "where", "licence")
    table(shown, [[row[key] for key in shown] for row in rows])
    for broken in (row for row in rows if row["problem"]):
        errors.print(f"cannot be used: {broken['problem']}", markup=False)
    console.print(f"{len(rows) or 'no'} looks; your own are in {user_looks()}", markup=False)


def row(path: Path) -> dict[str, str]:
    """Return what the list says of one look."""
    known = {"name": path.stem, "title": "", "stylizer": "", "where": where(path), "licence": ""}
    try:
        look = load_look(path)
    except StillbrushError as error:
        return known | {"title": "-", "problem": str(error), "file": str(path)}
    told = {"title": look.title, "stylizer": look.stylizer.value, "licence": look.licence}
    return known | told | {"problem": misnamed(look) or "", "file": str(path)}


def where(path: Path) -> str:
    """Say where a look lives."""
    return {looks.SHIPPED: "shipped", user_looks(): "user"}.get(path.parent, "file")


def misnamed(look: Look) -> str | None:
    """Say why a look in a folder that is searched cannot be found by its name."""
    path = look.path
    if path is None or where(path) == "file":
        return None
    if look.name != path.stem:
        return f"look {path}: name: expected {path.stem}, as its file is called; got {look.name}."
    if where(path) == "user" and (looks.SHIPPED / path.name).exists():
        return f"look {path}: one of that name ships with Stillbrush and hides it. Rename it."
    return None


@command.command("show", context_settings=HELP)
@click.argument("look_name", metavar="NAME|FILE")
@JSON
def show(look_name: str, as_json: bool) -> None:
    """Show all there is to know of a look: provenance, files, and knobs that are not at default."""
    look = find_look(look_name, user_looks())
    if as_json:
        write_json(**facts(look), **files(look), knobs=own_knobs(look))
        return
    lines = flat(facts(look) | files(look))
    for name, value in lines.items():
        put(name, value)
    for name, (value, default) in flat_knobs(look).items():
        put(name, f"{value}  (default {default})")
    if not flat_knobs(look):
        put("knobs", "all at their defaults")


def put(name: str, value: str) -> None:
    """Write one fact; a text of several lines stays in its column."""
    first, *more = value.split("\n")
    console.print(f"{name:<30}  {first}", markup=False)
    for line in more:
        console.print(" " * 32 + line, markup=False)


def facts(look: Look) -> dict[str, Any]:
    """Return what a look says of itself, but for its knobs."""
    return {
        "name": look.name,
        "title": look.title,
        "about": look.about,
        "stylizer": look.stylizer.value,
        "licence": look.licence,
        "trained": asdict(look.trained) | {"on": list(look.trained.on)},
        "weights": asdict(look.weights) if look.weights else "",
        "optimise": optimised(look.optimise) if look.optimise else "",
        "manner": asdict(look.manner) if look.manner else "",
        "colour": {"encode": look.encode.value, "exposure": look.exposure},
    }


def optimised(told: Optimise) -> dict[str, Any]:
    """Return how a look optimises; each painting in a word."""
    styles = [f"{style.file} ({style.sha256[:12]}, {style.share:g})" for style in told.styles]
    return told.plain() | {"styles": styles}


def files(look: Look) -> dict[str, Any]:
    """Return where a look's files are."""
    assert look.path is not None
    try:
        weights = ", ".join(str(path) for path in look.paint_files())
    except StillbrushError as error:
        weights = str(error)
    found = {"look": str(look.path), "weights": weights, "thumbnail": str(look.thumbnail or "")}
    return {"where": where(look.path), "files": found}


def own_knobs(look: Look) -> dict[str, dict[str, Any]]:
    """Return the knobs that are not at their defaults, by node."""
    made: dict[str, dict[str, Any]] = {}
    for knob, value in changed(chain(look.knobs, {})).items():
        told = {"value": plain(value), "default": plain(getattr(ShotKnobs, knob))}
        made.setdefault(knob_owner(knob), {})[knob] = told
    return made


def flat_knobs(look: Look) -> dict[str, tuple[Any, Any]]:
    """Return value and default of the knobs that are not at their defaults, by dotted name."""
    return {
        f"knobs.{node}.{knob}": (told["value"], told["default"])
        for node, knobs in own_knobs(look).items()
        for knob, told in knobs.items()
    }


def plain(value: Any) -> Any:
    """Return a knob's value as text or number."""
    return value.value if isinstance(value, enum.Enum) else value


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested facts by dotted name, as text."""
    made: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            made |= flat(value, f"{prefix}{key}.")
        else:
            text = ", ".join(value) if isinstance(value, list) else str(value)
            made[prefix + key] = text or "-"
    return made


@command.command("new", context_settings=HELP)
@click.argument("name")
@click.option("--from", "base_name", required=True, metavar="NAME|FILE", help="Look to begin with.")
@click.option("--title", help="What it is called in lists. Default: the other's title and NAME.")
@click.option("--exposure", type=float, help="Stops added before painting and taken off after.")
@knob_options("stylize_shot", leave_out=("follow_look",))
@JSON
def new(
    name: str,
    base_name: str,
    title: str | None,
    exposure: float | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Make a look of your own from another, with knobs set as you give them.

    It is written to your own folder with a copy of the weights; nothing is replaced.
    """
    base = find_look(base_name, user_looks())
    path = save_derived(derive(base, name, given, title=title, exposure=exposure), user_looks())
    if as_json:
        write_json(look=name, file=str(path))
        return
    console.print(f"look {name}: {path}", markup=False)
    console.print(f"use it: stillbrush stylize PLATE -o FILES --look {name}", markup=False)


@command.command("check", context_settings=HELP)
@click.argument("names", nargs=-1, metavar="[NAME|FILE]...")
@JSON
@click.pass_context
def check(ctx: click.Context, names: tuple[str, ...], as_json: bool) -> None:
    """Check looks as they are before a render: file, knobs, weights; without a name, all there are.

    The exit code is 1 if any look cannot be used.
    """
    found = names or tuple(str(path) for path in list_looks(user_looks()))
    problems = {name: problem(name) for name in found}
    if as_json:
        write_json(looks=[{"look": name, "problem": told} for name, told in problems.items()])
    else:
        for name, told in problems.items():
            console.print(f"wrong  {told}" if told else f"ok     {name}", markup=False)
        if not problems:
            console.print(f"no looks; your own would be in {user_looks()}", markup=False)
    ctx.exit(1 if any(problems.values()) else 0)


def problem(name: str) -> str | None:
    """Say what keeps a look from being used; None where nothing does."""
    try:
        look = find_look(name, user_looks())
        load_painter(look)
        if painting := look.verified_manner():
            load_manners(painting)
    except StillbrushError as error:
        return str(error)
    return misnamed(look)


command.add_command(manner)
command.add_command(new_optimise)
command.add_command(thumbnail)


@command.command("diff", context_settings=HELP)
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@JSON
def diff(first: str, second: str, as_json: bool) -> None:
    """Show in what two looks differ; a knob that one does not set counts with its default."""
    a, b = (everything(find_look(name, user_looks())) for name in (first, second))
    pairs = {key: (a.get(key, "-"), b.get(key, "-")) for key in {**a, **b}}
    differing = {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}
    if as_json:
        write_json(a=first, b=second, differing=differing)
        return
    if not differing:
        console.print(f"{first} and {second} say the same", markup=False)
        return
    table(("key", first, second), [[key, *pair] for key, pair in differing.items()])


def everything(look: Look) -> dict[str, str]:
    """Return all that a look decides, by dotted name, with the knobs that it leaves alone."""
    knobs: dict[str, dict[str, Any]] = {}
    for knob, value in vars(chain(look.knobs, {})).items():
        knobs.setdefault(knob_owner(knob), {})[knob] = plain(value)
    return flat(facts(look) | {"knobs": knobs})

"""`stillbrush looks manner` and `thumbnail`: the files that lie beside a look."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ...core.errors import WriteRefused
from ...core.look import thumbnail_path
from ...core.looks import find_look, list_looks, look_text
from ...core.media.atomic import write_text_atomic
from ...core.metrics.manners import SIDE, manner_beside
from ...core.networks.loss_network import load_loss_network, shipped_encoder
from ...core.render.thumbnail import paint_thumbnail, save_thumbnail
from ...core.training.aims import read_style
from .console import console, write_json
from .folders import user_looks
from .variadic import STYLE_IMAGE, Variadic, styled

HELP = {"help_option_names": ["-h", "--help"]}
JSON = click.option("--json", "as_json", is_flag=True, help="JSON, for programs.")
FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("thumbnail", cls=Variadic, context_settings=HELP)
@click.argument("names", nargs=-1, metavar="[NAME|FILE]...")
@STYLE_IMAGE
@click.option("--overwrite", is_flag=True, help="Allow thumbnails to be replaced.")
@JSON
def thumbnail(names: tuple[str, ...], overwrite: bool, as_json: bool, **given: Any) -> None:
    """Paint the demo shot in looks, and keep a small picture beside each.

    Without a name, in all that want no style picture; where one is given, in all that take it.
    """
    found = [find_look(name, user_looks()) for name in names or all_names()]
    if not names:
        pictured = bool(given.get("style_images"))
        found = [x for x in found if (x.takes_pictures if pictured else not x.wants_pictures)]
    found = [styled(look, given) for look in found]
    if not overwrite:
        paths = [thumbnail_path(look.own_path()) for look in found]
        there = [str(path) for path in paths if path.exists()]
        if there:
            raise WriteRefused(f"{', '.join(there)}: there already. --overwrite replaces them.")
    for look in found:
        path = save_thumbnail(look, paint_thumbnail(look), overwrite=overwrite)
        if as_json:
            write_json(look=look.name, thumbnail=str(path))
        else:
            console.print(f"look {look.name}: {path}", markup=False)


def all_names() -> list[str]:
    """Return the name of every look."""
    return [path.stem for path in list_looks(user_looks())]


@click.command("manner", context_settings=HELP)
@click.argument("name", metavar="NAME|FILE")
@click.option(
    "--style",
    required=True,
    type=FILE,
    metavar="PICTURE",
    help="The painting that the look was trained on.",
)
@click.option(
    "--loss-network",
    type=FILE,
    metavar="FILE",
    help="The encoder that sees it. Default: the one that ships.",
)
@JSON
def manner(name: str, style: Path, loss_network: Path | None, as_json: bool) -> None:
    """Keep beside a look how its painting is painted, so that a report can judge its style.

    `stillbrush train` does so by itself; this is for looks that were made without.
    """
    look = find_look(name, user_looks())
    encoder = load_loss_network(loss_network or shipped_encoder())
    path = look.own_path()
    told = manner_beside(path, read_style(style, SIDE), encoder)
    write_text_atomic(path, look_text(replace(look, manner=told)))
    if as_json:
        write_json(look=look.name, manner=str(path.parent / told.file), sha256=told.sha256)
        return
    console.print(f"look {look.name}: {path.parent / told.file}", markup=False)

"""`stillbrush pack`: write the pack for Nuke or Natron."""

from __future__ import annotations

import importlib
from pathlib import Path

import click

from .console import console


@click.command("pack", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("host", type=click.Choice(["nuke", "natron"]))
@click.argument("folder", metavar="FOLDER", type=click.Path(path_type=Path))
def command(host: str, folder: Path) -> None:
    """Write the pack for Nuke or Natron into a folder.

    The pack needs no other library than Python's own. Its knobs are those of this version; the work
    is done by this Stillbrush, in a process of its own.
    """
    made = importlib.import_module(f"..{host}.pack", __package__).write_pack(folder.resolve())
    for line in made:
        console.print(line, markup=False)

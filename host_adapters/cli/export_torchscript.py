"""`stillbrush export-torchscript`: a look for Nuke's own Inference node."""

from __future__ import annotations

from pathlib import Path

import click

from ...core.looks import find_look
from ..nuke.cat import write_cat
from .console import console
from .folders import user_looks


@click.command("export-torchscript", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("look_name", metavar="LOOK")
@click.argument("folder", metavar="FOLDER", type=click.Path(path_type=Path))
@click.option("--overwrite", is_flag=True, help="Allow files to be replaced.")
def command(look_name: str, folder: Path, overwrite: bool) -> None:
    """Write a look as TorchScript, with the script and gizmo that make a .cat of it in NukeX.

    The network has no state: it paints a frame from the picture, a matte, the last painted picture
    and backward motion. Motion, masks and the recursion stay with the command line and the packs.
    """
    for path in write_cat(find_look(look_name, user_looks()), folder, overwrite=overwrite):
        console.print(str(path), markup=False)

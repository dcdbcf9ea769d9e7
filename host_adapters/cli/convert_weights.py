"""`stillbrush convert-weights`: torchvision's VGG as a loss network."""

from __future__ import annotations

from pathlib import Path

import click

from ...core.networks.convert import convert_vgg
from .console import console, write_json
from .folders import user_looks
from .look_optimise import NETWORKS


@click.command("convert-weights", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("source", metavar="FILE.pth", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "-o",
    "--output",
    metavar="FILE.safetensors",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"Default: {NETWORKS}/FILE.safetensors beside your own looks, where it has a name.",
)
@click.option("--overwrite", is_flag=True, help="Allow the file to be replaced.")
@click.option("--json", "as_json", is_flag=True, help="JSON, for programs.")
def command(source: Path, output: Path | None, overwrite: bool, as_json: bool) -> None:
    """Turn torchvision's VGG-16 or VGG-19 into a loss network, as safetensors.

    Only weights are read; nothing in the file is executed.
    """
    target = output or user_looks() / NETWORKS / f"{source.stem}.safetensors"
    target.parent.mkdir(parents=True, exist_ok=True)
    layers = convert_vgg(source, target, overwrite=overwrite)
    if as_json:
        write_json(output=str(target), layers=layers)
        return
    console.print(f"{layers} layers: {target}", markup=False)
    if output is None:
        console.print(f"use it: --loss-network {target.stem}", markup=False)

"""`stillbrush convert-weights`: torchvision's VGG as a loss network."""

from __future__ import annotations

import pickle
from pathlib import Path

import click
import torch
from torch import Tensor

from ...core.errors import BadInput, MissingFrame, UnreadableFile, WriteRefused
from ...core.networks.vgg import torchvision_names
from ...core.networks.weights import save_aside
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


def convert_vgg(source: Path, target: Path, *, overwrite: bool = False) -> int:
    """Write the convolutions of a `.pth` of VGG-16 or VGG-19 as safetensors, half precision.

    Nothing in the file is executed: it is read with `weights_only`.

    Returns:
        How many layers were written.

    Raises:
        MissingFrame, UnreadableFile: no such file, or no weights.
        BadInput: weights of another network, or another suffix.
        WriteRefused: the target is there and may not be replaced.
    """
    if not source.is_file():
        raise MissingFrame(f"weights {source}: there is no such file.")
    if target.suffix != ".safetensors":
        raise BadInput(f"output {target}: expected a name that ends in .safetensors.")
    if target.exists() and not overwrite:
        raise WriteRefused(f"output {target}: is there already. --overwrite replaces it.")
    try:
        found = torch.load(source, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        first = (str(error).splitlines() or ["it cannot be read"])[0][:200]
        raise UnreadableFile(f"weights {source}: expected a file of weights; {first}") from error
    tensors = found if isinstance(found, dict) else {}
    names = torchvision_names([str(key) for key in tensors])
    kept = {key: tensors[key] for key in names if isinstance(tensors[key], Tensor)}
    if "features.0.weight" not in kept:
        got = ", ".join(map(str, tensors))[:120] or "none"
        raise BadInput(
            f"weights {source}: expected torchvision's VGG-16 or VGG-19 without batch "
            f"normalisation, `features.0.weight`; got {got}."
        )
    save_aside({key: value.half() for key, value in kept.items()}, target, {"from": source.name})
    return len(kept) // 2

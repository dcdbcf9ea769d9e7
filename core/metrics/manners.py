"""How a look's painting is painted, as one encoder sees it: a small file beside the look.

The painting itself need not be there to judge a look by it: means and covariances of the features
are. Covariances are symmetric, so one triangle is kept; half floats, each tensor scaled to its own
largest value, since features of VGG exceed what a half float holds.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..errors import StillbrushError, UnreadableFile
from ..hashing import file_sha256
from ..looks import Look, MannerFile, load_look
from ..networks.loss_network import LossNetwork
from ..state import write_tensors
from ..training.losses import Manner, manners
from .judge import encoder_digest

VERSION = "1"
WIDEST = 256  # channels of a layer that is kept; relu4_1 of VGG would be 260 kB by itself
SIDE = 384  # pixels of the painting's short side, as in training


@torch.no_grad()
def measure_manners(encoder: LossNetwork, style: Tensor) -> dict[str, Manner]:
    """Measure how a painting (1, 3, H, W), 0 to 1, is painted, at the layers that are kept."""
    seen = manners(encoder(style))
    return {tap: manner for tap, manner in seen.items() if manner.mean.numel() <= WIDEST}


def save_manners(measured: dict[str, Manner], encoder: LossNetwork, path: Path) -> None:
    """Write what `measure_manners` returned.

    Raises:
        WriteRefused: the disk is full, or there is no permission.
    """
    tensors: dict[str, Tensor] = {}
    for tap, manner in measured.items():
        rows, columns = torch.tril_indices(*manner.covariance.shape)
        for name, values in (("mean", manner.mean), ("cov", manner.covariance[rows, columns])):
            scale = values.abs().max().clamp(min=1e-12)
            tensors[f"{tap}.{name}"] = (values / scale).half().cpu().contiguous()
            tensors[f"{tap}.{name}.scale"] = scale.cpu().reshape(1)
    # One mark only: of several, safetensors writes the order of a hash table.
    marks = {"stillbrush-manner": f"{VERSION} {encoder_digest(encoder)}"}
    write_tensors(tensors, path, marks)


def load_manners(path: Path) -> tuple[str, dict[str, Manner]]:
    """Read the digest of the encoder that saw a painting, and what it saw.

    Raises:
        UnreadableFile: missing, damaged, or something else.
    """
    try:
        with safe_open(path, framework="pt") as file:
            marks = file.metadata() or {}
            found = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise UnreadableFile(f"manner {path}: cannot be read ({error}).") from error
    version, _, seen_by = marks.get("stillbrush-manner", "").partition(" ")
    if version != VERSION:
        raise UnreadableFile(f"manner {path}: expected a look's manner, version {VERSION}.")
    taps = [name.removesuffix(".mean") for name in found if name.endswith(".mean")]
    try:
        return seen_by, {tap: manner(found, tap) for tap in sorted(taps)}
    except (KeyError, RuntimeError, IndexError) as error:
        raise UnreadableFile(f"manner {path}: is damaged ({error}).") from error


def manner_beside(look: Path, style: Tensor, encoder: LossNetwork) -> MannerFile:
    """Measure a look's painting into the file beside the look; one that is sound stays.

    Args:
        look: the look's own file; it need not be there yet.
        style: the painting, (1, 3, H, W), 0 to 1.
        encoder: what sees it.

    Raises:
        WriteRefused: the disk is full, or there is no permission.
    """
    there = sound_manner(look)
    if there is not None and load_manners(look.parent / there.file)[0] == encoder_digest(encoder):
        return there
    path = look.with_name(f"{look.stem}.manner.safetensors")
    save_manners(measure_manners(encoder, style), encoder, path)
    return MannerFile(path.name, file_sha256(path))


def sound_manner(path: Path) -> MannerFile | None:
    """Return the manner that a look's file names, if the file is there and the look's own."""
    try:
        look: Look = load_look(path)
        return look.manner if look.verified_manner() else None
    except StillbrushError:
        return None


def manner(found: dict[str, Tensor], tap: str) -> Manner:
    """Put one layer's statistics together again."""
    mean = found[f"{tap}.mean"] * found[f"{tap}.mean.scale"]
    rows, columns = torch.tril_indices(len(mean), len(mean))
    half = found[f"{tap}.cov"] * found[f"{tap}.cov.scale"]
    covariance = torch.zeros((len(mean), len(mean)))
    covariance[rows, columns] = half
    covariance[columns, rows] = half
    return Manner(mean, covariance)

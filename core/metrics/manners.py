"""How a look's painting is painted, as one encoder sees it: a small file beside the look.

The painting itself need not be there to judge a look by it: means and covariances of the features
are. Covariances are symmetric, so one triangle is kept; half floats, each tensor scaled to its own
largest value, since features of VGG exceed what a half float holds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ..errors import UnreadableFile
from ..hashing import file_sha256
from ..look import MannerFile
from ..media.atomic import replacing
from ..networks.loss_network import LossNetwork
from ..networks.weights import KINDS, read_tensor
from ..training.losses import STYLE_TAPS, Manner, manners
from .judge import encoder_digest

VERSION = "1"
WIDEST = 256  # channels of a layer that is kept; relu4_1 of VGG would be 260 kB by itself
LARGEST = 1e12  # value of a manner; the square of a larger one is soon infinite
SIDE = 384  # pixels of the painting's short side, as in training


@torch.no_grad()
def measure_manners(encoder: LossNetwork, style: Tensor) -> dict[str, Manner]:
    """Measure how a painting (1, 3, H, W), 0 to 1, is painted, at the layers that are kept."""
    seen = manners(encoder(style))
    return {tap: manner for tap, manner in seen.items() if manner.mean.numel() <= WIDEST}


def save_manners(
    measured: dict[str, Manner], encoder: LossNetwork, path: Path, *, overwrite: bool = True
) -> None:
    """Write what `measure_manners` returned; a file that holds just that stays untouched.

    Raises:
        WriteRefused: it would replace another, the disk is full, or there is no permission.
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
    content = save(tensors, metadata=marks)
    if path.is_file() and path.read_bytes() == content:
        return
    with replacing(path, overwrite=overwrite) as aside:
        aside.write_bytes(content)


def load_manners(path: Path) -> tuple[str, dict[str, Manner]]:
    """Read the digest of the encoder that saw a painting, and what it saw.

    No tensor is read before its size is known to be one that a manner can have.

    Raises:
        UnreadableFile: missing, damaged, or something else.
    """
    try:
        with safe_open(path, framework="pt") as file:
            version, _, seen_by = mark(file).partition(" ")
            if version != VERSION:
                raise ValueError(f"expected a look's manner, version {VERSION}")
            return seen_by, {tap: read_manner(file, tap) for tap in checked_taps(file)}
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        first = (str(error).splitlines() or ["it is damaged"])[0][:200]
        raise UnreadableFile(f"manner {path}: cannot be read ({first}).") from error


def mark(file: Any) -> str:
    """Return what an open file says of itself: version and digest of an encoder."""
    return (file.metadata() or {}).get("stillbrush-manner", "")


def checked_taps(file: Any) -> list[str]:
    """Return the layers in a file, after comparing names and sizes with those of a manner.

    Raises:
        ValueError: a tensor is missing, too many, or of another size or type.
    """
    names = set(file.keys())
    taps = [tap for tap in STYLE_TAPS if f"{tap}.mean" in names]
    wanted = {f"{tap}.{name}" for tap in taps for name in ("mean", "cov")}
    wanted |= {f"{name}.scale" for name in wanted}
    if not taps or names != wanted:
        odd = min(names ^ wanted, default="relu1_1.mean")
        raise ValueError(f"tensor {odd[:80]!r} is {'too many' if odd in names else 'missing'}")
    for tap in taps:
        check_sizes(file, tap)
    return taps


def check_sizes(file: Any, tap: str) -> None:
    """Check sizes and types of one layer's statistics; raises as `checked_taps`."""
    shape = file.get_slice(f"{tap}.mean").get_shape()
    if len(shape) != 1 or not 1 <= shape[0] <= WIDEST:
        raise ValueError(f"tensor '{tap}.mean' is {shape}, not 1 to {WIDEST} values")
    sizes = {"mean": shape[0], "cov": shape[0] * (shape[0] + 1) // 2}
    for name, size in (sizes | {f"{name}.scale": 1 for name in sizes}).items():
        tensor = file.get_slice(f"{tap}.{name}")
        if tensor.get_shape() != [size]:
            raise ValueError(f"tensor '{tap}.{name}' is {tensor.get_shape()}, not {[size]}")
        if tensor.get_dtype() not in KINDS:
            raise ValueError(f"tensor '{tap}.{name}' is {tensor.get_dtype()}, not a float")


def read_manner(file: Any, tap: str) -> Manner:
    """Read one layer's statistics, and put them together again.

    Raises:
        ValueError: a value is NaN, infinite, or larger than any that a picture gives.
    """
    mean, half = (
        read_tensor(file, f"{tap}.{name}") * read_tensor(file, f"{tap}.{name}.scale")
        for name in ("mean", "cov")
    )
    if not max(mean.abs().max(), half.abs().max()) <= LARGEST:
        raise ValueError(f"layer {tap} holds values beyond {LARGEST:g}")
    rows, columns = torch.tril_indices(len(mean), len(mean))
    covariance = torch.zeros((len(mean), len(mean)))
    covariance[rows, columns] = half
    covariance[columns, rows] = half
    return Manner(mean, covariance)


def manner_beside(
    look: Path, style: Tensor, encoder: LossNetwork, *, overwrite: bool = True
) -> MannerFile:
    """Measure a look's painting into the file beside the look.

    Args:
        look: the look's own file; it need not be there yet.
        style: the painting, (1, 3, H, W), 0 to 1.
        encoder: what sees it.
        overwrite: whether the manner of another painting may be replaced.

    Raises:
        WriteRefused: as `save_manners`.
    """
    path = look.with_name(f"{look.stem}.manner.safetensors")
    save_manners(measure_manners(encoder, style), encoder, path, overwrite=overwrite)
    return MannerFile(path.name, file_sha256(path))

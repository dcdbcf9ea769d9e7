"""E_gradient of Ruder et al. (eq 23): whether a seam shows.

Along lines that must not be seen, gradients are compared with those of the whole picture: 1 is a
seam like everything else, above 1 it shows.
"""

from __future__ import annotations

import torch
from torch import Tensor


def seam_error(picture: Tensor, down: Tensor, across: Tensor) -> float:
    """Return the error of seams in a picture.

    Args:
        picture: (1, h, w, 3).
        down: (h, w), 1 on seams that run down the picture: gradients across them count.
        across: (h, w), 1 on seams that run across it.

    Returns:
        The mean of both kinds, weighted by their length (eq 23); NaN where there is no seam.
    """
    x = gradients(picture, dim=2)
    y = gradients(picture, dim=1)
    lengths = float(down.sum()), float(across.sum())
    total = sum(lengths)
    if not total:
        return float("nan")
    shown = 0.0
    for seam, slope, length in ((down, x, lengths[0]), (across, y, lengths[1])):
        if length:
            ratio = float((seam * slope).sum()) / length / max(float(slope.mean()), 1e-12)
            shown += length * ratio
    return shown / total


def gradients(picture: Tensor, dim: int) -> Tensor:
    """Return the largest gradient over the channels (h, w), central differences.

    Magnitudes are taken before the largest, as the authors' code does: a fall is an edge too.
    """
    before = picture.roll(1, dim)
    after = picture.roll(-1, dim)
    size = picture.shape[dim]
    before = before.index_copy(dim, torch.tensor([0]), picture.narrow(dim, 0, 1))
    after = after.index_copy(dim, torch.tensor([size - 1]), picture.narrow(dim, size - 1, 1))
    return ((after - before) / 2).abs().amax(-1)[0]

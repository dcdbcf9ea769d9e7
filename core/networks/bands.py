"""Run a style network layer by layer over bands of rows.

Each layer is computed once, band by band, reading exactly the rows it needs (reflected at the true
borders only), so there is no overlap to recompute and no seam: memory falls to one layer's input
and output, and bands stay in the processor's cache. Statistics are exact: each band adds its sums
in double precision, and a layer is normalised when all of its bands are there.

Inside, pictures are (N, H, W, C) in memory, which convolutions read as channels-last.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F

from .style_network import CARRIED, Plan, Stage, Statistics, StyleNetwork

BAND_PIXELS = 96 * 1024


def band_rows(width: int) -> int:
    """Return the band height for a picture width: a function of the size alone."""
    return max(8, BAND_PIXELS // max(width, 1) // 8 * 8)


@dataclass(frozen=True)
class Bands:
    """How to run a network: rows per band and the precision of the convolutions."""

    rows: int | None = None  # of each layer's output; None: from the width
    precision: torch.dtype = torch.float32

    def height(self, width: int) -> int:
        """Return the band height for an output of this width."""
        return self.rows or band_rows(width)


def reflected(start: int, stop: int, size: int, device: torch.device) -> Tensor:
    """Return indices start..stop-1 reflected into 0..size-1 without repeating the edge."""
    index = torch.arange(start, stop, device=device)
    if size == 1:
        return torch.zeros_like(index)
    period = 2 * (size - 1)
    index = index.remainder(period)
    return torch.minimum(index, period - index)


def gather(x: Tensor, plan: Plan, rows: tuple[int, int]) -> Tensor:
    """Return what a convolution reads for some of its output rows, padded, (N, h, w, C)."""
    scale = 2 if plan.upsampled else 1
    height, width = x.shape[1] * scale, x.shape[2] * scale
    half = plan.kernel // 2
    first = rows[0] * plan.stride - half
    last = (rows[1] - 1) * plan.stride - half + plan.kernel
    down = reflected(first, last, height, x.device) // scale
    across = reflected(-half, width + half, width, x.device) // scale
    return x.index_select(1, down).index_select(2, across)


def spans(height: int, most: int) -> list[tuple[int, int]]:
    """Split rows into bands of nearly equal height, none higher than given.

    A last band of a few rows would make the convolution choose another kernel, and round otherwise.
    """
    count = -(-height // most)
    edges = [height * n // count for n in range(count + 1)]
    return list(pairwise(edges))


def convolve(x: Tensor, stage: Stage, bands: Bands) -> tuple[Tensor, Tensor, Tensor]:
    """Apply one convolution over bands.

    Returns:
        The output (N, H, W, C) and the sums of its values and of their squares, (N, C) float64.
    """
    plan = stage.plan
    scale = 2 if plan.upsampled else 1
    height = -(-x.shape[1] * scale // plan.stride)
    width = -(-x.shape[2] * scale // plan.stride)
    out = x.new_empty((x.shape[0], height, width, plan.outputs))
    weight = stage.convolution.weight.to(bands.precision)
    weight = weight.contiguous(memory_format=torch.channels_last)
    bias = stage.convolution.bias
    assert bias is not None
    sums = torch.zeros((2, x.shape[0], plan.outputs), dtype=torch.float64, device=x.device)
    for top, bottom in spans(height, bands.height(width)):
        band = gather(x, plan, (top, bottom)).to(bands.precision).permute(0, 3, 1, 2)
        made = F.conv2d(band, weight, bias.to(bands.precision), plan.stride).permute(0, 2, 3, 1)
        out[:, top:bottom] = made
        if plan.normalised:
            made = made.float()
            sums[0] += made.sum((1, 2)).double()
            sums[1] += made.square().sum((1, 2)).double()
    return out, sums[0], sums[1]


def normalise(x: Tensor, gain: Tensor, offset: Tensor, *, rectified: bool, rows: int) -> None:
    """Apply gain and offset (N, C), and the rectifier, in place, band by band."""
    for top in range(0, x.shape[1], rows):
        band = x[:, top : top + rows]
        if x.dtype == torch.float32:
            band.mul_(gain[:, None, None]).add_(offset[:, None, None])
        else:
            band.copy_(band.float() * gain[:, None, None] + offset[:, None, None])
        if rectified:
            band.relu_()


@torch.inference_mode()
def paint_in_bands(
    network: StyleNetwork,
    x: Tensor,
    style: Tensor,
    statistics: Statistics | None = None,
    bands: Bands = Bands(),
    *,
    pooled: bool = False,
) -> tuple[Tensor, Statistics]:
    """Paint pictures.

    Args:
        network: the style network, on the device of the pictures.
        x: (N, H, W, 7): frame, masked warped prior (0 to 1), mask.
        style: (S,) share of each style.
        statistics: frozen statistics, (1, C) a layer; absent: each picture's own.
        bands: rows per band, precision.
        pooled: with no statistics given, measure one set over all pictures together.

    Returns:
        Painted pictures (N, H, W, 3), float32, 0 to 1, and the statistics that were used.
    """
    height, width = x.shape[1:3]
    weights = style[None]
    used: list[tuple[Tensor, Tensor]] = []
    x = x.to(bands.precision)
    carried, kept = x[..., -CARRIED:], x
    for stage in network.stages:
        assert isinstance(stage, Stage)
        plan = stage.plan
        if plan.opens:
            kept = x
        if plan.recalls:
            x = torch.cat((x[:, :height, :width], carried), -1)
        x, total, squares = convolve(x, stage, bands)
        if plan.normalised:
            if statistics is None:
                mean, variance = moments(total, squares, x.shape[1] * x.shape[2], pooled=pooled)
            else:
                mean, variance = statistics[len(used)]
            used.append((mean, variance))
            gain, offset = stage.affine(weights, mean, variance)
            rows = bands.height(x.shape[2])
            normalise(x, gain, offset, rectified=plan.rectified, rows=rows)
        if plan.closes:
            x += kept
    return torch.sigmoid(x.float()), tuple(used)


def moments(total: Tensor, squares: Tensor, pixels: int, *, pooled: bool) -> tuple[Tensor, Tensor]:
    """Turn sums into mean and variance, (N, C), or (1, C) over all pictures together."""
    if pooled:
        pixels *= total.shape[0]
        total, squares = total.sum(0, keepdim=True), squares.sum(0, keepdim=True)
    mean = total / pixels
    variance = (squares / pixels - mean.square()).clamp(min=0)
    return mean.float(), variance.float()

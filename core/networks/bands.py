"""Run a style network layer by layer over bands of rows.

Each layer is computed once, band by band, reading exactly the rows it needs (reflected at the true
borders only), so there is no overlap to recompute and no seam: memory falls to one layer's input
and output, and bands stay in the processor's cache. Statistics are exact: each band adds its
moments in double precision, and a layer is normalised when all of its bands are there. Frozen
statistics need no second pass: they are part of the weights.

Inside, pictures are (N, H, W, C) in memory, which convolutions read as channels-last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F

from .kernels import Kernel, arrange, border, bordered, close
from .layouts import CARRIED, Architecture, Plan
from .style_network import KEENNESS, Stage, Statistics, StyleNetwork, keep

BAND_PIXELS = 96 * 1024
LEAST_ROWS = 8


def band_rows(width: int) -> int:
    """Return the band height for a picture width: a function of the size alone."""
    return max(LEAST_ROWS, BAND_PIXELS // max(width, 1) // 8 * 8)


@dataclass(frozen=True)
class Bands:
    """How to run a network: rows per band and the precision of the convolutions."""

    rows: int | None = None  # of each layer's output; None: from the width
    precision: torch.dtype = torch.float32

    def height(self, width: int) -> int:
        """Return the band height for an output of this width."""
        return self.rows or band_rows(width)


def spans(height: int, most: int) -> list[tuple[int, int]]:
    """Split rows into bands of nearly equal height, none higher than given."""
    count = -(-height // most)
    edges = [height * n // count for n in range(count + 1)]
    return list(pairwise(edges))


@dataclass(frozen=True)
class Layer:
    """A picture inside a network, with the border that the next stage reads.

    Attributes:
        bordered: (N, H + border, W + border, C or more), memory that the next stage reads whole.
        picture: (N, H, W, C), a view of it.
    """

    bordered: Tensor
    picture: Tensor


class Moments:
    """Mean and variance of a layer, (N, C) each, gathered over its bands in double precision."""

    def __init__(self) -> None:
        self.count, self.total, self.squares = 0, torch.zeros(()), torch.zeros(())

    def add(self, band: Tensor) -> None:
        """Add a band (N, h, W, C); a high one in parts, since sums of millions are not exact."""
        for top, bottom in spans(band.shape[1], band_rows(band.shape[2])):
            self.add_part(band[:, top:bottom])

    def add_part(self, band: Tensor) -> None:
        """Add a part that single precision can sum."""
        found = [moments(picture) for picture in band.split(1)]
        mean = torch.stack([mean for mean, _ in found]).double()
        variance = torch.stack([variance for _, variance in found]).double()
        pixels = band.shape[1] * band.shape[2]
        self.count += pixels
        self.total = self.total.to(band.device) + pixels * mean
        self.squares = self.squares.to(band.device) + pixels * (variance + mean.square())

    def result(self, *, pooled: bool) -> tuple[Tensor, Tensor]:
        """Return mean and variance, (N, C), or (1, C) over all pictures together."""
        count, total, squares = self.count, self.total, self.squares
        if pooled:
            count *= total.shape[0]
            total, squares = total.sum(0, keepdim=True), squares.sum(0, keepdim=True)
        mean = total / count
        return mean.float(), (squares / count - mean.square()).clamp(min=0).float()


def moments(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and variance (C,) of a picture (1, h, W, C), float32."""
    if picture.device.type == "cpu":  # in one pass, several times as fast as var_mean
        planes = picture.permute(0, 3, 1, 2)
        mean, variance = torch.batch_norm_update_stats(planes, None, None, 0.0)
        return mean.float(), variance.float()
    variance, mean = torch.var_mean(picture[0].float(), (0, 1), correction=0)
    return mean, variance


def scaled(band: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
    """Apply gain and offset (N or 1, C) to a band (N, h, W, C)."""
    if band.device.type != "cpu" or gain.shape[0] > 1:
        return torch.addcmul(offset[:, None, None], band.float(), gain[:, None, None]).to(band)
    # A batch norm of mean 0 and variance 1: the one kernel that mixes bfloat16 with float32.
    zero, one = torch.zeros_like(gain[0]), torch.ones_like(gain[0])
    planes = band.permute(0, 3, 1, 2)
    made = F.batch_norm(planes, zero, one, gain[0], offset[0], training=False, eps=0.0)
    return made.permute(0, 2, 3, 1)


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
    if network.shape.architecture is not Architecture.STILLBRUSH:
        return paint_whole(network, x, style, statistics, bands, pooled=pooled)
    stages = [stage for stage in network.stages if isinstance(stage, Stage)]
    run = Run(x, style[None], statistics, bands, pooled)
    layer = kept = run.enter(stages[0].plan)
    for stage, following in pairwise(stages):
        if stage.plan.opens:
            kept = layer
        layer = run.stage(stage, layer, following.plan, kept if stage.plan.closes else None)
    offset = network.offset(style[None]) if network.shape.keeps else None
    return run.leave(stages[-1], layer, offset), tuple(run.used)


def paint_whole(
    network: StyleNetwork,
    x: Tensor,
    style: Tensor,
    statistics: Statistics | None,
    bands: Bands,
    *,
    pooled: bool,
) -> tuple[Tensor, Statistics]:
    """Paint whole pictures: the architectures of the papers, for comparison; no band is spared."""
    halved = bands.precision is torch.bfloat16
    with torch.autocast(x.device.type, torch.bfloat16, enabled=halved):
        shares = style[None].expand(len(x), -1)
        painted, used = network(x.permute(0, 3, 1, 2), shares, statistics, pooled=pooled)
    return painted.float().permute(0, 2, 3, 1).contiguous(), used


class Run:
    """One painting under way."""

    def __init__(
        self, x: Tensor, weights: Tensor, frozen: Statistics | None, bands: Bands, pooled: bool
    ) -> None:
        self.x, self.weights, self.frozen = x, weights, frozen
        self.bands, self.pooled = bands, pooled
        self.used: list[tuple[Tensor, Tensor]] = []

    def enter(self, plan: Plan) -> Layer:
        """Give the input the border of the first stage."""
        height, width, channels = self.x.shape[1:]
        layer = self.room(height, width, channels, plan, (height, width))
        layer.picture.copy_(self.x)
        close(layer.bordered, border(plan), height, width)
        return layer

    def room(
        self, height: int, width: int, channels: int, following: Plan, crop: tuple[int, int]
    ) -> Layer:
        """Make room for a layer, and for what is read beside and beyond it by the next stage."""
        edge = border(following)
        more = CARRIED if following.recalls else 0
        like = self.x.new_empty((self.x.shape[0], 0), dtype=self.bands.precision)
        memory = bordered(like, height, width, channels + more, edge)
        inner = slice(edge.before, edge.before + height), slice(edge.before, edge.before + width)
        picture = memory[:, inner[0], inner[1], :channels]
        if following.recalls:
            carried = memory[:, edge.before :, edge.before :, channels:]
            carried[:, : crop[0], : crop[1]] = self.x[..., -CARRIED:]
        return Layer(memory, picture)

    def stage(self, stage: Stage, source: Layer, following: Plan, kept: Layer | None) -> Layer:
        """Apply one stage: convolution, normalisation, rectifier, residual."""
        plan = stage.plan
        height, width = out_size(plan, source)
        crop = (self.x.shape[1], self.x.shape[2]) if following.recalls else (height, width)
        made = self.room(height, width, plan.outputs, following, crop)
        measures = plan.normalised and self.frozen is None
        tally = Moments()
        for top, bottom, band in self.convolved(self.kernel(stage), source, height, width):
            if measures:
                tally.add(band)
            else:
                finish(band, plan, kept, top)
            made.picture[:, top:bottom] = band
        if measures:
            mean, variance = tally.result(pooled=self.pooled)
            self.used.append((mean, variance))
            gain, offset = stage.affine(self.weights, mean, variance)
            for top, bottom in spans(height, self.bands.height(width)):
                band = scaled(made.picture[:, top:bottom].contiguous(), gain, offset)
                made.picture[:, top:bottom] = finish(band, plan, kept, top)
        close(made.bordered, border(following), *crop)
        return made

    def leave(self, stage: Stage, source: Layer, offset: Tensor | None) -> Tensor:
        """Apply the last stage; return the painted pictures (N, H, W, 3), float32.

        They are finished in parts of one height whatever the bands are: the same bits.

        Args:
            offset: what the style adds where the network keeps a share of the prior, (1, 4).
        """
        height, width = self.x.shape[1:3]
        made = self.x.new_empty((self.x.shape[0], height, width, stage.plan.outputs)).float()
        for top, bottom, band in self.convolved(self.kernel(stage), source, height, width):
            made[:, top:bottom] = band
        if offset is None:
            return made.sigmoid_()
        painted = made.new_empty((*made.shape[:3], 3))
        for top, bottom in spans(height, band_rows(width)):
            carried, part = self.x[:, top:bottom, :, -CARRIED:], made[:, top:bottom] + offset
            painted[:, top:bottom] = keep(part, carried, -1, KEENNESS)
        return painted

    def kernel(self, stage: Stage) -> Kernel:
        """Arrange a stage's weights; frozen statistics are folded into them."""
        weight, bias = stage.convolution.weight, stage.convolution.bias
        assert bias is not None
        if self.frozen is not None and stage.plan.normalised:
            mean, variance = self.frozen[len(self.used)]
            self.used.append((mean, variance))
            gain, offset = (values[0] for values in stage.affine(self.weights, mean, variance))
            weight, bias = weight * gain[:, None, None, None], bias * gain + offset
        return arrange(stage.plan, weight, bias, self.bands.precision)

    def convolved(
        self, kernel: Kernel, source: Layer, height: int, width: int
    ) -> Iterator[tuple[int, int, Tensor]]:
        """Convolve band by band; yield first row, row past the last, and the band."""
        windows = -(-height // kernel.grid)
        most = max(1, self.bands.height(width) // kernel.grid)
        for first, last in spans(windows, most):
            band = kernel(source.bordered, (first, last), width)
            top, bottom = first * kernel.grid, min(last * kernel.grid, height)
            yield top, bottom, band[:, : bottom - top]


def out_size(plan: Plan, source: Layer) -> tuple[int, int]:
    """Return height and width of a stage's output."""
    height, width = source.picture.shape[1:3]
    scale = 2 if plan.upsampled else 1
    return -(-height * scale // plan.stride), -(-width * scale // plan.stride)


def finish(band: Tensor, plan: Plan, kept: Layer | None, top: int) -> Tensor:
    """Rectify a normalised band and add what was kept, in place."""
    if plan.rectified:
        band.relu_()
    if kept is not None:
        band += kept.picture[:, top : top + band.shape[1]]
    return band

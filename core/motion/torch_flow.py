"""Optical flow in torch: no weights, and nothing leaves the device the pictures are on.

Coarse to fine. On every level vectors spread to neighbours that they suit, dense inverse search
(each pixel's window moved by Gauss-Newton steps, after Kroeger et al. 2016) refines them and TV-L1
(Zach et al. 2007) settles the edges. Every operation is local to a pixel's surroundings and no
value is summed over a frame, so the same pictures give the same bits at any thread count.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .flow import Flow, FlowQuality, check_pair, luma
from .warp import warp

COARSEST_SIDE = 12  # the pyramid stops when the shorter side would fall below this
WINDOW = 4  # the search compares squares of 9x9 pixels
DATA_WEIGHT = 0.15  # lambda of TV-L1, for intensities of 0..255
COUPLING = 0.3  # theta
STEP = 0.25  # tau, the dual step; must not exceed 1/4
STATIONARY = 16.0  # grey levels squared added to the diagonal: flat windows stay where they are
NEIGHBOURS = (8, 2)  # pixels away from which a vector may spread; finds small things moving fast
FARTHEST = 1.0  # pixels of its own level by which one search or TV-L1 warp may move a vector

MEDIAN_OF_NINE = (
    *((1, 2), (4, 5), (7, 8), (0, 1), (3, 4), (6, 7), (1, 2), (4, 5), (7, 8), (0, 3)),
    *((5, 8), (4, 7), (3, 6), (1, 4), (2, 5), (4, 7), (4, 2), (6, 4), (4, 2)),
)


@dataclass(frozen=True)
class Effort:
    """How long each level is worked on."""

    finest: int  # level at which to stop; 0 is full resolution, 1 half
    searches: int
    warps: int
    steps: int


EFFORTS = {
    FlowQuality.FAST: Effort(finest=1, searches=4, warps=2, steps=10),
    FlowQuality.MEDIUM: Effort(finest=0, searches=4, warps=5, steps=10),
    FlowQuality.FINE: Effort(finest=0, searches=6, warps=10, steps=15),
}


class TorchFlow:
    """Dense search and TV-L1 on whatever device the pictures are on."""

    def __init__(self, quality: FlowQuality | str = FlowQuality.MEDIUM) -> None:
        self.quality = FlowQuality(quality)

    @property
    def name(self) -> str:
        """`torch-` and the quality."""
        return f"torch-{self.quality.value}"

    @property
    def version(self) -> str:
        """Ours and torch's: another torch may round differently."""
        return f"1 torch {torch.__version__}"

    @torch.no_grad()
    def estimate(self, previous: Tensor, current: Tensor) -> Flow:
        """Return the flow between two (B, H, W, 3) pictures in network encoding, 0..1.

        Any size from 1x1 up. Values outside 0..1 are clamped for this purpose.

        Raises:
            BadInput: not two RGB pictures of one size.
        """
        check_pair(previous, current, "flow")
        before, after = (luma(p.float())[:, None] * 255.0 for p in (previous, current))
        # Both directions are one batch: half the launches on an accelerator.
        here, there = torch.cat((after, before)), torch.cat((before, after))
        effort = EFFORTS[self.quality]
        levels = _pyramid(here, there)
        coarsest = levels[-1][0]
        flow = coarsest.new_zeros(coarsest.shape[0], 2, *coarsest.shape[2:])
        for source, target in reversed(levels[min(effort.finest, len(levels) - 1) :]):
            flow = _enlarge(flow, *source.shape[2:])
            flow = _spread(source, target, flow)
            flow = _search(source, target, flow, effort.searches)
            flow = _settle(source, target, flow, effort)
        flow = _enlarge(flow, *here.shape[2:]).permute(0, 2, 3, 1)
        backward, forward = flow.chunk(2)
        return Flow(backward.contiguous(), forward.contiguous())


# Below, pictures are planes (N, 1, H, W) in grey levels 0..255 and flows planes (N, 2, H, W).


def _pyramid(here: Tensor, there: Tensor) -> list[tuple[Tensor, Tensor]]:
    levels = [(here, there)]
    while min(levels[-1][0].shape[2:]) >= 2 * COARSEST_SIDE:
        levels.append((_halve(levels[-1][0]), _halve(levels[-1][1])))
    return levels


def _halve(picture: Tensor) -> Tensor:
    height, width = picture.shape[2:]
    size = ((height + 1) // 2, (width + 1) // 2)
    return F.interpolate(picture, size, mode="bilinear", align_corners=False, antialias=True)


def _enlarge(flow: Tensor, height: int, width: int) -> Tensor:
    old_height, old_width = flow.shape[2:]
    if (old_height, old_width) == (height, width):
        return flow
    larger = F.interpolate(flow, (height, width), mode="bilinear", align_corners=False)
    return torch.stack(
        (larger[:, 0] * (width / old_width), larger[:, 1] * (height / old_height)), 1
    )


def _warped(picture: Tensor, flow: Tensor) -> Tensor:
    return warp(picture.permute(0, 2, 3, 1), flow.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def _spread(source: Tensor, target: Tensor, flow: Tensor) -> Tensor:
    """Let every pixel take a neighbour's vector where that fits its window better."""
    cost = _window((_warped(target, flow) - source).abs())
    height, width = flow.shape[2:]
    for reach in NEIGHBOURS:
        for right, down in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            wide = _bordered(flow, reach)
            y, x = reach + reach * down, reach + reach * right
            tried = wide[..., y : y + height, x : x + width]
            new_cost = _window((_warped(target, tried) - source).abs())
            flow = torch.where(new_cost < cost, tried, flow)
            cost = torch.minimum(new_cost, cost)
    return flow


def _search(source: Tensor, target: Tensor, flow: Tensor, rounds: int) -> Tensor:
    """Move every pixel's window by Gauss-Newton steps; a step that makes it worse is not taken."""
    gx, gy = _gradient(source)
    xx, xy, yy = (_window(p) for p in (gx * gx, gx * gy, gy * gy))
    xx, yy = xx + STATIONARY, yy + STATIONARY
    determinant = xx * yy - xy * xy
    difference = _warped(target, flow) - source
    cost = _window(difference.abs())
    for _ in range(rounds):
        ex, ey = _window(gx * difference), _window(gy * difference)
        step = torch.cat((yy * ex - xy * ey, xx * ey - xy * ex), 1) / determinant
        tried = flow - step.clamp(-FARTHEST, FARTHEST)
        new_difference = _warped(target, tried) - source
        new_cost = _window(new_difference.abs())
        better = new_cost < cost
        flow = torch.where(better, tried, flow)
        difference = torch.where(better, new_difference, difference)
        cost = torch.where(better, new_cost, cost)
    return _median(flow)


def _settle(source: Tensor, target: Tensor, flow: Tensor, effort: Effort) -> Tensor:
    """TV-L1: brightness constancy in L1, total variation of the flow, by the dual of Chambolle."""
    dual_x, dual_y = torch.zeros_like(flow), torch.zeros_like(flow)
    reach, rate = DATA_WEIGHT * COUPLING, STEP / COUPLING
    for _ in range(effort.warps):
        warped = _warped(target, flow)
        gx, gy = _gradient(warped)
        energy = (gx * gx + gy * gy).clamp(min=1e-6)
        fixed = warped - source - gx * flow[:, :1] - gy * flow[:, 1:]
        gradient = torch.cat((gx, gy), 1)
        start = flow
        for _ in range(effort.steps):
            rest = fixed + gx * flow[:, :1] + gy * flow[:, 1:]
            pull = (-rest / energy).clamp(-reach, reach)
            flow = flow + pull * gradient + COUPLING * _divergence(dual_x, dual_y)
            across, down = _slope(flow)
            shrink = 1.0 + rate * (across * across + down * down).sqrt()
            dual_x = (dual_x + rate * across) / shrink
            dual_y = (dual_y + rate * down) / shrink
        flow = _median(start + (flow - start).clamp(-FARTHEST, FARTHEST))
    return flow


def _gradient(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Return central differences (x, y); the edge is repeated."""
    wide = _bordered(picture, 1)
    across = 0.5 * (wide[..., 1:-1, 2:] - wide[..., 1:-1, :-2])
    return across, 0.5 * (wide[..., 2:, 1:-1] - wide[..., :-2, 1:-1])


def _slope(flow: Tensor) -> tuple[Tensor, Tensor]:
    """Return forward differences (x, y), zero at the last pixel."""
    across = F.pad(flow[..., 1:] - flow[..., :-1], (0, 1))
    return across, F.pad(flow[..., 1:, :] - flow[..., :-1, :], (0, 0, 0, 1))


def _divergence(across: Tensor, down: Tensor) -> Tensor:
    """Return the negative adjoint of `_slope`; what stands at the last pixel is always zero."""
    return across - F.pad(across[..., :-1], (1, 0)) + down - F.pad(down[..., :-1, :], (0, 0, 1, 0))


def _window(values: Tensor) -> Tensor:
    """Return the mean over the square window around each pixel."""
    side = 2 * WINDOW + 1
    lines = F.avg_pool2d(_bordered(values, WINDOW), (1, side), stride=1)
    return F.avg_pool2d(lines, (side, 1), stride=1)


def _median(flow: Tensor) -> Tensor:
    """Return the median of each 3x3 neighbourhood, by a network of exchanges (Smith 1996)."""
    wide = _bordered(flow, 1)
    height, width = flow.shape[2:]
    p = [wide[..., y : y + height, x : x + width] for y in range(3) for x in range(3)]
    for i, j in MEDIAN_OF_NINE:
        p[i], p[j] = torch.minimum(p[i], p[j]), torch.maximum(p[i], p[j])
    return p[4]


def _bordered(values: Tensor, pixels: int) -> Tensor:
    return F.pad(values, (pixels,) * 4, mode="replicate")

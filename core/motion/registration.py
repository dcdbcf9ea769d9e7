"""Register a long way through a shot against the plates at its ends, so that it does not stray."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from .flow import luma, resize_flow
from .sharp_warp import look_up
from .warp import inside

WINDOW = 9  # pixels of half the size over which a course is registered
UNLIKE = 0.1  # difference of luma from which on a pixel hardly counts
NOISE = 0.02**2  # squared slopes that count as none
FURTHEST = 0.5  # pixels of half the size by which a course is corrected at a time
GAIN = 0.5  # share of what is found that is corrected: grain would make it tremble


def registered(frame: Tensor, plate: Tensor, course: Tensor) -> Tensor:
    """Return by how much a course (1, h, w, 2) is to be corrected, pixels of the frame.

    One step of Lucas and Kanade at half the size, over windows: errors of single flows add up along
    a course, and paint would slide over what it belongs to.
    """
    height, width = (max(1, side // 2) for side in frame.shape[1:3])
    here, there = (luma(area(picture, height, width))[..., None] for picture in (frame, plate))
    smaller = resize_flow(course, height, width)
    seen = look_up(there, smaller)
    difference = here - seen
    across, down = slopes((here + seen) / 2)
    belongs = inside(smaller, 0.5) / (1 + (difference / UNLIKE).square())
    products = (across * across, across * down, down * down, across * difference, down * difference)
    xx, xy, yy, x, y = pooled(torch.cat(products, -1) * belongs).split(1, -1)
    xx, yy = xx + NOISE, yy + NOISE
    solved = torch.cat((yy * x - xy * y, xx * y - xy * x), -1) / (xx * yy - xy * xy)
    return resize_flow((GAIN * solved).clamp(-FURTHEST, FURTHEST), *frame.shape[1:3])


def area(picture: Tensor, height: int, width: int) -> Tensor:
    """Shrink (1, H, W, C) by averaging."""
    planes = F.interpolate(picture.permute(0, 3, 1, 2), (height, width), mode="area")
    return planes.permute(0, 2, 3, 1)


def slopes(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Return the slopes of (1, H, W, 1) along x and y, per pixel."""
    padded = F.pad(picture, (0, 0, 1, 1, 1, 1), mode="replicate")
    across = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2
    return across, (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2


def pooled(values: Tensor) -> Tensor:
    """Average (1, H, W, C) over windows, twice: a box alone would let ripples grow."""
    planes = values.permute(0, 3, 1, 2).contiguous()
    return averaged(averaged(planes, WINDOW), WINDOW).permute(0, 2, 3, 1)


def averaged(planes: Tensor, reach: int) -> Tensor:
    """Average (B, C, H, W) over windows of an odd number of pixels; none lie beyond the edge."""
    for kernel, pad in (((1, reach), (0, reach // 2)), ((reach, 1), (reach // 2, 0))):
        planes = F.avg_pool2d(planes, kernel, 1, pad, count_include_pad=False)
    return planes

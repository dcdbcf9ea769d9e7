"""A stage's convolution as the band renderer runs it: the same sums, arranged for speed.

* Nearest upsampling before a 3x3 kernel reads every pixel up to four times. The four output pixels
  that belong to one input pixel are convolutions with 2x2 kernels over the small picture, made of
  sums of the weights: 16 products instead of 36, and nothing is enlarged.
* Three outputs leave thirteen of sixteen lanes of a processor idle. Two by two output pixels are
  made at once, with a kernel that is one larger and stride 2: a third of the time.

Pictures carry their own border, filled once a layer, so that a band is a view and no copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from .layouts import Plan

NARROW = 4  # outputs up to which two by two pixels are made at once
PHASES = ((0, 0), (0, 1), (1, 0), (1, 1))


class Border(NamedTuple):
    """Pixels beyond the picture that a kernel reads."""

    before: int
    after: int
    repeats: bool  # the edge is repeated; otherwise the picture is reflected about it


@dataclass(frozen=True)
class Kernel:
    """One convolution over a bordered picture.

    Attributes:
        weight: (G * G * O, I, k, k), channels last.
        bias: (G * G * O,).
        stride: input pixels from one window to the next.
        grid: G, output pixels each way that belong to one window.
        slides: whether output pixel (y, x) of a window is read from the window y down, x across.
    """

    weight: Tensor
    bias: Tensor
    stride: int = 1
    grid: int = 1
    slides: bool = False

    def __call__(self, source: Tensor, rows: tuple[int, int], width: int) -> Tensor:
        """Return some windows' rows of output (N, G * rows, width, O) of a bordered picture."""
        top, bottom = rows
        last = bottom - 1 + self.slides
        window = source[:, top * self.stride : last * self.stride + self.weight.shape[2]]
        made = convolution(window.permute(0, 3, 1, 2), self.weight, self.bias, self.stride)
        made = made.permute(0, 2, 3, 1)
        if self.grid == 1:
            return made
        outputs = made.shape[-1] // len(PHASES)
        placed = made.new_empty((made.shape[0], 2 * (bottom - top), width, outputs))
        for phase, (y, x) in enumerate(PHASES):
            target = placed[:, y::2, x::2]
            down, across = (y, x) if self.slides else (0, 0)
            part = made[:, down:, across:, phase * outputs : (phase + 1) * outputs]
            target.copy_(part[:, : target.shape[1], : target.shape[2]])
        return placed


def convolution(x: Tensor, weight: Tensor, bias: Tensor, stride: int) -> Tensor:
    """Convolve (N, C, H, W) in channels-last memory.

    On a processor always by oneDNN: torch itself takes another kernel for a band of few pixels,
    and that one rounds otherwise.
    """
    is_direct = x.device.type == "cpu" and torch.backends.mkldnn.is_available()
    if is_direct and x.dtype == torch.float32:
        return torch.mkldnn_convolution(x, weight, bias, (0, 0), (stride, stride), (1, 1), 1)
    return F.conv2d(x, weight, bias, stride)


def border(plan: Plan) -> Border:
    """Return what a stage reads beyond its picture."""
    half = plan.kernel // 2
    if plan.upsampled:  # a reflection of the enlarged picture is the small one's edge again
        return Border(half, half, repeats=True)
    return Border(half, half + is_narrow(plan), repeats=False)


def is_narrow(plan: Plan) -> bool:
    """Say whether a stage makes two by two pixels at once."""
    return plan.outputs <= NARROW and plan.stride == 1 and not plan.upsampled


def arrange(plan: Plan, weight: Tensor, bias: Tensor, precision: torch.dtype) -> Kernel:
    """Arrange a stage's weights (O, I, k, k) for speed."""
    grid, stride = 1, plan.stride
    if plan.upsampled:
        weight = torch.cat([halves(halves(weight, 2, y), 3, x) for y, x in PHASES])
        grid = 2
    elif is_narrow(plan):
        weight = torch.cat([F.pad(weight, (x, 1 - x, y, 1 - y)) for y, x in PHASES])
        grid = stride = 2
    weight = weight.to(precision).contiguous(memory_format=torch.channels_last)
    bias = bias.to(precision).repeat(grid * grid)
    return Kernel(weight, bias, stride, grid, slides=plan.upsampled)


def halves(weight: Tensor, dim: int, phase: int) -> Tensor:
    """Sum the three taps along a side that fall on two pixels of the picture before upsampling."""
    first, middle, last = weight.unbind(dim)
    pair = (first + middle, last) if phase else (first, middle + last)
    return torch.stack(pair, dim)


def bordered(like: Tensor, height: int, width: int, channels: int, edge: Border) -> Tensor:
    """Make room for a picture (N, H, W, C) and its border; nothing is filled yet."""
    more = edge.before + edge.after
    return like.new_empty((like.shape[0], height + more, width + more, channels))


def close(picture: Tensor, edge: Border, height: int, width: int) -> None:
    """Fill the border of a picture, in place."""
    rows, columns = beyond(edge, height), beyond(edge, width)
    inner = slice(edge.before, edge.before + height)
    for target, source in rows:
        picture[:, target] = picture[:, source]
    whole = picture[:, : inner.stop + edge.after]
    for target, source in columns:
        whole[:, :, target] = whole[:, :, source]


def beyond(edge: Border, size: int) -> list[tuple[int, int]]:
    """List, along one side, the pixels of a border and those they are copied from."""
    outside = [*range(-edge.before, 0), *range(size, size + edge.after)]
    if edge.repeats:
        inside = [min(max(place, 0), size - 1) for place in outside]
    else:
        inside = [reflected(place, size) for place in outside]
    first = edge.before
    return [(out + first, place + first) for out, place in zip(outside, inside, strict=True)]


def reflected(place: int, size: int) -> int:
    """Reflect an index into 0..size-1 without repeating the edge, as often as it takes."""
    if size == 1:
        return 0
    place %= 2 * (size - 1)
    return min(place, 2 * (size - 1) - place)

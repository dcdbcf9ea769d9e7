"""Rendered motion vectors: from what a renderer writes to a Flow.

Rendered vectors are exact and free, but every renderer has its own sign, scale and axis. A
:class:`VectorConvention` says all of it; `detect` knows the common ones by their channel names, and
`suggest_convention` finds sign and axes by trying which of them carries one picture onto the next.
Read the layers raw, unfiltered and unpremultiplied: a blend of two vectors points at neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

import torch
from torch import Tensor

from ..errors import BadInput
from .flow import UNKNOWN, Flow, check_pair, is_known
from .warp import warp


class Unit(str, Enum):
    """What a value of 1 means before `scale`."""

    PIXELS = "pixels"
    FRAME = "share of width and height"  # Karma, Houdini, Unity
    HALF_FRAME = "share of half the width and height"  # MoonRay: -1..1 across the frame


Signs = tuple[float, float]
Channels = tuple[str, str]


@dataclass(frozen=True)
class VectorConvention:
    """How a renderer stores motion: pixels = (raw + offset) * scale * unit * sign, x then y."""

    name: str
    backward: Channels  # channels of the motion to the previous frame
    forward: Channels | None = None  # channels of the motion to the next frame, if it writes them
    backward_sign: Signs = (1.0, 1.0)  # to x right, y down, pointing at the other frame
    forward_sign: Signs = (1.0, 1.0)
    scale: float = 1.0  # 1 / shutter length for renderers that scale by it
    unit: Unit = Unit.PIXELS
    offset: float = 0.0  # -0.5 for vectors stored around mid-grey
    swapped: bool = False  # the first channel is y

    def pixels(self, raw: Tensor, sign: Signs) -> Tensor:
        """Return raw (B, H, W, 2) vectors as pixels, x right, y down; unknown stays unknown."""
        _check_vectors(raw)
        known = is_known(raw)
        vectors = raw.flip(-1) if self.swapped else raw
        height, width = raw.shape[1:3]
        size = {
            Unit.PIXELS: (1.0, 1.0),
            Unit.FRAME: (float(width), float(height)),
            Unit.HALF_FRAME: (width / 2.0, height / 2.0),
        }[self.unit]
        gain = torch.tensor([self.scale * size[i] * sign[i] for i in range(2)], device=raw.device)
        return torch.where(known, (vectors.float() + self.offset) * gain, UNKNOWN)


NUKE = VectorConvention(
    "nuke",
    backward=("backward.u", "backward.v"),
    forward=("forward.u", "forward.v"),
    backward_sign=(1.0, -1.0),
    forward_sign=(1.0, -1.0),
)
BLENDER = VectorConvention(  # XY = previous - current, ZW = current - next, both y-up
    "blender",
    backward=("Vector.X", "Vector.Y"),
    forward=("Vector.Z", "Vector.W"),
    backward_sign=(1.0, -1.0),
    forward_sign=(-1.0, 1.0),
)
STILLBRUSH = VectorConvention(
    "stillbrush",
    backward=("stillbrush.backward.x", "stillbrush.backward.y"),
    forward=("stillbrush.forward.x", "stillbrush.forward.y"),
)
KNOWN_CONVENTIONS = (STILLBRUSH, NUKE, BLENDER)


class Convention(Enum):
    """The known conventions by name."""

    NUKE = "nuke"
    BLENDER = "blender"
    STILLBRUSH = "stillbrush"


def conventions() -> dict[str, VectorConvention]:
    """Return the known conventions by name."""
    return {convention.name: convention for convention in KNOWN_CONVENTIONS}


def detect(channel_names: Iterable[str]) -> VectorConvention | None:
    """Return the convention that these channels follow, naming the channels as the file does.

    Render-layer prefixes (`ViewLayer.Vector.X`) and capitals do not matter; of several layers the
    first in the file is taken. A file with backward vectors alone gives a convention whose
    `forward` is None. None: no known convention.
    """
    names = list(channel_names)
    for convention in KNOWN_CONVENTIONS:
        for name in names:
            prefix = _prefix(name, convention.backward[0])
            backward = _layer(names, prefix, convention.backward)
            if backward is None:
                continue
            forward = _layer(names, prefix, convention.forward) if convention.forward else None
            return replace(convention, backward=backward, forward=forward)
    return None


def to_flow(
    backward: Tensor,
    forward: Tensor | None,
    convention: VectorConvention,
    pictures: tuple[Tensor, Tensor] | None = None,
) -> Flow:
    """Return the Flow of a pair of frames from rendered vectors.

    Args:
        backward: (B, H, W, 2) raw, the backward channels of frame t.
        forward: (B, H, W, 2) raw, the forward channels of frame *t-1*. None where there are none:
            then it is derived from the backward vectors, see `forward_from_backward`.
        convention: what the raw values mean.
        pictures: frames t-1 and t; only used to derive a missing forward flow.

    Raises:
        BadInput: shapes do not fit.
    """
    back = convention.pixels(backward, convention.backward_sign)
    if forward is None:
        return Flow(back, forward_from_backward(back, pictures))
    if forward.shape != backward.shape:
        raise BadInput(
            f"vectors.forward: expected the size of backward, {tuple(backward.shape)}; "
            f"got {tuple(forward.shape)}"
        )
    return Flow(back, convention.pixels(forward, convention.forward_sign))


def forward_from_backward(
    backward: Tensor, pictures: tuple[Tensor, Tensor] | None = None
) -> Tensor:
    """Return the forward flow, on frame t-1, that a backward flow on frame t implies.

    Every vector is turned round and put down where it points. Where several land on one pixel,
    something was uncovered, and only one of them can be right: with `pictures` (frames t-1 and t)
    the one whose colours match stays; without, their mean stays, so the check of equation 6 trusts
    none of them, which costs a strip of what did the covering. Gaps of one pixel, as a zoom leaves
    them, take their neighbours' mean; what was covered in frame t stays unknown.

    Args:
        backward: (B, H, W, 2) pixels.
        pictures: two (B, H, W, 3) pictures.
    """
    batch, height, width, _ = backward.shape
    cells = batch * height * width + 1  # the last one collects what leaves the frame
    known = is_known(backward)
    step = torch.where(known, backward, 0.0)
    target = _landing(step, known[..., 0])
    keep = torch.ones(target.shape, device=step.device)
    if pictures is not None:
        check_pair(*pictures, "vectors.pictures")
        error = (warp(pictures[0], step) - pictures[1]).abs().mean(-1).reshape(-1)
        best = error.new_full((cells,), torch.inf).scatter_reduce(0, target, error, "amin")
        keep = (error <= best[target] + 1e-6).float()
    count = torch.zeros(cells, device=step.device).index_add(0, target, keep)
    total = torch.zeros(cells, 2, device=step.device)
    total = total.index_add(0, target, -step.reshape(-1, 2) * keep[:, None])
    mean = (total / count.clamp(min=1.0)[:, None])[:-1].view(batch, height, width, 2)
    filled = count[:-1].view(batch, height, width, 1) > 0
    return _without_gaps(torch.where(filled, mean, UNKNOWN))


@dataclass(frozen=True)
class Suggestion:
    """What `suggest_convention` found."""

    convention: VectorConvention
    error: float  # mean absolute difference left by the best variant, in the pictures' units
    still: float  # the same without any motion; a good convention is well below it

    @property
    def is_convincing(self) -> bool:
        """Whether the vectors explain at least a quarter of what changed."""
        return self.error < 0.75 * self.still


def suggest_convention(
    previous: Tensor,
    current: Tensor,
    raw: Tensor,
    convention: VectorConvention = STILLBRUSH,
) -> Suggestion:
    """Return the signs and axes under which raw vectors best carry `previous` onto `current`.

    Args:
        previous: (B, H, W, 3), one or more frames t-1. Three pairs make a safe answer.
        current: (B, H, W, 3), the frames t.
        raw: (B, H, W, 2), the backward channels of the frames t.
        convention: where channels, unit, scale and offset are taken from.

    All eight variants of sign and axis are tried. Of variants that are equally good - no motion in
    y, say - the one nearest to y-up, as most renderers write it, is named.

    Raises:
        BadInput: shapes do not fit.
    """
    check_pair(previous, current, "vectors")
    if raw.shape != (*current.shape[:3], 2):
        raise BadInput(
            f"vectors.raw: expected {(*current.shape[:3], 2)} for these pictures; "
            f"got {tuple(raw.shape)}"
        )
    # Whether forward has the same sign as backward is the renderer's habit, not ours to guess.
    same = [a * b for a, b in zip(convention.forward_sign, convention.backward_sign, strict=True)]
    tried: list[tuple[float, VectorConvention]] = []
    for swapped in (False, True):
        for sign in ((1.0, -1.0), (1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0)):
            name = f"custom {'yx' if swapped else 'xy'} {sign[0]:+.0f} {sign[1]:+.0f}"
            variant = replace(
                convention,
                name=name,
                swapped=swapped,
                backward_sign=sign,
                forward_sign=(sign[0] * same[0], sign[1] * same[1]),
            )
            flow = variant.pixels(raw, sign)
            flow = torch.where(is_known(flow), flow, 0.0)
            tried.append((float((warp(previous, flow) - current).abs().mean()), variant))
    error, best = min(tried, key=lambda pair: pair[0])  # the first of equals
    return Suggestion(best, error, float((previous - current).abs().mean()))


def _check_vectors(raw: Tensor) -> None:
    if raw.ndim != 4 or raw.shape[-1] != 2:
        raise BadInput(f"vectors: expected (B, H, W, 2); got {tuple(raw.shape)}")


def _prefix(name: str, ending: str) -> str | None:
    """Return what stands before `ending` in a channel name: empty, or a layer and its dot."""
    if not name.lower().endswith(ending.lower()):
        return None
    before = name[: len(name) - len(ending)]
    return before if before == "" or before.endswith(".") else None


def _layer(names: Sequence[str], prefix: str | None, wanted: Channels) -> Channels | None:
    """Return the wanted channels as the file spells them, if it has both under the prefix."""
    if prefix is None:
        return None
    spelled = {name.lower(): name for name in names}
    found = [spelled.get((prefix + channel).lower()) for channel in wanted]
    return (found[0], found[1]) if found[0] and found[1] else None


def _landing(step: Tensor, known: Tensor) -> Tensor:
    """Return the flat index of the pixel where each vector lands, or one past the last pixel."""
    batch, height, width, _ = step.shape
    x = torch.arange(width, device=step.device) + step[..., 0].round()
    y = torch.arange(height, device=step.device)[:, None] + step[..., 1].round()
    lands = known & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    frame = torch.arange(batch, device=step.device)[:, None, None] * (height * width)
    index = frame + torch.where(lands, y, 0.0).long() * width + torch.where(lands, x, 0.0).long()
    return torch.where(lands, index, batch * height * width).reshape(-1)


def _without_gaps(flow: Tensor) -> Tensor:
    """Give an unknown vector the mean of its two neighbours in a line, where these agree."""
    for axis in (2, 1):
        size = flow.shape[axis]
        if size < 3:
            continue
        before, middle, after = (flow.narrow(axis, i, size - 2) for i in range(3))
        agree = ((before - after).abs() <= 1.0).all(-1, keepdim=True)
        gap = agree & ~is_known(middle) & is_known(before) & is_known(after)
        filled = torch.where(gap, 0.5 * (before + after), middle)
        ends = (flow.narrow(axis, 0, 1), flow.narrow(axis, size - 1, 1))
        flow = torch.cat((ends[0], filled, ends[1]), axis)
    return flow

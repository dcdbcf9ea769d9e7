"""What painting by optimisation remembers: earlier frames, for what comes back from behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...motion.consistency import trust
from ...motion.flow import Flow, settled_flow, to_grey
from ...motion.warp import inside
from ...temporal.long_term import long_term_weights
from ..paint_state import PaintState
from ..prior import carried_over
from ..protocol import Before
from ..resting import CHANGE_RANGE, changed
from .settings import OptimiseKnobs

CHANGED = (0.04, 0.12)  # of the encoded range: paint fits below, and does not above


@dataclass(frozen=True)
class Onwards:
    """What a frame goes on from.

    Attributes:
        warped: the last painted frame, carried by the motion, (1, h, w, 3).
        mask: how far that is trusted, (1, h, w, 1).
        before: earlier frames to be like, weighed, nearest first.
        belongs: (1, h, w, 1), 0 to 1: how far the carried paint is of what the plate shows there,
            whether its motion is trusted or not.
    """

    warped: Tensor
    mask: Tensor
    before: list[Before]
    belongs: Tensor


def belonging(frame: Tensor, reference: Tensor | None, flow: Tensor) -> Tensor:
    """Return where carried paint is of what a plate shows (1, h, w, 1), 0 to 1.

    A mask leaves out more than what was hidden. Where the plate that the paint belongs to, carried
    along, looks like this one, the paint fits too; beyond the last frame's border none does.

    Args:
        frame: this plate (1, h, w, 3), network encoding.
        reference: the plate that the last paint belongs to; None: not known.
        flow: backward, pixels.
    """
    within = inside(flow, 0.5)
    if reference is None:
        return within
    return within * (1 - changed(frame, carried_over(reference, flow), CHANGED))


def earlier(
    frame: Tensor, state: PaintState, settings: OptimiseKnobs, dial: float
) -> Iterator[Before]:
    """Carry what was painted more than one frame ago onto this frame (Ruder et al. eq 11).

    The motion is measured here, on the plates as they were painted: it is the same from whichever
    host the frames come, and in whatever order.

    Args:
        frame: this plate (1, h, w, 3), network encoding, painting size.
        state: what was painted.
        settings: how many frames back.
        dial: the artist's, 0 to 1: scales every mask.
    """
    seen, painted = state.seen, state.earlier
    if seen is None or painted is None:
        return
    this = to_grey(frame)[0]
    for offset in settings.offsets:
        if offset < 2 or offset > len(seen) or offset - 1 > len(painted):
            continue
        then = seen[offset - 1, ..., 0].cpu().numpy()
        flow, mask = known(then, this, frame.device)
        picture = painted[offset - 2][None].to(frame.device, frame.dtype)
        yield Before(carried_over(picture, flow), mask * dial)


def known(then: np.ndarray, this: np.ndarray, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the backward flow (1, h, w, 2) to an earlier plate, and where it holds (1, h, w, 1).

    Just what comes back lies beside what hid it, where no motion can be trusted. So it holds as
    well where the plates look alike along the motion, or without any; never where they do not.

    Args:
        then: (h, w), 8 bits.
        this: (h, w), 8 bits.
        device: where the result lies.

    Returns:
        The flow, pixels, and a mask of 0 and 1.
    """
    flow = between(then, this, device)
    before, now = (torch.from_numpy(p)[None, ..., None].to(device) / 255 for p in (then, this))
    stays = changed(now, before, CHANGE_RANGE) == 0
    backward = torch.where(stays, 0.0, flow.backward)
    carried, within = carried_over(before, backward), inside(backward, 0.5)
    alike = within * (changed(now, carried, CHANGE_RANGE) == 0)
    other = changed(now, carried, CHANGED) > 0.5
    return backward, torch.where(stays | other, alike, torch.maximum(trust(flow), alike))


def between(then: np.ndarray, this: np.ndarray, device: torch.device) -> Flow:
    """Measure the motion between two 8-bit pictures (h, w)."""
    ways = (settled_flow(this, then), settled_flow(then, this))
    return Flow(*(torch.from_numpy(way)[None].to(device) for way in ways))


def weighed(befores: list[Before]) -> list[Before]:
    """Give every pixel to the nearest frame that knows it (Ruder et al. eq 12); nearest first."""
    weights = long_term_weights([before.mask for before in befores]) if befores else []
    return [Before(b.picture, weight) for b, weight in zip(befores, weights, strict=True)]


def remember(
    frame: Tensor, state: PaintState, settings: OptimiseKnobs
) -> tuple[Tensor | None, Tensor | None]:
    """Return the earlier frames and plates that the next frame may ask for; None where none.

    Paint is kept in half precision, plates as 8-bit luma: all that their motion is measured on.

    Args:
        frame: this plate.
        state: as it was before this frame was painted.
    """
    farthest = settings.offsets[-1]
    if farthest < 2:
        return None, None
    luma = torch.from_numpy(to_grey(frame))[..., None]
    seen = luma if state.seen is None else torch.cat((luma, state.seen.cpu()))
    if state.painted is None:
        return None, seen[:farthest]
    last = state.painted.to("cpu", torch.float16)
    painted = last if state.earlier is None else torch.cat((last, state.earlier.cpu()))
    return painted[: farthest - 1], seen[:farthest]


def planes(picture: Tensor) -> Tensor:
    """Return a picture (1, h, w, C) as (1, C, h, w)."""
    return picture.permute(0, 3, 1, 2).contiguous()

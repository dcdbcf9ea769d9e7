"""Paint lasts: it is carried from the frame it was made on, once, along all the motion since.

A recursion that warps what it warped before wears its paint, however good the kernel, and a network
that goes on from its own paint paints over it a little every time. Where the plate, followed back
to the anchor frame, is what was painted there, that paint is the best there is: it is looked up
there and left alone. `resting.py` does the same, to the bit, where nothing moves at all.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from ..motion.flow import is_known
from ..motion.registration import registered
from ..motion.sharp_warp import look_up
from ..motion.warp import inside, warp
from .paint_state import PaintState
from .prior import Prior
from .resting import CHANGE_RANGE, changed

RENEWED = 24  # frames from one anchor to the next, so that what came into view since lasts too
DRYING = 12  # frames after which paint that was begun anew may last
ALMOST = 0.95  # dry
DECIDED = 4.0  # how steeply paint is left alone or not: half of each blurs
GONE_OVER = (0.03, 0.1)  # of the paint's range: what was painted over since is not brought back


class Lasting(NamedTuple):
    """The anchor's paint, as it lies on this frame."""

    paint: Tensor  # (1, h, w, 3), 0 to 1
    plate: Tensor  # (1, h, w, 3): what it was painted from
    course: Tensor  # (1, h, w, 2) pixels, to the anchor frame
    dry: Tensor  # (1, h, w, 1), 0 to 1: 1 where paint was last begun or changed long ago
    share: Tensor  # (1, h, w, 1), 0 to 1: how firmly it is left alone


def follow(
    frame: Tensor, carried: Tensor, flow: Tensor, mask: Tensor, prior: Prior, state: PaintState
) -> Lasting | None:
    """Follow the anchor's paint onto a frame.

    Args:
        frame: (1, h, w, 3), network encoding.
        carried: the last painted picture, warped onto it, (1, h, w, 3).
        flow: backward flow to the last frame, (1, h, w, 2) pixels.
        mask: where it can be trusted, (1, h, w, 1), 0 to 1; the temporal dial is in it.
        prior: how firmly paint is left alone, and the dial.
        state: what was painted last.

    Returns:
        None where there is no anchor.
    """
    if state.anchor is None or state.anchor_plate is None:
        return None
    assert state.course is not None
    assert state.dry is not None
    step = torch.where(is_known(flow), flow, 0.0)
    course, dry = warp(torch.cat((state.course, state.dry), -1), step).split((2, 1), -1)
    course = course + step
    drift = registered(frame, state.anchor_plate[..., :3], course)
    course = course + drift * step.any(-1, keepdim=True)  # at rest nothing drifts
    paint = look_up(state.anchor, course).clamp(0, 1)
    plate, was_dry = look_up(state.anchor_plate, course).split((3, 1), -1)
    alike = 1 - changed(frame, plate, CHANGE_RANGE)
    goes_on = (mask > prior.dial / 2) & (alike > 0.5)
    dry = (dry * goes_on + 1 / DRYING).clamp(max=1)
    alike = alike * (1 - changed(carried, paint, GONE_OVER))
    decided = (DECIDED * (alike - 0.5) + 0.5).clamp(0, 1) * (was_dry > ALMOST) * inside(course, 0.5)
    return Lasting(paint, plate, course, dry, decided * mask * prior.hold)


def remember(state: PaintState, lasting: Lasting | None) -> PaintState:
    """Return a state that knows its anchor: the same, further away, or now and then this frame.

    Args:
        state: this frame's, with its paint and the plate that its paint belongs to.
        lasting: the anchor's paint, as it lay on this frame.
    """
    if lasting is not None and state.age % RENEWED:
        return replace(state, course=lasting.course, dry=lasting.dry)
    assert state.painted is not None
    assert state.reference is not None
    here = torch.zeros_like(state.painted[..., :2])
    dry = torch.ones_like(here[..., :1]) if lasting is None else lasting.dry
    plate = torch.cat((state.reference, dry), -1)
    return replace(state, anchor=state.painted, anchor_plate=plate, course=here, dry=dry)

"""How long the shots last that a network is trained on: frames it goes on from its own paint."""

from __future__ import annotations

import enum
import math

ENDLESS = 1 << 40  # frames
SHORT_SHOT, LONG_SHOT = 40, 240  # frames


class Recursion(enum.Enum):
    """How many frames of a shot follow one another in training."""

    GROWING = "growing"  # ours: from two to twelve, then forty, half of the shots 240
    TWO_FRAME = "two-frame"  # Ruder et al. eq 16 to 18
    MULTI_FRAME = "multi-frame"  # Ruder et al. table 1


SCHEDULES = {
    Recursion.GROWING: ((math.inf, ENDLESS),),
    Recursion.TWO_FRAME: ((math.inf, 2),),
    Recursion.MULTI_FRAME: ((1 / 2, 2), (7 / 12, 3), (math.inf, 5)),
}
"""Shares of a run, and the frames of a shot until then; table 1 has 60, 70 and 120 thousand."""

GROWN = ((0.3, 2), (0.6, 5), (1.0, 12))
"""The same of the growth of ours; after it see `longest`."""


def last_age(recursion: Recursion, progress: float) -> int:
    """Return the age of a shot's last frame, from 0 on, at a share of the run.

    A shot that has come there is never gone on with. Ours have no end: they make room when they
    have run long (`longest`).
    """
    return next(frames for until, frames in SCHEDULES[recursion] if progress < until) - 1


def longest(growth: float, is_long: bool) -> int:
    """Return the frames one of our shots may last: Ruder's growing recursion, and then on.

    Half of the shots are long: what a network does to its own paint of four seconds ago only
    such shots show, and without them strokes grow on a tripod for minutes.
    """
    for until, frames in GROWN:
        if growth < until:
            return frames
    return LONG_SHOT if is_long else SHORT_SHOT

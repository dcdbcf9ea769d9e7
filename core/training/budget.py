"""How many iterations fit into the minutes that a user gives."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import mean, median

import torch

from .footage import Footage
from .photographs import Photographs
from .recipe import Recipe
from .systems import make_trainer
from .team import ALONE, Team

TRIAL = 1000  # iterations of the run that the measured ones are taken from
PHASES = (0.2, 0.5, 0.8)  # of the run: later batches are made otherwise
REPEATS = 3
WARM, WARM_A_STYLE = 3, 2  # so that every style has shots to go on with; slots are few
SPARE = 0.04  # for sheets and checkpoints
FEWEST = 20


@dataclass(frozen=True)
class Pace:
    """How long an iteration takes, in seconds."""

    usual: float  # where the motion of its footage is known
    first: float  # where it must be measured
    motion: float = 0.0  # to measure all motion of the footage, once


def measure_pace(
    recipe: Recipe,
    photographs: Photographs,
    device: torch.device,
    precision: torch.dtype,
    before_each: Callable[[], None],
    footage: Footage | None = None,
    team: Team = ALONE,
) -> Pace:
    """Measure some warm iterations of a run that is thrown away.

    Motion of footage is measured once and kept, so that of a long run most iterations find it. An
    iteration that counts is therefore run twice, the second time over the very same shots.

    Args:
        before_each: called before every iteration; may raise to stop.
    """
    short = replace(recipe, iterations=TRIAL)
    trial = make_trainer(short, photographs, device, precision, footage, team)

    def timed() -> float:
        before_each()
        begun = time.perf_counter()
        trial.iterate()
        return time.perf_counter() - begun

    def counted() -> tuple[float, float]:
        if footage is None:
            once = timed()
            return once, once
        before = copy.deepcopy({name: getattr(trial, name) for name in trial.remembered})
        first = timed()
        vars(trial).update(before)
        return first, timed()

    for _ in range(WARM + min(WARM_A_STYLE * recipe.shape.styles, recipe.slots)):
        timed()
    firsts, usuals = [], []
    for phase in PHASES:
        trial.step = round(phase * TRIAL)
        first, usual = zip(*(counted() for _ in range(REPEATS)), strict=True)
        firsts.append(mean(first))  # few of them measure much
        usuals.append(median(usual))
    motion = footage.seconds_to_measure() if footage else 0.0
    return Pace(mean(usuals), max(mean(firsts), mean(usuals)), motion)


def iterations_within(minutes: float, pace: Pace) -> int:
    """Return how many iterations fit into the minutes.

    A long run measures all motion and then has it; a short one is over before that.
    """
    seconds = minutes * 60 * (1 - SPARE)
    fitting = max(seconds / pace.first, (seconds - pace.motion) / pace.usual)
    return max(FEWEST, int(fitting))

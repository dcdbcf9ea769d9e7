"""How many iterations fit into the minutes that a user gives."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import mean, median

import torch

from .footage import Footage
from .recipe import Recipe
from .systems import make_trainer
from .team import ALONE, Team
from .windows import Photographs

TRIAL = 1000  # iterations of the run that the measured ones are taken from
PHASES = (0.2, 0.5, 0.8)  # of the run: later batches are made otherwise
REPEATS = 3
WARM, WARM_A_STYLE = 3, 2  # so that every style has shots to go on with; slots are few
SPARE = 0.04  # for sheets and checkpoints
FEWEST = 20


def seconds_an_iteration(
    recipe: Recipe,
    photographs: Photographs,
    device: torch.device,
    precision: torch.dtype,
    before_each: Callable[[], None],
    footage: Footage | None = None,
    team: Team = ALONE,
) -> float:
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

    def counted() -> float:
        if footage is not None:
            before = copy.deepcopy({name: getattr(trial, name) for name in trial.remembered})
            timed()
            vars(trial).update(before)
        return timed()

    for _ in range(WARM + min(WARM_A_STYLE * recipe.shape.styles, recipe.slots)):
        timed()
    phases = []
    for phase in PHASES:
        trial.step = round(phase * TRIAL)
        phases.append(median([counted() for _ in range(REPEATS)]))
    return mean(phases)


def iterations_within(minutes: float, seconds: float) -> int:
    """Return how many iterations of so many seconds fit into the minutes."""
    return max(FEWEST, int(minutes * 60 * (1 - SPARE) / seconds))

"""Which of several functions is faster, on a machine that is busy with other things.

All run in one process, in turn, on one thread, and processor time counts, not the clock; the ratio
is the median over rounds of the ratios within a round. There is a verdict where the goal lies
outside the 95 % interval of that median; more rounds narrow it.
"""

from __future__ import annotations

import math
import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

ROUNDS = 9


@dataclass(frozen=True)
class Paired:
    """How one candidate did against the baseline."""

    milliseconds: float  # processor time, median
    ratio: float  # baseline / candidate: how many times as fast
    low: float  # 95 % interval of the median ratio
    high: float
    scatter: float  # standard deviation of the rounds' ratios, as a share of their mean

    def verdict(self, goal: float) -> str:
        """Say whether a goal is met, if that can be said."""
        if self.low >= goal:
            return "met"
        return "MISSED" if self.high < goal else "no verdict: more rounds"


def interval(values: list[float]) -> tuple[float, float]:
    """Return the 95 % interval of a median by its order statistics, whatever the distribution.

    Fewer than six values have no such interval; theirs is from nothing to infinity.
    """
    count = len(values)
    if count < 6:
        return 0.0, math.inf
    # So many of the smallest values lie below the median with a chance of 2.5 %.
    chance, outside = 0.0, 0
    while (chance := chance + math.comb(count, outside) / 2**count) <= 0.025:
        outside += 1
    ranked = sorted(values)
    return ranked[max(outside - 1, 0)], ranked[-max(outside, 1)]


def race(candidates: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, Paired]:
    """Run candidates in turn; the first is the baseline."""
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for number in range(rounds + 1):
        for name, run in candidates.items():
            begun = time.process_time()
            run()
            if number:  # the first round warms caches and allocators
                seconds[name].append(time.process_time() - begun)
    baseline = next(iter(seconds.values()))
    found = {}
    for name, own in seconds.items():
        ratios = [base / this for base, this in zip(baseline, own, strict=True)]
        scatter = statistics.stdev(ratios) / statistics.mean(ratios)
        milliseconds, ratio = 1e3 * statistics.median(own), statistics.median(ratios)
        found[name] = Paired(milliseconds, ratio, *interval(ratios), scatter)
    return found


def load() -> str:
    """Return what else the machine is doing."""
    return "load " + " ".join(f"{value:.2f}" for value in os.getloadavg())

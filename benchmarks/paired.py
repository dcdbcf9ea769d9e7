"""Which of several functions is faster, on a machine that is busy with other things.

All run in one process, in turn, on one thread, and processor time counts, not the clock; the ratio
is the median over rounds of the ratios within a round. Where those scatter by more than five per
cent there is no verdict.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

ROUNDS = 9
MOST_SCATTER = 0.05


@dataclass(frozen=True)
class Paired:
    """How one candidate did against the baseline."""

    milliseconds: float  # processor time, median
    ratio: float  # baseline / candidate: how many times as fast
    scatter: float  # standard deviation of the rounds' ratios, as a share of their mean

    def verdict(self, goal: float) -> str:
        """Say whether a goal is met, if that can be said."""
        if self.scatter > MOST_SCATTER:
            return "no verdict: scatter above 5 %"
        return "met" if self.ratio >= goal else "MISSED"


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
        found[name] = Paired(1e3 * statistics.median(own), statistics.median(ratios), scatter)
    return found


def load() -> str:
    """Return what else the machine is doing."""
    return "load " + " ".join(f"{value:.2f}" for value in os.getloadavg())

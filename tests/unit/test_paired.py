"""The benchmarks' judge: what can be said of a median, and when nothing can."""

from __future__ import annotations

import importlib.util
import itertools
import math
import random
import sys
from pathlib import Path

import pytest

PATH = Path(__file__).resolve().parents[2] / "benchmarks/paired.py"
spec = importlib.util.spec_from_file_location("paired", PATH)
assert spec is not None
assert spec.loader is not None
paired = sys.modules["paired"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(paired)


@pytest.mark.parametrize(
    ("count", "first", "last"), [(6, 0, 5), (9, 1, 7), (15, 3, 11), (21, 5, 15), (61, 22, 38)]
)
def test_the_interval_of_a_median_is_that_of_the_tables(count, first, last) -> None:
    values = [float(value) for value in range(count)]
    random.Random(count).shuffle(values)
    assert paired.interval(values) == (first, last)


def test_every_order_of_signs_is_counted() -> None:
    """The oracle: all 2^8 ways in which eight values lie below or above the median."""
    low, high = paired.interval([float(value) for value in range(8)])
    ways = list(itertools.product((0, 1), repeat=8))
    holds = sum(low + 1 <= sum(way) <= high for way in ways) / len(ways)
    narrower = sum(low + 2 <= sum(way) <= high - 1 for way in ways) / len(ways)
    assert narrower < 0.95 <= holds


def test_a_few_rounds_say_nothing() -> None:
    low, high = paired.interval([3.0] * 5)
    assert (low, high) == (0.0, math.inf)
    assert paired.Paired(1.0, 3.0, low, high, 0.0).verdict(2.0).startswith("no verdict")


@pytest.mark.parametrize(
    ("goal", "verdict"), [(5.9, "met"), (6.1, "no verdict: more rounds"), (6.4, "MISSED")]
)
def test_a_verdict_needs_the_goal_outside_the_interval(goal, verdict) -> None:
    assert paired.Paired(1.0, 6.2, 6.0, 6.3, 0.1).verdict(goal) == verdict

"""Tables of benchmarks, as Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def markdown(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table."""
    told = [[f"{v:.4g}" if isinstance(v, float) else str(v) for v in row] for row in rows]
    return "\n".join(
        "| " + " | ".join(row) + " |" for row in (list(head), ["---"] * len(head), *told)
    )


def mean(values: Sequence[float]) -> float:
    """Return the mean of what is known."""
    known = [value for value in values if math.isfinite(value)]
    return float(np.mean(known)) if known else math.nan


def beside(value: float, first: float) -> str:
    """Write a number and its share of the first look's."""
    return f"{value:.4g} ({100 * value / first:.0f} %)" if first else f"{value:.4g}"

"""Where a shot's motion comes from: estimated, rendered with the plate, or given as .flo files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..motion.cache import FlowCache
from ..motion.flow import Estimator, Flow
from .prepare import Prepared


class Motion(Protocol):
    """Gives the flow between two neighbouring frames."""

    @property
    def name(self) -> str:
        """Where it comes from, for the report."""
        ...

    def between(self, last: Prepared, this: Prepared) -> Flow:
        """Return the flow of a pair; depends on these two frames only."""
        ...


@dataclass(frozen=True)
class EstimatedMotion:
    """Motion measured on the pictures."""

    estimator: Estimator
    cache: FlowCache | None = None

    @property
    def name(self) -> str:
        """Name and quality of the estimator."""
        return self.estimator.name

    def between(self, last: Prepared, this: Prepared) -> Flow:
        """Measure the flow of a pair, or take it from the cache."""
        if self.cache is None:
            return self.estimator.estimate(last.encoded, this.encoded)
        return self.cache.estimate(self.estimator, last.encoded, this.encoded)

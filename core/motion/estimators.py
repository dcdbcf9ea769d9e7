"""Flow estimators by name."""

from __future__ import annotations

import enum

from .flow import DisFlow, Estimator, FlowQuality
from .torch_flow import TorchFlow


class FlowMethod(enum.Enum):
    """Which estimator measures the motion."""

    DIS = "dis"
    TORCH = "torch"


def make_estimator(method: FlowMethod, quality: FlowQuality) -> Estimator:
    """Return an estimator."""
    return DisFlow(quality) if method is FlowMethod.DIS else TorchFlow(quality)

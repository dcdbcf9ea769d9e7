"""What an artist wires. Importing this package declares every node."""

from . import (
    flow_estimator,
    occlusion_mask,
    prior_warper,
    read,
    stylize_shot,
    stylizer,
    vector_flow,
    write,
)

__all__ = [
    "flow_estimator",
    "occlusion_mask",
    "prior_warper",
    "read",
    "stylize_shot",
    "stylizer",
    "vector_flow",
    "write",
]

"""What an artist wires. Importing this package declares every node."""

from . import (
    demo_shot,
    flicker_meter,
    flow_estimator,
    flow_viewer,
    load_look,
    mask_viewer,
    occlusion_mask,
    plate_viewer,
    prior_warper,
    read,
    save_look,
    stylize_shot,
    stylizer,
    vector_flow,
    write,
)

__all__ = [
    "demo_shot",
    "flicker_meter",
    "flow_estimator",
    "flow_viewer",
    "load_look",
    "mask_viewer",
    "occlusion_mask",
    "plate_viewer",
    "prior_warper",
    "read",
    "save_look",
    "stylize_shot",
    "stylizer",
    "vector_flow",
    "write",
]

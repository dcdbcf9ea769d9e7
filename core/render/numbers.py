"""What can be told and shown of a painted frame, beside the picture."""

from __future__ import annotations

import numpy as np
import torch

from ..media.source import Shot
from ..stylizers.prior import resize_picture
from .painting import Painted, Ready


def measures(ready: Ready, painted: Painted) -> dict[str, float]:
    """Return a frame's numbers for journal and report.

    `trusted` is the share of the frame that carries paint over; `temporal_error` the mean squared
    change of the paint there (Ruder et al. eq 8, over trusted pixels), in network encoding.
    """
    numbers = {"cut": float(ready.is_cut)}
    if painted.carried is not None:
        carried, mask = painted.carried[..., :3], painted.carried[..., 3:]
        trusted = float(mask.mean())
        change = (painted.picture * mask - carried).square() * (mask > 0)
        numbers["trusted"] = round(trusted, 6)
        numbers["temporal_error"] = round(float(change.mean()) / max(trusted, 1e-6), 9)
    return numbers


def debug_layers(ready: Ready, painted: Painted, shot: Shot) -> dict[str, np.ndarray]:
    """Return flow, mask and prior as planes (H, W) over the canvas, for EXR.

    Vectors are in Nuke's convention: pixels, y up.
    """
    height, width = shot.canvas.height, shot.canvas.width
    blank = torch.zeros((1, height, width, 1))
    planes: dict[str, torch.Tensor] = {"mask.trust": blank}
    for way in ("backward", "forward"):
        field_ = getattr(ready.flow, way, None)
        vectors = torch.zeros((1, height, width, 2)) if field_ is None else field_.cpu()
        vectors = torch.where(vectors.abs() < 1e9, vectors, torch.zeros(()))
        planes[f"{way}.u"], planes[f"{way}.v"] = vectors[..., :1], -vectors[..., 1:]
    if ready.prior is not None:
        planes["mask.trust"] = ready.prior.mask.cpu()
    carried = blank.expand(-1, -1, -1, 3)
    if painted.carried is not None:
        carried = resize_picture(painted.carried[..., :3].cpu(), height, width)
    for index, name in enumerate("RGB"):
        planes[f"prior.{name}"] = carried[..., index : index + 1]
    return {f"stillbrush.{name}": plane[0, ..., 0].numpy() for name, plane in planes.items()}

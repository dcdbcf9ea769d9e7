"""From plate to network: the part of a frame's work that depends on no painted picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..media.alpha import extend_under_alpha, unpremultiply
from ..media.colour import PlateColour, sanitise
from ..media.encoding import Encoding
from ..media.placing import Placed


@dataclass(frozen=True)
class Prepared:
    """One frame, ready to be painted.

    Attributes:
        placed: the plate on the canvas, as read.
        linear: (1, H, W, 3) scene-linear Rec.709, unpremultiplied, finite.
        encoded: (1, H, W, 3) network encoding, 0 to 1.
    """

    placed: Placed
    linear: Tensor
    encoded: Tensor


def prepare(
    placed: Placed, colour: PlateColour, encoding: Encoding, device: torch.device
) -> Prepared:
    """Bring a plate to the network's colours: finite, opaque, scene-linear, encoded."""
    rgb, _ = sanitise(placed.rgb)
    if placed.alpha is not None:
        alpha = np.nan_to_num(placed.alpha, nan=0.0, posinf=1.0, neginf=0.0)
        if placed.is_premultiplied:
            rgb = unpremultiply(rgb, alpha)
        rgb = extend_under_alpha(rgb, alpha)
    linear = torch.from_numpy(np.ascontiguousarray(colour.to_linear(rgb)))[None].to(device)
    return Prepared(placed, linear, encoding.encode(linear))

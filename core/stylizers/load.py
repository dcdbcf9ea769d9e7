"""From a look to a painter."""

from __future__ import annotations

import torch

from ..errors import BadInput
from ..looks import Look
from ..networks.bands import Bands
from ..networks.weights import load_weights
from .painter import Painter


def load_painter(
    look: Look, device: torch.device | None = None, precision: torch.dtype = torch.float32
) -> Painter:
    """Load a look's network and its style.

    Raises:
        MissingFrame, UnreadableFile: the weights are not there, damaged or not the look's own.
        BadInput: the weights have fewer styles than the look asks for.
    """
    network = load_weights(look.verified_weights())
    styles = network.shape.styles
    if look.weights.style >= styles:
        raise BadInput(
            f"look {look.path}: weights.style: expected 0 to {styles - 1}; got {look.weights.style}."
        )
    style = torch.zeros(styles)
    style[look.weights.style] = 1.0
    device = device or torch.device("cpu")
    return Painter(network.to(device), style.to(device), Bands(precision=precision))

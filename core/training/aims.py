"""What a run aims at: its style pictures, and the loss network that compares with them."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ..errors import UnreadableFile
from ..media.stills import read_style_picture
from ..networks.loss_network import LossNetwork, load_loss_network
from .losses import CONTENT_TAPS
from .recipe import SMALLEST


def read_style(path: Path, side: int) -> Tensor:
    """Read a style picture to train on, (1, 3, H, W), 0 to 1; raises as `read_style_picture`."""
    return read_style_picture(path, side, SMALLEST)


def load_encoder(path: Path) -> LossNetwork:
    """Read a loss network that is deep enough to train with.

    Raises:
        MissingFrame, UnreadableFile: there is none, it is damaged, or too shallow.
    """
    encoder = load_loss_network(path)
    taps = encoder(torch.zeros((1, 3, SMALLEST, SMALLEST)))
    if not any(tap in taps for tap in CONTENT_TAPS):
        raise UnreadableFile(
            f"loss network {path}: expected layers up to conv3_1 or further; it ends at "
            f"{max(taps)}."
        )
    return encoder

"""What a run aims at: its style pictures, and the loss network that compares with them."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ..errors import BadInput, MissingFrame, UnreadableFile
from ..media.stills import read_rgb, resize_short_side
from ..networks.loss_network import LossNetwork, load_loss_network
from .losses import CONTENT_TAPS
from .recipe import SMALLEST


def read_style(path: Path, side: int) -> Tensor:
    """Read a style picture (1, 3, H, W), 0 to 1, its short side as asked.

    Raises:
        MissingFrame: there is no such file.
        UnreadableFile: the file is no picture.
        BadInput: it is too small to show how it is painted.
    """
    if not path.is_file():
        raise MissingFrame(f"style picture {path}: there is no such file.")
    picture = read_rgb(path)
    if picture is None:
        raise UnreadableFile(f"style picture {path}: expected a JPEG, PNG or TIFF picture.")
    height, width = picture.shape[:2]
    if min(height, width) < SMALLEST:
        raise BadInput(
            f"style picture {path}: expected {SMALLEST} px or more each way; got {width}x{height}."
        )
    scaled = torch.from_numpy(resize_short_side(picture, side)).permute(2, 0, 1).float() / 255
    return scaled[None]


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

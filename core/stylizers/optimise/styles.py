"""The paintings that a look optimises towards: read from their files, sized, measured, mixed."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from ...errors import BadInput, UnreadableFile
from ...networks.loss_network import LossNetwork
from ..prior import resize_picture
from .layers import Layers
from .settings import OptimiseKnobs
from .texture import Texture, blended, texture

SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
MOST_PIXELS = 100_000_000
LEAST = 32  # pixels a side: below, no loss network has a fifth block


@dataclass(frozen=True)
class Painting:
    """A painting and its share in the style."""

    picture: Tensor  # (1, H, W, 3), 0 to 1, network encoding
    share: float


def read_painting(path: Path) -> Tensor:
    """Read a picture (1, H, W, 3), 0 to 1.

    Raises:
        UnreadableFile: no picture, or one of more than 100 million pixels.
        BadInput: it is too small to show how it is painted.
    """
    try:
        content = path.read_bytes()
        with Image.open(io.BytesIO(content)) as header:  # its size, before anything is unpacked
            width, height = header.size
    except (OSError, UnidentifiedImageError, ValueError) as error:
        raise UnreadableFile(f"style picture {path}: expected JPEG, PNG or TIFF.") from error
    if width * height > MOST_PIXELS:
        raise UnreadableFile(
            f"style picture {path}: expected at most {MOST_PIXELS} pixels; got {width}x{height}."
        )
    if min(width, height) < LEAST:
        raise BadInput(
            f"style picture {path}: expected {LEAST} pixels or more each way; got {width}x{height}."
        )
    try:
        decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        decoded = None
    if decoded is None:
        raise UnreadableFile(f"style picture {path}: expected JPEG, PNG or TIFF; it is damaged.")
    rgb = cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)
    return torch.from_numpy(rgb)[None].float() / 255


def style_size(height: int, width: int, area: float, scale: float) -> tuple[int, int]:
    """Return the size (height, width) at which a painting is measured.

    Its area is that of the frame times the scale squared, its aspect its own (Ruder et al.'s code).

    Args:
        height: of the painting.
        width: of the painting.
        area: of the frame, pixels.
        scale: 1: as large as the frame.
    """
    ratio = math.sqrt(area / (height * width)) * scale
    return max(LEAST, round(height * ratio)), max(LEAST, round(width * ratio))


@torch.no_grad()
def style_targets(
    paintings: tuple[Painting, ...],
    network: LossNetwork,
    layers: Layers,
    settings: OptimiseKnobs,
    area: float,
) -> dict[str, Texture]:
    """Return the texture to come close to, by layer.

    Args:
        area: of the frame that the paintings are as large as, pixels.
    """
    found: dict[str, list[tuple[Texture, float]]] = {layer: [] for layer in layers.style}
    for painting in paintings:
        if painting.share <= 0:
            continue
        height, width = painting.picture.shape[1:3]
        size = style_size(height, width, area, settings.style_scale)
        sized = resize_picture(painting.picture, *size).clamp(0, 1)
        for layer, part in textures(sized, network, layers, settings).items():
            found[layer].append((part, painting.share))
    return {layer: blended(parts) for layer, parts in found.items()}


@torch.no_grad()
def textures(
    picture: Tensor, network: LossNetwork, layers: Layers, settings: OptimiseKnobs
) -> Mapping[str, Texture]:
    """Measure a picture (1, H, W, 3) as it is, by layer."""
    features = layers.features(network, picture.permute(0, 3, 1, 2), tuple(layers.style))
    return {layer: texture(features[layer], settings.style_form) for layer in layers.style}

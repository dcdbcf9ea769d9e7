"""Steadiness and sharpness of painted frames beside their plates, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from ..motion.flow import FlowQuality
from ..motion.torch_flow import TorchFlow
from .temporal import carried_change, follow, sharpness, temporal_error

GLOW = 0.02  # mean square of a change that shows in full colour
GROUND, LINE, GRID, TEXT = (24, 24, 25), (224, 164, 88), (52, 52, 54), (188, 188, 190)


@dataclass(frozen=True)
class Reading:
    """What was measured of one frame.

    Attributes:
        change: the temporal error (Ruder et al. eq 8) since the last frame; None for the first.
        sharpness: mean gradient of the paint: blur is steady too, and shows here.
        picture: (1, h, w, 3), 0 to 1: the paint, glowing where it boils.
    """

    change: float | None
    sharpness: float
    picture: Tensor


def read_frame(
    source: Tensor, painted: Tensor, last_source: Tensor | None, last_painted: Tensor | None
) -> Reading:
    """Measure a frame.

    Motion is measured by an estimator of its own: one that paint was carried by would judge itself.

    Args:
        source: the plate (1, h, w, 3) in network encoding.
        painted: the paint, likewise.
        last_source: the plate before; None for the first frame.
        last_painted: the paint before.
    """
    dimmed = painted.clamp(0, 1) * 0.35
    if last_source is None or last_painted is None:
        return Reading(None, sharpness(painted), dimmed)
    followed = follow(last_source, source, TorchFlow(FlowQuality.FAST))
    change = carried_change(last_painted, painted, followed)
    glow = torch.tensor(LINE, device=painted.device) / 255
    picture = torch.lerp(dimmed, glow.expand_as(dimmed), (change / GLOW).clamp(0, 1))
    return Reading(temporal_error(change, followed.mask), sharpness(painted), picture)


def plot(values: tuple[float, ...], size: tuple[int, int] = (960, 360)) -> np.ndarray:
    """Draw readings over time, (H, W, 3) uint8: the lower, the steadier."""
    width, height = size
    sheet = Image.new("RGB", size, GROUND)
    pen = ImageDraw.Draw(sheet)
    left, right, top, bottom = 84, width - 24, 56, height - 44
    highest = max([*values, 1e-6]) * 1.15
    for share in (0.0, 0.5, 1.0):
        y = bottom - share * (bottom - top)
        pen.line((left, y, right, y), GRID)
        pen.text((12, y - 7), f"{share * highest:.5f}", TEXT)
    across = (right - left) / max(len(values) - 1, 1)
    points = [
        (left + place * across, bottom - value / highest * (bottom - top))
        for place, value in enumerate(values)
    ]
    if len(points) > 1:
        pen.line(points, LINE, 3, joint="curve")
    for x, y in points:
        pen.ellipse((x - 3, y - 3, x + 3, y + 3), LINE)
    mean = sum(values) / len(values) if values else 0.0
    pen.text((12, 16), f"temporal error by frame, mean {mean:.6f}; lower is steadier", TEXT)
    return np.asarray(sheet, np.uint8)

"""Temporal, style and content error of painted frames beside their plates, frame by frame.

Never one of them alone: a blurred or frozen picture is steady, and a plate left as it is keeps all
of its content.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..motion.cuts import is_cut
from ..stylizers.painter import painting_size
from ..stylizers.prior import resize_picture
from .encoder import Appointed
from .temporal import carried_change, temporal_error

GLOW = 0.02  # mean square of a change that shows in full colour
GROUND, LINE, GRID = (24, 24, 25), (224, 164, 88), (52, 52, 54)
TEXT, GRID_TEXT = (208, 208, 210), (140, 140, 143)
MEANING = {
    "temporal": "temporal error: paint that changed and should have stayed; 0 is steadiest",
    "style": "style error: how far from the way the look's painting is painted",
    "content": "content error: how far from what the plate shows",
    "sharpness": "sharpness: mean gradient; blur is steady too, and shows here",
}
DRAWN = ("temporal", "style", "content")


@dataclass(frozen=True)
class Reading:
    """What was measured of one frame.

    Attributes:
        numbers: `sharpness`; `temporal` (Ruder et al. eq 8) but where a shot begins; `style` and
            `content` where they can be judged.
        followed: the share of the frame whose motion could be judged; 0 where a shot begins.
        picture: (1, h, w, 3), 0 to 1: the paint, glowing where it boils.
    """

    numbers: dict[str, float]
    followed: float
    picture: Tensor


@torch.no_grad()
def read_frame(
    source: Tensor,
    painted: Tensor,
    last_source: Tensor | None,
    last_painted: Tensor | None,
    appointed: Appointed,
) -> Reading:
    """Measure a frame, on the processor.

    Sharpness, style and content are judged at the size that a look paints at, as in a report.

    Args:
        source: the plate (1, h, w, 3) in network encoding.
        painted: the paint, likewise.
        last_source: the plate before; None for the first frame.
        last_painted: the paint before.
        appointed: who judges; its estimator of motion must not be the one that carried the paint.
    """
    judge, device = appointed.judge, painted.device
    source, painted = source.cpu(), painted.cpu()
    height, width = source.shape[1:3]
    size = painting_size(height, width, width, 1.0)
    plate, paint = (resize_picture(p, *size).clamp(0, 1) for p in (source, painted))
    numbers = judge.still(paint, judge.see(plate))
    dimmed = painted.clamp(0, 1) * 0.35
    if last_source is None or last_painted is None or is_cut(last_source.cpu(), source):
        return Reading(numbers, 0.0, dimmed.to(device))
    followed = judge.follow(last_source, source)
    change = carried_change(last_painted.cpu(), painted, followed)
    numbers["temporal"] = temporal_error(change, followed.mask)
    picture = torch.lerp(dimmed, torch.tensor(LINE) / 255.0, (change / GLOW).clamp(0, 1))
    return Reading(numbers, float(followed.mask.mean()), picture.to(device))


def means(readings: Sequence[Reading]) -> dict[str, float]:
    """Return the mean of every number over the frames that have it."""
    found: dict[str, float] = {}
    for name in MEANING:
        values = [r.numbers[name] for r in readings if name in r.numbers]
        if values:
            found[name] = sum(values) / len(values)
    return found


def in_words(readings: Sequence[Reading], why: str) -> str:
    """Say what was measured, a number a line, and what could not be and why.

    Args:
        readings: of every frame.
        why: style could not be judged, where it could not.
    """
    found, lines = means(readings), []
    for name, meaning in MEANING.items():
        told, _, explained = meaning.partition(": ")
        if name in found:
            lines.append(f"{told} {found[name]:.6f} ({explained})")
        else:
            lines.append(f"{told} not judged: {reason(name, why)}")
    followed = [r.followed for r in readings if "temporal" in r.numbers]
    if followed:
        share = 100 * sum(followed) / len(followed)
        lines.append(f"motion could be judged in {share:.0f} % of the picture")
    return "\n".join(lines)


def reason(name: str, why: str) -> str:
    """Say why a number is not there; only motion can lack of itself."""
    return "no frame goes on from another" if name == "temporal" else why


def plot(readings: Sequence[Reading], why: str, size: tuple[int, int] = (960, 640)) -> np.ndarray:
    """Draw the three errors over time, one below the other, (H, W, 3) uint8.

    Args:
        readings: of every frame.
        why: style could not be judged, where it could not.
    """
    width, height = size
    sheet = Image.new("RGB", size, GROUND)
    pen, found = ImageDraw.Draw(sheet), means(readings)
    tall = height // len(DRAWN)
    for row, name in enumerate(DRAWN):
        values = [reading.numbers.get(name) for reading in readings]
        told, _, explained = MEANING[name].partition(": ")
        top = row * tall
        if name not in found:
            write(pen, (24, top + 14), f"{told}: not judged")
            write(pen, (24, top + 42), reason(name, why), GRID_TEXT)
            continue
        write(pen, (24, top + 14), f"{told}, mean {found[name]:.5f}")
        write(pen, (width - 24, top + 16), explained, GRID_TEXT, anchor="ra")
        curve(pen, values, (96, top + 52, width - 24, top + tall - 18))
    return np.asarray(sheet, np.uint8)


def write(
    pen: ImageDraw.ImageDraw,
    at: tuple[int, int],
    text: str,
    ink: tuple[int, int, int] = TEXT,
    anchor: str = "la",
) -> None:
    """Write a line."""
    size = 17 if ink == TEXT else 14
    pen.text(at, text, ink, ImageFont.load_default(size), anchor=anchor)


def curve(
    pen: ImageDraw.ImageDraw, values: Sequence[float | None], box: tuple[int, int, int, int]
) -> None:
    """Draw a number over time from 0 up; frames that lack it leave a gap."""
    left, top, right, bottom = box
    highest = max([v for v in values if v is not None] + [1e-6]) * 1.1
    for share in (0.0, 0.5, 1.0):
        y = round(bottom - share * (bottom - top))
        pen.line((left, y, right, y), GRID)
        write(pen, (left - 10, y), f"{share * highest:.4f}", GRID_TEXT, anchor="rm")
    across = (right - left) / max(len(values) - 1, 1)
    last = None
    for place, value in enumerate(values):
        point = None
        if value is not None:
            point = (left + place * across, bottom - value / highest * (bottom - top))
            pen.ellipse((point[0] - 3, point[1] - 3, point[0] + 3, point[1] + 3), LINE)
        if point and last:
            pen.line((*last, *point), LINE, 3)
        last = point

"""Sample sheets: what the network paints so far, style by style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import BadInput
from ..render.sheet import BACKGROUND, contact_sheet, save_picture_8bit
from .loop import Loop
from .photographs import Photographs, evenly, picture_files, read_rgb, resize_short_side

SHOWN = 3  # pictures on a sheet
FEWEST = 12  # photographs from which some are held out of the training
NARROWEST, WIDEST = 480, 1600  # pixels, of a sheet
LARGEST_SIDE = 2  # of a sample, in lengths of its short side


@dataclass(frozen=True)
class Sample:
    """A picture for the sheets."""

    name: str
    picture: Tensor  # (3, H, W), 8 bits


def choose_samples(photographs: Photographs) -> list[Sample]:
    """Take a few photographs out of the training, where there are enough of them."""
    if len(photographs) >= FEWEST:
        return [Sample(name, picture) for name, picture in photographs.hold_out(SHOWN)]
    pairs = zip(photographs.names, photographs.pictures, strict=True)
    return [Sample(f"{name} (trained on)", picture) for name, picture in pairs][:SHOWN]


def read_samples(folder: Path, short_side: int) -> list[Sample]:
    """Read the user's own pictures for the sheets, at most as many as fit.

    Raises:
        BadInput: none of them can be read.
    """
    samples: list[Sample] = []
    for path in evenly(picture_files(folder), SHOWN):
        rgb = read_rgb(path)
        if rgb is not None:
            scaled = resize_short_side(rgb, short_side)
            samples.append(Sample(path.name, torch.from_numpy(scaled).permute(2, 0, 1)))
    if not samples:
        raise BadInput(f"samples: expected pictures in {folder}; none can be read.")
    return samples


@torch.no_grad()
def paint_sample(trainer: Loop, sample: Sample, style: int) -> np.ndarray:
    """Paint a picture by itself with the averaged network, (H, W, 3), 0 to 1."""
    frame = cropped(sample.picture)[None].float().to(trainer.device) / 255
    painted = trainer.paint(frame, style)
    return painted[0].permute(1, 2, 0).cpu().numpy()


def cropped(picture: Tensor) -> Tensor:
    """Cut a panorama to twice its short side, from the middle."""
    height, width = picture.shape[-2:]
    side = LARGEST_SIDE * min(height, width)
    top, left = max(0, height - side) // 2, max(0, width - side) // 2
    return picture[:, top : top + side, left : left + side]


def save_sheet(trainer: Loop, samples: Sequence[Sample], names: Sequence[str], path: Path) -> None:
    """Paint all samples in all styles and write them as one labelled PNG.

    The plates are on top; below, each row begins with the picture of its style (of a tall
    one, the upper square).
    """
    corner = np.full((1, 32, 3), BACKGROUND, np.float32) / 255
    pictures: list[np.ndarray] = [corner]
    pictures += [shown(cropped(sample.picture)) for sample in samples]
    labels = ["", *(sample.name for sample in samples)]
    for style, name in trainer.shown(names):
        source = trainer.recipe.styles[style]
        rgb = read_rgb(source)
        pictures.append(corner if rgb is None else np.float32(rgb[: rgb.shape[1]]) / 255)
        pictures += [paint_sample(trainer, sample, style) for sample in samples]
        labels += [source.name, *(f"{name}, painted" for _ in samples)]
    title = f"step {trainer.step} of {trainer.recipe.iterations}"
    columns = 1 + len(samples)
    widest = max(sample.picture.shape[-1] for sample in samples)
    width = min(max(columns * widest, NARROWEST), WIDEST)
    sheet = contact_sheet(pictures, labels, columns, title, width)
    save_picture_8bit(path, sheet)


def shown(picture: Tensor) -> np.ndarray:
    """Return an 8-bit picture (3, H, W) as (H, W, 3), 0 to 1."""
    return picture.permute(1, 2, 0).numpy().astype(np.float32) / 255

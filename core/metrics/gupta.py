"""What Gupta et al. measure: instability, its predictor, and paint under known distortions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from ..training.losses import Manner
from .structure import psnr, ssim

SHIFTS = tuple(range(20))  # pixels
BLURS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)  # pixels, standard deviation
SHARPENINGS = (0.0, 0.5, 1.0, 2.0, 3.0)  # share of an unsharp mask that is added
PATCH = 100  # pixels
SEARCH = 20  # pixels each way


def instability(before: Tensor, after: Tensor) -> float:
    """Return the mean squared difference of neighbouring frames (1, h, w, 3).

    Says something of clips in which nothing moves, where all of it is flicker.
    """
    return float((after - before).square().mean())


def trace(manner: Manner) -> float:
    """Return the trace of a painting's Gram matrix over the number of its positions.

    Minimisers of the style loss lie within a sphere of that radius squared (theorem 1; its converse
    does not hold): the larger, the further apart they may lie, and the more a network may flicker.
    """
    return float(manner.mean.square().sum() + manner.covariance.diagonal().sum())


def rank_correlation(a: Sequence[float], b: Sequence[float]) -> float:
    """Return Spearman's rank correlation; equal values share a rank. NaN for fewer than three."""
    if len(a) < 3:
        return float("nan")
    ranks = [ranked(values) for values in (a, b)]
    centred = [values - values.mean() for values in ranks]
    norm = np.sqrt(np.prod([np.square(values).sum() for values in centred]))
    return float(np.dot(*centred) / norm) if norm else float("nan")


def ranked(values: Sequence[float]) -> np.ndarray:
    """Return the ranks of values from 1 on."""
    found = np.asarray(values, np.float64)
    below = (found[None] < found[:, None]).sum(1)
    equal = (found[None] == found[:, None]).sum(1)
    return below + (equal + 1) / 2


@dataclass(frozen=True)
class Curve:
    """Similarity of a picture and its distortion, before painting and after."""

    amounts: tuple[float, ...]
    content: tuple[float, ...]  # SSIM(c, d(c))
    painted: tuple[float, ...]  # SSIM(f(c), f(d(c)))

    @property
    def area(self) -> float:
        """Return the area under the painted curve over that under the content's; 1 is best."""
        return area(self.amounts, self.painted) / area(self.amounts, self.content)


def area(across: Sequence[float], heights: Sequence[float]) -> float:
    """Return the area under a line through points."""
    x, y = np.asarray(across), np.asarray(heights)
    return float((np.diff(x) * (y[1:] + y[:-1]) / 2).sum())


def distortion_curves(picture: Tensor, paint: Callable[[Tensor], Tensor]) -> dict[str, Curve]:
    """Distort a picture in known ways, paint each, and compare (figure 6 of the paper).

    Args:
        picture: (1, h, w, 3), 0 to 1. Shifts cut two windows out of it, so that nothing is made up
            at the border; both are narrower by the largest shift.
        paint: paints such a picture by itself.
    """
    width = picture.shape[2] - SHIFTS[-1]
    windows = [picture[:, :, shift : shift + width] for shift in SHIFTS]
    kinds: Mapping[str, tuple[tuple[float, ...], list[Tensor]]] = {
        "shift": (tuple(map(float, SHIFTS)), windows),
        "blur": (BLURS, [blurred(windows[0], sigma) for sigma in BLURS]),
        "sharpen": (SHARPENINGS, [sharpened(windows[0], share) for share in SHARPENINGS]),
    }
    first = paint(windows[0])
    curves = {}
    for kind, (amounts, distorted) in kinds.items():
        content = tuple(ssim(windows[0], one) for one in distorted)
        painted = tuple(ssim(first, paint(one)) for one in distorted)
        curves[kind] = Curve(amounts, content, painted)
    return curves


def blurred(picture: Tensor, sigma: float) -> Tensor:
    """Blur a picture (1, h, w, 3)."""
    if sigma == 0:
        return picture
    return torch.from_numpy(cv2.GaussianBlur(picture[0].numpy(), (0, 0), sigma))[None]


def sharpened(picture: Tensor, share: float) -> Tensor:
    """Add a share of what a blur of one pixel takes away."""
    return (picture + share * (picture - blurred(picture, 1.0))).clamp(0, 1)


@dataclass(frozen=True)
class Patches:
    """How well painted patches of the background match those of the next frame."""

    psnr: float  # decibels; infinite where nothing changes
    ssim: float


def match_patches(
    plates: tuple[Tensor, Tensor],
    paints: tuple[Tensor, Tensor],
    foreground: Tensor | None,
    rng: np.random.Generator,
    count: int = 4,
) -> Patches | None:
    """Find patches of one plate in the next by their best match, and compare their paint (table 1).

    Args:
        plates: two neighbouring frames (1, h, w, 3), 0 to 1.
        paints: the same, painted.
        foreground: (1, h, w, 1), 1 on what moves by itself in the first; None: all is background.
        rng: draws the patches.
        count: of patches.

    Returns:
        Means over the patches; None where the frame has no room for one.
    """
    height, width = plates[0].shape[1:3]
    side = min(PATCH, height // 2, width // 2)
    found: list[tuple[float, float]] = []
    for _ in range(20 * count):
        if len(found) == count or side < 16:
            break
        y = int(rng.integers(height - side + 1))
        x = int(rng.integers(width - side + 1))
        here = (slice(None), slice(y, y + side), slice(x, x + side))
        if foreground is not None and bool(foreground[here].any()):
            continue
        there = best_match(plates, (y, x), side)
        pair = paints[0][here], paints[1][there]
        found.append((psnr(*pair), ssim(*pair)))
    if not found:
        return None
    return Patches(*(float(np.mean(column)) for column in zip(*found, strict=True)))


def best_match(
    plates: tuple[Tensor, Tensor], place: tuple[int, int], side: int
) -> tuple[slice, slice, slice]:
    """Return where a patch of the first plate lies in the second: the smallest squared error."""
    (y, x), (height, width) = place, plates[0].shape[1:3]
    top, left = max(0, y - SEARCH), max(0, x - SEARCH)
    bottom, right = min(height, y + side + SEARCH), min(width, x + side + SEARCH)
    patch = plates[0][0, y : y + side, x : x + side].numpy()
    field = plates[1][0, top:bottom, left:right].numpy()
    error = cv2.matchTemplate(field, patch, cv2.TM_SQDIFF)
    _, _, (dx, dy), _ = cv2.minMaxLoc(error)
    y, x = top + dy, left + dx
    return slice(None), slice(y, y + side), slice(x, x + side)

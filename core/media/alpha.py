"""Colour and coverage: undo the premultiplication, give nothing a colour, multiply again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Picture = NDArray[np.float32]

LEAST = 1e-4  # coverage under which a colour is noise: half float has four digits
_HUGE = 1e9  # keeps sums of float32 finite while averaging


def _picture(array: object) -> Picture:
    """The same memory as float32: the stubs of OpenCV do not say so."""
    return np.asarray(array, np.float32)


def _flat(alpha: Picture) -> Picture:
    return alpha[..., 0] if alpha.ndim == 3 else alpha


def unpremultiply(rgb: Picture, alpha: Picture) -> Picture:
    """Divide colour by coverage.

    Args:
        rgb: `(H, W, 3)` float32.
        alpha: `(H, W)` or `(H, W, 1)` float32, the plate's own.

    Returns:
        A new `(H, W, 3)`; the stored colour itself where alpha is below 1e-4 or NaN.
    """
    cover = _flat(alpha)
    divisor = np.where(cover >= LEAST, cover, np.float32(1))
    with np.errstate(invalid="ignore", over="ignore"):  # a plate may hold no numbers
        return _picture(rgb / divisor[..., None])


def premultiply(rgb: Picture, alpha: Picture, stored: Picture | None = None) -> Picture:
    """Multiply colour by coverage.

    Args:
        rgb: `(H, W, 3)` float32, unpremultiplied.
        alpha: `(H, W)` or `(H, W, 1)` float32.
        stored: the premultiplied plate; where alpha is below 1e-4 or NaN its pixels are taken
            unchanged, which keeps light without coverage (glows, reflections).

    Returns:
        A new `(H, W, 3)`.
    """
    cover = _flat(alpha)
    with np.errstate(invalid="ignore", over="ignore"):  # a plate may hold no numbers
        product = rgb * cover[..., None]
    return product if stored is None else np.where((cover >= LEAST)[..., None], product, stored)


def extend_under_alpha(rgb: Picture, alpha: Picture) -> Picture:
    """Continue the colours of what is there into what is not, so that no network smears black.

    Args:
        rgb: `(H, W, 3)` float32, unpremultiplied, finite.
        alpha: `(H, W)` or `(H, W, 1)` float32.

    Returns:
        `(H, W, 3)`; unchanged, to the bit, where alpha is at least 1e-4; `rgb` itself where that
        is everywhere. Nearby and solid pixels count most. All zero where nothing is covered.
    """
    cover = _flat(alpha)
    if float(cover.min(initial=1.0)) >= LEAST:
        return rgb
    return fill(rgb, np.where(cover >= LEAST, np.minimum(cover, np.float32(1)), np.float32(0)))


def fill(rgb: Picture, weight: Picture) -> Picture:
    """Fill the pixels of weight 0 from the others, by push and pull over a pyramid of halves.

    Gortler et al., The Lumigraph (1996), section 3.5.

    Args:
        rgb: `(H, W, 3)` float32, finite.
        weight: `(H, W)` float32, 0..1: how far each pixel is to be believed.

    Returns:
        A new `(H, W, 3)`; pixels of weight above 0 are unchanged to the bit.
    """
    height, width = weight.shape
    colour = _picture(np.clip(rgb, -_HUGE, _HUGE) * weight[..., None])
    levels = [(colour, weight)]
    while min(weight.shape) > 1 or max(weight.shape) > 2:
        size = ((weight.shape[1] + 1) // 2, (weight.shape[0] + 1) // 2)
        colour = _picture(cv2.resize(colour, size, interpolation=cv2.INTER_AREA))
        weight = _picture(cv2.resize(weight, size, interpolation=cv2.INTER_AREA))
        gain = np.minimum(4 * weight, 1) / np.maximum(weight, np.float32(1e-30))
        colour, weight = _picture(colour * gain[..., None]), _picture(weight * gain)
        levels.append((colour, weight))
    total = levels[-1][1].sum()
    mean = levels[-1][0].sum(axis=(0, 1)) / max(float(total), 1e-30)
    pulled = np.broadcast_to(mean.astype(np.float32), (*levels[-1][1].shape, 3))
    for colour, weight in reversed(levels[1:]):
        size = (weight.shape[1], weight.shape[0])
        finer = cv2.resize(np.ascontiguousarray(pulled), size, interpolation=cv2.INTER_LINEAR)
        pulled = colour + (1 - weight[..., None]) * finer
    whole = _picture(cv2.resize(pulled, (width, height), interpolation=cv2.INTER_LINEAR))
    believed = (levels[0][1] > 0).view(np.uint8)
    return _picture(cv2.copyTo(np.ascontiguousarray(rgb), believed, whole))

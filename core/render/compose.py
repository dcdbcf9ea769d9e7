"""From paint to plate: size, strength, light, colour, alpha, mix and matte, in that order.

What was not asked to be touched is not touched: where mix times matte is 0 the plate's own values
are handed on, whatever they are.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ..media.alpha import premultiply
from ..media.colour import PlateColour
from ..media.encoding import Encoding
from ..stylizers.prior import resize_picture
from .prepare import Prepared

LUMA = (0.2126, 0.7152, 0.0722)  # Rec.709


class PaintSettings(Protocol):
    """The knobs that say how paint comes back over the plate."""

    @property
    def strength(self) -> float:
        """Share of paint, 0 to 1, in network encoding."""
        ...

    @property
    def mix(self) -> float:
        """Share of the result, 0 to 1, in the plate's space."""
        ...

    @property
    def keep_colours(self) -> float:
        """Share of the plate's own colours, 0 to 1."""
        ...

    @property
    def detail(self) -> float:
        """Share of the plate's fine detail, 0 to 1."""
        ...


def blend(encoded: Tensor, painted: Tensor, settings: PaintSettings) -> Tensor:
    """Blend paint with the plate in network encoding.

    Args:
        encoded: the plate (1, H, W, 3), 0 to 1.
        painted: what was painted (1, h, w, 3), 0 to 1.
        settings: strength, colours, detail.

    Returns:
        (1, H, W, 3), 0 to 1.
    """
    height, width = encoded.shape[1:3]
    full = resize_picture(painted, height, width).clamp(0, 1)
    if settings.detail > 0 and painted.shape[1] < height:
        coarse = resize_picture(resize_picture(encoded, *painted.shape[1:3]), height, width)
        full = full + settings.detail * luminance(encoded - coarse)
    if settings.keep_colours > 0:
        kept = encoded + luminance(full - encoded)
        full = torch.lerp(full, kept, settings.keep_colours)
    return torch.lerp(encoded, full.clamp(0, 1), settings.strength)


def luminance(picture: Tensor) -> Tensor:
    """Return the luma of encoded values, (..., 1)."""
    return (picture * torch.tensor(LUMA, device=picture.device)).sum(-1, keepdim=True)


def compose(
    frame: Prepared,
    painted: Tensor,
    settings: PaintSettings,
    colour: PlateColour,
    encoding: Encoding,
    matte: np.ndarray | None = None,
) -> np.ndarray:
    """Bring a painted frame back over its plate.

    Args:
        frame: the prepared plate.
        painted: (1, h, w, 3) network encoding, at painting size.
        settings: strength, mix, colours, detail.
        colour: the plate's colour space.
        encoding: how the plate was encoded.
        matte: (H, W), 1 means paint here; None paints everywhere.

    Returns:
        (H, W, 3) float32 over the canvas, in the plate's space and association.
    """
    placed = frame.placed
    amount = np.full(placed.rgb.shape[:2], settings.mix, np.float32)
    if matte is not None:
        amount *= np.clip(np.nan_to_num(matte), 0, 1)
    if not amount[placed.inside].any():
        return placed.rgb
    blended = blend(frame.encoded, painted, settings)
    return restore(frame, blended, amount, settings.strength, colour, encoding)


def restore(
    frame: Prepared,
    blended: Tensor,
    amount: np.ndarray,
    strength: float,
    colour: PlateColour,
    encoding: Encoding,
) -> np.ndarray:
    """Bring paint that was blended in network encoding back over its plate.

    Args:
        frame: the prepared plate.
        blended: (1, H, W, 3) network encoding, over the canvas.
        amount: (H, W) share of it, 0 to 1, in the plate's space.
        strength: the share of paint in it.
        colour: the plate's colour space.
        encoding: how the plate was encoded.

    Returns:
        (H, W, 3) float32 over the canvas, in the plate's space and association.
    """
    placed = frame.placed
    amount = amount[placed.inside]
    if not amount.any():
        return placed.rgb
    rows, columns = placed.inside
    linear = frame.linear[:, rows, columns]
    lit = encoding.decode(blended[:, rows, columns], linear)
    lost = 1 - strength  # share of what encoding and colour space cannot carry
    if lost > 0:
        lit += lost * (linear - encoding.decode(frame.encoded[:, rows, columns], linear))
    result = colour.from_linear(lit[0].cpu().numpy())
    plate = placed.rgb[placed.inside]
    alpha = None if placed.alpha is None else placed.alpha[placed.inside]
    if lost > 0 and not colour.is_identity and alpha is None:
        back = colour.from_linear(linear[0].cpu().numpy())
        result = result + np.float32(lost) * (plate - back)
    if alpha is not None and placed.is_premultiplied:
        result = premultiply(result, alpha, plate)
    finished = over(plate, result, amount, alpha)
    if finished.shape == placed.rgb.shape:
        return finished
    whole = placed.rgb.copy()
    whole[placed.inside] = finished
    return whole


def over(
    plate: np.ndarray, result: np.ndarray, amount: np.ndarray, alpha: np.ndarray | None
) -> np.ndarray:
    """Mix paint over plate; exactly one or the other where the amount is 1 or 0.

    Values that are not finite, and premultiplied pixels under alpha 0, stay the plate's.

    Args:
        plate: (H, W, 3).
        result: (H, W, 3).
        amount: (H, W), 0 to 1.
        alpha: (H, W) or None.
    """
    mixed = result
    if not (amount >= 1).all():
        share = amount[..., None]
        with np.errstate(invalid="ignore", over="ignore"):
            mixed = np.where(share >= 1, result, plate + share * (result - plate))
    keep = amount <= 0
    if alpha is not None:
        keep |= alpha == 0
    if not (is_finite(plate) and is_finite(mixed)):
        keep |= ~(np.isfinite(plate).all(-1) & np.isfinite(mixed).all(-1))
    if keep.any():
        mixed = np.where(keep[..., None], plate, mixed)
    return np.ascontiguousarray(mixed, np.float32)


def is_finite(values: np.ndarray) -> bool:
    """Say whether every value is a finite number."""
    with np.errstate(invalid="ignore"):  # infinities of both signs
        return bool(np.isfinite(values.sum(dtype=np.float64)))

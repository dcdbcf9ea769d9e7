"""Two shots become one: A over B, or A and B in shares, in scene-linear."""

from __future__ import annotations

import enum
from dataclasses import replace

import numpy as np

from ..errors import BadInput
from ..media.alpha import premultiply, unpremultiply
from ..media.placing import Placed
from ..media.source import Shot
from ..render.compose import over
from ..render.matte import Where
from .masks import on_canvas


class Operation(enum.Enum):
    """How A meets B."""

    OVER = "over"
    MIX = "mix"


def merged(
    b: Shot, a: Shot, operation: Operation, mix: float, mask: Where | None
) -> Shot:  # fmt: skip
    """Return B with A laid over it; windows, layers and metadata are those of B.

    Where the mix times the mask is 0, every bit is that of B.

    Raises:
        BadInput: when a frame is read that A lacks, or whose size differs.
    """
    if mix == 0:
        return b

    def read(number: int) -> Placed:
        under = b.read(number)
        amount = np.full(under.rgb.shape[:2], mix, np.float32)
        if mask is not None:
            amount *= mask.frame(number)
        top, cover = foreground(a, b, number)
        share = cover if operation is Operation.OVER else np.ones_like(cover)
        below = premultiplied(under)
        light = top + b.colour.to_linear(below) * (1 - share)[..., None]
        beneath = np.ones_like(cover) if under.alpha is None else under.alpha
        alpha = cover + beneath * (1 - share)
        rgb = b.colour.from_linear(light)
        if under.alpha is not None and not under.is_premultiplied:
            rgb = unpremultiply(rgb, alpha)
        made = replace(under, rgb=over(under.rgb, rgb, amount, None))
        if under.alpha is None:
            return made
        mixed = np.where(amount >= 1, alpha, beneath + amount * (alpha - beneath))
        mixed = np.where(amount <= 0, beneath, mixed).astype(np.float32)
        return replace(made, alpha=mixed, own_alpha=False)

    return replace(b, read=read)


def premultiplied(placed: Placed) -> np.ndarray:
    """Return a frame's RGB multiplied by its alpha."""
    if placed.alpha is None or placed.is_premultiplied:
        return placed.rgb
    return premultiply(placed.rgb, placed.alpha)


def foreground(a: Shot, b: Shot, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return A on B's canvas, premultiplied scene-linear RGB (H, W, 3), and its alpha (H, W).

    Raises:
        BadInput: A has no such frame; a single frame is that of every frame.
    """
    number = a.frames[0] if len(a.frames) == 1 else number
    if number not in a.frames:
        raise BadInput(f"merge: input a, {a.name}: frame {number}: there is none.")
    placed = a.read(number)
    rgb = on_canvas(a.colour.to_linear(premultiplied(placed)), a, b, "merge: input a,")
    alpha = np.ones(placed.rgb.shape[:2], np.float32) if placed.alpha is None else placed.alpha
    return rgb, on_canvas(alpha, a, b, "merge: input a,")

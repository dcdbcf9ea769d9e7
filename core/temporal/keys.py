"""Painted key frames carried over a shot, in both directions along the motion of the plate.

A frame between two keys is looked up in each of them once, through all the motion in between, so
that nothing blurs however far it is carried. How far to believe it goes along: the product of the
forward-backward checks on the way, and whether the plate there still looks as it did at the key.
Of the two keys one is chosen, patch by patch; the patches stick to the first key's picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..motion.flow import Flow
from .steady import CHANGED, blurred, changed, grid, moved, ramp, read_at, targets, trust

PATCH = 24.0  # pixels at 1024 across: the size of the patches in which one key gives way
SMALLEST_PATCH = 5.0  # pixels
SEAM = 0.12  # of the way from key to key over which a patch changes hands
NO_LEAD = 0.2  # difference of confidence that decides nothing
ENOUGH = 0.35  # confidence below which neither key is believed


@dataclass(frozen=True)
class Way:
    """The way from a frame to a key.

    Attributes:
        where: (H, W, 2) the place in the key of every pixel of the frame.
        sure: (H, W) product of the checks on the way, 0 to 1.
    """

    where: np.ndarray
    sure: np.ndarray

    @classmethod
    def none(cls, height: int, width: int) -> Way:
        """Return the way from a key to itself."""
        return cls(grid(height, width), np.ones((height, width), np.float32))

    def onwards(self, flow: Flow) -> Way:
        """Return the way from one frame further on.

        Args:
            flow: between this frame and the further one; `backward` lies on the further one and
                points into this, whichever of them comes first in time.
        """
        step = targets(flow)
        where = read_at(self.where, step)
        before = read_at(self.sure, step)
        return Way(where, before * trust(flow))


@dataclass(frozen=True)
class Key:
    """A painted key frame.

    Attributes:
        paint: (H, W, 3).
        plate: (H, W, 3) its plate, network encoding.
    """

    paint: np.ndarray
    plate: np.ndarray


def turned(flow: Flow) -> Flow:
    """Return a flow with time reversed."""
    return Flow(flow.forward, flow.backward)


def confidence(key: Key, way: Way, plate: np.ndarray) -> np.ndarray:
    """Return how far a key is to be believed on a frame (H, W), 0 to 1."""
    alike = 1 - ramp(changed(moved(key.plate, way.where), plate), CHANGED)
    return way.sure * alike


def patches(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Return an even spread of values (H, W), 0 to 1, in soft patches."""
    noise = np.random.default_rng(seed).standard_normal((height, width)).astype(np.float32)
    wide = blurred(noise, max(PATCH * width / 1024, SMALLEST_PATCH))
    order = np.empty(wide.size, np.float32)
    order[wide.argsort(axis=None, kind="stable")] = np.linspace(0, 1, wide.size, dtype=np.float32)
    return order.reshape(height, width)


def blend_keys(
    first: tuple[Key, Way] | None,
    second: tuple[Key, Way] | None,
    progress: float,
    plate: np.ndarray,
    otherwise: np.ndarray | None,
    spread: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Paint a frame from the keys on both sides.

    Args:
        first: the key before, and the way to it; None where there is none.
        second: the key after.
        progress: 0 at the first key, 1 at the second.
        plate: (H, W, 3) of the frame, network encoding.
        otherwise: (H, W, 3) where neither key is believed; None: the nearest key all the same.
        spread: what `patches` gives, on the first key.

    Returns:
        The picture (H, W, 3), and how far it is to be believed (H, W).
    """
    known = [None if key is None else confidence(*key, plate) for key in (first, second)]
    share = chosen(known[0], known[1], progress, spread, None if first is None else first[1].where)
    picture, sure = np.zeros_like(plate), np.zeros(plate.shape[:2], np.float32)
    for key, trusted, part in ((first, known[0], 1 - share), (second, known[1], share)):
        if key is not None and trusted is not None:
            picture += np.clip(moved(key[0].paint, key[1].where), 0, 1) * part[..., None]
            sure += trusted * part
    if otherwise is None:
        return picture, sure
    fill = blurred(1 - ramp(blurred(sure, 1.5), (ENOUGH, 2 * ENOUGH)), 1.5)[..., None]
    return picture + (otherwise - picture) * fill, sure


def chosen(
    before: np.ndarray | None,
    after: np.ndarray | None,
    progress: float,
    spread: np.ndarray,
    where: np.ndarray | None,
) -> np.ndarray:
    """Return the share of the second key (H, W): 0 or 1 but for soft seams.

    Args:
        before: confidence in the first key; None where there is none.
        after: confidence in the second.
        progress: 0 at the first key, 1 at the second.
        spread: when each patch of the first key gives way.
        where: places in the first key.
    """
    if before is None or after is None or where is None:
        return np.full(spread.shape, 0.0 if after is None else 1.0, np.float32)
    if progress in (0, 1):
        return np.full(spread.shape, progress, np.float32)
    turn = read_at(spread, where)
    late = (progress - turn) / SEAM + 0.5
    # One that is believed wins over one that is not, whatever the hour.
    lead = blurred(after - before, 1.0)
    lead = np.sign(lead) * np.maximum(np.abs(lead) - NO_LEAD, 0)
    return blurred(np.clip(late + lead * (4 / SEAM), 0, 1).astype(np.float32), 0.7)

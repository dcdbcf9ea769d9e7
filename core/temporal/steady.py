"""Steadying paint that somebody else painted, frame by frame, by the motion of its plate.

The last steady picture is carried onto this frame. Averaging it with the fresh paint would blur,
so strokes are *chosen*: carried paint where it tells the same story as the plate, fresh paint where
the plate has changed since that paint was made, where the motion cannot be trusted, and where fresh
and carried paint agree anyway: there the exchange cannot be seen, and undoes what carrying blurred.
Colour and light, which flicker without being blurred by an average, follow their mean over a few
frames to come. What little sharpness is lost on the way is given back band by band.

Everything works on the processor, on (H, W, C) arrays in network encoding: carrying by OpenCV takes
a fifteenth of the time of an exact warp, and nothing here has to be exact but zero motion.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
from torch import Tensor

from ..motion.consistency import CHECK, CHECK_FLOOR
from ..motion.flow import Flow, is_known
from ..stylizers.paint_state import PaintState

COARSE = 8.0  # pixels at 1024 across: what is wider is colour and light, what is finer strokes
REFERENCE_WIDTH = 1024
FINE = (1.0, 2.5)  # pixels at which strokes are split, to give sharpness back
CHANGED = (0.04, 0.12)  # of the encoded range: paint is kept below, given up above
ALIKE = (0.04, 0.06)  # mean difference of fresh and carried strokes: exchanged below, kept above
LIGHT = (0.01, 0.04)  # change of the plate's own light: paint keeps its colour below
HOLD = 0.9  # share of the carried colour and light that stays each frame
ENERGY = 10.0  # pixels over which the strength of strokes is compared
GAIN = (0.8, 1.5)  # by which carried strokes may be softened or sharpened
AROUND = np.ones((9, 9), np.uint8)  # no stroke is lighter or darker than all fresh ones around
MARGIN = 0.03  # but by this
SMALL = 1e-6  # square of contrast that is none
EDGE = cv2.BORDER_REPLICATE
FAR = -30000.0  # pixels; OpenCV counts to 32767
AT_REST = 1e-3  # pixels of motion that are none; estimators set still pixels to 0


@dataclass(frozen=True)
class Steadiness:
    """How a clip is steadied.

    Attributes:
        keep: share of the flicker that stays, 0 to 1, a number or (H, W): 1 gives the clip back.
        hold: how firmly paint rests where neither camera nor subject moves, 0 to 1.
    """

    keep: np.ndarray | float = 0.0
    hold: float = 1.0


@dataclass(frozen=True)
class Guide:
    """What is known of a frame before it is steadied.

    Attributes:
        plate: (H, W, 3) network encoding.
        flow: between the last plate and this one; None begins afresh.
        light: (h, w, 3) colour and light of the paint over the frames to come; None: its own.
    """

    plate: np.ndarray
    flow: Flow | None = None
    light: np.ndarray | None = None


@dataclass(frozen=True)
class Steadied:
    """One steadied frame.

    Attributes:
        picture: (H, W, 3), 0 to 1.
        kept: (H, W), 0 to 1: how much of the strokes was carried over.
        carried: (H, W, 3), 0 to 1, what was carried; None at a beginning.
    """

    picture: np.ndarray
    kept: np.ndarray
    carried: np.ndarray | None = field(default=None)


def steady(
    painted: np.ndarray, guide: Guide, state: PaintState, how: Steadiness
) -> tuple[Steadied, PaintState]:
    """Steady one frame.

    Args:
        painted: (H, W, 3), 0 to 1, what was painted of this frame alone.
        guide: what is known of it.
        state: the last steady picture, and the plate that its paint belongs to.
        how: how firmly.

    Returns:
        The frame, and the state after it.
    """
    fresh, plate = painted, guide.plate
    last, reference = array(state.painted), array(state.reference)
    if guide.flow is None or last is None or reference is None or last.shape != fresh.shape:
        made = Steadied(fresh, np.zeros(fresh.shape[:2], np.float32))
        return made, PaintState(tensor(fresh), tensor(plate), state.age + 1)
    where = targets(guide.flow)
    carried, belonged = np.clip(moved(last, where), 0, 1), moved(reference, where)
    trusted = trust(guide.flow) * (1 - ramp(changed(belonged, plate), CHANGED))
    trusted = soft(trusted)
    keep = 1 - np.asarray(how.keep, np.float32)
    strokes = trusted * keep * ramp(apart(fresh, carried), ALIKE)
    light = trusted * keep * HOLD * (1 - ramp(light_changed(belonged, plate), LIGHT))
    picture = mixed(fresh, carried, strokes, light, guide.light)
    still = resting(guide.flow) * trusted * keep * how.hold
    picture = np.clip(between(picture, carried, still), 0, 1)
    kept = np.maximum(strokes, still)
    belongs = between(plate, belonged, kept)
    after = PaintState(tensor(picture), tensor(belongs), state.age + 1)
    return Steadied(picture, kept, carried), after


def mixed(
    fresh: np.ndarray,
    carried: np.ndarray,
    strokes: np.ndarray,
    light: np.ndarray,
    ahead: np.ndarray | None,
) -> np.ndarray:
    """Choose strokes, filter colour and light, and give sharpness back.

    Args:
        fresh: (H, W, 3).
        carried: (H, W, 3).
        strokes: (H, W) share of carried strokes.
        light: (H, W) share of carried colour and light.
        ahead: (h, w, 3) colour and light of the frames to come; None: those of `fresh`.
    """
    height, width = fresh.shape[:2]
    own, kept = coarse(fresh), coarse(carried)
    towards = own
    if ahead is not None:
        steadier = cv2.resize(ahead, (width, height), interpolation=cv2.INTER_LINEAR)
        towards = between(own, steadier, np.minimum(1, light / HOLD))
    broad = between(towards, kept, light)
    wanted = fresh - own
    made = broad + sharpened(between(wanted, carried - kept, strokes), wanted, strokes)
    return np.clip(made, cv2.erode(fresh, AROUND) - MARGIN, cv2.dilate(fresh, AROUND) + MARGIN)


def sharpened(given: np.ndarray, wanted: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Give strokes (H, W, 3) the strength that fresh ones have around there, band by band."""
    made = np.zeros_like(given)
    for width in FINE:
        finer, finer_wanted = given - blurred(given, width), wanted - blurred(wanted, width)
        gain = np.sqrt((energy(finer_wanted) + SMALL) / (energy(finer) + SMALL))
        made += finer * (1 + (np.clip(gain, *GAIN) - 1) * share)[..., None]
        given, wanted = given - finer, wanted - finer_wanted
    return made + given


@dataclass(frozen=True)
class Onward:
    """How a frame goes on to the next one, in thumbnails.

    Attributes:
        step: (h, w, 2) pixels of the thumbnail.
        sure: (h, w), 0 to 1.
    """

    step: np.ndarray
    sure: np.ndarray


def onward(flow: Flow) -> Onward:
    """Return how a frame goes on, of the flow between it and the next."""
    turned = Flow(flow.forward, flow.backward)  # from here on, as backward flow is from t
    vectors = known(turned.backward)
    step, sure = thumbnail(vectors), thumbnail(trust(turned))
    step *= np.array(step.shape[1::-1], np.float32) / vectors.shape[1::-1]
    return Onward(step, sure)


def ahead_light(small: list[np.ndarray], onwards: list[Onward]) -> np.ndarray:
    """Return the mean colour and light of a frame and those to come, where they can be followed.

    Args:
        small: (h, w, 3) thumbnails, the frame's own first.
        onwards: from each to the next.

    Returns:
        (h, w, 3).
    """
    height, width = small[0].shape[:2]
    position = grid(height, width)
    total, weight = small[0].copy(), np.ones((height, width), np.float32)
    seen = np.ones((height, width), np.float32)
    for picture, on in zip(small[1:], onwards, strict=True):
        seen = seen * read_at(on.sure, position)
        position = position + read_at(on.step, position)
        arrived = read_at(picture, position)
        total, weight = total + arrived * seen[..., None], weight + seen
    return total / weight[..., None]


def array(picture: Tensor | None) -> np.ndarray | None:
    """Return a picture (1, H, W, C) as an array (H, W, C)."""
    return None if picture is None else np.ascontiguousarray(picture[0].cpu().numpy())


def tensor(picture: np.ndarray) -> Tensor:
    """Return an array (H, W, C) as a picture (1, H, W, C) of its own."""
    return torch.from_numpy(np.array(picture, np.float32))[None]


def grid(height: int, width: int) -> np.ndarray:
    """Return every pixel's own place (H, W, 2)."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.dstack((x, y))


def targets(flow: Flow) -> np.ndarray:
    """Return where the backward flow leads (H, W, 2)."""
    vectors = known(flow.backward)
    return grid(*vectors.shape[:2]) + vectors


def moved(picture: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Read a picture (H, W, C) at other places, without sharpening it.

    OpenCV's cubic (a = -0.75) amplifies, and in a recursion grows specks; with a third of linear
    its lobes are those of Catmull-Rom (a = -0.5).
    """
    cubic = read_at(picture, where, cv2.INTER_CUBIC)
    return cubic + (read_at(picture, where) - cubic) / 3


def read_at(picture: np.ndarray, where: np.ndarray, kernel: int = cv2.INTER_LINEAR) -> np.ndarray:
    """Read a picture (H, W, ...) at other places; beyond its edge, the edge."""
    return cv2.remap(picture, where, None, kernel, borderMode=EDGE)  # type: ignore[call-overload]


def trust(flow: Flow) -> np.ndarray:
    """Return where the backward flow leads back to where it came from (H, W), 0 or 1.

    Ruder et al. eq 6 alone: what is dragged over a motion boundary shows as a change of the plate.
    """
    back, ahead = (known(way) for way in flow)
    where = targets(flow)
    there = read_at(ahead, where)
    allowed = CHECK * (squared(there) + squared(back)) + CHECK_FLOOR
    found = is_known(flow.backward)[0, ..., 0].cpu().numpy() & (squared(there + back) <= allowed)
    last = np.array(found.shape[::-1], np.float32) - 0.5
    found &= ((where >= -0.5) & (where <= last)).all(-1)
    return cv2.erode(found.astype(np.float32), np.ones((3, 3), np.uint8))


def squared(vectors: np.ndarray) -> np.ndarray:
    """Return the squared lengths (H, W) of vectors (H, W, 2)."""
    return vectors[..., 0] * vectors[..., 0] + vectors[..., 1] * vectors[..., 1]


def known(vectors: Tensor) -> np.ndarray:
    """Return a flow (1, H, W, 2) as an array (H, W, 2); what is unknown is far off."""
    return torch.where(is_known(vectors), vectors, FAR)[0].cpu().numpy()


def resting(flow: Flow) -> np.ndarray:
    """Return where nothing moves (H, W), 0 or 1."""
    return (flow.backward.abs() < AT_REST).all(-1)[0].cpu().numpy().astype(np.float32)


def changed(belonged: np.ndarray, plate: np.ndarray) -> np.ndarray:
    """Return how much the plate differs from the one that the carried paint belongs to (H, W)."""
    return blurred(np.abs(belonged - plate).max(-1), 1.5)


def light_changed(belonged: np.ndarray, plate: np.ndarray) -> np.ndarray:
    """Return how much its colour and light differ (H, W)."""
    return np.abs(coarse(belonged) - coarse(plate)).max(-1)


def apart(fresh: np.ndarray, carried: np.ndarray) -> np.ndarray:
    """Return how far fresh and carried paint are apart (H, W)."""
    return blurred(np.abs(fresh - carried).mean(-1), 2.0)


def soft(mask: np.ndarray) -> np.ndarray:
    """Soften the edges of a mask inwards: what it leaves out stays out."""
    return blurred(mask, 1.0) * mask


def ramp(values: np.ndarray, span: tuple[float, float]) -> np.ndarray:
    """Rise from 0 to 1 over a span."""
    return np.clip((values - span[0]) / (span[1] - span[0]), 0, 1)


def between(one: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Blend two pictures (H, W, C) by a share (H, W); 0 and 1 give one of them to the bit."""
    amount = share[..., None]
    mix = one + (other - one) * amount
    return np.where(amount >= 1, other, mix)


def energy(band: np.ndarray) -> np.ndarray:
    """Return the strength of strokes around each pixel (H, W)."""
    return blurred((band * band).mean(-1), ENERGY)


def coarse(picture: np.ndarray) -> np.ndarray:
    """Return the colour and light of a picture (H, W, 3)."""
    return blurred(picture, COARSE * picture.shape[1] / REFERENCE_WIDTH)


def thumbnail(picture: np.ndarray) -> np.ndarray:
    """Return colour and light small: an eighth of the size at 1024 across."""
    height, width = picture.shape[:2]
    by = max(1.0, COARSE * width / REFERENCE_WIDTH)
    size = (max(1, round(width / by)), max(1, round(height / by)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def blurred(picture: np.ndarray, sigma: float) -> np.ndarray:
    """Blur by a Gaussian; a wide one is taken at less than full size."""
    if sigma <= 4:
        return cv2.GaussianBlur(picture, (0, 0), max(sigma, 0.3), borderType=EDGE)
    by = int(sigma / 2)
    height, width = picture.shape[:2]
    size = (max(1, width // by), max(1, height // by))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    wide = cv2.GaussianBlur(small, (0, 0), sigma / by, borderType=EDGE)
    return cv2.resize(wide, (width, height), interpolation=cv2.INTER_LINEAR)

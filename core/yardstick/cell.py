"""One cell of the table: one clip, painted by one look in one way, measured frame by frame."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from ..knobs import chain
from ..look import Look
from ..media.source import open_shot
from ..metrics.gupta import Curve, distortion_curves, instability, match_patches
from ..metrics.judge import Judge
from ..metrics.perceptual import perceptual_distance
from ..metrics.structure import ssim
from ..metrics.swarnakar import plate_and_paint
from ..metrics.temporal import Followed, carried_change, temporal_error
from ..motion.cuts import is_cut
from ..motion.flow import Flow, is_known, resize_flow
from ..motion.warp import inside
from ..render.assembly import assemble
from ..render.painting import Settings, ShotPainting
from ..render.request import Request
from ..stylizers.painter import STROKE_WIDTH
from ..stylizers.prior import resize_mask
from .clips import ClipFiles

LPIPS = "lpips"
MAP_WIDTH = 320  # pixels of the pictures that show where paint changes
AT_REST = 0.1  # pixels a frame: clips of less motion (median) are static


class Method(enum.Enum):
    """How a look is run."""

    OWN = "own"  # as the look says
    PER_FRAME = "per-frame"  # each frame by itself: what the others are a share of
    SHOT = "shot-statistics"  # normalisation frozen over the shot


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    frames: int = 24  # of each clip, from its first on
    width: int = 512  # pixels across at which clips are painted
    far: int = 8  # frames between the pictures of the long-term error; 0: not measured
    patches: int = 4  # a pair of frames; 0: not measured
    distortions: bool = False  # paint the first frame under known distortions too


class Pair(NamedTuple):
    """A plate and its paint, (1, h, w, 3), network encoding."""

    plate: Tensor
    paint: Tensor


@dataclass
class Measured:
    """What was measured of a cell."""

    rows: list[dict[str, float]] = field(default_factory=list)  # a frame each
    heat: np.ndarray | None = None  # (h, w) float32, mean squared change of the paint
    plate: np.ndarray | None = None  # (h, w, 3) uint8, of the frame that changes most
    paint: np.ndarray | None = None  # likewise
    worst: int | None = None  # its number
    distortions: dict[str, Curve] = field(default_factory=dict)  # of frame by frame

    def mean(self, name: str) -> float:
        """Return the mean of a number over the frames that have it; NaN where none does."""
        known = [row[name] for row in self.rows if np.isfinite(row.get(name, np.nan))]
        return float(np.mean(known)) if known else float("nan")


def set_up(clip: ClipFiles, look: Look, method: Method, extent: Extent) -> ShotPainting:
    """Set up the painting of a cell; all methods paint at one size."""
    shot = open_shot(clip.source)
    changes: dict[str, object] = {"stroke_size": STROKE_WIDTH / min(extent.width, STROKE_WIDTH)}
    if method is Method.SHOT:
        changes["normalise"] = "shot"
    is_alone = method is Method.PER_FRAME
    settings = Settings(chain(look.knobs, changes), look.exposure, per_frame=is_alone)
    painting = assemble(Request(shot, look, settings=settings)).painting()
    painting.freeze_if_asked()
    return painting


def measure(
    clip: ClipFiles,
    look: Look,
    method: Method,
    judge: Judge,
    extent: Extent,
    passed: Callable[[int], None] = lambda frame: None,
) -> Measured:
    """Paint a clip and measure every frame.

    Args:
        clip: what is painted.
        look: how.
        method: in which way.
        judge: what style, content and motion are seen by.
        extent: how much.
        passed: told of every frame that is done; may raise to stop.
    """
    painting = set_up(clip, look, method, extent)
    frames = painting.frames[: extent.frames]
    rng = np.random.default_rng(1)
    measured, past, changes = Measured(), list[Pair](), list[Tensor]()
    for place, moment in enumerate(painting.timeline.roll(frames[0], frames[-1])):
        here = Pair(painting.small(moment.frame), moment.outputs.picture)
        if past and is_cut(past[-1].plate, here.plate):
            past = []
        row = judge.still(here.paint, judge.see(here.plate))
        row["ssim"] = ssim(here.paint, here.plate)
        distance = perceptual_distance(here.paint, here.plate)
        if distance is not None:
            row[LPIPS] = distance
        if past:
            followed = judge.follow(past[-1].plate, here.plate)
            change = carried_change(past[-1].paint, here.paint, followed)
            row |= neighbours(past[-1], here, followed, change)
            row |= with_truth(clip, place - 1, past[-1], here)
            row |= patches(clip, place - 1, (past[-1], here), rng, extent.patches)
            if row["temporal"] >= max((r.get("temporal", 0) for r in measured.rows), default=0):
                measured.worst = moment.frame
                measured.plate, measured.paint = (eight_bit(picture) for picture in here)
            changes.append(change)
        if extent.far and len(past) >= extent.far:
            followed = judge.follow(past[-extent.far].plate, here.plate)
            change = carried_change(past[-extent.far].paint, here.paint, followed)
            row["temporal_far"] = temporal_error(change, followed.mask)
        measured.rows.append({"frame": float(moment.frame), **row})
        past = [*past, here][-max(extent.far, 1) :]
        passed(moment.frame)
    if extent.distortions and method is Method.PER_FRAME:
        picture = middle(painting.small(frames[0]).cpu())
        measured.distortions = distortion_curves(picture, painting.alone)
    if changes:
        measured.heat = shrunk(torch.stack(changes).mean(0)[0, ..., 0].numpy())
    return measured


def neighbours(before: Pair, here: Pair, followed: Followed, change: Tensor) -> dict[str, float]:
    """Measure two neighbouring frames."""
    speed = followed.flow.backward.square().sum(-1).sqrt()
    swarnakar = plate_and_paint((before.plate, here.plate), (before.paint, here.paint))
    return {
        "temporal": temporal_error(change, followed.mask),
        "temporal_all": float(change.mean()),
        "followed": float(followed.mask.mean()),
        "speed": float(speed.median()),
        "instability": instability(before.paint, here.paint),
        "swarnakar": swarnakar.absolute,
        "swarnakar_literal": swarnakar.literal,
        "swarnakar_squared": swarnakar.squared,
    }


def with_truth(clip: ClipFiles, place: int, before: Pair, here: Pair) -> dict[str, float]:
    """Measure the short-term error with the clip's true flow; nothing where it has none.

    As Ruder et al. (section 7.1): true flow leads from a frame into the next, so the next one is
    fetched back. What leaves the frame is not judged: Sintel's occlusions leave that out.
    """
    forward = clip.flow(place)
    if forward is None:
        return {}
    height, width = here.plate.shape[1:3]
    forward = resize_flow(forward, height, width)
    mask = inside(forward) * is_known(forward)
    visible = clip.visible(place)
    if visible is not None:
        mask = mask * (resize_mask(visible, height, width) > 0.999)
    back = Followed(Flow(torch.where(is_known(forward), forward, 0.0), -forward), mask.float())
    change = carried_change(here.paint, before.paint, back)
    return {
        "true_temporal": temporal_error(change, back.mask),
        "true_temporal_all": float(change.mean()),
    }


def patches(
    clip: ClipFiles, place: int, pairs: tuple[Pair, Pair], rng: np.random.Generator, count: int
) -> dict[str, float]:
    """Compare patches of the background; nothing where none are asked for or there is no room."""
    if not count:
        return {}
    objects = clip.foreground(place)
    if objects is not None:
        objects = (resize_mask(objects, *pairs[0].plate.shape[1:3]) > 0).float()
    plates, paints = zip(*pairs, strict=True)
    found = match_patches(plates, paints, objects, rng, count)
    return {"patch_psnr": found.psnr, "patch_ssim": found.ssim} if found else {}


def middle(picture: Tensor) -> Tensor:
    """Return the middle of a picture (1, h, w, 3), at most 256 pixels each way."""
    height, width = picture.shape[1:3]
    y, x = (max(0, (side - 256) // 2) for side in (height, width))
    return picture[:, y : y + 256, x : x + 256]


def eight_bit(picture: Tensor) -> np.ndarray:
    """Return a small picture (h, w, 3) uint8 of (1, H, W, 3), 0 to 1."""
    return np.rint(shrunk(picture[0].clamp(0, 1).numpy()) * 255).astype(np.uint8)


def shrunk(picture: np.ndarray) -> np.ndarray:
    """Scale (H, W) or (H, W, 3) down to the width of the page's pictures."""
    height, width = picture.shape[:2]
    size = (min(MAP_WIDTH, width), max(1, round(height * min(MAP_WIDTH, width) / width)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)

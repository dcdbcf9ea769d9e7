"""Measures a render while it goes on: the paint, and the same look run frame by frame.

All numbers are of the paint in network encoding, at painting size, before strength, mix, matte and
alpha: what the network did, not what is left of it over the plate. A frame's numbers depend on it
and the one before it only, so a render that was stopped goes on with the same ones.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..metrics.judge import Judge, encoder_digest
from ..metrics.temporal import Followed, carried_change, temporal_error
from ..motion.cuts import is_cut
from ..motion.flow import is_known
from .gallery import MAP_WIDTH, Gallery, Panel
from .journal import Entry
from .painting import Painted, Ready, ShotPainting
from .pipeline import Shared
from .shown import display_picture, eight_bit, fitted, plane

VERSION = 1
CEILING = 0.5  # root mean square change of the paint that a map shows in full
KEPT = 6  # plates and paintings of single frames that stay in memory
PANEL_WIDTH = 960
MAP_OF_PANEL = 480
FLOW_WIDTH = 240
MARK = "judged_by"


@dataclass(frozen=True)
class Change:
    """How paint changed since the last frame, with the prior and frame by frame."""

    followed: Followed
    ours: Tensor  # (1, h, w, 1)
    alone: Tensor

    def map(self) -> Tensor:
        """Return both, and what could be followed: (1, h, w, 3), linear in squared change."""
        return torch.cat((self.ours, self.alone, self.followed.mask), -1)


class Gauge:
    """Measures every frame of one render."""

    def __init__(self, judge: Judge, chosen: frozenset[int] = frozenset()) -> None:
        """Set a gauge up.

        Args:
            judge: who judges.
            chosen: frames that the page shows in any case.
        """
        self.judge, self.chosen = judge, chosen
        encoder = encoder_digest(judge.encoder) if judge.encoder else "none"
        manner = sorted((judge.manner or {}).items())
        told = [f"{tap} {float(m.mean.sum()):.6g}" for tap, m in manner]
        self.mark = zlib.crc32(repr((VERSION, encoder, judge.estimator.name, told)).encode())
        self.gallery = Gallery(Path())
        self.smalls: OrderedDict[int, Tensor] = OrderedDict()
        self.paintings: Shared[Tensor] | None = None

    def begin(self, folder: Path, entries: dict[int, Entry]) -> None:
        """Take up what earlier runs measured, as their journal says."""
        self.gallery = Gallery(folder / "page")
        self.gallery.begin(
            {
                frame: entry.numbers.get("temporal", 0.0)
                for frame, entry in entries.items()
                if entry.numbers.get(MARK) == self.mark
            }
        )

    def has(self, frame: int, numbers: dict[str, float]) -> bool:
        """Say whether all that the page needs of a frame is there."""
        panel = frame not in self.chosen or self.gallery.panel_path(frame).is_file()
        is_ours = numbers.get(MARK) == self.mark
        return is_ours and panel and self.gallery.map_path(frame).is_file()

    def remember(self, painting: ShotPainting, ready: Ready) -> None:
        """Note a plate on its way to the painter, in order: the next frame is compared with it."""
        if self.paintings is None:
            self.paintings = Shared(lambda f: self.painted_alone(painting, f), KEPT)
        self.smalls[ready.prepared.placed.frame] = ready.small
        while len(self.smalls) > KEPT:
            self.smalls.popitem(last=False)

    def small(self, painting: ShotPainting, frame: int) -> Tensor:
        """Return a plate at painting size."""
        small = self.smalls.get(frame)
        return painting.small(frame) if small is None else small

    def alone(self, painting: ShotPainting, frame: int) -> Tensor:
        """Return a frame painted by itself, in main memory; each is painted once."""
        if self.paintings is None:
            return self.painted_alone(painting, frame)
        return self.paintings.get(frame)

    def painted_alone(self, painting: ShotPainting, frame: int) -> Tensor:
        """Paint a frame by itself."""
        return painting.alone(self.small(painting, frame)).cpu()

    def measure(
        self, painting: ShotPainting, ready: Ready, painted: Painted, finished: np.ndarray
    ) -> dict[str, float]:
        """Measure one painted frame, and keep what the page shows of it.

        Args:
            painting: the shot.
            ready: the frame before it was painted.
            painted: and after.
            finished: (H, W, 3) over the canvas, plate's space.

        Returns:
            `temporal`, `style`, `content`, `sharpness`, each of the render and, with `_alone`, of
            the same look frame by frame; `followed`, the share of the frame whose motion could be
            judged. A first frame has no `temporal`; without encoder or manner the others are fewer.
        """
        frame = ready.prepared.placed.frame
        with painting.stopwatch.stage("judge"):
            ready, painted = in_main_memory(ready, painted)
            seen = self.judge.see(ready.small)
            per_frame = painting.settings.per_frame
            alone = painted.picture if per_frame else self.alone(painting, frame)
            numbers = self.judge.still(painted.picture, seen)
            still = numbers if per_frame else self.judge.still(alone, seen)
            numbers |= {f"{name}_alone": value for name, value in still.items()}
            change = self.change(painting, ready, painted, alone)
            if change is not None:
                mask = change.followed.mask
                numbers["temporal"] = temporal_error(change.ours, mask)
                numbers["temporal_alone"] = temporal_error(change.alone, mask)
                numbers["followed"] = float(mask.mean())
            numbers = {name: round(value, 9) for name, value in numbers.items()}
            self.keep(painting, ready, change, numbers.get("temporal", 0.0), (finished, alone))
        return numbers | {MARK: self.mark}

    def change(
        self, painting: ShotPainting, ready: Ready, painted: Painted, alone: Tensor
    ) -> Change | None:
        """Measure how paint changed; None where a shot begins."""
        frame = ready.prepared.placed.frame
        place = painting.frames.index(frame)
        if place == 0 or frame in painting.settings.cuts:
            return None
        last = painting.frames[place - 1]
        plate, knobs = self.small(painting, last).cpu(), painting.settings.knobs
        if painting.settings.per_frame:
            sensitivity = knobs.cut_sensitivity
            if knobs.detect_cuts and is_cut(plate, ready.small, sensitivity=sensitivity):
                return None
        elif painted.before is None:
            return None
        followed = self.judge.follow(plate, ready.small)
        before = self.alone(painting, last)
        theirs = carried_change(before, alone, followed)
        if painted.before is None:
            return Change(followed, theirs, theirs)
        ours = carried_change(painted.before, painted.picture, followed)
        return Change(followed, ours, theirs)

    def keep(
        self,
        painting: ShotPainting,
        ready: Ready,
        change: Change | None,
        error: float,
        pictures: tuple[np.ndarray, Tensor],
    ) -> None:
        """Keep a frame's map, and its panel if it is to be looked at."""
        shot, placed = painting.shot, ready.prepared.placed
        blank = torch.zeros((*ready.small.shape[:3], 3))
        changes = plane(shot, blank if change is None else change.map(), MAP_OF_PANEL)
        self.gallery.keep_map(placed.frame, as_map(fitted(shot, changes, MAP_WIDTH)))
        is_worst = self.gallery.is_worth_it(placed.frame, error)
        if placed.frame not in self.chosen and not is_worst:
            return
        flow, mask = motion_of(ready, change)
        panel = Panel(
            plate=display_picture(shot, placed, placed.rgb, PANEL_WIDTH),
            painted=display_picture(shot, placed, pictures[0], PANEL_WIDTH),
            alone=eight_bit(plane(shot, pictures[1], PANEL_WIDTH)),
            change=as_map(changes),
            flow=plane(shot, flow, FLOW_WIDTH).astype(np.float16),
            mask=eight_bit(plane(shot, mask, MAP_OF_PANEL))[..., 0],
        )
        self.gallery.keep_panel(placed.frame, panel, self.chosen)


def in_main_memory(ready: Ready, painted: Painted) -> tuple[Ready, Painted]:
    """Return what is measured where the judge is: in main memory, wherever it was painted."""
    before = None if painted.before is None else painted.before.cpu()
    painted = replace(painted, picture=painted.picture.cpu(), before=before)
    return replace(ready, small=ready.small.cpu()), painted


def as_map(changes: np.ndarray) -> np.ndarray:
    """Turn squared changes and a mask (h, w, 3) into a map, as `Panel.change`."""
    root = np.sqrt(np.clip(changes[..., :2], 0, None)) / CEILING
    return eight_bit(np.concatenate((root, changes[..., 2:]), -1))


def motion_of(ready: Ready, change: Change | None) -> tuple[Tensor, Tensor]:
    """Return flow (1, h, w, 2) in pixels of the plate and mask that a frame was painted with.

    Of a frame that was painted by itself, those that it was judged with.
    """
    height, width = ready.prepared.encoded.shape[1:3]
    if ready.flow is not None:
        flow = ready.flow.backward
    elif change is not None:
        h, w = ready.small.shape[1:3]
        flow = change.followed.flow.backward * torch.tensor((width / w, height / h))
    else:
        flow = torch.full((1, height, width, 2), torch.nan)
    flow = torch.where(is_known(flow), flow, torch.nan)
    if ready.prior is not None:
        return flow, ready.prior.mask
    blank = torch.zeros((*flow.shape[:3], 1))
    return flow, change.followed.mask if change is not None else blank

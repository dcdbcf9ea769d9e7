"""A painted clip being steadied by the motion of its plate: any frame, in any order.

It is a painting like any other to `renderer.py`, journal and checkpoints included; what is painted
is read, not made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..errors import BadInput
from ..knobs import ShotKnobs, SteadyKnobs
from ..media.encoding import Encoding
from ..media.source import Shot
from ..motion.cuts import is_cut
from ..motion.flow import Flow, resize_flow
from ..sequence import Checkpoints, Timeline
from ..stylizers.paint_state import PaintState
from ..stylizers.prior import resize_picture
from ..temporal.steady import (
    Guide,
    Onward,
    Steadied,
    Steadiness,
    ahead_light,
    onward,
    steady,
    tensor,
    thumbnail,
)
from .compose import compose
from .given_motion import GivenMotion
from .journal import OnDisk
from .matte import Where
from .motion import Motion
from .painting import Painted, Ready, Settings, ShotPainting, scratch
from .pipeline import Shared, Stopwatch
from .prepare import Prepared, prepare


@dataclass(frozen=True)
class Link:
    """How a plate goes on from the one before it."""

    flow: Flow | None  # None: it does not
    is_cut: bool


@dataclass(frozen=True)
class Guided(Ready):
    """A frame with all that steadying it needs."""

    plate: Tensor | None = None  # (1, h, w, 3) of the source, network encoding, painting size
    light: np.ndarray | None = None  # colour and light of the frames to come


class SteadyPainting(ShotPainting):
    """A painted clip, its source and settings; steady frames on demand."""

    def __init__(
        self,
        clip: Shot,
        source: Shot,
        motion: Motion,
        how: SteadyKnobs,
        settings: Settings,
        *,
        matte: Where | None = None,
        anchors: frozenset[int] = frozenset(),
        frames: tuple[int, ...] | None = None,
        checkpoints: Checkpoints[PaintState] | None = None,
    ) -> None:
        """Set it up; nothing is read yet.

        Args:
            clip: what somebody painted; steady frames are laid over it.
            source: what it was painted from.
            motion: where the source's motion comes from.
            how: how firmly.
            settings: cuts, and knobs that move.
            matte: where to steady, 1 is as firmly as the dial says; None: everywhere.
            anchors: frames that stand as they came: painted key frames.
            frames: frames of the recursion, if it is to begin later than the clip.
            checkpoints: where states are kept; by default in a temporary folder.
        """
        # Not super().__init__: there is no painter here, and nothing to be painted with.
        self.shot, self.source, self.motion, self.how, self.matte = clip, source, motion, how, matte
        self.anchors = anchors
        self.settings = replace(settings, knobs=ShotKnobs())
        self.device = torch.device("cpu")
        self.frames = frames or clip.frames
        self.places = {frame: place for place, frame in enumerate(self.frames)}
        self.numbers = matching(clip, source)
        self.encoding = Encoding(0.0, clip.is_scene_referred)
        self.stopwatch = Stopwatch()
        keep = how.look_ahead + 6
        self.prepared = Shared(self.prepare, keep=keep)
        self.plates = Shared(self.prepare_plate, keep=keep)
        self.links = Shared(self.link, keep=keep)
        self.onwards = Shared(self.onward, keep=keep)
        self.thumbnails = Shared(self.thumbnail, keep=keep)
        self.size = (clip.canvas.height, clip.canvas.width)
        is_given = isinstance(motion, GivenMotion)  # rendered motion lies on the source's pixels
        self.motion_size = (source.canvas.height, source.canvas.width) if is_given else self.size
        self.has_warned = False
        self.check()
        self.timeline: Timeline[Ready, Painted, PaintState] = Timeline(
            self.step,
            self.ready,
            self.frames,
            fresh=PaintState(),
            resets=lambda frame, ready: ready.is_cut,
            begins=lambda frame: frame in settings.cuts,
            checkpoints=checkpoints or OnDisk(scratch(self)),
        )

    def prepare_plate(self, frame: int) -> Prepared:
        """Read one frame of the source and bring it to network encoding, as motion is measured."""
        with self.stopwatch.stage("read"):
            placed = self.source.read(self.numbers[frame])
        with self.stopwatch.stage("prepare"):
            encoding = Encoding(0.0, self.source.is_scene_referred)
            made = prepare(placed, self.source.colour, encoding, self.device)
            encoded = resize_picture(made.encoded, *self.motion_size).clamp(0, 1)
            return replace(made, encoded=encoded, linear=encoded)

    def link(self, frame: int) -> Link:
        """Measure how a plate goes on from the one before it in the recursion."""
        place = self.places[frame]
        if place == 0 or frame in self.settings.cuts:
            return Link(None, is_cut=place > 0)
        last, this = self.plates.get(self.frames[place - 1]), self.plates.get(frame)
        with self.stopwatch.stage("motion"):
            flow = self.motion.between(last, this)
            how = self.how
            if how.detect_cuts and is_cut(last.encoded, this.encoded, flow, how.cut_sensitivity):
                return Link(None, is_cut=True)
            return Link(fitted(flow, *self.size), is_cut=False)

    def ready(self, frame: int) -> Guided:
        """Do all of a frame's work that needs no steady picture."""
        this, link = self.prepared.get(frame), self.links.get(frame)
        plate = resize_picture(self.plates.get(frame).encoded, *self.size).clamp(0, 1)
        light = self.light(frame)
        small = this.encoded.clamp(0, 1)
        return Guided(this, small, link.flow, None, link.is_cut, plate=plate, light=light)

    def light(self, frame: int) -> np.ndarray | None:
        """Return colour and light over the next few frames; a cut ends them."""
        if not self.how.look_ahead:
            return None
        place = self.places[frame]
        small, onwards = [self.thumbnails.get(frame)], []
        for number in self.frames[place + 1 : place + 1 + self.how.look_ahead]:
            on = self.onwards.get(number)
            if on is None:
                break
            onwards.append(on)
            small.append(self.thumbnails.get(number))
        with self.stopwatch.stage("steady"):
            return ahead_light(small, onwards)

    def onward(self, frame: int) -> Onward | None:
        """Return how the frame before goes on to this one; None where it does not."""
        flow = self.links.get(frame).flow
        with self.stopwatch.stage("steady"):
            return None if flow is None else onward(flow)

    def thumbnail(self, frame: int) -> np.ndarray:
        """Return the colour and light of a painted frame (h, w, 3), network encoding, small."""
        return thumbnail(np.clip(self.prepared.get(frame).encoded[0].numpy(), 0, 1))

    def step(self, x: Ready, state: PaintState) -> tuple[Painted, PaintState]:
        """Steady one frame: the operator that the timeline carries through time."""
        assert isinstance(x, Guided)
        assert x.plate is not None
        frame = x.prepared.placed.frame
        painted, plate = x.small[0].numpy(), x.plate[0].numpy()
        how = Steadiness(self.keep(frame), self.how.hold)
        with self.stopwatch.stage("steady"):
            made, after = steady(painted, Guide(plate, x.flow, x.light), state, how)
        return Painted(tensor(made.picture), shown(made), state.painted), after

    def keep(self, frame: int) -> np.ndarray:
        """Return the share of flicker (H, W) that stays on a frame: the dial under the matte."""
        if frame in self.anchors:
            return np.ones(self.size, np.float32)
        dial = self.settings.dials.at(self.how, frame).keep_flicker
        matte = np.float32(1) if self.matte is None else np.clip(self.matte.frame(frame), 0, 1)
        keep = 1 - (1 - dial) * np.nan_to_num(matte)
        return np.broadcast_to(np.asarray(keep, np.float32), self.size)

    def finish(
        self, frame: Prepared, painted: Tensor, knobs: ShotKnobs | None = None
    ) -> np.ndarray:
        """Bring a steady frame back over the clip; where nothing is steadied, to the bit."""
        with self.stopwatch.stage("finish"):
            number = frame.placed.frame
            dialled = knobs or replace(self.settings.knobs, mix=self.mix(number))
            matte = (self.keep(number) < 1).astype(np.float32)
            return compose(frame, painted, dialled, self.shot.colour, self.encoding, matte)

    def mix(self, frame: int) -> float:
        """Return the mix on a frame."""
        return self.settings.dials.at(self.how, frame).mix


def fitted(flow: Flow, height: int, width: int) -> Flow:
    """Return a flow on other pixels."""
    return Flow(*(resize_flow(way, height, width) for way in flow))


def shown(made: Steadied) -> Tensor | None:
    """Return what was carried and where it stayed, (1, h, w, 4), for measures and layers."""
    if made.carried is None:
        return None
    kept = made.kept[..., None]
    return tensor(np.concatenate((made.carried * kept, kept), -1))


def matching(clip: Shot, source: Shot) -> dict[int, int]:
    """Return the source's frame for each of the clip's: of the same number, else in order.

    Raises:
        BadInput: the source lacks a frame, or has another shape.
    """
    ratio = clip.canvas.width * source.canvas.height / (clip.canvas.height * source.canvas.width)
    if abs(ratio - 1) > 0.02:
        canvas, wanted = source.canvas, clip.canvas
        raise BadInput(
            f"source {source.name}: expected the shape of {clip.name}, {wanted.width}x"
            f"{wanted.height}; got {canvas.width}x{canvas.height}. Crop one to the other."
        )
    if set(clip.frames) <= set(source.frames):
        return {frame: frame for frame in clip.frames}
    if len(clip.frames) == len(source.frames) and (clip.is_video or source.is_video):
        return dict(zip(clip.frames, source.frames, strict=True))
    lacking = min(set(clip.frames) - set(source.frames))
    raise BadInput(
        f"source {source.name}: expected frame {lacking} as {clip.name} has; it has "
        f"{source.frames[0]} to {source.frames[-1]}."
    )

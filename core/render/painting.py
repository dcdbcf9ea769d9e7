"""A shot being painted: every frame of it, in any order, with the same pixels.

This is what the command line, StylizeShot and the hosts have in common. ``renderer.py`` drives it
over a range; a preview pulls single frames.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..dials import Dials
from ..errors import BadInput
from ..knobs import ShotKnobs
from ..media.encoding import Encoding
from ..media.placing import Placed
from ..media.source import Shot
from ..motion.consistency import trust
from ..motion.cuts import is_cut
from ..motion.flow import Flow
from ..sequence import Checkpoints, Timeline
from ..stylizers.adain import AnyStylePainter
from ..stylizers.paint_state import PaintState
from ..stylizers.painter import painting_size
from ..stylizers.prior import Prior, make_prior, resize_picture
from ..stylizers.protocol import Iterate, Stylizer
from ..stylizers.shot_statistics import Normalise, Sample, ShotStatistics
from .compose import compose
from .journal import OnDisk
from .matte import Where
from .motion import Motion
from .pipeline import Shared, Stopwatch
from .prepare import Prepared, prepare
from .watching import Turned

log = logging.getLogger(__name__)

SAMPLED_PIXELS = 3_000_000  # of all samples together, at painting size
MOST_SAMPLES = 6


@dataclass(frozen=True)
class Settings:
    """Everything that decides the pixels, beside the shot and the look's weights."""

    knobs: ShotKnobs = field(default_factory=ShotKnobs)
    exposure: float = 0.0
    per_frame: bool = False  # the same network without a prior
    cuts: tuple[int, ...] = ()  # first frames of new shots
    dials: Dials = field(default_factory=Dials)  # knobs that change from frame to frame
    styles: Mapping[int, float] = field(default_factory=dict)  # frame -> place along style pictures

    def at(self, frame: int) -> ShotKnobs:
        """Return the knobs as they are on a frame."""
        return self.dials.at(self.knobs, frame)


@dataclass(frozen=True)
class Ready:
    """One frame with all that painting it needs."""

    prepared: Prepared
    small: Tensor  # (1, h, w, 3), network encoding, painting size
    flow: Flow | None
    prior: Prior | None
    is_cut: bool
    opens: bool = False  # paint goes on from here: it is gone over until its strokes have settled


@dataclass(frozen=True)
class Painted:
    """One frame painted, before it goes back over its plate."""

    picture: Tensor  # (1, h, w, 3), network encoding
    carried: Tensor | None  # (1, h, w, 4): the masked warped prior and its mask
    before: Tensor | None = None  # (1, h, w, 3): what was painted last; None at a beginning


class ShotPainting:
    """A shot, a painter and settings; frames on demand."""

    def __init__(
        self,
        shot: Shot,
        painter: Stylizer,
        motion: Motion,
        settings: Settings,
        *,
        matte: Where | None = None,
        frames: tuple[int, ...] | None = None,
        checkpoints: Checkpoints[PaintState] | None = None,
        device: torch.device | None = None,
    ) -> None:
        """Set a painting up; nothing is read yet.

        Args:
            shot: what is painted.
            painter: with what.
            motion: where the motion comes from.
            settings: how.
            matte: where; None paints everywhere.
            frames: frames of the recursion, if it is to begin later than the shot.
            checkpoints: where states are kept; by default in a temporary folder that goes with the
                painting, so that scrubbing a long shot takes no more memory than a short one.
            device: where tensors live; the processor by default.
        """
        self.shot, self.motion, self.settings, self.matte = shot, motion, settings, matte
        self.device = device or torch.device("cpu")
        self.frames = frames or shot.frames
        self.places = {frame: place for place, frame in enumerate(self.frames)}
        self.encoding = Encoding(settings.exposure, shot.is_scene_referred)
        self.stopwatch = Stopwatch()
        self.prepared = Shared(self.prepare, keep=5)
        canvas, stroke = shot.canvas, settings.knobs.stroke_size
        across = shot.display.width
        self.size = painting_size(canvas.height, canvas.width, across, stroke, painter.width)
        self.painter = painter
        self.watch: Callable[[int, Iterate], None] | None = None
        self.has_warned = False
        self.check()
        self.timeline: Timeline[Ready, Painted, PaintState] = Timeline(
            self.step,
            self.ready,
            self.frames,
            fresh=PaintState(),
            resets=lambda frame, ready: ready.is_cut,
            begins=lambda frame: settings.per_frame or frame in settings.cuts,
            checkpoints=checkpoints or OnDisk(scratch(self)),
        )

    def check(self) -> None:
        """Refuse cuts that are no frames of the shot."""
        for cut in self.settings.cuts:
            if cut not in self.shot.frames:
                low, high = self.shot.frames[0], self.shot.frames[-1]
                raise BadInput(f"cuts: expected frames of the shot, {low} to {high}; got {cut}.")

    def prepare(self, frame: int) -> Prepared:
        """Read one frame and bring it to the network's colours."""
        with self.stopwatch.stage("read"):
            placed = self.shot.read(frame)
        self.warn_of_range(placed)
        with self.stopwatch.stage("prepare"):
            return prepare(placed, self.shot.colour, self.encoding, self.device)

    def warn_of_range(self, placed: Placed) -> None:
        """Say once where a plate holds values that its colour space cannot give back."""
        if self.has_warned or self.shot.colour.holds(placed.rgb):
            return
        with self.stopwatch.lock:  # frames are read in several threads
            if self.has_warned:
                return
            self.has_warned = True
        log.warning(
            "frame %s: holds values beyond the range of %s; they are painted as the nearest that "
            "it has, and stay the plate's where nothing is painted",
            placed.frame,
            self.shot.colour.space,
        )

    def ready(self, frame: int) -> Ready:
        """Do all of a frame's work that needs no painted picture."""
        this = self.prepared.get(frame)
        small = self.small(frame)
        place = self.places[frame]
        if self.settings.per_frame or place == 0 or frame in self.settings.cuts:
            opens = not self.settings.per_frame
            return Ready(this, small, None, None, is_cut=place > 0, opens=opens)
        last = self.prepared.get(self.frames[place - 1])
        with self.stopwatch.stage("motion"):
            return self.continued(last, this, small)

    def continued(self, last: Prepared, this: Prepared, small: Tensor) -> Ready:
        """Measure how a frame goes on from the one before it; a cut does not."""
        flow = self.motion.between(last, this)
        knobs = self.settings.knobs
        if knobs.detect_cuts and is_cut(last.encoded, this.encoded, flow, knobs.cut_sensitivity):
            return Ready(this, small, flow, None, is_cut=True, opens=True)
        return Ready(this, small, flow, self.prior(flow, this.placed.frame), is_cut=False)

    def prior(self, flow: Flow, frame: int) -> Prior:
        """Say how to carry paint along the flow that leads to a frame."""
        knobs = self.settings.at(frame)
        mask = trust(
            flow,
            check=knobs.check,
            check_floor=knobs.check_floor,
            boundary=knobs.boundary,
            boundary_floor=knobs.boundary_floor,
            dilate=knobs.dilate,
        )
        return make_prior(flow, mask, knobs)

    def step(self, x: Ready, state: PaintState) -> tuple[Painted, PaintState]:
        """Paint one frame: the operator that the timeline carries through time."""
        state = state.to(x.small.device)
        before = state.painted
        with self.stopwatch.stage("paint"):
            frame = x.prepared.placed.frame
            painter = self.painter_at(frame)
            goes_on = x.opens or x.prior is not None
            settle = self.settings.knobs.settle if goes_on else 0
            made = painter.go_on(x.small, x.prior, state, self.watching(frame), settle)
        return Painted(made.picture, made.carried, before), made.state

    def watching(self, frame: int) -> Callable[[Iterate], None] | None:
        """Return what is told of a frame's iterates; `watch` is, with the frame's number."""
        watch = self.watch
        return None if watch is None else lambda iterate: watch(frame, iterate)

    def painter_at(self, frame: int) -> Stylizer:
        """Return the painter as it is on a frame: where it goes along its style pictures."""
        place = self.settings.styles.get(frame)
        if place is None or not isinstance(self.painter, AnyStylePainter):
            return self.painter
        return self.painter.along(place)

    def small(self, frame: int) -> Tensor:
        """Return a plate at painting size, (1, h, w, 3), network encoding."""
        return resize_picture(self.prepared.get(frame).encoded, *self.size).clamp(0, 1)

    def alone(self, small: Tensor) -> Tensor:
        """Paint a plate at painting size by itself, as if there were no other frame."""
        fresh = PaintState()
        return self.painter.paint(small, None, fresh)[0]

    def finish(
        self, frame: Prepared, painted: Tensor, knobs: ShotKnobs | None = None
    ) -> np.ndarray:
        """Bring a painted frame back over its plate: (H, W, 3) over the canvas, plate's space."""
        with self.stopwatch.stage("finish"):
            matte = self.matte.frame(frame.placed.frame) if self.matte else None
            knobs, colour = knobs or self.settings.at(frame.placed.frame), self.shot.colour
            return compose(frame, painted, knobs, colour, self.encoding, matte)

    def begin(
        self,
        folder: Path,
        before_each: Callable[[int], None],
        after_each: Callable[[Turned], None],
    ) -> None:
        """Do what has to be done before the first frame, going on from what a folder holds."""

    def end(self) -> None:
        """Let go of what was kept for the last frame."""

    def frame(self, number: int) -> np.ndarray:
        """Return one finished frame, whatever was asked for before: (H, W, 3), plate's space."""
        painted = self.timeline.at(number)
        return self.finish(self.prepared.get(number), painted.picture)

    def measure(self, before_each: Callable[[int], None] = lambda frame: None) -> ShotStatistics:
        """Measure the shot's frozen statistics on pairs spread evenly over all of it.

        Args:
            before_each: called with the first frame of every pair; may raise to stop.
        """
        pixels = self.size[0] * self.size[1]
        count = max(1, min(MOST_SAMPLES, SAMPLED_PIXELS // pixels, len(self.shot.frames) - 1))
        places = np.linspace(0, max(len(self.shot.frames) - 2, 0), count).round().astype(int)
        samples = []
        for place in places:
            before_each(self.shot.frames[place])
            samples.append(self.sample(int(place)))
        return self.painter.measure(samples, self.size)

    def sample(self, place: int) -> Sample:
        """Return one neighbouring pair of the shot; a still is its own neighbour."""
        frames = self.shot.frames
        last = self.prepared.get(frames[place])
        this = self.prepared.get(frames[min(place + 1, len(frames) - 1)])
        flow = self.motion.between(last, this)
        return Sample(last.encoded, this.encoded, self.prior(flow, this.placed.frame))

    def freeze(self, statistics: ShotStatistics) -> None:
        """Paint with frozen statistics from here on; before the first frame is pulled."""
        self.painter = self.painter.frozen(statistics)

    def freeze_if_asked(self) -> None:
        """Measure and freeze the shot's statistics where the settings ask for it."""
        if self.wants_statistics:
            self.freeze(self.measure())

    @property
    def wants_statistics(self) -> bool:
        """Say whether the settings ask for frozen statistics that are not there yet."""
        frozen = self.settings.knobs.normalise is Normalise.SHOT
        return frozen and self.painter.lacks_statistics


def scratch(owner: object) -> Path:
    """Make a temporary folder for checkpoints; it is removed with its owner."""
    folder = tempfile.mkdtemp(prefix="stillbrush-")
    weakref.finalize(owner, shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)

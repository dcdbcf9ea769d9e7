"""A shot painted in several passes: frames on demand once the passes are done."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor

from ..motion.cuts import is_cut
from ..motion.flow import Flow, resize_flow
from ..stylizers.paint_state import PaintState
from ..stylizers.prior import resize_mask
from ..temporal.multi_pass import (
    GIGABYTE,
    Carry,
    Passes,
    PassStore,
    Repainter,
    Turn,
    run_passes,
)
from .painting import Painted, Ready, ShotPainting, scratch
from .pipeline import Shared
from .watching import Turned


class LookRepainter:
    """Whatever a look paints with; its temporal loss, if it has one, counts in the later passes."""

    def __init__(self, painting: ShotPainting) -> None:
        self.painting = painting

    def repaint(self, turn: Turn) -> Tensor:
        """Paint a frame from a picture to start with."""
        painting = self.painting
        number = painting.frames[turn.place]
        frame, beside = painting.small(number), turn.beside if turn.is_temporal else None
        with painting.stopwatch.stage("paint"):
            painter, watch = painting.painter_at(number), painting.watching(number)
            return painter.repaint(frame, turn.start, beside, watch)


class MultiPassPainting(ShotPainting):
    """A shot, a painter and several passes; nothing is painted before a frame is asked for."""

    passes: Passes
    store: PassStore
    repainter: Repainter

    def __init__(
        self,
        *given: Any,
        passes: Passes,
        disk_limit: float | None = None,
        repainter: Callable[[ShotPainting], Repainter] = LookRepainter,
        **more: Any,
    ) -> None:
        """Set it up; nothing is read yet.

        Args:
            given: as for a painting in one pass.
            passes: how many, and how they are joined.
            disk_limit: gigabytes that frames may take between passes; None: no limit.
            repainter: makes what paints.
            more: as for a painting in one pass.
        """
        super().__init__(*given, **more)
        self.passes = passes
        self.limit = None if disk_limit is None else int(disk_limit * GIGABYTE)
        self.store = PassStore(scratch(self), self.limit)
        self.repainter = repainter(self)
        self.flows = Shared(self.flow_into, keep=3)
        self.is_done = False
        self.timeline.begins = lambda frame: True  # what is carried was carried between passes

    def begin(
        self,
        folder: Path,
        before_each: Callable[[int], None] = lambda frame: None,
        after_each: Callable[[Turned], None] = lambda turned: None,
    ) -> None:
        """Paint the passes, going on from what a folder holds.

        Args:
            folder: where frames lie between passes.
            before_each: called with every frame before it is painted; may raise to stop.
            after_each: told every frame that a pass has painted.
        """
        self.store = PassStore(folder, self.limit)
        self.run(before_each, after_each)

    def run(
        self,
        before_each: Callable[[int], None] = lambda frame: None,
        after_each: Callable[[Turned], None] = lambda turned: None,
    ) -> None:
        """Paint the passes."""
        if self.is_done:
            return
        self.store.check_room(len(self.frames), *self.size)
        count, length, done = self.passes.count, len(self.frames), itertools.count(1)
        left = count * length - sum(self.store.latest(place) for place in range(length))

        def after(number: int, place: int) -> None:
            part = f"pass {number}/{count}"
            after_each(Turned(self.frames[place], part, next(done), left))

        run_passes(
            len(self.frames),
            self.repainter,
            self.carry,
            self.passes,
            self.store,
            lambda number, place: before_each(self.frames[place]),
            after,
        )
        self.is_done = True

    def end(self) -> None:
        """Let go of the frames between passes."""
        self.store.clear()

    def ready(self, frame: int) -> Ready:
        """Read a frame; its motion is not needed any more."""
        return Ready(self.prepared.get(frame), self.small(frame), None, None, is_cut=False)

    def step(self, x: Ready, state: PaintState) -> tuple[Painted, PaintState]:
        """Hand out a frame as the last pass left it."""
        self.run()
        place = self.places[x.prepared.placed.frame]
        picture = self.store.read(self.passes.count, place).to(x.small.device)
        return Painted(picture, None), PaintState(picture, x.small, state.age + 1)

    def flow_into(self, place: int) -> Flow | None:
        """Return the flow into a frame from the one before, at painting size; None at a cut."""
        frame = self.frames[place]
        if frame in self.settings.cuts:
            return None
        last, this = self.prepared.get(self.frames[place - 1]), self.prepared.get(frame)
        knobs = self.settings.knobs
        with self.stopwatch.stage("motion"):
            flow = self.motion.between(last, this)
            if knobs.detect_cuts and is_cut(
                last.encoded, this.encoded, flow, knobs.cut_sensitivity
            ):
                return None
        return flow

    def carry(self, place: int, beside: int) -> Carry | None:
        """Say how a neighbour's paint comes onto a frame."""
        flow = self.flows.get(max(place, beside))
        if flow is None:
            return None
        if beside > place:
            flow = Flow(flow.forward, flow.backward)
        mask = resize_mask(self.prior(flow, self.frames[place]).mask, *self.size).cpu()
        return Carry(resize_flow(flow.backward, *self.size).cpu(), mask)

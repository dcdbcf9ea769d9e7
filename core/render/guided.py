"""A shot painted with priors that come from elsewhere: the Stylizer of a graph, over a clip.

The graph's own nodes measure motion and say what to carry; everything else is `painting.py`, so a
graph that is wired as the chain is gives the pixels of the chain.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from ..errors import BadInput
from ..media.source import Shot
from ..motion.flow import Flow, unknown_flow
from ..sequence import InMemory, Moment, scan
from ..stylizers.paint_state import PaintState
from ..stylizers.prior import Prior, begins_shot, resize_picture
from ..stylizers.protocol import Stylizer
from ..stylizers.shot_statistics import Sample
from .painting import Painted, Ready, Settings, ShotPainting, Where
from .pipeline import ReadAhead
from .prepare import Prepared

READERS = 2
Step = Callable[[Ready, PaintState], tuple[Painted, PaintState]]


class Elsewhere:
    """Stands for motion that the graph measures."""

    name = "graph"

    def between(self, last: Prepared, this: Prepared) -> Flow:
        """Refuse to measure."""
        raise BadInput("stylizer: expected a prior; motion is measured by other nodes.")


class GuidedPainting(ShotPainting):
    """A shot painted with given priors."""

    def __init__(
        self,
        shot: Shot,
        painter: Stylizer,
        settings: Settings,
        priors: Callable[[int], Prior | None],
        *,
        matte: Where | None = None,
        device: torch.device | None = None,
    ) -> None:
        """Set a painting up; nothing is read yet.

        Args:
            shot: what is painted.
            painter: with what.
            settings: how.
            priors: how to carry the last painted frame onto a frame; None paints by itself.
            matte: where; None paints everywhere.
            device: where tensors live; the processor by default.
        """
        self.priors = priors
        super().__init__(
            shot,
            painter,
            Elsewhere(),
            settings,
            matte=matte,
            checkpoints=InMemory(),
            device=device,
        )

    def ready(self, frame: int) -> Ready:
        """Do all of a frame's work that needs no painted picture."""
        this = self.prepared.get(frame)
        small = resize_picture(this.encoded, *self.size).clamp(0, 1)
        prior = self.priors(frame)
        if prior is None:
            return Ready(this, small, None, None, is_cut=False)
        begins = begins_shot(prior)
        return Ready(this, small, None, None if begins else prior, is_cut=begins, opens=begins)

    def sample(self, place: int) -> Sample:
        """Return one neighbouring pair of the shot, carried as its prior says."""
        frames = self.shot.frames
        last = self.prepared.get(frames[place])
        number = frames[min(place + 1, len(frames) - 1)]
        this = self.prepared.get(number)
        return Sample(last.encoded, this.encoded, self.priors(number) or self.nothing(this))

    def nothing(self, frame: Prepared) -> Prior:
        """Return a prior that carries nothing."""
        height, width = frame.encoded.shape[1:3]
        return self.prior(unknown_flow(height, width, self.device), frame.placed.frame)


@dataclass(frozen=True)
class Finished:
    """One frame, done.

    Attributes:
        frame: its number.
        rgb: (H, W, 3) over the canvas, the plate's space.
        state: what is carried to the next frame.
    """

    frame: int
    rgb: np.ndarray
    state: PaintState


def paint_in_order(
    painting: ShotPainting,
    state: PaintState | None = None,
    step: Step | None = None,
    before_each: Callable[[int], None] = lambda frame: None,
) -> Iterator[Finished]:
    """Paint a whole shot into memory: reads ahead, paints, finishes behind.

    Args:
        painting: what is painted, its statistics frozen if they are to be.
        state: what was painted last, to go on from; None begins afresh.
        step: in place of the painting's own, for a host that has to watch over memory.
        before_each: called before a frame is painted; may raise to stop.
    """
    ahead = ReadAhead(painting.ready, painting.frames, READERS)
    ready: dict[int, Ready] = {}

    def pulled() -> Iterator[tuple[int, Ready]]:
        for frame in painting.frames:
            before_each(frame)
            ready[frame] = ahead.get(frame)
            yield frame, ready[frame]

    fresh = PaintState()
    moments = scan(
        step or painting.step,
        pulled(),
        state or fresh,
        fresh=fresh,
        resets=lambda frame, x: x.is_cut,
    )
    pending: deque[tuple[Moment[Painted, PaintState], Future[np.ndarray]]] = deque()
    with ThreadPoolExecutor(1) as behind:
        try:
            for moment in moments:
                prepared = ready.pop(moment.frame).prepared
                done = behind.submit(painting.finish, prepared, moment.outputs.picture)
                pending.append((moment, done))
                if len(pending) > 1:
                    yield finished(*pending.popleft())
            while pending:
                yield finished(*pending.popleft())
        finally:
            ahead.close()


def finished(moment: Moment[Painted, PaintState], done: Future[np.ndarray]) -> Finished:
    """Wait for a frame."""
    return Finished(moment.frame, done.result(), moment.state)

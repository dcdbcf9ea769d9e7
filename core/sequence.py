"""Time: the only code that carries state from frame to frame.

``scan`` runs a range in order. ``Timeline`` serves any frame of a shot in any order: it rolls
forward from the nearest checkpoint, so that frame 1040 is the same whoever asked for what before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from .errors import BadInput

I = TypeVar("I")  # noqa: E741 - inputs
O = TypeVar("O")  # noqa: E741 - outputs
S = TypeVar("S")

RECENT = 2
"""States kept of the frames served last: the same frame and the next one need no rolling."""


@dataclass(frozen=True)
class Moment(Generic[O, S]):
    """One frame done: what came out, and the state after it."""

    frame: int
    outputs: O
    state: S


def scan(
    step: Callable[[I, S], tuple[O, S]],
    inputs: Iterable[tuple[int, I]],
    state: S,
    *,
    fresh: S,
    resets: Callable[[int, I], bool] = lambda frame, x: False,
) -> Iterator[Moment[O, S]]:
    """Run a frame operator over frames in order.

    Args:
        step: the operator with its knobs bound.
        inputs: frame number and inputs, in order; pulled lazily, one at a time.
        state: the state before the first of them.
        fresh: the state at the start of a shot.
        resets: says whether a frame is the first of a new shot (a cut, a change of size).

    Yields:
        Outputs and state per frame; hand the last state back to go on.
    """
    for frame, x in inputs:
        if resets(frame, x):
            state = fresh
        outputs, state = step(x, state)
        yield Moment(frame, outputs, state)


class Checkpoints(Protocol[S]):
    """Where states are kept."""

    def before(self, frame: int) -> tuple[int, S] | None:
        """Return the latest stored frame that is <= frame, and the state after it."""
        ...

    def keep(self, frame: int, state: S) -> None:
        """Store the state after a frame."""
        ...


class InMemory(Generic[S]):
    """Checkpoints in memory: at most a fixed number, ever wider apart in a longer shot."""

    def __init__(self, most: int = 64) -> None:
        self.states: dict[int, S] = {}
        self.most = most

    def before(self, frame: int) -> tuple[int, S] | None:
        """Return the latest stored frame that is <= frame, and the state after it."""
        kept = [number for number in self.states if number <= frame]
        return (max(kept), self.states[max(kept)]) if kept else None

    def keep(self, frame: int, state: S) -> None:
        """Store the state after a frame; let go of every second one where there are too many."""
        self.states[frame] = state
        if len(self.states) > self.most:
            for number in sorted(self.states)[-2::-2]:
                del self.states[number]


class Timeline(Generic[I, O, S]):
    """A frame operator over a shot, served in any order.

    Recursion is anchored at the shot's first frame, or at the last cut before the frame that is
    asked for; checkpoints only save work.
    """

    def __init__(
        self,
        step: Callable[[I, S], tuple[O, S]],
        inputs: Callable[[int], I],
        frames: tuple[int, ...],
        *,
        fresh: S,
        resets: Callable[[int, I], bool] = lambda frame, x: False,
        begins: Callable[[int], bool] = lambda frame: False,
        checkpoints: Checkpoints[S] | None = None,
        every: int = 16,
    ) -> None:
        """Set a timeline up; nothing is pulled yet.

        Args:
            step: the operator with its knobs bound.
            inputs: the inputs of a frame; pure.
            frames: all frames of the recursion, in order.
            fresh: the state at the start of a shot.
            resets: says, from a frame's inputs, whether a new shot begins there.
            begins: says so of frames where it is known without their inputs.
            checkpoints: where states are kept; in memory by default.
            every: frames from one checkpoint to the next.
        """
        self.step, self.inputs, self.frames, self.fresh = step, inputs, frames, fresh
        self.resets, self.begins = resets, begins
        self.checkpoints: Checkpoints[S] = checkpoints or InMemory()
        self.every = every
        self.places = {frame: place for place, frame in enumerate(frames)}
        self.recent: tuple[tuple[int, S], ...] = ()

    def roll(
        self, first: int, last: int, passed: Callable[[int], None] = lambda frame: None
    ) -> Iterator[Moment[O, S]]:
        """Yield the frames first..last, rolling up to the first from the nearest checkpoint.

        Args:
            first: the first frame that is wanted.
            last: the last one.
            passed: called with every frame before the first that had to be run.

        Raises:
            BadInput: the shot has no such frame.
        """
        for frame in (first, last):
            if frame not in self.places:
                low, high = self.frames[0], self.frames[-1]
                raise BadInput(f"frame {frame}: the shot has frames {low} to {high}.")
        start, state = self.anchor(first)
        wanted = self.frames[start : self.places[last] + 1]
        lazily = ((frame, self.inputs(frame)) for frame in wanted)
        for moment in scan(self.step, lazily, state, fresh=self.fresh, resets=self.resets):
            if self.places[moment.frame] % self.every == self.every - 1:
                self.checkpoints.keep(moment.frame, moment.state)
            self.recent = (*self.recent, (moment.frame, moment.state))[-RECENT:]
            if self.places[moment.frame] >= self.places[first]:
                yield moment
            else:
                passed(moment.frame)

    def anchor(self, frame: int) -> tuple[int, S]:
        """Return the place to begin rolling at and the state before it, to arrive at a frame."""
        resume, state = 0, self.fresh
        for kept in (self.checkpoints.before(frame - 1), *self.recent):
            if kept is not None and resume <= self.places[kept[0]] < self.places[frame]:
                resume, state = self.places[kept[0]] + 1, kept[1]
        for place in range(self.places[frame], resume - 1, -1):
            if self.begins(self.frames[place]):
                return place, self.fresh
        return resume, state

    def at(self, frame: int) -> O:
        """Return the outputs of one frame."""
        for moment in self.roll(frame, frame):
            return moment.outputs
        raise BadInput(f"frame {frame}: the shot has no such frame.")

"""Time: split, order and cuts, on an operator whose every output tells its whole past."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from stillbrush.core.errors import BadInput
from stillbrush.core.sequence import InMemory, Timeline, scan

FRAMES = tuple(range(1001, 1061))
Past = tuple[int, ...]


def remember(x: int, state: Past) -> tuple[Past, Past]:
    past = (*state, x)
    return past, past


class Counted:
    """Inputs that count how often they are pulled."""

    def __init__(self) -> None:
        self.pulls = 0

    def __call__(self, frame: int) -> int:
        self.pulls += 1
        return frame


def timeline(
    inputs: Callable[[int], int] = lambda frame: frame, **more: object
) -> Timeline[int, Past, Past]:
    return Timeline(remember, inputs, FRAMES, fresh=(), every=8, **more)


def test_a_scan_is_lazy_and_starts_afresh_where_a_shot_begins() -> None:
    pulled = []

    def frames():
        for number in range(5):
            pulled.append(number)
            yield number, number

    moments = scan(remember, frames(), (), fresh=(), resets=lambda frame, x: x == 2)
    assert next(moments).outputs == (0,)
    assert pulled == [0]
    assert [moment.outputs for moment in moments] == [(0, 1), (2,), (2, 3), (2, 3, 4)]


def test_any_order_gives_what_rolling_from_the_start_gives() -> None:
    rng = random.Random(1)
    line = timeline()
    for _ in range(100):
        frame = rng.choice(FRAMES)
        assert line.at(frame) == tuple(range(1001, frame + 1))


def test_a_cut_known_or_found_is_where_recursion_begins() -> None:
    cuts = (1020, 1033)
    rng = random.Random(2)
    known = timeline(begins=lambda frame: frame in cuts, resets=lambda frame, x: frame in cuts)
    found = timeline(resets=lambda frame, x: frame in cuts)
    for _ in range(60):
        frame = rng.choice(FRAMES)
        first = max([1001, *(cut for cut in cuts if cut <= frame)])
        assert known.at(frame) == found.at(frame) == tuple(range(first, frame + 1))


def test_a_known_cut_saves_the_work_before_it() -> None:
    inputs = Counted()
    timeline(inputs, begins=lambda frame: frame == 1050).at(1052)
    assert inputs.pulls == 3


def test_pulling_in_order_or_again_does_the_work_once() -> None:
    inputs = Counted()
    line = timeline(inputs)
    for frame in FRAMES:
        line.at(frame)
    assert inputs.pulls == len(FRAMES)
    line.at(FRAMES[-1])
    assert inputs.pulls == len(FRAMES) + 1


def test_checkpoints_bound_the_work_of_a_jump() -> None:
    inputs = Counted()
    line = timeline(inputs)
    line.at(1060)
    line.at(1003)
    inputs.pulls = 0
    assert line.at(1056) == tuple(range(1001, 1057))
    assert inputs.pulls <= 8


def test_rolling_yields_exactly_the_frames_asked_for() -> None:
    line = timeline()
    assert [moment.frame for moment in line.roll(1010, 1014)] == [1010, 1011, 1012, 1013, 1014]
    with pytest.raises(BadInput, match="1001 to 1060"):
        next(line.roll(1000, 1010))
    with pytest.raises(BadInput, match="frame 1061"):
        line.at(1061)


def test_gaps_in_the_numbers_do_no_harm() -> None:
    frames = (1, 2, 5, 9, 10, 40)
    line = Timeline(remember, lambda frame: frame, frames, fresh=(), every=2)
    for frame in (40, 5, 10, 9, 1):
        assert line.at(frame) == tuple(f for f in frames if f <= frame)


def test_states_in_memory_are_bounded_and_the_latest_is_kept() -> None:
    kept: InMemory[Past] = InMemory(most=8)
    line = timeline(checkpoints=kept)
    line.every = 1
    for frame in FRAMES:
        line.at(frame)
        assert len(kept.states) <= 8
        assert kept.before(frame) == (frame, tuple(range(1001, frame + 1)))
    assert line.at(1030) == tuple(range(1001, 1031))
    assert kept.before(1000) is None

"""Reading ahead and writing behind: in order, bounded, and no failure is lost."""

from __future__ import annotations

import threading
import time

import pytest

from stillbrush.core.render.pipeline import ReadAhead, Shared, Stopwatch, WriteBehind


class Maker:
    """Makes frames, noting how many were begun and how many at once."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.begun: list[int] = []
        self.now = self.most = 0
        self.seconds = seconds
        self.lock = threading.Lock()

    def __call__(self, frame: int) -> int:
        with self.lock:
            self.begun.append(frame)
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(self.seconds)
        with self.lock:
            self.now -= 1
        return frame * 10


def test_frames_come_in_order_and_never_far_ahead() -> None:
    make = Maker(0.001)
    frames = tuple(range(100, 140))
    ahead = ReadAhead(make, frames, 2)
    for place, frame in enumerate(frames):
        assert ahead.get(frame) == frame * 10
        assert len(make.begun) <= place + ahead.depth
        assert len(ahead.pending) <= ahead.depth
    ahead.close()
    assert sorted(make.begun) == list(frames)
    assert make.most <= 2


def test_a_jump_lets_go_of_what_is_not_wanted() -> None:
    make = Maker(0.002)
    ahead = ReadAhead(make, tuple(range(100)), 2)
    for frame in (0, 50, 51, 10, 99):
        assert ahead.get(frame) == frame * 10
        assert all(abs(number - frame) <= ahead.depth for number in ahead.pending)
    ahead.close()


def test_a_frame_that_fails_fails_when_it_is_its_turn() -> None:
    def make(frame: int) -> int:
        if frame == 3:
            raise ValueError("frame 3 is broken")
        return frame

    ahead = ReadAhead(make, tuple(range(6)), 2)
    assert [ahead.get(frame) for frame in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="frame 3"):
        ahead.get(3)
    assert ahead.get(4) == 4
    ahead.close()


def test_writing_is_bounded_and_everything_is_done_in_the_end() -> None:
    behind = WriteBehind(2)
    done, most = [], 0
    for number in range(20):
        behind.submit(lambda n=number: (time.sleep(0.002), done.append(n)))
        most = max(most, len(behind.pending))
    behind.close()
    assert sorted(done) == list(range(20))
    assert most <= 3


def test_a_failed_write_stops_the_next_one_and_the_end() -> None:
    behind = WriteBehind(1)

    def fail() -> None:
        raise OSError("disk full")

    behind.submit(fail)
    while behind.error is None:
        time.sleep(0.001)
    done: list[int] = []
    with pytest.raises(OSError, match="disk full"):
        behind.submit(lambda: done.append(1))
    assert done == []
    with pytest.raises(OSError, match="disk full"):
        behind.close()


def test_a_failed_last_write_is_not_lost() -> None:
    behind = WriteBehind(2)
    behind.submit(lambda: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        behind.close()


def test_what_is_dropped_is_not_begun_and_says_nothing() -> None:
    behind, held, done = WriteBehind(1), threading.Event(), []

    def fail() -> None:
        held.wait(10)
        raise OSError("disk full")

    behind.submit(fail)
    behind.submit(lambda: done.append(1))
    threading.Timer(0.05, held.set).start()
    behind.drop()
    assert done == []
    assert isinstance(behind.error, OSError)


def test_what_is_shared_is_computed_once_whoever_asks() -> None:
    make = Maker(0.01)
    shared = Shared(make, keep=4)
    results: list[int] = []
    threads = [threading.Thread(target=lambda: results.append(shared.get(7))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [70] * 8
    assert make.begun == [7]


def test_only_the_latest_few_are_kept() -> None:
    make = Maker()
    shared = Shared(make, keep=3)
    for frame in range(10):
        shared.get(frame)
        shared.get(0)
        assert len(shared.results) <= 3
    assert make.begun.count(0) == 1  # asked for again and again, it stays
    shared.get(2)
    assert make.begun.count(2) == 2


def test_a_failure_is_told_and_not_kept() -> None:
    calls = []

    def make(frame: int) -> int:
        calls.append(frame)
        if len(calls) == 1:
            raise ValueError("once")
        return frame

    shared = Shared(make, keep=2)
    with pytest.raises(ValueError, match="once"):
        shared.get(5)
    assert shared.get(5) == 5


def test_a_stopwatch_adds_over_threads() -> None:
    watch = Stopwatch()

    def work() -> None:
        with watch.stage("paint"):
            time.sleep(0.01)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert watch.seconds["paint"] >= 0.04

"""Bounded overlap: read ahead, work, write behind. Memory does not grow with the shot."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class Stopwatch:
    """Seconds spent per stage, over all threads."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.lock = threading.Lock()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time spent inside."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - begun
            with self.lock:
                self.seconds[name] = self.seconds.get(name, 0.0) + spent


class Shared(Generic[T]):
    """Computes each frame once, in whichever thread asks first, and keeps the latest few."""

    def __init__(self, compute: Callable[[int], T], keep: int) -> None:
        self.compute, self.keep = compute, keep
        self.results: OrderedDict[int, Future[T]] = OrderedDict()
        self.lock = threading.Lock()

    def get(self, frame: int) -> T:
        """Return a frame's result."""
        with self.lock:
            future = self.results.get(frame)
            mine = future is None
            if future is None:
                future = self.results[frame] = Future()
                while len(self.results) > self.keep:
                    self.results.popitem(last=False)
            else:
                self.results.move_to_end(frame)
        if mine:
            try:
                future.set_result(self.compute(frame))
            except BaseException as error:
                with self.lock:
                    self.results.pop(frame, None)
                future.set_exception(error)
        return future.result()


class ReadAhead(Generic[T]):
    """Hands out frames in order while the next ones are being made."""

    def __init__(self, make: Callable[[int], T], frames: tuple[int, ...], workers: int) -> None:
        self.make, self.frames = make, frames
        self.depth = workers + 1
        self.pool = ThreadPoolExecutor(workers, thread_name_prefix="ahead")
        self.places = {frame: place for place, frame in enumerate(frames)}
        self.pending: dict[int, Future[T]] = {}

    def get(self, frame: int) -> T:
        """Return one frame and start on those that follow."""
        place = self.places[frame]
        wanted = self.frames[place : place + self.depth]
        for late in [number for number in self.pending if number not in wanted]:
            self.pending.pop(late).cancel()
        for number in wanted:
            if number not in self.pending:
                self.pending[number] = self.pool.submit(self.make, number)
        return self.pending.pop(frame).result()

    def close(self) -> None:
        """Let go of what was begun."""
        self.pool.shutdown(wait=True, cancel_futures=True)


class WriteBehind:
    """Finishes frames in the background; at most a few at a time."""

    def __init__(self, workers: int) -> None:
        self.pool = ThreadPoolExecutor(workers, thread_name_prefix="behind")
        self.room = threading.Semaphore(workers + 1)
        self.pending: set[Future[None]] = set()
        self.error: BaseException | None = None

    def submit(self, work: Callable[[], None]) -> None:
        """Hand over one frame's work; waits while there is no room.

        Raises:
            whatever an earlier frame's work raised.
        """
        self.room.acquire()
        self.check()
        future = self.pool.submit(work)
        self.pending.add(future)
        future.add_done_callback(self.finished)

    def finished(self, future: Future[None]) -> None:
        """Make room, and remember the first failure."""
        error = None if future.cancelled() else future.exception()
        if error is not None and self.error is None:
            self.error = error
        self.pending.discard(future)
        self.room.release()

    def check(self) -> None:
        """Raise what an earlier frame's work raised."""
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        """Wait for everything that was handed over.

        Raises:
            whatever a frame's work raised.
        """
        self.pool.shutdown(wait=True)
        self.check()

    def drop(self) -> None:
        """Let go of what is not begun, wait for the rest, and say nothing of it."""
        self.pool.shutdown(wait=True, cancel_futures=True)

"""Brings what a worker tells into Natron's own thread, which alone may touch nodes.

In the interface a timer of Qt looks every quarter of a second; in a terminal the call waits.
"""

from __future__ import annotations

import importlib
import queue
from collections.abc import Callable
from typing import Any

Event = dict[str, Any]
QUARTER = 250  # milliseconds


def is_background() -> bool:
    """Say whether Natron runs without its interface."""
    return bool(importlib.import_module("NatronEngine").natron.isBackground())


def qt_timer() -> Any:
    """Return a timer of the Qt that Natron brings; None where there is none."""
    for name in ("PySide6", "PySide2", "PySide"):
        try:
            return importlib.import_module(name + ".QtCore").QTimer()
        except ImportError:
            continue
    return None


class Inbox:
    """Events on their way into Natron's thread.

    Attributes:
        act: takes an event, and says whether it was the last.
    """

    def __init__(self, act: Callable[[Event], bool]) -> None:
        self.act = act
        self.waiting: queue.Queue[Event] = queue.Queue()
        self.is_over = False
        self.is_direct = False
        self.timer: Any = None

    def put(self, event: Event) -> None:
        """Take an event, in whatever thread."""
        if self.is_direct:
            self.handle(event)
        else:
            self.waiting.put(event)

    def handle(self, event: Event) -> None:
        """Act on an event."""
        self.is_over = self.act(event) or self.is_over

    def watch(self) -> None:
        """Begin to look for events; without a timer each is acted on where it comes in."""
        if is_background():
            return
        self.timer = qt_timer()
        if self.timer is None:
            self.is_direct = True
            return
        self.timer.timeout.connect(self.drain)
        self.timer.start(QUARTER)

    def drain(self) -> None:
        """Act on all events that wait."""
        while not self.waiting.empty():
            self.handle(self.waiting.get())
        if self.is_over and self.timer is not None:
            self.timer.stop()

    def wait(self) -> None:
        """Act on events until the last one."""
        while not self.is_over:
            self.handle(self.waiting.get())

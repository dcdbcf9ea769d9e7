"""What whoever started a render is told, and asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ..stylizers.protocol import Iterate


@dataclass(frozen=True)
class Progress:
    """How far a render has come, told after every frame that is written or passed through."""

    frame: int
    done: int
    total: int
    seconds: float
    stages: dict[str, float]  # seconds by stage, over all threads
    is_written: bool = True  # False: painted on the way to the first frame that is wanted
    part: str = ""  # of what is done before the first frame is written, such as `pass 2/4`

    @property
    def rate(self) -> float:
        """Frames per second so far."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def remaining(self) -> float:
        """Seconds to go."""
        return (self.total - self.done) / self.rate if self.rate else 0.0

    @property
    def bottleneck(self) -> str:
        """The stage that took longest."""
        return max(self.stages, key=lambda name: self.stages[name], default="")


@dataclass(frozen=True)
class Turned:
    """A frame that was painted before any is written."""

    frame: int
    part: str  # of the work, such as `pass 2/4`
    done: int
    total: int


class Watcher(Protocol):
    """Whoever started a render."""

    def progress(self, progress: Progress) -> None:
        """Take note of a finished frame."""
        ...

    def is_cancelled(self) -> bool:
        """Say whether to stop; asked before every frame."""
        ...


@runtime_checkable
class Onlooker(Protocol):
    """A watcher that wants to see frames while they are being painted."""

    def iterated(self, frame: int, iterate: Iterate) -> None:
        """Take note of an iterate of a frame that is optimised."""
        ...

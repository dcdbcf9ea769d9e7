"""What the command line says: messages, tables, progress."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:  # `doctor` speaks where OpenCV cannot be imported
    from typing_extensions import Self

    from ...core.render.renderer import Progress as Step
    from ...core.stylizers.protocol import Iterate

LIVE_EVERY = 2.0  # seconds

# A path with `:fire:` in it stays a path.
console = Console(highlight=False, soft_wrap=True, emoji=False)
errors = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def complain(message: str, title: str = "Error") -> None:
    """Show one error line."""
    errors.print(f"[bold red]{title}:[/] ", end="")
    errors.print(message, markup=False)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Show texts in columns, whole, whatever the width of the terminal."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    for number, line in enumerate(lines):
        padded = (
            text + " " * (width - cell_len(text)) for text, width in zip(line, widths, strict=True)
        )
        text = "  ".join(padded).rstrip()
        console.print(text, markup=False, style="bold" if number == 0 else None)


class Interrupt:
    """Ctrl-C: the first asks the render to stop after this frame, the second ends at once."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self, number: int, stack: FrameType | None) -> None:
        """Take note of a signal."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def interruptible() -> Iterator[Interrupt]:
    """Listen for Ctrl-C and for a farm's SIGTERM."""
    interrupt = Interrupt()
    before = {s: signal.signal(s, interrupt) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Bar:
    """A live progress line; a plain line a frame where there is no terminal."""

    def __init__(self, total: int, interrupt: Interrupt, title: str) -> None:
        self.interrupt, self.total = interrupt, total
        self.bar = Progress(
            SpinnerColumn(),
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[slow]}"),
            console=errors,
            disable=not errors.is_terminal,
        )
        self.task: TaskID = self.bar.add_task(title, total=total, rate="", slow="")

    def __enter__(self) -> Bar:
        """Show the bar."""
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away."""
        self.bar.stop()

    def progress(self, progress: Step) -> None:
        """Show a finished frame."""
        step = progress
        rate = f"{step.rate:.2f} frames/s"
        slow = f"mostly {step.bottleneck}"
        part, told = step.part and f"{step.part}, ", step.is_written or bool(step.part)
        self.bar.update(
            self.task,
            total=step.total,
            completed=step.done,
            rate=rate,
            slow=slow,
            description=f"{part}frame {step.frame}" if told else f"up to {step.frame}",
        )
        if self.bar.disable and told:
            far = f"{step.done}/{step.total}  {rate}  {step.remaining:.0f} s left"
            errors.print(f"{part}frame {step.frame}  {far}  {slow}")

    def iterated(self, frame: int, iterate: Iterate) -> None:
        """Show how far a frame is that is optimised."""
        told = f"iteration {iterate.done + 1}/{iterate.total}, energy {iterate.energy:.4g}"
        self.bar.update(self.task, description=f"frame {frame}", slow=told)

    def is_cancelled(self) -> bool:
        """Say whether Ctrl-C was pressed."""
        return self.interrupt.asked


class Quiet:
    """A watcher that shows nothing and listens for Ctrl-C."""

    def __init__(self, interrupt: Interrupt) -> None:
        self.interrupt = interrupt

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """End."""

    def is_cancelled(self) -> bool:
        """Say whether Ctrl-C was pressed."""
        return self.interrupt.asked


class JsonLines(Quiet):
    """Progress for machines: one JSON object a line on standard output."""

    told = 0.0  # when an iterate was told last

    def iterated(self, frame: int, iterate: Iterate) -> None:
        """Write how far a frame is that is optimised, every second."""
        if time.monotonic() - self.told >= 1:
            self.told = time.monotonic()
            energy = {"energy": iterate.energy, "terms": iterate.terms}
            done = {"iteration": iterate.done + 1, "of": iterate.total}
            write_json(event="iterate", frame=frame, **done, **energy)

    def progress(self, progress: Step) -> None:
        """Write a finished frame, or one that was painted on the way to the first."""
        step = progress
        part = {"part": step.part} if step.part else {}
        write_json(
            event="frame" if step.is_written else "passed",
            frame=step.frame,
            **part,
            done=step.done,
            total=step.total,
            rate=round(step.rate, 4),
            remaining=round(step.remaining, 2),
            bottleneck=step.bottleneck,
        )


class Live:
    """Another watcher, and a picture of the frame as it comes to be, written every few seconds."""

    def __init__(self, watcher: Bar | JsonLines, path: Path) -> None:
        self.watcher, self.path, self.last = watcher, path, 0.0
        self.progress, self.is_cancelled = watcher.progress, watcher.is_cancelled

    def iterated(self, frame: int, iterate: Iterate) -> None:
        """Show how far a frame is, and write it."""
        self.watcher.iterated(frame, iterate)
        if time.monotonic() - self.last >= LIVE_EVERY:
            from ...core.render.sheet import save_picture_8bit

            save_picture_8bit(self.path, iterate.picture[0].cpu().numpy())
            self.last = time.monotonic()


def write_json(**values: object) -> None:
    """Write one line of JSON on standard output.

    Raises:
        WriteRefused: there is none: the program that started us closed it.
    """
    if sys.stdout is None:
        from ...core.errors import WriteRefused

        raise WriteRefused("--json: standard output is closed.")
    sys.stdout.write(json.dumps(values, default=str) + "\n")
    sys.stdout.flush()

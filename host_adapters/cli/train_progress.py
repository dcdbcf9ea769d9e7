"""How far `stillbrush train` has come: a bar, plain lines, JSON lines, or nothing."""

from __future__ import annotations

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress

from ...core.training.run import Progress
from ...core.training.team import Team
from .console import Interrupt, Quiet, errors, write_json

PLAIN_LINES = 40  # of a whole run, where there is no terminal


def watched(interrupt: Interrupt, team: Team, *, as_json: bool) -> Bar | JsonLines | Silent:
    """Return who is told of progress; of several processes, the first one tells."""
    if not team.leads:
        return Silent(interrupt)
    return JsonLines(interrupt) if as_json else Bar(interrupt)


class Bar:
    """A live progress line; plain lines now and then where there is no terminal."""

    def __init__(self, interrupt: Interrupt) -> None:
        self.interrupt = interrupt
        self.bar = RichProgress(
            SpinnerColumn(),
            TextColumn("[bold]training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[losses]}"),
            TimeRemainingColumn(),
            console=errors,
            disable=not errors.is_terminal,
        )
        self.task: TaskID = self.bar.add_task("training", total=None, losses="")

    def __enter__(self) -> Bar:
        """Show the bar."""
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away."""
        self.bar.stop()

    def progress(self, progress: Progress) -> None:
        """Show a finished iteration."""
        step, total, found = progress.step, progress.total, progress.losses
        losses = (
            f"style {found.style:.2f}  content {found.content:.2f}  temporal {found.temporal:.2f}"
        )
        self.bar.update(self.task, total=total, completed=step, losses=losses)
        if self.bar.disable and (step % max(1, total // PLAIN_LINES) == 0 or step == total):
            rate, left = f"{progress.rate:.2f}/s", f"{progress.remaining:.0f} s left"
            errors.print(f"iteration {step}/{total}  {losses}  {rate}  {left}", markup=False)

    def remark(self, text: str) -> None:
        """Show a remark above the bar."""
        errors.print(text, markup=False)

    def is_cancelled(self) -> bool:
        """Say whether Ctrl-C was pressed."""
        return self.interrupt.asked


class Silent(Quiet):
    """Tells nothing: another process of the run does."""

    def progress(self, progress: Progress) -> None:
        """Tell nothing of an iteration."""

    def remark(self, text: str) -> None:
        """Tell nothing."""


class JsonLines(Quiet):
    """Progress for machines: one JSON object a line on standard output."""

    def progress(self, progress: Progress) -> None:
        """Write a finished iteration."""
        facts = vars(progress) | {"losses": vars(progress.losses)}
        write_json(event="iteration", **facts)

    def remark(self, text: str) -> None:
        """Write a remark."""
        write_json(event="remark", text=text)

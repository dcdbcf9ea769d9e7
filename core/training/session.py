"""A training run from pictures to looks: budget, checkpoints, log, sheets; exact to go on with."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

from ..errors import BadInput, Cancelled, WriteRefused
from ..look import Trained
from .budget import iterations_within, seconds_an_iteration
from .checkpoints import checkpoint_path, drop_old_checkpoints, load_checkpoint, save_checkpoint
from .checks import Begun, check
from .footage import Footage
from .loop import Losses
from .plan import MINUTES, Request
from .recipe import Recipe
from .record import Board, LossLog, save_plot
from .samples import SHOWN, Sample, choose_samples, read_samples, save_sheet
from .systems import SYSTEMS, make_trainer, write_results
from .windows import Photographs

LEAST_BETWEEN = 10  # iterations
MOST_BETWEEN_CHECKPOINTS, CHECKPOINTS = 250, 20
MOST_BETWEEN_SHEETS, SHEETS = 1000, 10
LISTED = 8  # unreadable pictures that are named


@dataclass(frozen=True)
class Progress:
    """How far a run has come."""

    step: int
    total: int
    losses: Losses
    rate: float  # iterations per second, since this session began
    remaining: float  # seconds


class Watcher(Protocol):
    """Whoever started a run."""

    def progress(self, progress: Progress) -> None:
        """Take note of an iteration."""
        ...

    def remark(self, text: str) -> None:
        """Take note of something worth saying."""
        ...

    def is_cancelled(self) -> bool:
        """Say whether to stop; asked before every iteration."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What a run has made."""

    looks: tuple[Path, ...]
    weights: Path
    sheet: Path
    steps: int
    minutes: float


class Session:
    """One request, checked, with its photographs in memory.

    Raises:
        StillbrushError: one clear line on whatever is wrong with styles, pictures, loss network,
            output, or a run that was begun with other arguments.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.begun: Begun | None = check(request)
        recipe = request.recipe(1)
        self.footage = gather(request) if request.footage else None
        if request.content is not None:
            self.photographs = Photographs(request.content, recipe.short_side)
        elif self.footage is not None:
            self.photographs = Photographs.of(self.footage.stills(SHOWN))
        held: list[Sample] = choose_samples(self.photographs)
        own = request.samples
        self.samples = read_samples(own, recipe.short_side) if own else held

    def remarks(self) -> Iterator[str]:
        """Say what the user should know before it begins."""
        skipped = self.photographs.skipped
        if skipped:
            yield f"{len(skipped)} pictures cannot be read or are too small: {some(skipped)}"
        if self.footage:
            if self.footage.skipped:
                yield f"passed over in the footage: {some(self.footage.skipped)}"
            frames = sum(len(reel.frames) for reel in self.footage.reels)
            yield f"footage: {frames} frames in {len(self.footage.reels)} shots"
        if self.begun:
            for path in self.begun.damaged:
                yield f"{path.name} cannot be read; the checkpoint before it is taken"
            yield f"goes on at iteration {self.begun.step} of {self.begun.iterations}"

    def material(self) -> Iterator[str]:
        """Say what is trained on, as looks keep it."""
        content = self.request.content
        if content is not None:
            yield f"photographs: {len(self.photographs)} pictures of {content.resolve().name}"
        if self.footage:
            named = ", ".join(path.resolve().name for path in self.request.footage)
            yield f"footage: {len(self.footage.reels)} shots of {named}"

    def train(self, watcher: Watcher) -> Outcome:
        """Train to the end, going on where a checkpoint is.

        Raises:
            Cancelled: the watcher wanted to stop; the checkpoint to go on from is written.
            BadInput: the losses grew beyond all numbers.
            WriteRefused: the disk is full, or there is no permission.
        """
        make_folder(self.request.work)
        for text in self.remarks():
            watcher.remark(text)
        total = self.begun.iterations if self.begun else self.iterations(watcher)
        run = Run(self, self.request.recipe(total), watcher)
        with contextlib.closing(run):
            run.to_the_end()
        return run.finish()

    def iterations(self, watcher: Watcher) -> int:
        """Return how many iterations the run shall have."""
        request = self.request
        if request.iterations is not None:
            return request.iterations

        def look_up() -> None:
            if request.team.agree(watcher.is_cancelled()):
                raise Cancelled("stopped while measuring; nothing is trained yet.")

        minutes = request.minutes or MINUTES
        watcher.remark("measuring how long an iteration takes")
        seconds = seconds_an_iteration(
            request.recipe(1),
            self.photographs,
            request.device,
            request.precision,
            look_up,
            self.footage,
            request.team,
        )
        count = int(request.team.agree(iterations_within(minutes, seconds)))
        watcher.remark(f"{seconds:.3f} s an iteration: {count} iterations in {minutes:g} minutes")
        return count


class Run:
    """A session's training under way."""

    def __init__(self, session: Session, recipe: Recipe, watcher: Watcher) -> None:
        self.session, self.watcher, self.request = session, watcher, session.request
        request, begun = self.request, session.begun
        place = request.device, request.precision
        self.trainer = make_trainer(
            recipe, session.photographs, *place, session.footage, request.team
        )
        self.seconds, self.devices = 0.0, [device_name(request)]
        self.saved = self.drawn = -1  # iterations
        self.identity = request.identity()
        if begun:
            load_checkpoint(self.trainer, begun.path)
            self.seconds, self.saved = begun.seconds, begun.step
            self.devices = list(dict.fromkeys((*begun.devices, *self.devices)))
        else:
            self.save()
        self.logs: list[LossLog | Board] = []
        if request.team.leads:
            step = self.trainer.step
            self.logs = [LossLog(self.log, step), Board(request.work / "tensorboard", step)]
        total = recipe.iterations
        self.checkpoint_every = request.checkpoint_every or spaced(
            total, CHECKPOINTS, MOST_BETWEEN_CHECKPOINTS
        )
        self.sheet_every = request.sheet_every or spaced(total, SHEETS, MOST_BETWEEN_SHEETS)

    @property
    def log(self) -> Path:
        """Return the file of the losses."""
        return self.request.work / "log.jsonl"

    def close(self) -> None:
        """Close what is written to."""
        for log in self.logs:
            log.close()

    @property
    def sheet(self) -> Path:
        """Return the file of this step's sheet."""
        return self.request.work / f"sheet-{self.trainer.step:07d}.png"

    def save(self) -> None:
        """Write a checkpoint."""
        trainer = self.trainer
        if self.saved == trainer.step:
            return
        run = {
            "iterations": trainer.recipe.iterations,
            "step": trainer.step,
            "seconds": round(self.seconds, 3),
            "devices": self.devices,
        }
        path = checkpoint_path(self.request.work, trainer.step)
        save_checkpoint(trainer, path, {"identity": self.identity, "run": run})
        if self.request.team.leads:
            drop_old_checkpoints(self.request.work)
        self.request.team.agree(trainer.step)  # nobody looks for it before it is there
        self.saved = trainer.step

    def to_the_end(self) -> None:
        """Run every iteration that is left."""
        trainer, total = self.trainer, self.trainer.recipe.iterations
        first, begun = trainer.step, time.perf_counter()
        while trainer.step < total:
            if self.request.team.agree(self.watcher.is_cancelled()):
                self.save()
                where = f"iteration {trainer.step} of {total}"
                raise Cancelled(f"stopped at {where}; run the same command to go on.")
            losses = self.iterate()
            if trainer.step % self.checkpoint_every == 0 or trainer.step == total:
                self.save()
                if self.request.team.leads:
                    self.plot()
            if self.request.team.leads and trainer.step % self.sheet_every == 0:
                self.draw()
            rate = (trainer.step - first) / (time.perf_counter() - begun)
            left = (total - trainer.step) / rate
            self.watcher.progress(Progress(trainer.step, total, losses, rate, left))

    def iterate(self) -> Losses:
        """Run one iteration and write it down."""
        begun = time.perf_counter()
        losses = self.trainer.iterate()
        losses = Losses(*self.request.team.mean(list(vars(losses).values())))
        took = time.perf_counter() - begun
        if not math.isfinite(losses.total):
            raise BadInput(
                f"train: at iteration {self.trainer.step} the losses are {losses.total}. Lower the "
                "style and temporal weights, and give another name or remove "
                f"{self.request.work}."
            )
        self.seconds += took
        for log in self.logs:
            log.add(self.trainer.step, losses, took)
        return losses

    def draw(self) -> None:
        """Paint the sample sheet."""
        save_sheet(self.trainer, self.session.samples, self.request.look_names, self.sheet)
        self.drawn = self.trainer.step
        self.watcher.remark(f"sheet: {self.sheet}")

    def plot(self) -> None:
        """Draw the losses, where there is something to draw with."""
        drawn = save_plot(self.log, self.request.work / "losses.png")
        if not drawn and self.trainer.step == self.trainer.recipe.iterations:
            self.watcher.remark("no plot of the losses: it needs `pip install stillbrush[plot]`")

    def finish(self) -> Outcome:
        """Write the last sheet and the looks; of several processes, the first one does."""
        request, trainer = self.request, self.trainer
        if request.team.leads and self.drawn != trainer.step:
            self.draw()
        minutes = round(self.seconds / 60, 1)
        on = (*self.session.material(), f"judged by: {trainer.encoder.name}")
        trained = Trained(on, trainer.step, ", ".join(self.devices), minutes)
        if request.team.leads:
            write_results(request, trainer, trained)
        return Outcome(request.looks, request.weights, self.sheet, trainer.step, minutes)


def gather(request: Request) -> Footage:
    """Read a request's footage; measured motion is kept beside the checkpoints."""
    recipe, kept = request.recipe(1), request.work / "flow"
    forwards = SYSTEMS[recipe.system].trainer.forwards
    return Footage(request.footage, recipe.short_side, recipe.size, kept, forwards=forwards)


def some(names: list[str]) -> str:
    """Return the first names of a list, and how many more there are."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def make_folder(folder: Path) -> None:
    """Make a folder.

    Raises:
        WriteRefused: the system does not let us.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteRefused(f"{folder}: cannot be made, {error.strerror}.") from error


def spaced(total: int, times: int, most: int) -> int:
    """Return a distance so that something happens so many times, not too near nor too far."""
    return max(LEAST_BETWEEN, min(total // times, most))


def device_name(request: Request) -> str:
    """Return what a run trains on, as a look names it."""
    device, size = request.device, request.team.size
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return f"{size} x {name}" if size > 1 else name

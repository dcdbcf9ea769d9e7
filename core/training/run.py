"""A training under way, from its first iteration to its looks: checkpoints, log, sheets."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

from ..errors import BadInput, Cancelled
from ..look import Trained
from .checkpoints import checkpoint_path, drop_old_checkpoints, load_checkpoint, save_checkpoint
from .checks import Begun
from .footage import Footage
from .loop import Losses
from .photographs import Photographs
from .plan import Request
from .recipe import Recipe
from .record import Board, LossLog, save_plot
from .samples import Sample, save_sheet
from .systems import make_trainer, write_results

LEAST_BETWEEN = 10  # iterations
MOST_BETWEEN_CHECKPOINTS, CHECKPOINTS = 250, 20
MOST_BETWEEN_SHEETS, SHEETS = 1000, 10


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


@dataclass(frozen=True)
class Material:
    """What a run practises on, and shows."""

    photographs: Photographs
    footage: Footage | None
    samples: list[Sample]  # painted on every sheet
    told: tuple[str, ...]  # what was trained on, as looks keep it


class Run:
    """A training under way.

    Args:
        request: what was asked for.
        recipe: how it trains, to the last iteration.
        material: on what.
        watcher: who is told.
        begun: where it goes on; None begins afresh.
    """

    def __init__(
        self,
        request: Request,
        recipe: Recipe,
        material: Material,
        watcher: Watcher,
        begun: Begun | None = None,
    ) -> None:
        self.request, self.material, self.watcher = request, material, watcher
        place = request.device, request.precision
        self.trainer = make_trainer(
            recipe, material.photographs, *place, material.footage, request.team
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
        save_sheet(self.trainer, self.material.samples, self.request.look_names, self.sheet)
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
        on = (*self.material.told, f"judged by: {trainer.encoder.name}")
        trained = Trained(on, trainer.step, ", ".join(self.devices), minutes)
        if request.team.leads:
            write_results(request, trainer, trained)
        return Outcome(request.looks, request.weights, self.sheet, trainer.step, minutes)


def spaced(total: int, times: int, most: int) -> int:
    """Return a distance so that something happens so many times, not too near nor too far."""
    return max(LEAST_BETWEEN, min(total // times, most))


def device_name(request: Request) -> str:
    """Return what a run trains on, as a look names it."""
    device, size = request.device, request.team.size
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return f"{size} x {name}" if size > 1 else name

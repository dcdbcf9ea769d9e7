"""A training run as it is asked for: checked, its material read, its iterations counted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from ..errors import Cancelled, WriteRefused
from .budget import iterations_within, measure_pace
from .checks import Begun, check
from .footage import Footage
from .photographs import Photographs
from .plan import MINUTES, Request
from .run import Material, Outcome, Run, Watcher
from .samples import SHOWN, Sample, choose_samples, read_samples
from .systems import SYSTEMS

LISTED = 8  # unreadable pictures that are named


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
        told = tuple(self.material())
        material = Material(self.photographs, self.footage, self.samples, told)
        run = Run(self.request, self.request.recipe(total), material, watcher, self.begun)
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
        pace = measure_pace(
            request.recipe(1),
            self.photographs,
            request.device,
            request.precision,
            look_up,
            self.footage,
            request.team,
        )
        count = int(request.team.agree(iterations_within(minutes, pace)))
        each = max(pace.usual, 60 * minutes / count)
        watcher.remark(f"{count} iterations in {minutes:g} minutes, {each:.2f} s each in all")
        return count


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

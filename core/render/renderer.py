"""The shot renderer: reads ahead, paints in order, writes behind; journals, resumes, reports."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch

from ..errors import Cancelled
from ..media.images import write_text_atomic
from ..media.source import Shot
from .journal import Journal, OnDisk, fingerprint
from .output import Output, refuse_existing
from .painting import Painted, Ready, ShotPainting
from .pipeline import ReadAhead, WriteBehind
from .report import Report, report_text


@dataclass(frozen=True)
class Progress:
    """How far a render has come."""

    frame: int
    done: int
    total: int
    seconds: float
    stages: dict[str, float]  # seconds by stage, over all threads

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


class Watcher(Protocol):
    """Whoever started a render."""

    def progress(self, progress: Progress) -> None:
        """Take note of a finished frame."""
        ...

    def is_cancelled(self) -> bool:
        """Say whether to stop; asked before every frame."""
        ...


@dataclass(frozen=True)
class Job:
    """One render.

    Attributes:
        painting: the shot and how it is painted.
        output: where it goes.
        frames: which frames are written.
        identity: everything that decides the pixels, for the journal and the report.
        overwrite: whether files may be replaced.
        layers: whether flow, mask and prior are written beside the picture (EXR).
        make_painting: builds the painting again with checkpoints on disk.
    """

    painting: Callable[[OnDisk], ShotPainting]
    output: Output
    shot: Shot
    frames: tuple[int, ...]
    identity: dict[str, Any]
    overwrite: bool = False
    layers: bool = False
    facts: dict[str, Any] = field(default_factory=dict)  # for the report alone


def render(job: Job, watcher: Watcher) -> Report:
    """Render a job to the end, going on from where a journal says it was.

    Raises:
        Cancelled: the watcher wanted to stop; every finished frame is sound.
        StillbrushError: whatever is wrong with input or output, naming file and frame.
    """
    digest = fingerprint(job.identity)
    journal = Journal(job.output.folder, job.output.name, digest)
    states = OnDisk(journal.folder)
    todo = plan(job, journal, states)
    painting = job.painting(states)
    begun = time.perf_counter()
    if todo:
        freeze(painting, journal)
        run = Run(job, painting, journal, watcher, len(job.frames) - len(todo), begun)
        try:
            for first, last in spans(todo, painting.frames):
                run.span(first, last)
        finally:
            run.close()
    job.output.mux(job.frames, job.shot, overwrite=job.overwrite)
    states.clear()
    seconds = time.perf_counter() - begun
    report = Report(job.identity, job.facts, dict(painting.stopwatch.seconds), seconds,
                    [journal.entries[frame] for frame in job.frames])
    write_text_atomic(job.output.folder / f"{job.output.name}.report.json", report_text(report))
    return report


def plan(job: Job, journal: Journal, states: OnDisk) -> tuple[int, ...]:
    """Decide which frames are to be painted; refuse to replace what is not ours.

    Returns:
        The frames of the job that are not finished.
    """
    made_with = journal.read()
    same = made_with == journal.digest
    if job.overwrite or not same:
        if not job.overwrite:
            refuse_existing(job.output, job.frames)
        keep = set(journal.entries) - set(job.frames) if same else set()
        if not same:
            states.clear()
        journal.begin(keep)
        return job.frames
    sound = {frame for frame in journal.entries if journal.is_finished(frame, job.output.path(frame))}
    todo = tuple(frame for frame in job.frames if frame not in sound)
    if todo or job.output.video is None:
        refuse_existing(job.output, tuple(frame for frame in todo if frame not in journal.entries))
    journal.begin(sound | set(journal.entries) - set(todo))
    return todo


def freeze(painting: ShotPainting, journal: Journal) -> None:
    """Measure frozen statistics once per shot, and keep them beside the journal."""
    from ..stylizers.painter import ShotStatistics

    if not painting.wants_statistics:
        return
    path = journal.folder / f"statistics.{journal.digest[:16]}.safetensors"
    if not path.is_file():
        painting.measure().save(path)
    painting.freeze(ShotStatistics.load(path, painting.device))


def spans(todo: tuple[int, ...], frames: tuple[int, ...]) -> list[tuple[int, int]]:
    """Group frames into runs of neighbours in the shot."""
    places = {frame: place for place, frame in enumerate(frames)}
    grouped: list[tuple[int, int]] = []
    for frame in todo:
        if grouped and places[frame] == places[grouped[-1][1]] + 1:
            grouped[-1] = (grouped[-1][0], frame)
        else:
            grouped.append((frame, frame))
    return grouped


class Run:
    """One render under way."""

    def __init__(  # noqa: PLR0913, PLR0917
        self,
        job: Job,
        painting: ShotPainting,
        journal: Journal,
        watcher: Watcher,
        done: int,
        begun: float,
    ) -> None:
        """Start the threads that read ahead and write behind."""
        self.job, self.painting, self.journal, self.watcher = job, painting, journal, watcher
        self.done, self.begun, self.already = done, begun, done
        readers = 1 if job.shot.is_video else 2
        self.ahead = ReadAhead(painting.ready, painting.frames, readers)
        self.behind = WriteBehind(2)
        self.waiting: dict[int, Ready] = {}
        painting.timeline.inputs = self.pull

    def pull(self, frame: int) -> Ready:
        """Hand a frame's inputs to the timeline, and keep them until it is painted."""
        if self.watcher.is_cancelled():
            raise Cancelled(f"stopped before frame {frame}; run the same command to go on.")
        ready = self.ahead.get(frame)
        self.waiting = {frame: ready}
        return ready

    def span(self, first: int, last: int) -> None:
        """Render neighbouring frames."""
        for moment in self.painting.timeline.roll(first, last):
            ready, painted = self.waiting[moment.frame], moment.outputs
            self.behind.submit(lambda r=ready, p=painted: self.write(r, p))

    def write(self, ready: Ready, painted: Painted) -> None:
        """Finish, write and journal one frame; runs in the background."""
        placed = ready.prepared.placed
        rgb = self.painting.finish(ready.prepared, painted.picture)
        layers = debug_layers(ready, painted, self.job.shot) if self.job.layers else {}
        with self.painting.stopwatch.stage("write"):
            path = self.job.output.write(
                placed, rgb, self.job.shot, layers=layers, metadata=self.metadata()
            )
            with self.painting.stopwatch.lock:
                self.journal.add(placed.frame, path, measures(ready, painted))
        self.report(placed.frame)

    def metadata(self) -> dict[str, str]:
        """Return what every file says of its making."""
        identity = self.job.identity
        return {
            "look": str(identity["look"]["name"]),
            "look_sha256": str(identity["look"]["weights"]),
            "settings_sha256": self.journal.digest,
            "version": str(identity["version"]),
        }

    def report(self, frame: int) -> None:
        """Tell the watcher."""
        with self.painting.stopwatch.lock:
            self.done += 1
            stages = dict(self.painting.stopwatch.seconds)
            seconds = time.perf_counter() - self.begun
            new = self.done - self.already
        total = len(self.job.frames) - self.already
        self.watcher.progress(Progress(frame, new, total, seconds, stages))

    def close(self) -> None:
        """Wait for what is being written; let go of what was read ahead."""
        self.ahead.close()
        self.behind.close()


def measures(ready: Ready, painted: Painted) -> dict[str, float]:
    """Return a frame's numbers for journal and report.

    `trusted` is the share of the frame that carries paint over; `temporal_error` the mean squared
    change of the paint there (Ruder et al. eq 8, over trusted pixels), in network encoding.
    """
    numbers = {"cut": float(ready.is_cut)}
    if painted.carried is not None:
        carried, mask = painted.carried[..., :3], painted.carried[..., 3:]
        trusted = float(mask.mean())
        change = (painted.picture * mask - carried).square() * (mask > 0)
        numbers["trusted"] = round(trusted, 6)
        numbers["temporal_error"] = round(float(change.mean()) / max(trusted, 1e-6), 9)
    return numbers


def debug_layers(ready: Ready, painted: Painted, shot: Shot) -> dict[str, np.ndarray]:
    """Return flow, mask and prior as planes (H, W) over the canvas, for EXR.

    Vectors are in Nuke's convention: pixels, y up.
    """
    from ..stylizers.prior import resize_picture

    height, width = shot.canvas.height, shot.canvas.width
    blank = torch.zeros((1, height, width, 1))
    planes: dict[str, torch.Tensor] = {"mask.trust": blank}
    for way in ("backward", "forward"):
        field_ = getattr(ready.flow, way, None)
        vectors = torch.zeros((1, height, width, 2)) if field_ is None else field_.cpu()
        vectors = torch.where(vectors.abs() < 1e9, vectors, torch.zeros(()))
        planes[f"{way}.u"], planes[f"{way}.v"] = vectors[..., :1], -vectors[..., 1:]
    if ready.prior is not None:
        planes["mask.trust"] = ready.prior.mask.cpu()
    carried = blank.expand(-1, -1, -1, 3)
    if painted.carried is not None:
        carried = resize_picture(painted.carried[..., :3].cpu(), height, width)
    for index, name in enumerate("RGB"):
        planes[f"prior.{name}"] = carried[..., index : index + 1]
    return {f"stillbrush.{name}": plane[0, ..., 0].numpy() for name, plane in planes.items()}



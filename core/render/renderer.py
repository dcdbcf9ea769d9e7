"""The shot renderer: reads ahead, paints in order, writes behind; journals, resumes, reports."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import Cancelled, UnreadableFile
from ..media.images import write_text_atomic
from ..media.source import Shot
from ..stylizers.protocol import Iterate
from ..stylizers.shot_statistics import ShotStatistics
from .gauge import Gauge
from .journal import Journal, OnDisk, Stage, fingerprint
from .numbers import debug_layers, measures
from .output import Output, refuse_existing
from .painting import Painted, Ready, ShotPainting
from .pipeline import ReadAhead, WriteBehind
from .report import Report, report_text
from .watching import Onlooker, Progress, Turned, Watcher

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One render.

    Attributes:
        painting: builds the shot's painting with the given checkpoints.
        output: where it goes.
        frames: which frames are written.
        identity: everything that decides the pixels, for the journal and the report.
        files_stamp: sizes and times of the files that are read, so that a journal does not go on
            over other plates of the same name.
        overwrite: whether files may be replaced.
        layers: whether flow, mask and prior are written beside the picture (EXR).
        gauge: what measures every frame for the page; None measures nothing and costs nothing.
        facts: what it ran on, for the report alone.
        workers: threads that read ahead, and that write behind; each keeps a frame or two.
    """

    painting: Callable[[OnDisk], ShotPainting]
    output: Output
    shot: Shot
    frames: tuple[int, ...]
    identity: dict[str, Any]
    files_stamp: str = ""
    overwrite: bool = False
    layers: bool = False
    gauge: Gauge | None = None
    facts: dict[str, Any] = field(default_factory=dict)  # for the report alone
    workers: int = 2


def render(job: Job, watcher: Watcher) -> Report:
    """Render a job to the end, going on from where a journal says it was.

    Raises:
        Cancelled: the watcher wanted to stop; every finished frame is sound.
        StillbrushError: whatever is wrong with input or output, naming file and frame.
    """
    digest = fingerprint(job.identity | {"files": job.files_stamp})
    notes = {"band_rows": job.identity.get("band_rows")}
    journal = Journal(job.output.folder, job.output.name, digest, notes)
    states = OnDisk(journal.folder)
    painting = job.painting(states)  # whatever is wrong with the request shows before plan clears
    with journal.held():
        return carry_out(job, watcher, painting, journal, states)


def carry_out(
    job: Job, watcher: Watcher, painting: ShotPainting, journal: Journal, states: OnDisk
) -> Report:
    """Render what is left to do, in a folder that is ours alone; return the job's own report.

    Its file lists every finished frame of the sequence, whichever job painted it.
    """
    todo = plan(job, journal, states)
    unmeasured = lacking(job, journal, todo)
    begun = time.perf_counter()
    if todo or unmeasured:
        freeze(painting, journal, watcher)
        painting.watch = functools.partial(watch, watcher)
        painting.begin(
            journal.folder / f"passes.{journal.digest[:16]}",
            lambda frame: go_on(watcher, frame),
            functools.partial(told, painting, watcher, begun),
        )
        left = len(todo) + len(unmeasured)
        run = Run(job, painting, journal, watcher, len(job.frames) - left, begun)
        run.unmeasured = set(unmeasured)
        try:
            run.paint(tuple(sorted(todo + unmeasured)))
        finally:
            run.close()
    if journal.stage is not Stage.FINISHED:
        mux(job, journal, watcher)
        journal.mark(Stage.FINISHED, job.frames)
    job.output.let_go()
    states.clear()
    painting.end()
    seconds = time.perf_counter() - begun
    report = Report(
        job.identity,
        job.facts,
        dict(painting.stopwatch.seconds),
        seconds,
        [journal.entries[frame] for frame in job.frames],
    )
    whole = report
    if job.output.video is None:
        whole = replace(report, entries=journal.finished_entries(job.output.path))
    write_text_atomic(job.output.folder / f"{job.output.name}.report.json", report_text(whole))
    return report


def lacking(job: Job, journal: Journal, todo: tuple[int, ...]) -> tuple[int, ...]:
    """Return the finished frames that are to be painted again to be measured, not written."""
    if job.gauge is None:
        return ()
    job.gauge.begin(journal.folder, journal.entries)
    finished = (frame for frame in job.frames if frame not in todo)
    return tuple(f for f in finished if not job.gauge.has(f, journal.entries[f].numbers))


def mux(job: Job, journal: Journal, watcher: Watcher) -> None:
    """Make the video, if one is wanted, out of finished frames."""
    if job.output.video is None:
        return
    overwrite = job.overwrite or journal.stage is Stage.MUXING
    if not overwrite:
        refuse_existing(job.output, job.frames)
    journal.mark(Stage.MUXING, job.frames)
    job.output.mux(job.frames, job.shot, overwrite=True, before_each=lambda f: go_on(watcher, f))


def go_on(watcher: Watcher, frame: int) -> None:
    """Stop where the watcher wants it.

    Raises:
        Cancelled: it does.
    """
    if watcher.is_cancelled():
        raise Cancelled(f"stopped before frame {frame}; run the same command to go on.")


def watch(watcher: Watcher, frame: int, iterate: Iterate) -> None:
    """Stop within a frame where the watcher wants it; show it the frame as it comes to be."""
    go_on(watcher, frame)
    if isinstance(watcher, Onlooker):
        watcher.iterated(frame, iterate)


def told(painting: ShotPainting, watcher: Watcher, begun: float, turned: Turned) -> None:
    """Tell the watcher of a frame that was painted before any is written."""
    with painting.stopwatch.lock:
        stages = dict(painting.stopwatch.seconds)
    seconds = time.perf_counter() - begun
    watcher.progress(
        Progress(turned.frame, turned.done, turned.total, seconds, stages, False, turned.part)
    )


def plan(job: Job, journal: Journal, states: OnDisk) -> tuple[int, ...]:
    """Decide which frames are to be painted; refuse to replace what is not ours.

    Where files may be replaced, a render that was finished is done anew, one that was not goes on.

    Returns:
        The frames of the job that are not finished.
    """
    output, frames = job.output, job.frames
    if journal.read() != journal.digest:
        if not job.overwrite:
            refuse_existing(output, frames)
        states.clear()
        journal.begin(set(), afresh=True)
        return frames
    was_finished = journal.stage is Stage.FINISHED
    video_is_there = output.video is not None and output.video.is_file()
    if was_finished and video_is_there and journal.finished == frames and not job.overwrite:
        return ()
    anew = was_finished and job.overwrite
    todo = tuple(f for f in frames if anew or not journal.is_finished(f, output.path(f)))
    if todo and not job.overwrite:
        refuse_existing(output, tuple(f for f in todo if not journal.is_ours(f, output.path(f))))
    if todo or journal.stage is Stage.PAINTING:
        journal.begin(set(journal.entries) - set(todo))
    return todo


def freeze(painting: ShotPainting, journal: Journal, watcher: Watcher) -> None:
    """Measure frozen statistics once per shot, and keep them beside the journal."""
    if not painting.wants_statistics:
        return
    path = journal.folder / f"statistics.{journal.digest[:16]}.safetensors"
    try:
        statistics = ShotStatistics.load(path, painting.device)
    except UnreadableFile:
        painting.measure(before_each=lambda frame: go_on(watcher, frame)).save(path)
        statistics = ShotStatistics.load(path, painting.device)
    painting.freeze(statistics)


def spans(
    todo: tuple[int, ...], frames: tuple[int, ...], *, bridge: int = 1
) -> list[tuple[int, int]]:
    """Group frames into runs that are painted in one go.

    Args:
        todo: the frames that are wanted.
        frames: all frames of the shot.
        bridge: how far apart two frames may lie; painting what lies between is cheaper than to roll
            up again from a checkpoint.
    """
    places = {frame: place for place, frame in enumerate(frames)}
    grouped: list[tuple[int, int]] = []
    for frame in todo:
        if grouped and places[frame] - places[grouped[-1][1]] <= bridge:
            grouped[-1] = (grouped[-1][0], frame)
        else:
            grouped.append((frame, frame))
    return grouped


class Run:
    """One render under way."""

    def __init__(
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
        readers = 1 if job.shot.is_video else job.workers
        self.ahead = ReadAhead(painting.ready, painting.frames, readers)
        self.behind = WriteBehind(job.workers)
        self.waiting: dict[int, Ready] = {}
        self.unmeasured: set[int] = set()  # finished frames that only the gauge lacks
        painting.timeline.inputs = self.pull

    def pull(self, frame: int) -> Ready:
        """Hand a frame's inputs to the timeline, and keep them until it is painted."""
        go_on(self.watcher, frame)
        ready = self.ahead.get(frame)
        self.waiting = {frame: ready}
        return ready

    def paint(self, todo: tuple[int, ...]) -> None:
        """Paint frames, and those between them that the recursion passes through."""
        timeline, wanted = self.painting.timeline, set(todo)
        passed = functools.partial(self.report, is_written=False)
        bridge = 1 if self.painting.settings.per_frame else timeline.every
        for first, last in spans(todo, self.painting.frames, bridge=bridge):
            for moment in timeline.roll(first, last, passed):
                ready, painted = self.waiting[moment.frame], moment.outputs
                if self.job.gauge is not None:
                    self.job.gauge.remember(self.painting, ready)
                if moment.frame in wanted:
                    self.behind.submit(lambda r=ready, p=painted: self.write(r, p))
                else:
                    passed(moment.frame)

    def write(self, ready: Ready, painted: Painted) -> None:
        """Finish, write and journal one frame; runs in the background."""
        placed = ready.prepared.placed
        rgb = self.painting.finish(ready.prepared, painted.picture)
        if placed.alpha is not None and not placed.alpha.any():
            log.warning("frame %s: nothing is painted, its alpha is 0 everywhere", placed.frame)
        numbers = measures(ready, painted)
        if self.job.gauge is not None:
            numbers |= self.job.gauge.measure(self.painting, ready, painted, rgb)
        if placed.frame in self.unmeasured:
            self.journal.amend(placed.frame, numbers)
            self.report(placed.frame)
            return
        layers = debug_layers(ready, painted, self.job.shot) if self.job.layers else {}
        with self.painting.stopwatch.stage("write"):
            self.journal.claim(placed.frame, self.job.output.path(placed.frame))
            path = self.job.output.write(
                placed, rgb, self.job.shot, layers=layers, metadata=self.metadata()
            )
            self.journal.add(placed.frame, path, numbers)
        self.report(placed.frame)

    def metadata(self) -> dict[str, str]:
        """Return what every file says of its making."""
        identity = self.job.identity
        return {
            "look": str(identity["look"]["name"]),
            "look_sha256": str(identity["look"]["weights"]),
            "settings_sha256": fingerprint(identity),
            "version": str(identity["version"]),
        }

    def report(self, frame: int, *, is_written: bool = True) -> None:
        """Tell the watcher."""
        with self.painting.stopwatch.lock:
            self.done += is_written
            stages = dict(self.painting.stopwatch.seconds)
            seconds = time.perf_counter() - self.begun
            new = self.done - self.already
        total = len(self.job.frames) - self.already
        self.watcher.progress(Progress(frame, new, total, seconds, stages, is_written))

    def close(self) -> None:
        """Wait for what is being written; let go of what was read ahead."""
        self.ahead.close()
        self.behind.close()

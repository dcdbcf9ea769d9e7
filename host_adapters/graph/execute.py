"""Rendering: Writes and Viewers, frame by frame, what they share worked out once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.comp.timing import taken
from ...core.comp.viewing import shown
from ...core.errors import BadInput, Cancelled
from ...core.media.form import Form
from ...core.media.source import Shot
from ...core.render.assembly import product_version
from ...core.render.journal import Journal, Stage
from ...core.render.output import Output, plan_output, refuse_existing, refuse_source
from .declared import class_name, has_output, spec_of
from .hashing import digest

if TYPE_CHECKING:
    from .script import Script

Progress = Callable[[int, int, int], object]
"""Told the frame, how many are done, and of how many; False stops the render."""


@dataclass
class Target:
    """One Write at work.

    Attributes:
        todo: the frames that are not finished.
        written: the files, in order.
    """

    name: str
    shot: Shot
    frames: tuple[int, ...]
    output: Output
    journal: Journal
    overwrite: bool
    todo: set[int] = field(default_factory=set)

    def plan(self) -> None:
        """Decide which frames are to be written; what has not changed is not.

        Raises:
            WriteRefused: a file is there that is not of this render.
        """
        same = self.journal.read() == self.journal.digest
        paths = {frame: self.output.path(frame) for frame in self.frames}
        video = self.output.video
        if same and video is not None and self.journal.stage is Stage.FINISHED and video.is_file():
            self.todo = set() if self.journal.finished == self.frames else set(self.frames)
        else:
            self.todo = {
                f for f in self.frames if not (same and self.journal.is_finished(f, paths[f]))
            }
        if self.todo and not self.overwrite:
            ours = {f for f in self.todo if same and self.journal.is_ours(f, paths[f])}
            foreign = tuple(f for f in self.frames if f in self.todo - ours)
            refuse_existing(self.output, foreign, f"{self.name}.overwrite")
        if self.todo:
            self.journal.begin(set(self.journal.entries) - self.todo if same else set(),
                               afresh=not same)  # fmt: skip

    def write(self, frame: int) -> None:
        """Write one frame."""
        placed = self.shot.read(frame)
        self.journal.claim(frame, self.output.path(frame))
        metadata = {"version": product_version()}
        path = self.output.write(placed, placed.rgb, self.shot, layers={}, metadata=metadata)
        self.journal.add(frame, path, {})

    def finish(self) -> tuple[str, ...]:
        """Make the video, if one is wanted; return the files."""
        if self.todo:
            self.output.mux(self.frames, self.shot, overwrite=True)
            self.output.let_go()
            self.journal.mark(Stage.FINISHED, self.frames)
        return tuple(str(path) for path in self.output.targets(self.frames))


def target(script: Script, uid: int, wanted: tuple[int, ...]) -> Target:
    """Make a Write ready.

    Raises:
        BadInput: no Write, no file, or frames that there are not.
    """
    engine, node = script.engine, script.data(uid)
    _, spec = engine.node(uid)
    shot = engine.background(uid)
    knobs = engine.knobs(uid, spec, wanted[0] if wanted else shot.frames[0])
    frames = present(shot, wanted, node.name)
    if not knobs.file:
        raise BadInput(f"{node.name}.file: expected out/plate.####.exr; it is empty.")
    output = plan_output(knobs.file, shot, frames, Form(knobs.depth, knobs.compression))
    reads = [Path(str(s)) for s in files_below(script, uid)]
    refuse_source(output.targets(frames), reads)
    made = digest(engine.hashes.definition(uid), output.colour.space)
    journal = Journal(output.folder, output.name, made)
    return Target(node.name, shot, frames, output, journal, knobs.overwrite)


def files_below(script: Script, uid: int) -> Iterator[Path]:
    """Find every file that is read for a node."""
    for at in script.engine.upstream(uid):
        spec = spec_of(script.data(at).kind)
        if spec is not None and not spec.inputs and has_output(spec, "shot"):
            yield from script.engine.shot(at).files


def present(shot: Shot, wanted: tuple[int, ...], name: str) -> tuple[int, ...]:
    """Return the frames to write; all of them where none are named.

    Raises:
        BadInput: there is no such frame.
    """
    lacking = sorted(set(wanted) - set(shot.frames))
    if lacking:
        low, high = shot.frames[0], shot.frames[-1]
        raise BadInput(f"{name}: frame {lacking[0]}: there are {low} to {high}.")
    return tuple(sorted(wanted)) or shot.frames


def execute(
    script: Script,
    uids: list[int],
    wanted: tuple[int, ...],
    progress: Progress | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, tuple[str, ...]]:
    """Render Writes and Viewers: all of them a frame, then the next frame.

    Returns:
        The files of each, by its name.

    Raises:
        Cancelled: every finished frame is sound, and the same call goes on from there.
        StillbrushError: whatever is wrong, naming node, file and frame.
    """
    script.engine.refresh()
    views = [uid for uid in uids if script.data(uid).kind == "viewer"]
    writes = [uid for uid in uids if uid not in views]
    for uid in writes:
        if script.data(uid).kind != "write":
            raise BadInput(f"{script.data(uid).name}: is a {class_name(script.data(uid).kind)}; "
                           "expected a Write or a Viewer.")  # fmt: skip
    targets = [target(script, uid, wanted) for uid in writes]
    refuse_shared(targets)
    made: dict[str, tuple[str, ...]] = {}
    with contextlib.ExitStack() as stack:
        for one in targets:
            stack.enter_context(one.journal.held())
        for one in targets:
            one.plan()
        frames = sorted({frame for one in targets for frame in one.todo})
        for done, frame in enumerate(frames, start=1):
            if is_cancelled():
                raise Cancelled(f"stopped before frame {frame}; the same call goes on from there.")
            for one in targets:
                if frame in one.todo:
                    one.write(frame)
            if progress is not None and progress(frame, done, len(frames)) is False:
                raise Cancelled(f"stopped after frame {frame}; the same call goes on from there.")
        made |= {one.name: one.finish() for one in targets}
    return made | {script.data(uid).name: view(script, uid, wanted) for uid in views}


def refuse_shared(targets: list[Target]) -> None:
    """Refuse two Writes that would write the same files."""
    seen: dict[str, str] = {}
    for one in targets:
        for path in one.output.targets(one.frames):
            other = seen.setdefault(str(path), one.name)
            if other != one.name:
                raise BadInput(f"{one.name}.file: {path}: is written by {other} too.")


def view(script: Script, uid: int, wanted: tuple[int, ...]) -> tuple[str, ...]:
    """Write what a Viewer shows."""
    engine, node = script.engine, script.data(uid)
    _, spec = engine.node(uid)
    shot = engine.background(uid)
    frames = present(shot, wanted, node.name)
    x = spec.inputs_type(taken(shot, {frame: frame for frame in frames}))
    return spec.step(x, engine.knobs(uid, spec, frames[0])).files


def seen(script: Script, uid: int, frame: int) -> Any:
    """Return a frame of a node as a display shows it: (H, W, 3), 0 to 1."""
    return shown(script.engine.plate(uid), frame, 0.0)

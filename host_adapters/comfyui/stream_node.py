"""Stylize Shot (Stream): a shot of any length from files to files, in memory for a few frames."""

# pyright: reportMissingImports=false

from __future__ import annotations

import functools
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import comfy.model_management as mm
import folder_paths
from comfy_api.v0_0_2 import InputImpl, io
from comfy_execution.graph_utils import ExecutionBlocker

from ...core.errors import BadInput, Cancelled
from ...core.file_knobs import BesideKnobs, Rendered
from ...core.look import Look
from ...core.media.images import read_plate
from ...core.media.source import ReadSettings, Shot, open_shot
from ...core.render.assembly import assemble
from ...core.render.given_motion import VectorSettings
from ...core.render.journal import OnDisk
from ...core.render.painting import Settings, ShotPainting
from ...core.render.renderer import Job, render
from ...core.render.renderer import Progress as Step
from ...core.render.request import Request
from ...core.spec import REGISTRY, read_knobs
from ...nodes.stylize_shot import counted
from . import devices
from .failures import told, verdict
from .files_nodes import files_stamp, find
from .folders import source, target
from .progress import Progress, displayed
from .results import check_target, preview
from .schema import described, knob, socket_in, values, widget, widgets

OUTPUT = "output"
FROM_READ = ("colour", "layer", "missing", "proxy")
HELD = 2  # frames read: one and the one before it
BESIDE = read_knobs(BesideKnobs, "stylize_shot")


class StylizeShotStream(io.ComfyNode):
    """Stylize Shot, from files to files."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Translate the declarations of Read, Stylize Shot and Write."""
        node = "stylize_shot"
        look = next(port for port in REGISTRY[node].inputs if port.name == "look")
        title = f"{REGISTRY[node].label} (Stream)"
        return io.Schema(
            node_id="StillbrushStylizeShotStream",
            is_output_node=True,
            **described(
                node,
                aliases=("style transfer", "long video", "exr sequence", "paint video"),
                display_name=title,
                description=f"{REGISTRY[node].help}\n\nFrom files to files: memory does not grow "
                "with the shot, and a render that was stopped goes on where it was.",
                inputs=[
                    socket_in(look),
                    io.Video.Input(
                        "video",
                        optional=True,
                        tooltip="The shot, where it comes from another node; else name its file.",
                    ),
                    widget(knob("read", "file")),
                    widget(knob("write", "file"), OUTPUT),
                    widget(knob("write", "frames")),
                    widget(knob("write", "overwrite")),
                    *widgets(node),
                    *(widget(knob("read", name)) for name in FROM_READ),
                    *(widget(field) for field in BESIDE),
                ],
                outputs=[
                    io.String.Output("file_out", display_name="file", tooltip="What was written."),
                    io.Video.Output(
                        "video_out",
                        display_name="video",
                        tooltip="The video, where one was written; it has no sound.",
                    ),
                ],
            ),
        )

    @classmethod
    def fingerprint_inputs(
        cls,
        file: str | None = None,
        matte: str | None = None,
        vector_files: str | None = None,
        **_: Any,
    ) -> str:
        """Run again when a file of the shot, its matte or its vectors was touched."""
        return "\n".join(files_stamp(name) for name in (file, matte, vector_files))

    @classmethod
    def validate_inputs(cls, file: str | None = None, output: str | None = None) -> bool | str:
        """Say before anything runs that a name will not do.

        ComfyUI marks every widget that is named here, so only those that have to be filled are.
        """
        if file:
            found = verdict(lambda: find(source(file)))
            if found is not True:
                return found
        return (
            True
            if output is None
            else verdict(lambda: check_target(target(output, OUTPUT), OUTPUT))
        )

    @classmethod
    @told
    def execute(
        cls, look: Look, file: str, output: str, video: Any = None, **given: Any
    ) -> io.NodeOutput:
        """Paint a shot from files to files."""
        knobs, look = counted(values("stylize_shot", given), look)
        beside = BesideKnobs(**{f.name: f.check(given[f.name], "stream") for f in BESIDE})
        read = values("read", {name: given[name] for name in FROM_READ})
        settings = ReadSettings(read.colour or None, read.layer or None, read.missing, read.proxy)
        request = Request(
            opened(video, settings) if video is not None else source(file),
            look,
            settings,
            Settings(knobs, exposure=look.exposure),
            frames=given["frames"] or None,
            matte=source(beside.matte) if beside.matte else None,
            invert_matte=beside.invert_matte,
            vectors=rendered(beside),
            device=devices.device(),
        )
        job = assemble(request).job(target(output, OUTPUT), overwrite=given["overwrite"])
        made = job.painting

        def painting(states: OnDisk) -> ShotPainting:
            ready = made(states)
            ready.prepared.keep = HELD
            devices.make_room(ready)
            ready.timeline.step = devices.patient(ready)
            return ready

        job = replace(job, painting=painting, workers=1)  # in memory for as few frames as can be
        watcher = Watcher(job)
        try:
            with devices.returning():
                render(job, watcher)
        except Cancelled:
            mm.throw_exception_if_processing_interrupted()
            raise
        return written(job, watcher)


class Watcher:
    """Shows how a render goes. ComfyUI is only spoken to from the node's own thread."""

    def __init__(self, job: Job) -> None:
        self.job, self.bar = job, Progress(len(job.frames))
        self.last: Step | None = None

    def progress(self, progress: Step) -> None:
        """Take note of a finished frame; called from the thread that wrote it."""
        self.last = progress
        devices.let_go()

    def is_cancelled(self) -> bool:
        """Show the frame that was finished last, and say whether Cancel was pressed."""
        if mm.processing_interrupted():
            return True
        last = self.last
        if last is not None and last.done != self.bar.done:
            self.bar.bar.total = self.bar.total = last.total
            show = functools.partial(self.picture, last.frame) if last.is_written else None
            self.bar.step(show, last.done)
        return False

    def picture(self, frame: int) -> Any:
        """Return a written frame as a display shows it."""
        output = self.job.output
        return displayed(read_plate(output.path(frame), frame).rgb, output.colour)


def rendered(beside: BesideKnobs) -> VectorSettings | None:
    """Return where rendered motion is; None where motion is estimated."""
    named = source(beside.vector_files) if beside.vector_files else None
    if beside.vectors is not Rendered.NONE:
        return VectorSettings(named, beside.vectors.value)
    return VectorSettings(named) if named else None


def opened(video: Any, settings: ReadSettings) -> Shot:
    """Open a VIDEO; its trim is kept.

    Raises:
        BadInput: nothing is left of it.
    """
    stream = video.get_stream_source()
    if not isinstance(stream, str):  # a video in memory, made by another node
        folder = Path(folder_paths.get_temp_directory())
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"stillbrush-{id(video):x}.mp4"
        video.save_to(str(path))
        return open_shot(path, settings)
    shot = open_shot(stream, settings)
    start, length = trim(video)
    rate = shot.fps or Fraction(24)
    first = round(start * rate)
    stop = first + round(length * rate) if length else len(shot.frames)
    frames = shot.frames[first:stop]
    if not frames:
        raise BadInput(f"video {shot.name}: expected frames inside its trim; there are none.")
    return replace(shot, frames=frames)


def trim(video: Any) -> tuple[Fraction, Fraction]:
    """Return where a VIDEO begins and how long it is, in seconds; 0 long is to the end."""
    start, length = video.get_active_trim_window()
    return Fraction(start).limit_denominator(10**6), Fraction(length).limit_denominator(10**6)


def written(job: Job, watcher: Watcher) -> io.NodeOutput:
    """Return what was written."""
    output = job.output
    if output.video is not None:
        path = str(output.video)
        empty = read_nothing()
        return io.NodeOutput(path, InputImpl.VideoFromFile(path), ui=preview([path], empty))
    path = output.sequence.template
    shown = watcher.picture(job.frames[len(job.frames) // 2])
    blocked = ExecutionBlocker(f"{path} is a sequence; name an .mp4 or .mov to get a video.")
    return io.NodeOutput(path, blocked, ui=preview([path], shown))


def read_nothing() -> Any:
    """Return a picture of one pixel, for a preview that shows a video."""
    import numpy as np

    return np.zeros((1, 1, 3), np.float32)

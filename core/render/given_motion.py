"""Motion that came with the plate: rendered vectors in EXR layers, or .flo files."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import BadInput, MissingFrame
from ..media.images import probe, read_channels
from ..media.placing import Window
from ..media.sequences import Sequence, find_sequence
from ..media.source import Shot
from ..motion.flow import UNKNOWN, Flow
from ..motion.flow_files import read_flo
from ..motion.vectors import (
    VectorConvention,
    conventions,
    detect,
    forward_from_backward,
    to_flow,
)
from .prepare import Prepared


@dataclass(frozen=True)
class VectorSettings:
    """Where rendered motion is and what its values mean."""

    files: str | None = None  # another sequence than the plate; .exr or .flo
    convention: str = "auto"  # auto, nuke, blender, stillbrush
    channels: str | None = None  # "u,v" of the backward motion, for layers of any other name
    scale: tuple[float, float] = (1.0, 1.0)  # x and y, on top of the convention


@dataclass(frozen=True)
class GivenMotion:
    """Reads a pair's motion from files."""

    sequence: Sequence
    convention: VectorConvention | None  # None: .flo
    shot: Shot
    scale: tuple[float, float]
    device: torch.device

    @property
    def name(self) -> str:
        """Where the motion comes from, for the report."""
        kind = self.convention.name if self.convention else "flo"
        return f"given-{kind} {self.sequence.template} {self.scale[0]:g},{self.scale[1]:g}"

    @property
    def files(self) -> list[Path]:
        """Return every file."""
        return [self.sequence.path(frame) for frame in self.sequence.frames]

    def check(self, frames: tuple[int, ...]) -> None:
        """Refuse, before anything is painted, motion that lacks one of the shot's frames.

        Raises:
            BadInput: the plate is a proxy, or the scale is no number.
            MissingFrame: a frame has no file.
        """
        if self.shot.proxy != 1:
            raise BadInput("vectors: rendered motion needs the full plate; leave --proxy away.")
        if not all(math.isfinite(scale) for scale in self.scale):
            raise BadInput(f"vector scale: expected two numbers; got {self.scale}.")
        for frame in frames[1:]:
            self.file(frame)

    def between(self, last: Prepared, this: Prepared) -> Flow:
        """Return a pair's flow: backward from this frame's file, forward from the last one's."""
        pictures = (last.encoded, this.encoded)
        frame, before = this.placed.frame, last.placed.frame
        convention = self.convention
        if convention is None:
            backward = self.placed(self.scaled(read_flo(self.file(frame))), frame)
            return Flow(backward, forward_from_backward(backward, pictures))
        forward = None
        if convention.forward is not None:
            raw = self.vectors(before, convention.forward)
            forward = self.placed(raw * self.gain(raw), before)
        raw = self.vectors(frame, convention.backward)
        return to_flow(self.placed(raw * self.gain(raw), frame), forward, convention, pictures)

    def gain(self, raw: Tensor) -> Tensor:
        """Return the user's scale, x then y as the convention's channels lie."""
        x, y = self.scale
        swapped = self.convention is not None and self.convention.swapped
        return torch.tensor([y, x] if swapped else [x, y], device=raw.device)

    def scaled(self, flow: Tensor) -> Tensor:
        """Scale a flow; unknown stays unknown."""
        return torch.where(flow.abs() < UNKNOWN / 10, flow * self.gain(flow), flow)

    def file(self, frame: int) -> str:
        """Return a frame's file.

        Raises:
            MissingFrame: there is none.
        """
        if frame not in self.sequence.frames:
            raise MissingFrame(
                f"motion {self.sequence.template}: expected a file for frame {frame}; "
                "there is none."
            )
        return str(self.sequence.path(frame))

    def vectors(self, frame: int, channels: tuple[str, str]) -> Tensor:
        """Read two channels (1, H, W, 2) raw."""
        return torch.from_numpy(read_channels(self.file(frame), channels))[None]

    def placed(self, vectors: Tensor, frame: int) -> Tensor:
        """Put vectors of the data or display window on the canvas; elsewhere nothing is known."""
        canvas, path = self.shot.canvas, self.file(frame)
        size = tuple(vectors.shape[1:3])
        window = canvas
        if size != (canvas.height, canvas.width):
            window = self.window(path, size)
        left, top = window.x - canvas.x, window.y - canvas.y
        right = canvas.width - left - window.width
        bottom = canvas.height - top - window.height
        if min(left, top, right, bottom) < 0:
            raise BadInput(f"motion {path}: lies outside the plate's windows.")
        moved = F.pad(vectors, (0, 0, left, right, top, bottom), value=UNKNOWN)
        return moved.to(self.device)

    def window(self, path: str, size: tuple[int, ...]) -> Window:
        """Return the window of a file whose size is not the canvas's."""
        display = self.shot.display
        window = display if path.endswith(".flo") else Window(*probe(path).data_window)
        if size != (window.height, window.width):
            raise BadInput(
                f"motion {path}: expected {display.width}x{display.height} as the plate; "
                f"got {size[1]}x{size[0]}."
            )
        return window


def given_motion(settings: VectorSettings, shot: Shot, device: torch.device) -> GivenMotion:
    """Open rendered motion.

    Raises:
        BadInput: the plate has no motion layers, or layers of no known name.
    """
    if settings.files:
        sequence = find_sequence(settings.files)
    elif shot.sequence is not None and shot.is_exr:
        sequence = shot.sequence
    else:
        raise BadInput(
            "vectors: a plate that is no EXR holds no vectors; name their files as well."
        )
    if sequence.template.lower().endswith(".flo"):
        return GivenMotion(sequence, None, shot, settings.scale, device)
    first = sequence.path(sequence.frames[0])
    convention = choose(settings, probe(first).channels, str(first))
    return GivenMotion(sequence, convention, shot, settings.scale, device)


def choose(settings: VectorSettings, channels: tuple[str, ...], path: str) -> VectorConvention:
    """Decide what the channels mean."""
    named = conventions()
    if settings.convention != "auto" and settings.convention not in named:
        raise BadInput(f"vectors: expected auto, {', '.join(named)}; got {settings.convention!r}.")
    if settings.channels:
        pair = tuple(name.strip() for name in settings.channels.split(","))
        if len(pair) != 2 or not all(pair):
            raise BadInput(
                f"vector channels: expected two names, x then y; got {settings.channels!r}."
            )
        for name in pair:
            if name not in channels:
                raise BadInput(
                    f"vector channels: expected two of {', '.join(channels)[:300]}; got {name!r}."
                )
        base = named.get(settings.convention, named["nuke"])
        return replace(
            base, name=f"{base.name} {pair[0]} {pair[1]}", backward=(pair[0], pair[1]), forward=None
        )
    found = detect(channels)
    if found is not None and settings.convention in ("auto", found.name):
        return found
    raise BadInput(
        f"vectors {path}: expected motion layers (forward.u/v and backward.u/v, Vector.X/Y/Z/W); "
        f"got {', '.join(channels)[:300]}. Name the two channels of the backward motion with "
        "--vector-channels."
    )

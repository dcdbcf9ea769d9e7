"""Frames as nodes of motion see them, and pairs of them measured side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from ...core.errors import BadInput
from ...core.media.encoding import Encoding
from ...core.media.source import Shot
from ...core.motion.flow import Flow, unknown_flow
from ...core.motion.view import flow_picture
from ...core.render.given_motion import VectorSettings, given_motion
from ...core.render.pipeline import ReadAhead, Shared
from ...core.render.prepare import Prepared, prepare
from .progress import Progress

WORKERS = 2
KEPT = 6
REACH = 16.0  # pixels that a preview shows in full colour
CPU = torch.device("cpu")


class NoPlate(BadInput):
    """Vector Flow has nothing to take vectors from."""

    def __init__(self) -> None:
        super().__init__(
            "vector flow: expected a plate whose files hold motion layers, or backward vectors as "
            "pictures; got neither."
        )


class EncodedFrames:
    """A shot's frames in network encoding; each made once, the latest few kept."""

    def __init__(self, shot: Shot, exposure: float) -> None:
        self.shot = shot
        self.encoding = Encoding(exposure, shot.is_scene_referred)
        self.prepared = Shared(self.make, keep=KEPT)

    def make(self, frame: int) -> Prepared:
        """Bring a frame to the network's colours."""
        return prepare(self.shot.read(frame), self.shot.colour, self.encoding, CPU)

    def get(self, frame: int) -> Tensor:
        """Return a frame (1, H, W, 3), 0 to 1."""
        return self.prepared.get(frame).encoded


def pairs(
    encoded: EncodedFrames,
    last: Tensor | None,
    measure: Callable[[Tensor | None, Tensor], Flow],
    before_each: Callable[[int], None],
) -> Iterator[Flow]:
    """Measure every frame against the one before; a pair depends on its two frames alone.

    Args:
        encoded: the frames.
        last: the frame before the first; None where the shot begins.
        measure: gives the flow of a pair.
        before_each: called before a frame is waited for; may raise to stop.
    """
    frames = encoded.shot.frames
    before = dict(zip(frames[1:], frames, strict=False))

    def make(frame: int) -> Flow:
        earlier = encoded.get(before[frame]) if frame in before else last
        return measure(earlier, encoded.get(frame))

    ahead = ReadAhead(make, frames, WORKERS)
    try:
        for frame in frames:
            before_each(frame)
            yield ahead.get(frame)
    finally:
        ahead.close()


def motion(flow: Flow) -> np.ndarray:
    """Return a flow as a preview shows it."""
    return flow_picture(flow.backward, REACH)[0].numpy()


def vectors_of_plate(shot: Shot, bar: Callable[[int], Progress]) -> Flow:
    """Read the motion layers of a plate's own files; their names say who rendered them."""
    found = given_motion(VectorSettings(), shot, CPU)
    found.check(shot.frames)
    encoded, progress = EncodedFrames(shot, 0.0), bar(len(shot.frames))
    height, width = shot.canvas.height, shot.canvas.width
    flows = [unknown_flow(height, width)]
    progress.step(lambda: motion(flows[-1]))
    for last, this in zip(shot.frames, shot.frames[1:], strict=False):
        progress.check()
        flows.append(found.between(encoded.prepared.get(last), encoded.prepared.get(this)))
        progress.step(lambda: motion(flows[-1]))
    return Flow(*(torch.cat(way) for way in zip(*flows, strict=True)))

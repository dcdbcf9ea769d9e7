"""A shot painted from a few painted key frames: each frame on demand, in any order."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ..errors import BadInput
from ..media.alpha import premultiply
from ..media.encoding import Encoding
from ..media.placing import Placed
from ..media.source import Shot
from ..motion.cuts import is_cut
from ..motion.flow import Flow
from ..stylizers.prior import resize_picture
from ..temporal.keys import Key, Way, blend_keys, patches, turned
from .motion import Motion
from .painting import scratch
from .pipeline import Shared
from .prepare import Prepared, prepare

Fill = Callable[[int], np.ndarray]
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Cuts:
    """Where shots begin.

    Attributes:
        given: first frames of new shots, as the artist says.
        detected: how readily a change counts as one; None finds none.
    """

    given: tuple[int, ...] = ()
    detected: float | None = 0.5


class KeyedFrames:
    """Carries key frames over a shot.

    Ways between two keys are worked out in two sweeps and kept in a temporary folder, so that
    memory does not grow with the distance between keys.
    """

    def __init__(
        self, source: Shot, keys: Shot, motion: Motion, cuts: Cuts, fill: Fill | None = None
    ) -> None:
        """Set it up; nothing is read yet.

        Args:
            source: the shot.
            keys: painted frames of it, numbered as there.
            motion: where the source's motion comes from.
            cuts: beyond which no key is carried.
            fill: paints a frame (H, W, 3) in network encoding where no key is believed; None
                leaves it to the nearest key.

        Raises:
            BadInput: a key is no frame of the source, or has another shape.
        """
        self.source, self.keys, self.motion, self.cuts, self.fill = source, keys, motion, cuts, fill
        check_keys(source, keys)
        self.places = {frame: place for place, frame in enumerate(source.frames)}
        self.encoding = Encoding(0.0, source.is_scene_referred)
        self.prepared = Shared(self.prepare, keep=4)
        self.painted = Shared(self.key, keep=4)
        self.spans = Shared(self.sweep, keep=2)
        self.spread = patches(source.canvas.height, source.canvas.width)
        self.folder = scratch(self)

    def prepare(self, frame: int) -> Prepared:
        """Bring a plate to network encoding."""
        return prepare(self.source.read(frame), self.source.colour, self.encoding, CPU)

    def key(self, frame: int) -> Key:
        """Read a painted key in the source's encoding and size."""
        colour = self.keys.colour
        made = prepare(self.keys.read(frame), colour, self.encoding, CPU)
        size = (self.source.canvas.height, self.source.canvas.width)
        paint = resize_picture(made.encoded, *size)[0].clamp(0, 1).numpy()
        return Key(paint, self.prepared.get(frame).encoded[0].numpy())

    def own(self, frame: int) -> np.ndarray:
        """Return a key as it was painted, (H, W, 3) in the source's colour space and size."""
        made = prepare(self.keys.read(frame), self.keys.colour, self.encoding, CPU)
        size = (self.source.canvas.height, self.source.canvas.width)
        return self.source.colour.from_linear(resize_picture(made.linear, *size)[0].numpy())

    def flow(self, place: int) -> Flow | None:
        """Return the flow into a place of the shot from the one before; None beyond a cut."""
        frame = self.source.frames[place]
        last, this = (self.prepared.get(f) for f in (self.source.frames[place - 1], frame))
        if frame in self.cuts.given:
            return None
        flow = self.motion.between(last, this)
        found = self.cuts.detected
        if found is not None and is_cut(last.encoded, this.encoded, flow, found):
            return None
        return flow

    def around(self, frame: int) -> tuple[int | None, int | None]:
        """Return the keys before and after a frame; a key is its own."""
        numbers = self.keys.frames
        if frame in numbers:
            return frame, frame
        place = bisect_left(numbers, frame)
        before = numbers[place - 1] if place else None
        return before, numbers[place] if place < len(numbers) else None

    def sweep(self, start: int) -> None:
        """Work out the ways of all frames between one key and the next, and store them.

        Args:
            start: the place of the key before; -1 for the frames before the first key.
        """
        numbers = self.keys.frames
        first = self.source.frames[start] if start >= 0 else None
        at = 0 if first is None else bisect_right(numbers, first)
        end = self.places[numbers[at]] if at < len(numbers) else len(self.places)
        size = (self.source.canvas.height, self.source.canvas.width)
        flows: dict[int, bool] = {}
        way: Way | None = Way.none(*size) if first is not None else None
        for place in range(start + 1, end):
            flow = self.flow(place) if place else None
            flows[place] = flow is not None
            way = way.onwards(flow) if way is not None and flow is not None else None
            self.store(place, "before", way)
        way = Way.none(*size) if end < len(self.places) else None
        for place in range(end - 1, max(start, -1), -1):
            flow = self.flow(place + 1) if way is not None else None
            way = way.onwards(turned(flow)) if way is not None and flow is not None else None
            self.store(place, "after", way)

    def path(self, place: int, side: str) -> Path:
        """Return the file of a way."""
        return self.folder / f"{side}.{place}.npz"

    def store(self, place: int, side: str, way: Way | None) -> None:
        """Keep a way; nothing where there is none."""
        if way is not None:
            np.savez(self.path(place, side), where=way.where, sure=way.sure)

    def way(self, place: int, side: str) -> Way | None:
        """Return a way that was kept."""
        path = self.path(place, side)
        if not path.is_file():
            return None
        with np.load(path) as kept:
            return Way(kept["where"], kept["sure"])

    def frame(self, frame: int) -> np.ndarray:
        """Return a frame painted from the keys around it, (H, W, 3), network encoding."""
        before, after = self.around(frame)
        if before == after == frame:
            return self.painted.get(frame).paint
        place = self.places[frame]
        self.spans.get(-1 if before is None else self.places[before])
        ends = []
        for side, number in (("before", before), ("after", after)):
            way = self.way(place, side)
            ends.append((self.painted.get(number), way) if number is not None and way else None)
        progress = 0.5
        if before is not None and after is not None:
            start, end = self.places[before], self.places[after]
            progress = (place - start) / (end - start)
        plate = self.prepared.get(frame).encoded[0].numpy()
        otherwise = self.fill(frame) if self.fill else None
        if ends == [None, None]:
            return plate if otherwise is None else otherwise
        return blend_keys(ends[0], ends[1], progress, plate, otherwise, self.spread)[0]


def keyed_shot(frames: KeyedFrames) -> Shot:
    """Return the source with every frame painted from the keys; windows and alpha are its own."""
    source = frames.source

    def read(number: int) -> Placed:
        placed = source.read(number)
        if number in frames.keys.frames:
            return replace(placed, rgb=painted_over(placed, frames.own(number)))
        encoded = torch.from_numpy(np.ascontiguousarray(frames.frame(number)))[None]
        linear = frames.encoding.decode(encoded, frames.prepared.get(number).linear)
        rgb = source.colour.from_linear(linear[0].numpy())
        return replace(placed, rgb=painted_over(placed, rgb))

    return replace(source, read=read)


def painted_over(placed: Placed, rgb: np.ndarray) -> np.ndarray:
    """Return paint (H, W, 3) in the plate's association, the plate's own outside of it."""
    if placed.alpha is not None and placed.is_premultiplied:
        rgb = premultiply(rgb, placed.alpha, placed.rgb)
    made = placed.rgb.copy()
    made[placed.inside] = rgb[placed.inside]
    return np.ascontiguousarray(made, np.float32)


def check_keys(source: Shot, keys: Shot) -> None:
    """Refuse keys that are no frames of the source, or have another shape.

    Raises:
        BadInput: names the key.
    """
    lacking = [frame for frame in keys.frames if frame not in source.frames]
    if lacking:
        raise BadInput(
            f"keys {keys.name}: expected frames of {source.name}, {source.frames[0]} to "
            f"{source.frames[-1]}; got frame {lacking[0]}."
        )
    size, wanted = keys.canvas, source.canvas
    if abs(size.width * wanted.height / (size.height * wanted.width) - 1) > 0.02:
        raise BadInput(
            f"keys {keys.name}: expected the shape of {source.name}, {wanted.width}x"
            f"{wanted.height}; got {size.width}x{size.height}."
        )

"""Several passes over a shot, forwards and backwards in turn: Ruder et al. 2018, section 4.4.

In one pass paint at the border of a moving frame is made from ever less, and its contrast decays.
Passes that go the other way bring what was seen later back to where it was not yet known. Every
frame is painted again from a blend of its own last version and its neighbour's new one (eq 13, 14).

Frames lie on disk between the passes: memory does not grow with the shot, and work that was stopped
in any pass goes on there with the same bits.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..errors import UnreadableFile, WriteRefused
from ..state import digest, write_tensors
from ..stylizers.prior import carried_over
from ..stylizers.protocol import Before

GIGABYTE = 10**9
MARK = "stillbrush-pass"


class Carry(NamedTuple):
    """How a neighbour's picture comes onto a frame."""

    flow: Tensor  # (1, h, w, 2) pixels, on the frame, into the neighbour
    mask: Tensor  # (1, h, w, 1), 0 to 1, where that can be trusted


@dataclass(frozen=True)
class Turn:
    """What one frame's turn in one pass is.

    Attributes:
        place: the frame's place in the shot, from 0.
        number: of the pass, from 1.
        start: (1, h, w, 3), 0 to 1, what to paint from; None in the first pass: by itself.
        is_temporal: whether a stylizer's own temporal loss counts in this pass.
        carry: how the neighbour came; None where there was none.
        beside: the neighbour's paint on this frame; None where there was none.
    """

    place: int
    number: int
    start: Tensor | None = None
    is_temporal: bool = False
    carry: Carry | None = None
    beside: Before | None = None


class Repainter(Protocol):
    """Any stylizer that can paint a frame from a picture to start with."""

    def repaint(self, turn: Turn) -> Tensor:
        """Return the painted frame (1, h, w, 3), 0 to 1; the same for the same turn."""
        ...


@dataclass(frozen=True)
class Passes:
    """How many passes, and how they are joined.

    Attributes:
        count: passes; 1 paints every frame by itself.
        blend: delta of eq 13, the share of the neighbour.
        temporal_from: first pass with a temporal loss; None: the second half of them.
    """

    count: int = 10
    blend: float = 0.5
    temporal_from: int | None = None

    def is_temporal(self, number: int) -> bool:
        """Say whether the temporal loss counts in a pass (off in the first ones, section 4.4)."""
        begin = self.count // 2 + 1 if self.temporal_from is None else self.temporal_from
        return number >= begin

    def order(self, number: int, length: int) -> range:
        """Return the places of a pass in its direction: odd ones forwards."""
        return range(length) if number % 2 else range(length - 1, -1, -1)


def blended(own: Tensor, neighbour: Tensor, carry: Carry, blend: float) -> Tensor:
    """Blend a frame's last version with its neighbour's new one (eq 13, 14), (1, h, w, 3).

    `delta c w(x) + ((1 - delta) + delta (1 - c)) own`, which is `own` moved by `delta c`.
    """
    return torch.lerp(own, carried_over(neighbour, carry.flow), carry.mask * blend)


class PassStore:
    """Frames of the passes on disk, one version of each and no more than one besides."""

    def __init__(self, folder: Path, limit: int | None = None) -> None:
        """Take up what is there; nothing is read yet.

        Args:
            folder: is made when the first frame is written.
            limit: bytes that the frames may take together; None: no limit.
        """
        self.folder, self.limit = folder, limit

    def path(self, number: int, place: int) -> Path:
        """Return the file of a frame as a pass left it."""
        return self.folder / f"frame.{place}.pass.{number}.safetensors"

    def has(self, number: int, place: int) -> bool:
        """Say whether a frame has come as far as a pass."""
        return self.latest(place) >= number

    def latest(self, place: int) -> int:
        """Return the last pass that a frame has been through; 0: none."""
        found = self.folder.glob(f"frame.{place}.pass.*.safetensors")
        return max((int(path.name.split(".")[3]) for path in found), default=0)

    def read(self, number: int, place: int) -> Tensor:
        """Return a frame (1, h, w, 3) as a pass left it.

        Raises:
            UnreadableFile: missing or damaged.
        """
        path = self.path(number, place)
        try:
            with safe_open(path, framework="pt") as file:
                picture, marks = file.get_tensor("picture"), file.metadata() or {}
        except (SafetensorError, OSError) as error:
            raise UnreadableFile(f"pass {path}: cannot be read ({error}).") from error
        if marks.get(MARK) != digest({"picture": picture}, {}):
            raise UnreadableFile(f"pass {path}: is damaged. Remove it, and paint again.")
        return picture

    def write(self, number: int, place: int, picture: Tensor) -> None:
        """Keep a frame, whole or not at all, and let go of the version before it.

        Raises:
            WriteRefused: the disk is full, or there is no permission.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = picture.detach().float().cpu().contiguous()
        marks = {MARK: digest({"picture": kept}, {})}
        write_tensors({"picture": kept}, self.path(number, place), marks)
        self.path(number - 1, place).unlink(missing_ok=True)

    def check_room(self, frames: int, height: int, width: int) -> None:
        """Refuse, before anything is painted, what will not fit.

        Raises:
            WriteRefused: says how much it takes and what may help.
        """
        wanted = (frames + 1) * height * width * 3 * 4
        if self.limit is not None and wanted > self.limit:
            raise WriteRefused(
                f"passes {self.folder}: {frames} frames of {width}x{height} take "
                f"{wanted / GIGABYTE:.1f} GB between passes; the limit is "
                f"{self.limit / GIGABYTE:.1f} GB. Raise it, or paint fewer frames or smaller."
            )
        base = next(path for path in (self.folder, *self.folder.parents) if path.is_dir())
        free = shutil.disk_usage(base).free
        there = sum(path.stat().st_size for path in self.folder.glob("frame.*"))
        if wanted > free + there:
            raise WriteRefused(
                f"passes {self.folder}: {frames} frames of {width}x{height} take "
                f"{wanted / GIGABYTE:.1f} GB between passes; {free / GIGABYTE:.1f} GB are free."
            )

    def clear(self) -> None:
        """Remove every frame."""
        shutil.rmtree(self.folder, ignore_errors=True)


def run_passes(
    length: int,
    repainter: Repainter,
    carry: Callable[[int, int], Carry | None],
    passes: Passes,
    store: PassStore,
    before_each: Callable[[int, int], None] = lambda number, place: None,
    after_each: Callable[[int, int], None] = lambda number, place: None,
) -> None:
    """Paint a shot in several passes, going on from what a store holds.

    Args:
        length: frames of the shot.
        repainter: what paints.
        carry: how a neighbour (second) comes onto a frame (first), by their places; None where it
            does not: a cut.
        passes: how many, and how they are joined.
        store: where frames lie; in the end it holds the last pass.
        before_each: called with pass and place before a frame is painted; may raise to stop.
        after_each: called with them when it is kept; frames that a store holds are not told.
    """
    for number in range(1, passes.count + 1):
        order = passes.order(number, length)
        for place in order:
            if store.has(number, place):
                continue
            before_each(number, place)
            turn = next_turn(number, place, order, carry, passes, store)
            store.write(number, place, repainter.repaint(turn).clamp(0, 1))
            after_each(number, place)


def next_turn(
    number: int,
    place: int,
    order: range,
    carry: Callable[[int, int], Carry | None],
    passes: Passes,
    store: PassStore,
) -> Turn:
    """Make a frame's turn in a pass from what is on disk."""
    is_temporal = passes.is_temporal(number)
    if number == 1:
        return Turn(place, number, None, is_temporal)
    own = store.read(number - 1, place)
    if place == order[0]:
        return Turn(place, number, own, is_temporal)
    beside = place - order.step
    way = carry(place, beside)
    if way is None:
        return Turn(place, number, own, is_temporal)
    neighbour = store.read(number, beside)
    start = blended(own, neighbour, way, passes.blend)
    carried = Before(carried_over(neighbour, way.flow), way.mask)
    return Turn(place, number, start, is_temporal, way, carried)

"""Shots cut out of real footage: videos, folders of frames, and Sintel with its true motion.

Ruder et al. trained on Hollywood2 with estimated flow, Gupta et al. on Sintel with the true one.
True flow leads from a frame to the next. A system that carries paint looks back, so that it is
shown such clips from their end; one that compares forwards sees them as they are.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import BadInput, StillbrushError
from ..media.encoding import Encoding
from ..media.source import open_shot
from ..media.stills import resize_short_side
from ..motion.cache import FlowCache
from ..motion.consistency import trust_mask
from ..motion.cuts import is_cut
from ..motion.flow import DisFlow, Flow, is_known, resize_flow
from ..render.prepare import prepare
from ..stylizers.prior import resize_mask
from ..yardstick.clips import ClipFiles, find_clips
from .windows import Step, Window, noisy, pixel_grid, sample

FEWEST = 5  # frames of a take: four to learn from at once, and the one before
MOST_FRAMES = 3000  # kept in memory: about 1.3 GB at the usual size
FLOW_BYTES = 7 << 30  # of flows kept on disk, that of as many frames; the oldest make room
NOISY_SHARE, MOST_NOISE = 0.5, 0.03  # of the takes; standard deviation
FROZEN_SHARE = 0.5


@dataclass(frozen=True)
class Reel:
    """Frames without a cut, in memory."""

    name: str
    first: int  # place of its first frame in the clip
    frames: Tensor  # (N, 3, H, W), 8 bits
    files: ClipFiles

    @property
    def is_true(self) -> bool:
        """Say whether its motion is known."""
        return bool(self.files.flows)


@dataclass(frozen=True)
class Take:
    """A stretch of a reel, cut to a training frame and played in one direction."""

    reel: int
    first: int  # frame of the reel at age 0
    direction: int  # 1, or -1 from the end
    frames: int
    top: int
    left: int
    noise: float  # standard deviation, 0 to 1, on top of the footage's own
    frozen: bool
    seed: int
    drift: float = 0.0  # its light is as it is

    def place(self, age: int) -> int:
        """Return the frame of the reel at an age."""
        return self.first + self.direction * age


class Footage:
    """Real footage, as a source of shots (`Shots`).

    Args:
        paths: videos, folders of videos or of frames, Sintel, DAVIS.
        short_side: to which frames are scaled, pixels.
        size: side of a training frame.
        kept: folder of measured flows.
        forwards: which true motion is asked for: that to the next frame, or back to the last.

    Raises:
        MissingFrame, BadInput: there is no such file, or nothing in it can be used.
    """

    def __init__(
        self, paths: Sequence[Path], short_side: int, size: int, kept: Path, *, forwards: bool
    ) -> None:
        self.size, self.forwards = size, forwards
        self.grid = pixel_grid(size)
        self.cache, self.estimator = FlowCache(kept, FLOW_BYTES), DisFlow()
        self.skipped: list[str] = []
        clips: list[ClipFiles] = []
        for path in paths:
            found = find_clips(path)
            clips += found.clips
            self.skipped += found.skipped
        most = max(FEWEST, MOST_FRAMES // len(clips))
        self.reels = [reel for clip in clips for reel in self.reels_of(clip, short_side, most)]
        if not self.reels:
            told = "; ".join(self.skipped[:3])
            raise BadInput(
                f"footage: expected clips of {FEWEST} frames or more; found none. {told}"
            )

    def reels_of(self, clip: ClipFiles, short_side: int, most: int) -> list[Reel]:
        """Read a clip; what cannot be used is noted down."""
        try:
            pictures = list(read_frames(clip, short_side, most))
        except (StillbrushError, OSError) as error:
            self.skipped.append(f"{clip.name} ({str(error)[:100]})")
            return []
        reels = [
            Reel(clip.name, first, torch.stack(part), clip)
            for first, part in uncut(pictures)
            if len(part) >= FEWEST
        ]
        if not reels:
            self.skipped.append(f"{clip.name} (fewer than {FEWEST} frames without a cut)")
        return reels

    def draw(self, seed: int) -> Take:
        """Draw the take of a seed."""
        rng = np.random.default_rng((seed, 4))
        number = int(rng.integers(len(self.reels)))
        reel = self.reels[number]
        count, _, height, width = reel.frames.shape
        direction = 1 if rng.random() < 0.5 else -1
        if reel.is_true:
            direction = 1 if self.forwards else -1
        start = int(rng.integers(count - FEWEST + 1))
        return Take(
            reel=number,
            first=start if direction > 0 else count - 1 - start,
            direction=direction,
            frames=count - start,
            top=int(rng.integers(height - self.size + 1)),
            left=int(rng.integers(width - self.size + 1)),
            noise=float(rng.uniform(0, MOST_NOISE)) if rng.random() < NOISY_SHARE else 0.0,
            frozen=bool(rng.random() < FROZEN_SHARE),
            seed=seed,
        )

    def cut(self, take: Take, whole: Tensor) -> Tensor:
        """Cut a take's training frame out of (..., H, W)."""
        down, across = (
            slice(take.top, take.top + self.size),
            slice(take.left, take.left + self.size),
        )
        return whole[..., down, across]

    def render(self, shot: Take, age: int) -> Window:
        """Return a frame."""
        clean = self.cut(shot, self.reels[shot.reel].frames[shot.place(age)]).float() / 255
        return Window(clean, noisy(clean, shot, age), torch.zeros_like(clean[:1]))

    def step(self, shot: Take, age: int) -> Step:
        """Return a frame, the one before it, and the motion back to that."""
        flow, seen = self.motion(shot, age, age - 1)
        return Step(self.render(shot, age - 1), self.render(shot, age), flow, seen)

    def forward_flow(self, shot: Take, age: int) -> tuple[Tensor, Tensor]:
        """Return the motion to the frame of an age, on the one before, and where it is seen.

        Nothing leads to the first frame.
        """
        if age == 0:
            return torch.zeros((self.size, self.size, 2)), torch.zeros((1, self.size, self.size))
        return self.motion(shot, age - 1, age)

    def motion(self, shot: Take, age: int, to: int) -> tuple[Tensor, Tensor]:
        """Return the motion (H, W, 2) from one age to another, and where it is seen (1, H, W)."""
        here, there = shot.place(age), shot.place(to)
        flow, seen = self.lead(self.reels[shot.reel], here, there)
        flow = self.cut(shot, flow[0].permute(2, 0, 1)).permute(1, 2, 0)
        inside = ((self.grid + flow).abs() <= (self.size - 1) / 2).all(-1)[None]
        known = is_known(flow[None])[0].permute(2, 0, 1)
        seen = self.cut(shot, seen[0, ..., 0][None]) * inside * known
        return torch.where(known[0, ..., None], flow, 0.0), seen

    def lead(self, reel: Reel, here: int, there: int) -> tuple[Tensor, Tensor]:
        """Return the motion between neighbours (1, H, W, 2), and (1, H, W, 1), 1 where seen."""
        height, width = reel.frames.shape[-2:]
        truth = reel.files.flow(reel.first + here) if there == here + 1 else None
        if truth is not None:
            visible = reel.files.visible(reel.first + here)
            flow = resize_flow(truth, height, width)
            if visible is None:
                return flow, torch.ones((1, height, width, 1))
            return flow, (resize_mask(visible, height, width) > 0.999).float()
        earlier, later = (as_estimated(reel.frames[n]) for n in sorted((here, there)))
        found = self.cache.estimate(self.estimator, earlier, later)
        pair = found if here > there else Flow(found.forward, found.backward)
        return pair.backward, trust_mask(pair)

    def seconds_to_measure(self) -> float:
        """Return about how long it takes to measure all motion that is not known."""
        unknown = [reel for reel in self.reels if not reel.is_true]
        if not unknown:
            return 0.0
        earlier, later = (as_estimated(frame) for frame in unknown[0].frames[:2])
        begun = time.perf_counter()
        self.estimator.estimate(earlier, later)
        return (time.perf_counter() - begun) * sum(len(reel.frames) - 1 for reel in unknown)

    def fetch(self, picture: Tensor, flow: Tensor) -> Tensor:
        """Sample a frame (C, H, W) at x + flow."""
        return sample(picture, self.grid + flow + (self.size - 1) / 2)

    def stills(self, count: int) -> list[tuple[str, Tensor]]:
        """Return the middle frames of some reels, (3, H, W), 8 bits, by name."""
        chosen = self.reels[:: max(1, len(self.reels) // count)][:count]
        return [(reel.name, reel.frames[len(reel.frames) // 2]) for reel in chosen]


def as_estimated(frame: Tensor) -> Tensor:
    """Return a frame (3, H, W) as an estimator reads it."""
    return frame.permute(1, 2, 0)[None].float() / 255


def read_frames(clip: ClipFiles, short_side: int, most: int) -> Iterator[Tensor]:
    """Read the first frames of a clip, (3, H, W), 8 bits, in network encoding.

    Raises:
        StillbrushError: it cannot be read, or is smaller than half of what is asked for.
    """
    shot = open_shot(clip.source)
    if min(shot.canvas.width, shot.canvas.height) < short_side // 2:
        raise BadInput(
            f"expected {short_side // 2} px or more; got {shot.canvas.width}x{shot.canvas.height}"
        )
    for frame in shot.frames[:most]:
        encoded = prepare(shot.read(frame), shot.colour, Encoding(), torch.device("cpu")).encoded
        picture = np.rint(encoded[0].clamp(0, 1).numpy() * 255).astype(np.uint8)
        yield torch.from_numpy(resize_short_side(picture, short_side)).permute(2, 0, 1)


def uncut(pictures: list[Tensor]) -> Iterator[tuple[int, list[Tensor]]]:
    """Split frames (3, H, W) where a new shot begins; with the place of each part's first."""
    begun = 0
    for place in range(1, len(pictures)):
        if is_cut(as_estimated(pictures[place - 1]), as_estimated(pictures[place])):
            yield begun, pictures[begun:place]
            begun = place
    yield begun, pictures[begun:]


def footage_digest(paths: Sequence[Path]) -> str:
    """Return a digest of the names and sizes of footage."""
    digest = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                digest.update(
                    f"{file.relative_to(path).as_posix()} {file.stat().st_size}\n".encode()
                )
    return digest.hexdigest()

"""Shots made from photographs: a window that moves over a picture, with exact flow and occlusion.

Ruder et al., section 5.2.3: frames are windows of one photograph that shift and zoom. Ours go on
for as many frames as asked, hold still for a part of the shots, carry sensor noise and exposure
drift, and let a second photograph cross in front, so that the holes in the mask have the shapes of
real disocclusions. Every frame is a pure function of the trajectory and the frame's age.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .photographs import Photographs
from .recursion import ENDLESS

STILL_SHARE = 0.2
OCCLUDED_SHARE = 0.5
DRIFT_SHARE = 0.2
SWAYING_SHARE, SWAYING = 0.5, (4.0, 40.0)  # of the shots; pixels each way
MISJUDGED_SHARE, MISJUDGED = 0.4, 0.4  # of the steps; pixels (standard deviation) at most


@dataclass(frozen=True)
class Trajectory:
    """How one training shot moves. Lengths in pixels of the frame, speeds per frame."""

    picture: int
    origin: tuple[float, float]
    speed: tuple[float, float]
    scale: float  # source pixels per frame pixel at age 0
    zoom: float  # factor of scale per frame
    noise: float  # standard deviation of sensor noise, 0 to 1
    drift: float  # stops of exposure swing
    occluder: int | None
    occluder_speed: tuple[float, float]
    blob: int  # seed of the occluder's silhouette
    frozen: bool  # keep the statistics of the first frame that has a prior
    seed: int
    sway: float = 0.0  # pixels that the window goes each way before it turns; 0: it goes straight
    frames: int = ENDLESS

    @classmethod
    def random(cls, seed: int, pictures: int, size: int) -> Trajectory:
        """Draw a trajectory; the same seed draws the same one."""
        rng = np.random.default_rng(seed)
        still = rng.random() < STILL_SHARE

        def speed(limit: float) -> tuple[float, float]:
            magnitude = limit * 10 ** rng.uniform(-1.7, 0.0)
            angle = rng.uniform(0, 2 * math.pi)
            return magnitude * math.cos(angle), magnitude * math.sin(angle)

        drawn = speed(size / 8)
        return cls(
            picture=int(rng.integers(pictures)),
            origin=(float(rng.uniform(0, 1)), float(rng.uniform(0, 1))),
            speed=(0.0, 0.0) if still else drawn,
            scale=float(rng.uniform(0.75, 1.5)),
            zoom=1.0 if still or rng.random() < 0.5 else float(1 + rng.uniform(-0.02, 0.02)),
            noise=float(rng.uniform(0.0, 0.03)) if rng.random() < 0.7 else 0.0,
            drift=float(rng.uniform(0.1, 0.5)) if rng.random() < DRIFT_SHARE else 0.0,
            occluder=int(rng.integers(pictures)) if rng.random() < OCCLUDED_SHARE else None,
            occluder_speed=speed(size / 10),
            blob=int(rng.integers(2**31)),
            frozen=bool(rng.random() < 0.5),
            seed=seed,
            sway=float(rng.uniform(*SWAYING)) if rng.random() < SWAYING_SHARE else 0.0,
        )

    def gone(self, age: float) -> tuple[float, float]:
        """Return how far the window has gone at an age, pixels of the frame.

        One that sways shows the same things throughout: only there does paint grow old.
        """
        fastest = math.hypot(*self.speed)
        if not self.sway or not fastest:
            return self.speed[0] * age, self.speed[1] * age
        way = self.sway / fastest * math.sin(age * fastest / self.sway)
        return self.speed[0] * way, self.speed[1] * way


@dataclass(frozen=True)
class Window:
    """One rendered frame of a trajectory."""

    clean: Tensor  # (3, H, W), 0 to 1
    noisy: Tensor  # (3, H, W), 0 to 1
    front: Tensor  # (1, H, W), 1 where the occluder is


class Noisy(Protocol):
    """A shot with sensor noise."""

    @property
    def noise(self) -> float:
        """Its standard deviation, 0 to 1."""
        ...

    @property
    def seed(self) -> int:
        """Of the shot."""
        ...


def noisy(clean: Tensor, shot: Noisy, age: int) -> Tensor:
    """Return a frame of a shot with its noise, 0 to 1."""
    rng = torch.Generator().manual_seed((shot.seed * 1009 + age) % 2**62)
    return (clean + shot.noise * torch.randn(clean.shape, generator=rng)).clamp(0, 1)


def pixel_grid(size: int) -> Tensor:
    """Return pixel positions (H, W, 2), x then y, relative to the centre of the frame."""
    axis = torch.arange(size, dtype=torch.float32) - (size - 1) / 2
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    return torch.stack((x, y), -1)


def sample(picture: Tensor, positions: Tensor) -> Tensor:
    """Sample a picture (C, H, W) at positions (h, w, 2) in pixels; outside it is mirrored."""
    height, width = picture.shape[-2:]
    scale = torch.tensor([2.0 / width, 2.0 / height], device=positions.device)
    grid = (positions + 0.5) * scale - 1
    values = F.grid_sample(
        picture[None], grid[None], mode="bilinear", padding_mode="reflection", align_corners=False
    )
    return values[0]


class Shooter:
    """Renders trajectories over a set of photographs."""

    def __init__(self, photographs: Photographs, size: int) -> None:
        self.photographs = photographs
        self.size = size
        self.grid = pixel_grid(size)

    def draw(self, seed: int) -> Trajectory:
        """Draw the trajectory of a seed."""
        return Trajectory.random(seed, len(self.photographs), self.size)

    def positions(self, shot: Trajectory, age: float) -> tuple[Tensor, Tensor, float]:
        """Return where the frame looks in the picture, and the centre and scale it uses."""
        height, width = self.photographs.pictures[shot.picture].shape[-2:]
        zoomed = shot.scale * math.exp(0.3 * math.sin(age * math.log(shot.zoom) / 0.3))
        right, down = shot.gone(age)
        centre = torch.tensor(
            [
                shot.origin[0] * width + right * shot.scale,
                shot.origin[1] * height + down * shot.scale,
            ]
        )
        return centre + self.grid * zoomed, centre, zoomed

    def occluder(self, shot: Trajectory, age: int) -> tuple[Tensor, Tensor]:
        """Return the occluder's picture positions and its matte (1, H, W)."""
        rng = torch.Generator().manual_seed(shot.blob)
        field = torch.randn((1, 1, 7, 7), generator=rng)
        field = F.interpolate(field, size=(224, 224), mode="bicubic", align_corners=False)[0]
        moved = self.grid - torch.tensor(shot.occluder_speed) * (age - 6)
        matte = (sample(field, moved + 112) > 0.9).float()
        return moved + 150.0, matte

    def render(self, shot: Trajectory, age: int) -> Window:
        """Render the frame of one age."""
        where, _, _ = self.positions(shot, age)
        clean = sample(self.photographs.pictures[shot.picture].float() / 255, where)
        front = torch.zeros((1, self.size, self.size))
        if shot.occluder is not None:
            over, front = self.occluder(shot, age)
            top = sample(self.photographs.pictures[shot.occluder].float() / 255, over)
            clean = torch.lerp(clean, top, front)
        if shot.drift:
            clean = clean * 2.0 ** (shot.drift * math.sin(age * 0.35))
        clean = clean.clamp(0, 1)
        return Window(clean, noisy(clean, shot, age), front)

    def backward_flow(self, shot: Trajectory, age: int, front: Tensor) -> Tensor:
        """Return the exact backward flow (H, W, 2) from the frame of this age to the last one."""
        where, _, _ = self.positions(shot, age)
        _, centre, scale = self.positions(shot, age - 1)
        behind = (where - centre) / scale - self.grid
        over = -torch.tensor(shot.occluder_speed).expand_as(behind)
        return torch.where(front[0, ..., None] > 0.5, over, behind)

    def forward_flow(self, shot: Trajectory, age: int) -> tuple[Tensor, Tensor]:
        """Return the exact motion that leads to the frame of an age, on the grid of the one before.

        Returns:
            The flow (H, W, 2), and (1, H, W), 1 where this frame shows the point.
        """
        front = self.matte(shot, age - 1)
        where, _, _ = self.positions(shot, age - 1)
        _, centre, scale = self.positions(shot, age)
        behind = (where - centre) / scale - self.grid
        over = torch.tensor(shot.occluder_speed).expand_as(behind)
        flow = torch.where(front[0, ..., None] > 0.5, over, behind)
        inside = ((self.grid + flow).abs() <= (self.size - 1) / 2).all(-1).float()[None]
        layer = self.fetch(self.matte(shot, age), flow)
        return flow, ((layer - front).abs() < 1e-3).float() * inside

    def matte(self, shot: Trajectory, age: int) -> Tensor:
        """Return where the occluder is on the frame of an age, (1, H, W)."""
        if shot.occluder is None:
            return torch.zeros((1, self.size, self.size))
        return self.occluder(shot, age)[1]

    def step(self, shot: Trajectory, age: int) -> Step:
        """Render a frame, the one before it, and the exact motion between them."""
        last, this = self.render(shot, age - 1), self.render(shot, age)
        flow = self.backward_flow(shot, age, this.front)
        landed = self.grid + flow
        limit = (self.size - 1) / 2
        inside = (landed.abs() <= limit).all(-1).float()[None]
        layer = self.fetch(last.front, flow)
        seen = ((layer - this.front).abs() < 1e-3).float() * inside
        return Step(last, this, flow, seen)

    def fetch(self, picture: Tensor, flow: Tensor) -> Tensor:
        """Sample a frame (C, H, W) at x + flow."""
        return sample(picture, self.grid + flow + (self.size - 1) / 2)


@dataclass(frozen=True)
class Step:
    """Two neighbouring frames and the exact motion between them."""

    last: Window
    this: Window
    flow: Tensor  # (H, W, 2) backward, pixels
    seen: Tensor  # (1, H, W), 1 where the point was visible in the last frame


def spoil_mask(seen: Tensor, rng: np.random.Generator) -> Tensor:
    """Widen the holes of a mask and add some, as estimated flow does.

    Args:
        seen: (1, H, W), 1 where the last frame shows the point.
    """
    radius = int(rng.integers(1, 4))
    hidden = F.max_pool2d(1 - seen[None], 2 * radius + 1, 1, radius)[0]
    if rng.random() < 0.5:
        cells = int(rng.integers(5, 24))
        field = torch.from_numpy(rng.standard_normal((1, 1, cells, cells)).astype(np.float32))
        size = seen.shape[-2:]
        field = F.interpolate(field, size=size, mode="bicubic", align_corners=False)[0]
        hidden = torch.maximum(hidden, (field > rng.uniform(1.0, 2.2)).float())
    return 1 - hidden


def misjudged(flow: Tensor, rng: np.random.Generator) -> Tensor:
    """Return a flow (H, W, 2) with the errors of estimated flow, in a part of the steps.

    Along exact flow paint stays sharp by itself; along estimated flow it smears, the more the
    longer the shot, and a network that never saw this does not mend it.
    """
    if rng.random() >= MISJUDGED_SHARE:
        return flow
    cells = int(rng.integers(4, 20))
    field = torch.from_numpy(rng.standard_normal((1, 2, cells, cells)).astype(np.float32))
    field = F.interpolate(field, size=flow.shape[:2], mode="bicubic", align_corners=False)[0]
    return flow + rng.uniform(0.0, MISJUDGED) * field.permute(1, 2, 0)

"""Where shots come from: windows that move over photographs, real footage, or both."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from torch import Tensor

from .footage import Footage, Take
from .windows import Shooter, Step, Window


class Shot(Protocol):
    """One shot, as a seed drew it."""

    @property
    def frames(self) -> int:
        """How many frames it has."""
        ...

    @property
    def drift(self) -> float:
        """Stops by which its light swings; 0: known not to be made to."""
        ...

    @property
    def frozen(self) -> bool:
        """Whether it keeps the statistics of its first frame that has a prior."""
        ...


class Shots(Protocol):
    """A source of shots. A frame is a function of its shot's seed and its age, from 0 on."""

    def draw(self, seed: int) -> Any:
        """Return the `Shot` of a seed: always the same."""
        ...

    def render(self, shot: Any, age: int) -> Window:
        """Return a frame."""
        ...

    def step(self, shot: Any, age: int) -> Step:
        """Return a frame, the one before it, and the motion back to that."""
        ...

    def forward_flow(self, shot: Any, age: int) -> tuple[Tensor, Tensor]:
        """Return the motion (H, W, 2) to a frame, on the one before, and where it is seen."""
        ...

    def fetch(self, picture: Tensor, flow: Tensor) -> Tensor:
        """Sample a frame (C, H, W) at x + flow."""
        ...


class Both:
    """Windows over photographs and real footage; the seed decides."""

    def __init__(self, windows: Shooter, footage: Footage, share: float) -> None:
        self.windows, self.footage, self.share = windows, footage, share
        self.fetch = windows.fetch

    def draw(self, seed: int) -> Shot:
        """Return the shot of a seed."""
        is_real = np.random.default_rng((seed, 3)).random() < self.share
        return self.footage.draw(seed) if is_real else self.windows.draw(seed)

    def source(self, shot: Any) -> Any:
        """Return where a shot comes from."""
        return self.footage if isinstance(shot, Take) else self.windows

    def render(self, shot: Any, age: int) -> Window:
        """Return a frame."""
        return self.source(shot).render(shot, age)

    def step(self, shot: Any, age: int) -> Step:
        """Return a frame, the one before it, and the motion back to that."""
        return self.source(shot).step(shot, age)

    def forward_flow(self, shot: Any, age: int) -> tuple[Tensor, Tensor]:
        """Return the motion to a frame, on the one before, and where it is seen."""
        return self.source(shot).forward_flow(shot, age)

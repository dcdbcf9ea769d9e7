"""What a training run is told: data, styles, weights of the losses, sizes, schedule."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

from ..networks.style_network import Shape


@dataclass(frozen=True)
class Recipe:
    """One training run. Everything that changes the resulting weights is in here."""

    styles: tuple[Path, ...]
    content: Path
    loss_network: Path
    iterations: int = 9000
    size: int = 160  # pixels, side of a training frame
    short_side: int = 288  # of the photographs in memory
    style_side: int = 256  # short side of the style pictures: what decides the size of a stroke
    batch: int = 4  # samples per iteration
    slots: int = 24  # shots that are under way at any time
    rate: float = 2e-3
    style_weight: float = 10.0
    content_weight: float = 0.55
    variation_weight: float = 0.05
    temporal_weight: float = 400.0
    lattice_weight: float = 1500.0
    style_gains: tuple[float, ...] = ()  # per style, multiplies style_weight; empty: all 1
    seed: int = 1
    shape: Shape = field(default_factory=Shape)

    def learning_rate(self, step: int) -> float:
        """Warm up over 100 steps, then follow half a cosine down to a fiftieth."""
        progress = min(step / self.iterations, 1.0)
        cosine = 0.5 * (1 + math.cos(math.pi * progress))
        return self.rate * min((step + 1) / 100, 1.0) * (0.02 + 0.98 * cosine)

    def temporal_ramp(self, step: int) -> float:
        """Raise the temporal weight over the first two fifths: paint first, then hold still."""
        progress = min(step / (0.4 * self.iterations), 1.0)
        return self.temporal_weight * (0.05 + 0.95 * progress)

    def fresh(self, step: int) -> int:
        """Return the samples of a batch that have no prior: most of them while it learns to paint."""
        return max(1, (3 if step < 0.25 * self.iterations else 1) * self.batch // 4)

    def longest_shot(self, step: int) -> int:
        """Frames a training shot may last: Ruder's growing recursion (table 1), and then on."""
        progress = step / self.iterations
        for until, frames in ((0.1, 2), (0.2, 5), (0.35, 12)):
            if progress < until:
                return frames
        return 80

"""The recurrent network of Gupta et al.: its last picture comes back as it lies, without any flow.

It is trained on four frames at a time and learns through all of them. The motion is known while it
trains, and only there: the next picture, brought back along the forward flow, must equal the last
one where both show the point. Shots are mirrored at random; their motion is mirrored with them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .loop import Losses, StyledLoop
from .losses import content_loss, lattices, style_loss, total_variation
from .terms import gupta_temporal_loss
from .windows import sample

UNROLLED = 4  # frames that the gradient goes back through


@dataclass(frozen=True)
class Glimpse:
    """One frame of a shot, and how the frame before leads to it."""

    noisy: Tensor  # (3, H, W)
    clean: Tensor  # (3, H, W)
    forward: Tensor  # (H, W, 2) pixels, on the grid of the frame before
    seen: Tensor  # (1, H, W) there: 1 where this frame shows the point

    def mirrored(self, across: bool, down: bool) -> Glimpse:
        """Return the glimpse in a mirror: motion changes its sign along the mirrored axis."""
        axes = [-1] * across + [-2] * down
        signs = torch.tensor([-1.0 if across else 1.0, -1.0 if down else 1.0])
        flow = self.forward.flip([axis - 1 for axis in axes]) * signs
        noisy, clean, seen = (p.flip(axes) for p in (self.noisy, self.clean, self.seen))
        return Glimpse(noisy, clean, flow, seen)


class RecurrentTrainer(StyledLoop):
    """A recurrent network in training."""

    ahead = UNROLLED
    forwards = True

    def practise(self, rng: np.random.Generator) -> Losses:
        """Paint four frames of some shots in one style; some shots begin, others go on."""
        recipe = self.recipe
        styles = recipe.shape.styles
        style = int(rng.integers(styles))
        fresh = recipe.fresh(self.step)
        seeds = [int(rng.integers(2**62)) for _ in range(fresh)]
        under_way = self.under_way()
        under_way = under_way[under_way % styles == style]
        count = min(recipe.batch - fresh, len(under_way))
        rolling = torch.from_numpy(rng.choice(under_way, count, replace=False)).long()
        ages = [-1] * fresh + self.slots.ages[rolling].tolist()
        drawn = [*seeds, *self.slots.seeds[rolling].tolist()]
        shots = [
            [self.glimpse(seed, age + 1 + n) for n in range(UNROLLED)]
            for seed, age in zip(drawn, ages, strict=True)
        ]
        empty = torch.zeros((fresh, *self.slots.painted.shape[1:]))
        last = torch.cat((empty, self.slots.painted[rolling])).to(self.device)
        losses, painted = self.unroll(shots, last, style, fresh)
        here = painted.cpu()
        for _ in range(UNROLLED):
            self.slots.advance(rolling, here[fresh:])
        self.renew(torch.arange(style, recipe.slots, styles), seeds, here, rng)
        for slot in np.flatnonzero(self.slots.ages.numpy() == 0):
            self.slots.ages[slot] = UNROLLED - 1
        return losses

    def unroll(
        self, shots: list[list[Glimpse]], last: Tensor, style: int, fresh: int
    ) -> tuple[Losses, Tensor]:
        """Paint the frames one after the other, then learn from all of them.

        Args:
            shots: of each, its frames.
            last: what was painted before, (N, 3, H, W); 0 where nothing was.
            fresh: how many have nothing before them.
        """
        recipe = self.recipe
        shares = self.shares(style, len(shots))
        sums = {name: torch.zeros((), device=self.device) for name in ("style", "content",
                "temporal", "lattice")}  # fmt: skip
        variation = torch.zeros((), device=self.device)
        for number in range(UNROLLED):
            frames = [shot[number] for shot in shots]
            noisy, clean, seen = (
                torch.stack([getattr(frame, name) for frame in frames]).to(self.device)
                for name in ("noisy", "clean", "seen")
            )
            x = torch.cat((noisy, last, torch.ones_like(seen)), 1)
            with self.rounding():
                painted, _ = self.learner(x, shares)
            painted = painted.float()
            features = self.features(painted)
            with self.rounding():
                sums["style"] += style_loss(features, self.targets[style])
            sums["content"] += content_loss(features, self.plate_features(clean)).mean()
            sums["lattice"] += lattices(painted).mean()
            variation += total_variation(painted).mean()
            begins = 0 if number else fresh
            back = brought_back(painted, [frame.forward for frame in frames])
            errors = gupta_temporal_loss(last, back, seen)[begins:]
            sums["temporal"] += errors.sum() / len(shots)
            last = painted
        weights = (recipe.style_weight, recipe.content_weight, recipe.temporal_ramp(self.step),
                   recipe.lattice_weight)  # fmt: skip
        pairs = zip(sums.items(), weights, strict=True)
        parts = {name: weight / UNROLLED * value for (name, value), weight in pairs}
        total = torch.stack([*parts.values(), recipe.variation_weight / UNROLLED * variation]).sum()
        self.descend(total)
        values = {name: part.item() for name, part in parts.items()}
        return Losses(total.item(), vigour=0.0, **values), last.detach()

    def glimpse(self, seed: int, age: int) -> Glimpse:
        """Render a frame of a shot; the seed decides whether the whole shot is mirrored."""
        shot, shooter = self.shooter.draw(seed), self.shooter
        window = shooter.render(shot, age)
        forward, seen = shooter.forward_flow(shot, age)
        if shot.drift:  # the light changes: the same point is not the same paint
            seen = torch.zeros_like(seen)
        rng = np.random.default_rng((seed, 2))
        across, down = bool(rng.random() < 0.5), bool(rng.random() < 0.5)
        return Glimpse(window.noisy, window.clean, forward, seen).mirrored(across, down)


def brought_back(painted: Tensor, flows: list[Tensor]) -> Tensor:
    """Bring pictures (N, 3, H, W) back along forward flows (H, W, 2), each on the earlier grid."""
    height, width = painted.shape[-2:]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    grid = torch.stack((x, y), -1)
    pairs = zip(painted, flows, strict=True)
    return torch.stack([sample(one, (grid + flow).to(one.device)) for one, flow in pairs])

"""The prior network in training: exact to resume.

Mixed training (Ruder et al. eq 18) and multi-frame training (eq 19) in one: every batch has samples
without a prior and samples that go on from their own last output (``slots.py``).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..networks.layouts import CARRIED, plans
from ..networks.style_network import Statistics
from ..networks.weights import load_weights
from .loop import CPU, Batch, Losses, StyledLoop, moved
from .losses import (
    Features,
    content_loss,
    lattices,
    relative_change,
    style_loss,
    temporal_loss,
    total_variation,
    vigour_loss,
)
from .terms import TemporalTerm

LOYALTY = 3.5  # content weight of samples with a prior: paint over paint strays from the plate


class Trainer(StyledLoop):
    """The prior network of Ruder et al. in training."""

    def frozen_widths(self) -> list[int]:
        """Return the channels of every normalised layer."""
        return [plan.outputs for plan in plans(self.recipe.shape) if plan.normalised]

    def practise(self, rng: np.random.Generator) -> Losses:
        """Paint fresh shots and the next frames of shots under way, all of one style."""
        recipe = self.recipe
        fresh = recipe.fresh(self.step)
        style = int(rng.integers(recipe.shape.styles))
        seeds = [int(rng.integers(2**62)) for _ in range(fresh)]
        under_way = self.under_way()
        under_way = under_way[under_way % recipe.shape.styles == style]
        count = min(recipe.batch - fresh, len(under_way))
        rolling = torch.from_numpy(rng.choice(under_way, count, replace=False)).long()
        batch = self.batch(seeds, rolling, style, rng).to(self.device)
        frozen = moved(self.slots.statistics(rolling, fresh), self.device)
        weights = self.shares(style, len(batch.x))
        with self.rounding():
            painted, used = self.learner(batch.x, weights, frozen)
        painted = painted.float()
        fresh_paint = self.unprimed(batch, weights, fresh)
        if self.opener is None:
            losses = self.learn(batch, painted, fresh_paint)
        else:
            losses = self.learn(batch.after(fresh), painted[fresh:], fresh_paint)
            opened = self.opener(batch.x[:fresh], self.opening.expand(fresh, -1))[0]
            painted = torch.cat((opened, painted[fresh:]))
        self.remember(seeds, rolling, batch, painted.detach().cpu(), moved(used, CPU), rng)
        return losses

    def prepare(self) -> None:
        """Read the styles, make room for shots, and load the image network of the recipe."""
        super().prepare()
        self.opener, self.opening = None, torch.zeros(0)
        image = self.recipe.image_network
        if image is not None:
            self.opener = load_weights(image.path).to(self.device)
            self.opening = torch.zeros((1, self.opener.shape.styles), device=self.device)
            self.opening[:, image.style or 0] = 1.0

    @torch.no_grad()
    def unprimed(self, batch: Batch, weights: Tensor, fresh: int) -> Tensor:
        """Paint the rows from `fresh` on as if nothing had been painted before."""
        x = batch.x[fresh:].clone()
        if not len(x):
            return x[:, :3]
        x[:, -CARRIED:] = 0
        with self.rounding():
            painted, _ = self.network(x, weights[fresh:])
        return painted.float()

    def style(self, features: Features, fresh: int, style: int) -> Tensor:
        """Return the style error of a batch: samples with and without a prior by themselves.

        Pooled together, one would paint too little and the other too much.

        Args:
            fresh: rows without a prior; they come first.
        """
        rows = len(next(iter(features.values())))
        parts = [size for size in (fresh, rows - fresh) if size]
        split = {tap: found.split(parts) for tap, found in features.items()}
        with self.rounding():
            errors = [
                style_loss({tap: found[n] for tap, found in split.items()}, self.targets[style])
                for n in range(len(parts))
            ]
        first, last = errors[0], errors[-1]
        return torch.lerp(first, last, self.recipe.prior_style_share)

    def learn(self, batch: Batch, painted: Tensor, fresh_paint: Tensor) -> Losses:
        """Compare, go back, and move the weights; with no sample, nothing is learnt."""
        if not len(painted):
            self.descend(painted.sum())  # other processes may have some, and wait
            return Losses(*[0.0] * 6)
        recipe = self.recipe
        features = self.features(painted)
        plate = self.plate_features(batch.clean)
        primed = batch.mask.amax((1, 2, 3)) > 0
        fresh = len(painted) - len(fresh_paint)
        unlike = self.style(features, fresh, batch.style)
        style = recipe.style_weight * unlike
        loyalty = torch.where(primed, LOYALTY, 1.0)
        content = recipe.content_weight * (loyalty * content_loss(features, plate)).mean()
        variation = recipe.variation_weight * total_variation(painted).mean()
        pattern = recipe.lattice_weight * lattices(painted).mean()
        temporal = vigour = torch.zeros((), device=self.device)
        if len(fresh_paint):
            going_on, under_way = painted[-len(fresh_paint) :], batch.after(fresh)
            change = self.change(going_on, fresh_paint, under_way)
            temporal = recipe.temporal_ramp(self.step) * change * len(fresh_paint) / len(painted)
            vigour = recipe.vigour_weight * vigour_loss(going_on, fresh_paint).mean()
        total = style + content + variation + temporal + pattern + vigour
        self.descend(total)
        parts = (total, style, content, temporal, pattern, vigour)
        return Losses(*(part.item() for part in parts))

    def change(self, painted: Tensor, fresh_paint: Tensor, batch: Batch) -> Tensor:
        """Return how much paint changes along the motion, as the recipe has it."""
        if self.recipe.temporal_term is TemporalTerm.PLAIN:
            return temporal_loss(painted, batch.target, batch.mask).mean()
        return relative_change(painted, fresh_paint, batch.target, batch.mask)

    def remember(
        self,
        seeds: list[int],
        rolling: Tensor,
        batch: Batch,
        painted: Tensor,
        used: Statistics,
        rng: np.random.Generator,
    ) -> None:
        """Store what was painted, and begin new shots in slots that are empty or have run long.

        Slot k always holds style k modulo the number of styles.
        """
        slots, recipe = self.slots, self.recipe
        slots.advance(rolling, painted[len(seeds) :])
        for row, slot in enumerate(rolling.tolist(), start=len(seeds)):
            shot = self.shooter.draw(int(slots.seeds[slot]))
            if shot.frozen and int(slots.ages[slot]) == 1:
                slots.freeze(torch.tensor([slot]), used, torch.tensor([row]))
        own = torch.arange(batch.style, recipe.slots, recipe.shape.styles)
        self.renew(own, seeds, painted, rng)

"""Fast networks that paint every frame by itself: Johnson et al., and Delcour and Lewin."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .loop import Losses, StyledLoop
from .losses import content_loss, lattices, style_loss, total_variation
from .slots import Slots
from .terms import noise_loss, with_noise


class FeedForwardTrainer(StyledLoop):
    """Style, content and total variation over single pictures."""

    def prepare(self) -> None:
        """Read the styles; no shot ever goes on."""
        super().prepare()
        self.slots = Slots.empty(1, 1, [])

    def practise(self, rng: np.random.Generator) -> Losses:
        """Paint pictures in one style, and learn from them."""
        recipe = self.recipe
        style = int(rng.integers(recipe.shape.styles))
        seeds = [int(rng.integers(2**62)) for _ in range(recipe.batch)]
        batch = self.batch(seeds, torch.zeros(0, dtype=torch.int64), style, rng).to(self.device)
        shares = self.shares(style, len(batch.x))
        painted = self.painted(batch.x, shares)
        features = self.features(painted)
        content = content_loss(features, self.plate_features(batch.clean)).mean()
        with self.rounding():
            unlike = style_loss(features, self.targets[style])
        parts = {
            "style": recipe.style_weight * unlike,
            "content": recipe.content_weight * content,
            "lattice": recipe.lattice_weight * lattices(painted).mean(),
            "noise": self.resilience(batch.x, painted, shares, rng),
        }
        variation = recipe.variation_weight * total_variation(painted).mean()
        total = torch.stack([*parts.values(), variation]).sum()
        self.descend(total)
        values = {name: part.item() for name, part in parts.items()}
        return Losses(total.item(), temporal=0.0, vigour=0.0, **values)

    def painted(self, x: Tensor, shares: Tensor) -> Tensor:
        """Run the network."""
        with self.rounding():
            painted, _ = self.learner(x, shares)
        return painted.float()

    def resilience(
        self, x: Tensor, painted: Tensor, shares: Tensor, rng: np.random.Generator
    ) -> Tensor:
        """Return nothing: grain is of no account here."""
        return torch.zeros((), device=self.device)


class NoiseTrainer(FeedForwardTrainer):
    """The same with a noise loss (Delcour and Lewin): grain in the plate must not change the paint.

    Both of its parameters are the recipe's: how many pixels, and how far they are off.
    """

    def resilience(
        self, x: Tensor, painted: Tensor, shares: Tensor, rng: np.random.Generator
    ) -> Tensor:
        """Return the noise loss of a batch."""
        recipe = self.recipe
        noisy = x.clone()
        noisy[:, :3] = with_noise(noisy[:, :3], recipe.noise_range, recipe.noise_pixels, rng)
        return recipe.noise_weight * noise_loss(painted, self.painted(noisy, shares)).mean()

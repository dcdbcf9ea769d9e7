"""The training loop: one iteration at a time, exact to resume.

Mixed training (Ruder et al. eq 18) and multi-frame training (eq 19) in one: every batch has samples
without a prior and samples that go on from their own last output (``slots.py``).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import UnreadableFile
from ..networks.loss_network import load_loss_network
from ..networks.style_network import Statistics, StyleNetwork
from .losses import content_loss, lattice, style_grams, style_loss, temporal_loss, total_variation
from .recipe import Recipe
from .slots import Slots
from .windows import Photographs, Shooter, Step, read_rgb, resize_short_side, spoil_mask

log = logging.getLogger(__name__)

AVERAGING = 0.998  # of the weights that are saved: the mean of the last five hundred steps or so
DIAL_SHARE = 0.1  # of the samples with a prior: the artist's temporal dial below 1
LUMA = (0.2126, 0.7152, 0.0722)


@dataclass(frozen=True)
class Losses:
    """What one iteration cost, weighted as in the total."""

    total: float
    style: float
    content: float
    temporal: float
    lattice: float


@dataclass(frozen=True)
class Batch:
    """One iteration's samples: those without a prior first."""

    x: Tensor  # (N, 7, H, W)
    clean: Tensor  # (N, 3, H, W)
    target: Tensor  # (N, 3, H, W): the warped last output
    mask: Tensor  # (N, 1, H, W)
    styles: Tensor  # (N,)


def read_style(path: Path, side: int) -> Tensor:
    """Read a style picture (1, 3, H, W), 0 to 1, its short side as asked.

    Raises:
        UnreadableFile: the file is no picture.
    """
    picture = read_rgb(path) if path.is_file() else None
    if picture is None:
        raise UnreadableFile(f"style picture {path}: expected a JPEG, PNG or TIFF picture.")
    scaled = torch.from_numpy(resize_short_side(picture, side)).permute(2, 0, 1).float() / 255
    return scaled[None]


class Trainer:
    """A training run and all of its state."""

    def __init__(self, recipe: Recipe, photographs: Photographs | None = None) -> None:
        self.recipe = recipe
        self.step = 0
        torch.manual_seed(recipe.seed)
        self.network = StyleNetwork(recipe.shape)
        self.average = StyleNetwork(recipe.shape).requires_grad_(False)
        self.average.load_state_dict(self.network.state_dict())
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=recipe.rate)
        self.encoder = load_loss_network(recipe.loss_network)
        self.shooter = Shooter(photographs or Photographs(recipe.content, recipe.short_side), recipe.size)
        pictures = [read_style(path, recipe.style_side) for path in recipe.styles]
        with torch.no_grad():
            grams = [style_grams(self.encoder(picture)) for picture in pictures]
        self.targets = {tap: torch.cat([g[tap] for g in grams]) for tap in grams[0]}
        self.gains = torch.tensor(recipe.style_gains or (1.0,) * len(pictures))
        widths = [stage.plan.outputs for stage in self.network.stages if stage.plan.normalised]
        self.slots = Slots.empty(recipe.slots, recipe.size, widths)

    def random(self) -> np.random.Generator:
        """Return this step's own random numbers: a resumed run draws the same."""
        return np.random.default_rng((self.recipe.seed, self.step))

    def iterate(self) -> Losses:
        """Run one iteration."""
        rng = self.random()
        recipe = self.recipe
        fresh = recipe.fresh(self.step)
        seeds = [int(rng.integers(2**62)) for _ in range(fresh)]
        under_way = np.flatnonzero(self.slots.ages.numpy() >= 0)
        count = min(recipe.batch - fresh, len(under_way))
        rolling = torch.from_numpy(rng.choice(under_way, count, replace=False)).long()
        batch = self.batch(seeds, rolling, rng)
        frozen = self.slots.statistics(rolling, fresh)
        weights = F.one_hot(batch.styles, recipe.shape.styles).float()
        painted, used = self.network(batch.x, weights, frozen)
        losses = self.learn(batch, painted)
        self.remember(seeds, rolling, batch, painted.detach(), used, rng)
        self.step += 1
        return losses

    def batch(self, seeds: list[int], rolling: Tensor, rng: np.random.Generator) -> Batch:
        """Assemble a batch: fresh shots, then the next frame of shots under way."""
        slots, shooter = self.slots, self.shooter
        rows: list[tuple[Tensor, Tensor, Tensor, Tensor, Tensor, int]] = []
        for seed in seeds:
            window = shooter.render(shooter.draw(seed), 0)
            empty = torch.zeros_like(window.clean)
            style = int(rng.integers(self.recipe.shape.styles))
            rows.append((window.noisy, empty, empty[:1], window.clean, empty, style))
        for slot in rolling.tolist():
            shot = shooter.draw(int(slots.seeds[slot]))
            step = shooter.step(shot, int(slots.ages[slot]) + 1)
            warped = shooter.fetch(slots.painted[slot], step.flow)
            mask = spoil_mask(step.seen, rng)
            if rng.random() < DIAL_SHARE:
                mask = mask * rng.uniform(0.0, 1.0)
            target = warped + brightening(shooter, step) if shot.drift else warped
            style = int(slots.styles[slot])
            rows.append((step.this.noisy, warped * mask, mask, step.this.clean, target, style))
        noisy, prior, mask, clean, target, style = zip(*rows, strict=True)
        masks = torch.stack(mask)
        x = torch.cat((torch.stack(noisy), torch.stack(prior), masks), 1)
        return Batch(x, torch.stack(clean), torch.stack(target), masks, torch.tensor(style))

    def learn(self, batch: Batch, painted: Tensor) -> Losses:
        """Compare, go back, and move the weights."""
        recipe = self.recipe
        features = self.encoder(painted)
        with torch.no_grad():
            plate = self.encoder(batch.clean)
        targets = {tap: grams[batch.styles] for tap, grams in self.targets.items()}
        gains = self.gains[batch.styles]
        style = recipe.style_weight * (gains * style_loss(features, targets)).mean()
        content = recipe.content_weight * content_loss(features, plate).mean()
        variation = recipe.variation_weight * total_variation(painted).mean()
        weight = recipe.temporal_ramp(self.step)
        temporal = weight * temporal_loss(painted, batch.target, batch.mask).mean()
        pattern = recipe.lattice_weight * lattice(painted).mean()
        total = style + content + variation + temporal + pattern
        for group in self.optimiser.param_groups:
            group["lr"] = recipe.learning_rate(self.step)
        self.optimiser.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        keep = min(AVERAGING, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            pairs = zip(self.average.parameters(), self.network.parameters(), strict=True)
            for mean, value in pairs:
                mean.lerp_(value, 1 - keep)
        return Losses(
            total.item(), style.item(), content.item(), temporal.item(), pattern.item()
        )

    def remember(
        self,
        seeds: list[int],
        rolling: Tensor,
        batch: Batch,
        painted: Tensor,
        used: Statistics,
        rng: np.random.Generator,
    ) -> None:
        """Store what was painted, and begin new shots in slots that are empty or have run long."""
        slots, recipe = self.slots, self.recipe
        slots.advance(rolling, painted[len(seeds) :])
        for row, slot in enumerate(rolling.tolist(), start=len(seeds)):
            shot = self.shooter.draw(int(slots.seeds[slot]))
            if shot.frozen and int(slots.ages[slot]) == 1:
                slots.freeze(torch.tensor([slot]), used, torch.tensor([row]))
        for row, seed in enumerate(seeds):
            oldest = int(slots.ages.argmax())
            empty = (slots.ages < 0).nonzero()
            if len(empty):
                slot = int(empty[0])
            elif int(slots.ages[oldest]) >= recipe.longest_shot(self.step):
                slot = oldest
            elif rng.random() < 0.3:
                slot = int(rng.integers(recipe.slots))
            else:
                continue
            slots.start(slot, seed, int(batch.styles[row]), painted[row])


def brightening(shooter: Shooter, step: Step) -> Tensor:
    """Return how the plate's luminance changed along the motion (1, H, W).

    ReCoNet's luminance term: paint follows the light instead of fighting it.
    """
    luma = torch.tensor(LUMA).view(3, 1, 1)
    last = shooter.fetch((step.last.clean * luma).sum(0, keepdim=True), step.flow)
    return (step.this.clean * luma).sum(0, keepdim=True) - last

"""The training loop: one iteration at a time, exact to resume.

Mixed training (Ruder et al. eq 18) and multi-frame training (eq 19) in one: every batch has samples
without a prior and samples that go on from their own last output (``slots.py``).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import BadInput, MissingFrame, UnreadableFile
from ..networks.loss_network import LossNetwork, load_loss_network
from ..networks.style_network import CARRIED, Statistics, StyleNetwork, plans
from ..stylizers.prior import carried_over
from .descent import descend
from .losses import (
    CONTENT_TAPS,
    Features,
    content_loss,
    lattices,
    manners,
    style_loss,
    temporal_loss,
    total_variation,
    vigour_loss,
)
from .recipe import SMALLEST, Recipe
from .slots import Slots
from .start import begin
from .windows import (
    Photographs,
    Shooter,
    Step,
    misjudged,
    read_rgb,
    resize_short_side,
    spoil_mask,
)

RENEWED_SHARE = 0.08  # of the fresh samples: they take the place of a short shot under way
PRIMED_WEIGHT = 0.6  # of the style error: of samples with a prior; the rest is that of the others
LOYALTY = 2.5  # content weight of samples with a prior: paint over paint strays from the plate
DIAL_SHARE = 0.1  # of the samples with a prior: the artist's temporal dial below 1
LUMA = (0.2126, 0.7152, 0.0722)
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Losses:
    """What one iteration cost, weighted as in the total."""

    total: float
    style: float
    content: float
    temporal: float
    lattice: float
    vigour: float


@dataclass(frozen=True)
class Batch:
    """One iteration's samples, all of one style: those without a prior first."""

    x: Tensor  # (N, 7, H, W)
    clean: Tensor  # (N, 3, H, W)
    target: Tensor  # (N, 3, H, W): the warped last output
    mask: Tensor  # (N, 1, H, W)
    style: int

    def to(self, device: torch.device) -> Batch:
        """Return the same batch on a device."""
        clean, target = self.clean.to(device), self.target.to(device)
        return Batch(self.x.to(device), clean, target, self.mask.to(device), self.style)


def read_style(path: Path, side: int) -> Tensor:
    """Read a style picture (1, 3, H, W), 0 to 1, its short side as asked.

    Raises:
        MissingFrame: there is no such file.
        UnreadableFile: the file is no picture.
        BadInput: it is too small to show how it is painted.
    """
    if not path.is_file():
        raise MissingFrame(f"style picture {path}: there is no such file.")
    picture = read_rgb(path)
    if picture is None:
        raise UnreadableFile(f"style picture {path}: expected a JPEG, PNG or TIFF picture.")
    height, width = picture.shape[:2]
    if min(height, width) < SMALLEST:
        raise BadInput(
            f"style picture {path}: expected {SMALLEST} px or more each way; got {width}x{height}."
        )
    scaled = torch.from_numpy(resize_short_side(picture, side)).permute(2, 0, 1).float() / 255
    return scaled[None]


def load_encoder(path: Path) -> LossNetwork:
    """Read a loss network that is deep enough to train with.

    Raises:
        MissingFrame, UnreadableFile: there is none, it is damaged, or too shallow.
    """
    encoder = load_loss_network(path)
    taps = encoder(torch.zeros((1, 3, SMALLEST, SMALLEST)))
    if not any(tap in taps for tap in CONTENT_TAPS):
        raise UnreadableFile(
            f"loss network {path}: expected layers up to conv3_1 or further; it ends at "
            f"{max(taps)}."
        )
    return encoder


class Trainer:
    """A training run and all of its state.

    Networks and losses live on the device; shots are made, and kept, on the processor.

    Args:
        precision: bfloat16 runs the two networks' convolutions in it; the losses stay float32.
    """

    def __init__(
        self,
        recipe: Recipe,
        photographs: Photographs | None = None,
        device: torch.device = CPU,
        precision: torch.dtype = torch.float32,
    ) -> None:
        self.recipe, self.device, self.precision = recipe, device, precision
        self.step = 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.network = StyleNetwork(recipe.shape).to(device)
            self.average = StyleNetwork(recipe.shape).requires_grad_(False).to(device)
        if recipe.start:
            begin(self.network, recipe.start)
        for weight in self.network.parameters():
            if weight.ndim == 4:  # a quarter quicker
                weight.data = weight.data.contiguous(memory_format=torch.channels_last)
        self.average.load_state_dict(self.network.state_dict())
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=recipe.rate)
        self.encoder = load_encoder(recipe.loss_network).to(device)
        photographs = photographs or Photographs(recipe.content, recipe.short_side)
        self.shooter = Shooter(photographs, recipe.size)
        pictures = [read_style(path, recipe.style_side) for path in recipe.styles]
        with torch.no_grad():
            self.targets = [manners(self.encoder(picture.to(device))) for picture in pictures]
        widths = [plan.outputs for plan in plans(recipe.shape) if plan.normalised]
        self.slots = Slots.empty(recipe.slots, recipe.size, widths)

    def random(self) -> np.random.Generator:
        """Return this step's own random numbers: a resumed run draws the same."""
        return np.random.default_rng((self.recipe.seed, self.step))

    def iterate(self) -> Losses:
        """Run one iteration."""
        rng = self.random()
        recipe = self.recipe
        fresh = recipe.fresh(self.step)
        style = int(rng.integers(recipe.shape.styles))
        seeds = [int(rng.integers(2**62)) for _ in range(fresh)]
        under_way = np.flatnonzero(self.slots.ages.numpy() >= 0)
        under_way = under_way[under_way % recipe.shape.styles == style]
        count = min(recipe.batch - fresh, len(under_way))
        rolling = torch.from_numpy(rng.choice(under_way, count, replace=False)).long()
        batch = self.batch(seeds, rolling, style, rng).to(self.device)
        frozen = moved(self.slots.statistics(rolling, fresh), self.device)
        weights = torch.zeros((len(batch.x), recipe.shape.styles), device=self.device)
        weights[:, style] = 1.0
        with self.rounding():
            painted, used = self.network(batch.x, weights, frozen)
        painted = painted.float()
        fresh_paint = self.unprimed(batch, weights, fresh)
        losses = self.learn(batch, painted, fresh_paint)
        self.remember(seeds, rolling, batch, painted.detach().cpu(), moved(used, CPU), rng)
        self.step += 1
        return losses

    def rounding(self) -> torch.autocast:
        """Return the context in which the networks run."""
        halved = self.precision is torch.bfloat16
        return torch.autocast(self.device.type, torch.bfloat16, enabled=halved)

    def features(self, pictures: Tensor, wanted: Collection[str] | None = None) -> Features:
        """Run the loss network, in the precision of the run; all taps, or those wanted."""
        with self.rounding():
            return self.encoder(pictures, wanted)

    def batch(
        self, seeds: list[int], rolling: Tensor, style: int, rng: np.random.Generator
    ) -> Batch:
        """Assemble a batch: fresh shots, then the next frame of shots under way."""
        slots, shooter = self.slots, self.shooter
        rows: list[tuple[Tensor, Tensor, Tensor, Tensor, Tensor]] = []
        for seed in seeds:
            window = shooter.render(shooter.draw(seed), 0)
            empty = torch.zeros_like(window.clean)
            rows.append((window.noisy, empty, empty[:1], window.clean, empty))
        for slot in rolling.tolist():
            shot = shooter.draw(int(slots.seeds[slot]))
            step = shooter.step(shot, int(slots.ages[slot]) + 1)
            warped = carried_chw(slots.painted[slot], misjudged(step.flow, rng))
            mask = spoil_mask(step.seen, rng)
            if rng.random() < DIAL_SHARE:
                mask = mask * rng.uniform(0.0, 1.0)
            target = warped + brightening(shooter, step) if shot.drift else warped
            rows.append((step.this.noisy, warped * mask, mask, step.this.clean, target))
        noisy, prior, mask, clean, target = zip(*rows, strict=True)
        masks = torch.stack(mask)
        x = torch.cat((torch.stack(noisy), torch.stack(prior), masks), 1)
        return Batch(x, torch.stack(clean), torch.stack(target), masks, style)

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
        return torch.lerp(first, last, PRIMED_WEIGHT)

    def learn(self, batch: Batch, painted: Tensor, fresh_paint: Tensor) -> Losses:
        """Compare, go back, and move the weights."""
        recipe = self.recipe
        features = self.features(painted)
        with torch.no_grad():
            plate = self.features(batch.clean, CONTENT_TAPS)
        primed = batch.mask.amax((1, 2, 3)) > 0
        fresh = len(painted) - len(fresh_paint)
        unlike = self.style(features, fresh, batch.style)
        style = recipe.style_weight * unlike
        loyalty = torch.where(primed, LOYALTY, 1.0)
        content = recipe.content_weight * (loyalty * content_loss(features, plate)).mean()
        variation = recipe.variation_weight * total_variation(painted).mean()
        weight = recipe.temporal_ramp(self.step)
        temporal = weight * temporal_loss(painted, batch.target, batch.mask).mean()
        pattern = recipe.lattice_weight * lattices(painted).mean()
        vigour = torch.zeros((), device=self.device)
        if len(fresh_paint):
            going_on = painted[-len(fresh_paint) :]
            vigour = recipe.vigour_weight * vigour_loss(going_on, fresh_paint).mean()
        total = style + content + variation + temporal + pattern + vigour
        for group in self.optimiser.param_groups:
            group["lr"] = recipe.learning_rate(self.step)
        descend(self.optimiser, self.network, self.average, total, self.step)
        parts = (total, style, content, temporal, pattern, vigour)
        return Losses(*(part.item() for part in parts))

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
        longest = torch.tensor(
            [recipe.longest_shot(self.step, is_long(n)) for n in range(len(own))]
        )
        for row, seed in enumerate(seeds):
            ages = slots.ages[own]
            if int(ages.min()) < 0:
                place = int(ages.argmin())
            elif bool((ages >= longest).any()):
                place = int((ages - longest).argmax())
            elif rng.random() < RENEWED_SHARE:
                place = int(rng.choice([n for n in range(len(own)) if not is_long(n)]))
            else:
                continue
            slots.start(int(own[place]), seed, painted[row])


def is_long(place: int) -> bool:
    """Say whether a style's n-th slot holds long shots: every other one."""
    return place % 2 == 1


def carried_chw(painted: Tensor, flow: Tensor) -> Tensor:
    """Carry a painted frame (3, H, W) along a flow (H, W, 2), as a render does."""
    return carried_over(painted.permute(1, 2, 0)[None], flow[None])[0].permute(2, 0, 1)


def moved(statistics: Statistics, device: torch.device) -> Statistics:
    """Return statistics on a device, as constants."""
    return tuple((m.detach().to(device), v.detach().to(device)) for m, v in statistics)


def brightening(shooter: Shooter, step: Step) -> Tensor:
    """Return how the plate's luminance changed along the motion (1, H, W).

    ReCoNet's luminance term: paint follows the light instead of fighting it.
    """
    luma = torch.tensor(LUMA).view(3, 1, 1)
    last = shooter.fetch((step.last.clean * luma).sum(0, keepdim=True), step.flow)
    return (step.this.clean * luma).sum(0, keepdim=True) - last

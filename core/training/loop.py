"""What every system's training has in common: networks, optimiser, shots, one iteration at a time.

A system (``systems.py``) says what a batch is, what is compared, and what is remembered.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import BadInput
from ..networks.layouts import CARRIED
from ..networks.style_network import Statistics, StyleNetwork
from ..stylizers.prior import carried_over
from .aims import load_encoder, read_style
from .descent import descend
from .footage import Footage
from .losses import CONTENT_TAPS, Features, manners
from .photographs import Photographs
from .recipe import Recipe
from .shots import Both, Shots
from .slots import Slots
from .start import begin
from .team import ALONE, Team
from .windows import Shooter, Step, misjudged, spoil_mask

RENEWED_SHARE = 0.08  # of the fresh samples: they take the place of a short shot under way
DIAL_SHARE = 0.1  # of the samples with a prior: the artist's temporal dial below 1
LUMA = (0.2126, 0.7152, 0.0722)
CPU = torch.device("cpu")

N = TypeVar("N", bound=nn.Module)


@dataclass(frozen=True)
class Losses:
    """What one iteration cost, weighted as in the total."""

    total: float
    style: float
    content: float
    temporal: float
    lattice: float
    vigour: float
    noise: float = 0.0


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

    def after(self, row: int) -> Batch:
        """Return the samples from a row on."""
        clean, target, mask = self.clean[row:], self.target[row:], self.mask[row:]
        return Batch(self.x[row:], clean, target, mask, self.style)


class Loop(ABC, Generic[N]):
    """A training run and all of its state.

    Networks and losses live on the device; shots are made, and kept, on the processor.

    Args:
        precision: bfloat16 runs the two networks' convolutions in it; the losses stay float32.
    """

    network: N
    average: N
    slots: Slots
    ahead: ClassVar[int] = 1  # frames that a shot under way needs
    forwards: ClassVar[bool] = False  # compares with the next frame, not with the last
    remembered: ClassVar[tuple[str, ...]] = ("step", "slots")  # decides which shots come next

    def __init__(
        self,
        recipe: Recipe,
        photographs: Photographs | None = None,
        device: torch.device = CPU,
        precision: torch.dtype = torch.float32,
        footage: Footage | None = None,
        team: Team = ALONE,
    ) -> None:
        self.recipe, self.device, self.precision, self.team = recipe, device, precision, team
        self.step = 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.network = self.build().to(device)
            self.average = self.build().requires_grad_(False).to(device)
        self.begin()
        for weight in self.network.parameters():
            if weight.ndim == 4:  # a quarter quicker
                weight.data = weight.data.contiguous(memory_format=torch.channels_last)
        self.average.load_state_dict(self.network.state_dict())
        self.learner = team.share(self.network)  # what is run to learn from
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=recipe.rate)
        self.encoder = load_encoder(recipe.loss_network).to(device)
        self.shooter = self.source(photographs, footage)
        self.prepare()

    def source(self, photographs: Photographs | None, footage: Footage | None) -> Shots:
        """Return where shots come from."""
        recipe = self.recipe
        if recipe.content is None:
            if footage is None:
                raise BadInput("train: expected photographs or footage; got none.")
            return footage
        photographs = photographs or Photographs(recipe.content, recipe.short_side)
        windows = Shooter(photographs, recipe.size)
        return Both(windows, footage, recipe.footage_share) if footage else windows

    @abstractmethod
    def build(self) -> N:
        """Return the network to train, with random weights."""
        ...

    @abstractmethod
    def begin(self) -> None:
        """Put the network where the run is to start from."""
        ...

    @abstractmethod
    def prepare(self) -> None:
        """Read the styles, and make room for shots under way."""
        ...

    @abstractmethod
    def practise(self, rng: np.random.Generator) -> Losses:
        """Paint a batch, learn from it, and remember what the next one goes on from."""
        ...

    @abstractmethod
    def paint(self, frame: Tensor, style: int) -> Tensor:
        """Paint pictures (N, 3, H, W) by themselves with the averaged network."""
        ...

    def shown(self, names: Sequence[str]) -> list[tuple[int, str]]:
        """Return the styles that sheets show: their numbers, and what they are called."""
        return list(enumerate(names))

    def random(self) -> np.random.Generator:
        """Return this step's own random numbers: a resumed run draws the same."""
        own = (self.team.rank,) if self.team.rank else ()
        return np.random.default_rng((self.recipe.seed, self.step, *own))

    def iterate(self) -> Losses:
        """Run one iteration."""
        losses = self.practise(self.random())
        self.end_shots()
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

    def plate_features(self, clean: Tensor) -> Features:
        """Run the loss network over plates, as far as content is read."""
        with torch.no_grad():
            return self.features(clean, CONTENT_TAPS)

    def descend(self, total: Tensor) -> None:
        """Go back, and move the weights."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.learning_rate(self.step)
        descend(self.optimiser, self.network, self.average, total, self.step)

    def end_shots(self) -> None:
        """Empty the slots of shots that have no further frame."""
        if isinstance(self.shooter, Shooter):  # its shots have no end
            return
        ages, seeds = self.slots.ages, self.slots.seeds.tolist()
        for slot in np.flatnonzero(ages.numpy() >= 0):
            if int(ages[slot]) + self.ahead >= self.shooter.draw(seeds[slot]).frames:
                ages[slot] = -1

    def under_way(self) -> np.ndarray:
        """Return the slots of shots that have begun and are not at their end."""
        ages = self.slots.ages.numpy()
        return np.flatnonzero((ages >= 0) & (ages < self.recipe.last_age(self.step)))

    def renew(
        self, own: Tensor, seeds: list[int], painted: Tensor, rng: np.random.Generator
    ) -> None:
        """Begin new shots in slots that are empty or have run long.

        Args:
            own: the slots that may hold them.
            seeds: of the new shots.
            painted: their first frames.
        """
        slots, recipe = self.slots, self.recipe
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


class StyledLoop(Loop[StyleNetwork]):
    """The training of a network that holds styles of its own."""

    def build(self) -> StyleNetwork:
        """Return the network to train, with random weights."""
        return StyleNetwork(self.recipe.shape)

    def begin(self) -> None:
        """Put the network where the run is to start from."""
        if self.recipe.start:
            begin(self.network, self.recipe.start)

    def prepare(self) -> None:
        """Read the styles, and make room for shots under way."""
        pictures = [read_style(path, self.recipe.style_side) for path in self.recipe.styles]
        with torch.no_grad():
            self.targets = [manners(self.encoder(picture.to(self.device))) for picture in pictures]
        self.slots = Slots.empty(self.recipe.slots, self.recipe.size, self.frozen_widths())

    def frozen_widths(self) -> list[int]:
        """Return the channels of every layer whose statistics a shot may keep."""
        return []

    def paint(self, frame: Tensor, style: int) -> Tensor:
        """Paint pictures (N, 3, H, W) by themselves with the averaged network."""
        x = torch.cat((frame, frame.new_zeros((len(frame), CARRIED, *frame.shape[-2:]))), 1)
        painted, _ = self.average(x, self.shares(style, len(frame)))
        return painted

    def shares(self, style: int, rows: int) -> Tensor:
        """Return the share of each style, (rows, S): all of one."""
        weights = torch.zeros((rows, self.recipe.shape.styles), device=self.device)
        weights[:, style] = 1.0
        return weights


def is_long(place: int) -> bool:
    """Say whether a style's n-th slot holds long shots: every other one."""
    return place % 2 == 1


def carried_chw(painted: Tensor, flow: Tensor) -> Tensor:
    """Carry a painted frame (3, H, W) along a flow (H, W, 2), as a render does."""
    return carried_over(painted.permute(1, 2, 0)[None], flow[None])[0].permute(2, 0, 1)


def moved(statistics: Statistics, device: torch.device) -> Statistics:
    """Return statistics on a device, as constants."""
    return tuple((m.detach().to(device), v.detach().to(device)) for m, v in statistics)


def brightening(shooter: Shots, step: Step) -> Tensor:
    """Return how the plate's luminance changed along the motion (1, H, W).

    ReCoNet's luminance term: paint follows the light instead of fighting it.
    """
    luma = torch.tensor(LUMA).view(3, 1, 1)
    last = shooter.fetch((step.last.clean * luma).sum(0, keepdim=True), step.flow)
    return (step.this.clean * luma).sum(0, keepdim=True) - last

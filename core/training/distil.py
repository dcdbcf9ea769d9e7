"""Distillation: our own encoder learns to answer as larger ones do.

Teachers are the true VGG-19 for relu1_1 to relu3_1 and a compressed VGG-19 for relu4_1 and relu5_1.
Each teacher's channel is divided by its mean over the training patches (`Teachers.scales`): the
normalised VGG of Gatys et al., the same scale for every tap whichever teacher it is from. The
encoder is compared feature by feature, and by what style losses read: mean and covariance of each
patch.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from types import EllipsisType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import BadInput
from ..networks.encoder import CENTRE, GAIN, TAPS, Encoder, EncoderShape, padded
from ..networks.loss_network import LossNetwork
from .descent import descend
from .losses import Features
from .patches import Patches

SHALLOW, DEEP = TAPS[:3], TAPS[3:]
MEASURED = 24  # batches that scales and spreads of the teachers are measured on
DIMMEST = 0.1  # of a layer's median mean: channels below it are as good as dead
WINDOW = 32  # positions each way at which a tap is compared; a part of the larger ones
Window = tuple[EllipsisType, slice, slice]
LIFTED = 2.0  # learning rate of the lifts, in those of the other layers
WARM_UP = 50  # iterations
FIRST = 0.3  # share of its deviation that a tap, or what a residual adds, begins with
FAINTEST = 1e-3  # variance of a direction of neighbourhoods, below which it is not raised further


@dataclass(frozen=True)
class Lesson:
    """One distillation. Everything that changes the resulting weights is in here."""

    iterations: int = 2400
    size: int = 128  # pixels, side of a patch
    batch: int = 4
    rate: float = 3e-3
    manner_weight: float = 0.25  # of means and covariances, beside the features themselves
    seed: int = 1
    halved: bool = True  # bfloat16 inside the networks; losses and weights stay float32
    shape: EncoderShape = field(default_factory=EncoderShape)

    def learning_rate(self, step: int) -> float:
        """Warm up, then follow half a cosine down to a hundredth."""
        cosine = 0.5 * (1 + math.cos(math.pi * min(step / self.iterations, 1.0)))
        return self.rate * min((step + 1) / WARM_UP, 1.0) * (0.01 + 0.99 * cosine)

    def identity(self) -> dict[str, Any]:
        """Return the lesson as plain values."""
        return asdict(self) | {"shape": self.shape.metadata()}


class Teachers:
    """Two larger encoders that answer as one; their channels are scaled once they are measured.

    Args:
        shallow: the true VGG-19, which need not go further than conv3_1.
        deep: gives the taps beyond.
    """

    def __init__(self, shallow: LossNetwork, deep: LossNetwork) -> None:
        self.shallow, self.deep = shallow, deep
        self.scales: Features = {}  # (1, C, 1, 1)
        self.spreads: dict[str, Tensor] = {}  # (C,): variance of each channel, scaled

    def __call__(self, pictures: Tensor) -> Features:
        """Return every tap, as the teachers give it."""
        with torch.no_grad():
            found = self.shallow(pictures, SHALLOW) | self.deep(pictures, DEEP)
        if len(found) < len(TAPS):
            absent = ", ".join(sorted(set(TAPS) - found.keys()))
            raise BadInput(f"distil: expected teachers with all taps; they lack {absent}.")
        return found

    def measure(self, batches: Iterable[Tensor]) -> None:
        """Measure each channel's mean, which becomes its scale, and its spread."""
        sums: list[Features] = []
        for pictures in batches:
            found = self(pictures)
            means = {tap: values.mean((0, 2, 3)) for tap, values in found.items()}
            squares = {f"{tap}^2": values.square().mean((0, 2, 3)) for tap, values in found.items()}
            sums.append(means | squares)
        for tap in TAPS:
            mean = torch.stack([each[tap] for each in sums]).mean(0)
            square = torch.stack([each[f"{tap}^2"] for each in sums]).mean(0)
            scale = 1 / mean.clamp_min(DIMMEST * mean.median())
            self.scales[tap] = scale[None, :, None, None]
            self.spreads[tap] = ((square - mean.square()) * scale.square()).clamp_min(1e-4)

    def scaled(self, found: Features) -> Features:
        """Return taps with every channel divided by its mean."""
        return {tap: values * self.scales[tap] for tap, values in found.items()}


@dataclass(frozen=True)
class Errors:
    """What one iteration cost: per tap the share of the teacher's variance that is missed."""

    total: float
    features: dict[str, float]
    manner: float


class Distiller:
    """A distillation under way, and all of its state: exact to go on with."""

    def __init__(self, lesson: Lesson, teachers: Teachers, patches: Patches) -> None:
        self.lesson, self.teachers, self.patches = lesson, teachers, patches
        self.step, self.seconds = 0, 0.0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(lesson.seed)
            self.network = Encoder(lesson.shape)
            self.average = Encoder(lesson.shape).requires_grad_(False)
        rng = np.random.default_rng((lesson.seed, 2**40))
        batches = [patches.batch(lesson.batch, rng) for _ in range(MEASURED)]
        teachers.measure(batches)
        initialise(self.network, torch.cat(batches), teachers.spreads)
        self.average.load_state_dict(self.network.state_dict())
        lifts = list(self.network.lifts.parameters())
        others = [value for name, value in self.network.named_parameters() if "lifts" not in name]
        groups = [{"params": lifts, "gain": LIFTED}, {"params": others, "gain": 1.0}]
        self.optimiser = torch.optim.Adam(groups, lr=lesson.rate)

    def iterate(self) -> Errors:
        """Run one iteration."""
        begun = time.perf_counter()
        lesson = self.lesson
        rng = np.random.default_rng((lesson.seed, self.step))
        pictures = self.patches.batch(lesson.batch, rng)
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        with self.rounding():
            answer = self.teachers(pictures)
            windows = draw_windows(answer, rng)
            lifts = zip(TAPS, self.network.lifts, self.network.inner(pictures), strict=True)
            found = {tap: F.relu(lift(inner[windows[tap]])) for tap, lift, inner in lifts}
        found = {tap: values.float() for tap, values in found.items()}
        wanted = {tap: values[windows[tap]].float() for tap, values in answer.items()}
        wanted = self.teachers.scaled(wanted)
        errors = {tap: missed(found[tap], wanted[tap], self.teachers.spreads[tap]) for tap in TAPS}
        with self.rounding():
            manner = torch.stack([manner_error(found[tap], wanted[tap]) for tap in TAPS]).sum()
        total = torch.stack(list(errors.values())).sum() + lesson.manner_weight * manner
        for group in self.optimiser.param_groups:
            group["lr"] = group["gain"] * lesson.learning_rate(self.step)
        descend(self.optimiser, self.network, self.average, total, self.step)
        self.step += 1
        self.seconds += time.perf_counter() - begun
        shares = {tap: error.item() for tap, error in errors.items()}
        return Errors(total.item(), shares, manner.item())

    def rounding(self) -> torch.autocast:
        """Return the context in which the networks run."""
        return torch.autocast("cpu", torch.bfloat16, enabled=self.lesson.halved)


def initialise(network: Encoder, pictures: Tensor, spreads: dict[str, Tensor]) -> None:
    """Scale first weights, layer by layer, so that every value has a sound mean and deviation.

    Without it the deep layers of a network that has no normalisation learn nothing for long. A tap
    begins at the mean of the teacher's channels, which is 1, and strays from it a little.
    """
    aims = {f"lifts.{n}": (1.0, FIRST * spreads[tap].sqrt()) for n, tap in enumerate(TAPS)}
    whiten(network, pictures)
    hooks = []
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d) and name != "basis":
            plain = (0.0, torch.tensor(FIRST if name.startswith("residuals") else 1.0))
            hooks.append(layer.register_forward_hook(settling(*aims.get(name, plain))))
    with torch.no_grad():
        network(pictures)
    for hook in hooks:
        hook.remove()


def settling(mean: float, deviation: Tensor) -> Callable[[nn.Module, Any, Tensor], Tensor]:
    """Return a hook that scales a convolution to the wanted mean and deviation."""

    def settle(layer: nn.Module, _: Any, found: Tensor) -> Tensor:
        variance, centre = torch.var_mean(found, (0, 2, 3))
        gain = deviation / variance.sqrt().clamp_min(1e-6)
        weight, bias = layer.get_parameter("weight"), layer.get_parameter("bias")
        weight.mul_(gain[:, None, None, None])
        bias.sub_(centre).mul_(gain).add_(mean)
        return (found - centre[:, None, None]) * gain[:, None, None] + mean

    return settle


def whiten(network: Encoder, pictures: Tensor) -> None:
    """Let the basis answer to 3x3 neighbourhoods with values of equal variance, uncorrelated."""
    patches = F.unfold(padded((pictures - CENTRE) * GAIN), 3)
    flat = patches.transpose(0, 1).flatten(1).double()
    mean = flat.mean(1)
    energies, directions = torch.linalg.eigh(torch.cov(flat))
    rows = (directions / energies.clamp_min(FAINTEST).sqrt()).T.flip(0)  # strongest first
    with torch.no_grad():
        network.basis.weight.copy_(rows.view(network.basis.weight.shape))
        network.basis.bias.copy_(-rows @ mean)  # pyright: ignore[reportOptionalMemberAccess]


def draw_windows(features: Features, rng: np.random.Generator) -> dict[str, Window]:
    """Draw the part of each tap that is compared: shallow taps have more positions than needed."""
    windows: dict[str, Window] = {}
    for tap, values in features.items():
        sides = [min(side, WINDOW) for side in values.shape[-2:]]
        pairs = zip(values.shape[-2:], sides, strict=True)
        top, left = (int(rng.integers(whole - side + 1)) for whole, side in pairs)
        windows[tap] = (..., slice(top, top + sides[0]), slice(left, left + sides[1]))
    return windows


def missed(found: Tensor, wanted: Tensor, spread: Tensor) -> Tensor:
    """Return the share of the teacher's variance that is missed.

    Half of it counts every channel alike, half counts them by their energy, as losses do. A patch
    of strong contrast counts less, or grain alone would be learnt.
    """
    error = (found - wanted).square().mean((2, 3))
    energy = (wanted - wanted.mean((0, 2, 3), keepdim=True)).square().mean((1, 2, 3))
    calm = 2 / (1 + energy / spread.mean())
    error = (calm[:, None] * error).mean(0)
    return 0.5 * (error / spread).mean() + 0.5 * error.sum() / spread.sum()


def manner_error(found: Tensor, wanted: Tensor) -> Tensor:
    """Return how far means and covariances are off, patch by patch, relative to the teacher's."""
    pairs = zip(moments(found), moments(wanted), strict=True)
    errors = [
        (one - other).square().flatten(1).sum(1) / (other.square().flatten(1).sum(1) + 1e-6)
        for one, other in pairs
    ]
    return torch.stack(errors).mean()


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean (N, C) and covariance (N, C, C) of every picture's features."""
    flat = features.flatten(2)
    mean = flat.mean(2)
    centred = flat - mean[..., None]
    return mean, centred @ centred.transpose(1, 2) / flat.shape[2]

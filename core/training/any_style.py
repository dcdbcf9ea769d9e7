"""The any-style network in training (Swarnakar and Bao), on shots that go on from their own paint.

Every sample has a style of its own: a cut of a painting, drawn with the shot. The decoder learns
that its features match the renormalised ones of the plate, that its mean and spread at every layer
match the painting's, that grain changes nothing, and what to keep of what was painted before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import BadInput
from ..media.stills import read_rgb, resize_short_side
from ..networks.adain import Decoder, encode, moments, renormalised
from ..networks.encoder import Encoder
from ..networks.layouts import CARRIED
from ..networks.loss_network import load_loss_network, shipped_encoder
from ..networks.style_network import Statistics
from .loop import Batch, Loop, Losses
from .losses import content_loss, lattices, temporal_loss, total_variation, vigour_loss
from .photographs import evenly
from .slots import Slots
from .terms import (
    Painted,
    aligned_content,
    covariance_loss,
    how_painted,
    moment_loss,
    noise_loss,
    with_noise,
)

CUT = 1.25  # side of a style cut, in sides of a training frame
ZOOMED = (0.8, 1.25)  # scale at which a painting is cut
SHOWN, FEWEST = 4, 12  # paintings on sheets; paintings from which they are held out of the training


@dataclass(frozen=True)
class Sitting:
    """What the samples of a batch are to be painted like, one row each."""

    codes: Statistics  # at the levels that the decoder reads
    manners: dict[str, Painted]  # by the loss network


class AnyStyleTrainer(Loop[Decoder]):
    """A decoder in training."""

    remembered = ("step", "slots", "sitters")

    def build(self) -> Decoder:
        """Return a decoder with random weights."""
        return Decoder()

    def begin(self) -> None:
        """Refuse the weights of another system.

        Raises:
            BadInput: the run is to start from some.
        """
        if self.recipe.start:
            raise BadInput("train: --start-from: a network for any style begins with none.")

    def prepare(self) -> None:
        """Read the paintings as eight-bit pictures, and the encoder that ships."""
        recipe = self.recipe
        shipped = load_loss_network(shipped_encoder()).network
        assert isinstance(shipped, Encoder)
        self.reader = shipped.to(self.device)
        self.paintings = [painting(path, recipe.style_side) for path in recipe.styles]
        self.held = shown_paintings(len(self.paintings))
        self.known = [n for n in range(len(self.paintings)) if n not in self.held] or self.held
        self.slots = Slots.empty(recipe.slots, recipe.size, [])
        self.sitters: dict[int, Sitting] = {}

    def practise(self, rng: np.random.Generator) -> Losses:
        """Paint fresh shots and the next frames of shots under way, each in its own style."""
        recipe = self.recipe
        fresh = recipe.fresh(self.step)
        seeds = [int(rng.integers(2**62)) for _ in range(fresh)]
        under_way = self.under_way()
        count = min(recipe.batch - fresh, len(under_way))
        rolling = torch.from_numpy(rng.choice(under_way, count, replace=False)).long()
        batch = self.batch(seeds, rolling, 0, rng).to(self.device)
        sitting = self.sitting([*seeds, *self.slots.seeds[rolling].tolist()])
        painted = self.painted(batch.x, sitting.codes)
        losses = self.learn(batch, painted, sitting, fresh, rng)
        here = painted.detach().cpu()
        self.slots.advance(rolling, here[fresh:])
        self.renew(torch.arange(recipe.slots), seeds, here, rng)
        return losses

    def painted(self, x: Tensor, codes: Statistics, network: nn.Module | None = None) -> Tensor:
        """Paint a batch (N, 7, H, W) in styles given by row."""
        network = network or self.learner
        with self.rounding():
            with torch.no_grad():
                features = self.read(x[:, :3])
                given, _ = renormalised(features, codes)
            return network(given, x[:, -CARRIED:]).float()

    def read(self, pictures: Tensor) -> list[Tensor]:
        """Return what the decoder reads of pictures."""
        features = encode(self.reader, pictures)
        return [features[level] for level in self.network.read]

    def sitting(self, seeds: list[int]) -> Sitting:
        """Return the styles that shots were drawn with."""
        self.sitters = {
            seed: self.sitters.get(seed) or self.sit(seed)
            for seed in dict.fromkeys(
                (*seeds, *(seed for seed in self.slots.seeds.tolist() if seed in self.sitters))
            )
        }
        chosen = [self.sitters[seed] for seed in seeds]
        levels = zip(*(one.codes for one in chosen), strict=True)
        codes = tuple(
            (torch.cat([mean for mean, _ in level]), torch.cat([variance for _, variance in level]))
            for level in levels
        )
        taps = {
            tap: Painted(
                torch.cat([one.manners[tap].mean for one in chosen]),
                torch.cat([one.manners[tap].covariance for one in chosen]),
            )
            for tap in chosen[0].manners
        }
        return Sitting(codes, taps)

    @torch.no_grad()
    def sit(self, seed: int) -> Sitting:
        """Measure the style that a shot was drawn with; it stays with the shot."""
        cut = self.cut(seed)[None].to(self.device)
        with self.rounding():
            codes = tuple(moments(level) for level in self.read(cut))
            return Sitting(codes, how_painted(self.encoder(cut)))

    def cut(self, seed: int) -> Tensor:
        """Cut the painting of a shot's seed, (3, S, S), 0 to 1."""
        rng = np.random.default_rng((seed, 1))
        picture = self.paintings[self.known[int(rng.integers(len(self.known)))]]
        wanted = round(CUT * self.recipe.size)
        side = min(round(wanted / rng.uniform(*ZOOMED)), *picture.shape[-2:])
        top = int(rng.integers(picture.shape[-2] - side + 1))
        left = int(rng.integers(picture.shape[-1] - side + 1))
        part = picture[None, :, top : top + side, left : left + side].float() / 255
        part = torch.nn.functional.interpolate(
            part, size=(wanted, wanted), mode="bilinear", antialias=True, align_corners=False
        )[0]
        return part.flip(2) if rng.random() < 0.5 else part

    def learn(
        self,
        batch: Batch,
        painted: Tensor,
        sitting: Sitting,
        fresh: int,
        rng: np.random.Generator,
    ) -> Losses:
        """Compare, go back, and move the weights."""
        recipe = self.recipe
        features = self.features(painted)
        wanted = aligned_content(self.plate_features(batch.clean), sitting.manners)
        with self.rounding():
            found = how_painted(features)
        style = moment_loss(found, sitting.manners)
        if recipe.covariance_weight > 0:
            style = style + recipe.covariance_weight * covariance_loss(found, sitting.manners)
        parts = {
            "style": recipe.style_weight * style.mean(),
            "content": recipe.content_weight * content_loss(features, wanted).mean(),
            "temporal": recipe.temporal_ramp(self.step)
            * temporal_loss(painted, batch.target, batch.mask).mean(),
            "lattice": recipe.lattice_weight * lattices(painted).mean(),
            "noise": self.resilience(batch, painted, sitting, fresh, rng),
            "vigour": self.vigour(batch, painted, sitting, fresh),
        }
        variation = recipe.variation_weight * total_variation(painted).mean()
        total = torch.stack([*parts.values(), variation]).sum()
        self.descend(total)
        return Losses(total.item(), **{name: part.item() for name, part in parts.items()})

    def resilience(
        self,
        batch: Batch,
        painted: Tensor,
        sitting: Sitting,
        fresh: int,
        rng: np.random.Generator,
    ) -> Tensor:
        """Return the noise loss of the samples without a prior."""
        recipe = self.recipe
        if recipe.noise_weight == 0:
            return torch.zeros((), device=self.device)
        noisy = batch.x[:fresh].clone()
        noisy[:, :3] = with_noise(noisy[:, :3], recipe.noise_range, recipe.noise_pixels, rng)
        again = self.painted(noisy, rows(sitting.codes, slice(fresh)))
        return recipe.noise_weight * noise_loss(painted[:fresh], again).mean()

    def vigour(self, batch: Batch, painted: Tensor, sitting: Sitting, fresh: int) -> Tensor:
        """Return how far paint that goes on differs in strength and colour from fresh paint."""
        if fresh == len(painted) or self.recipe.vigour_weight == 0:
            return torch.zeros((), device=self.device)
        x = batch.x[fresh:].clone()
        x[:, -CARRIED:] = 0
        with torch.no_grad():
            alone = self.painted(x, rows(sitting.codes, slice(fresh, None)))
        weight = self.recipe.vigour_weight * self.recipe.growth(self.step)  # it paints first
        return weight * vigour_loss(painted[fresh:], alone).mean()

    def shown(self, names: Sequence[str]) -> list[tuple[int, str]]:
        """Return the paintings that sheets show: those held out of the training."""
        return [(n, self.recipe.styles[n].stem) for n in self.held]

    @torch.no_grad()
    def paint(self, frame: Tensor, style: int) -> Tensor:
        """Paint pictures (N, 3, H, W) by themselves with the averaged network."""
        whole = self.paintings[style][None].to(self.device).float() / 255
        codes = tuple(moments(level) for level in self.read(whole))
        x = torch.cat((frame, frame.new_zeros((len(frame), CARRIED, *frame.shape[-2:]))), 1)
        return self.painted(x, codes, self.average)


def painting(path: Path, side: int) -> Tensor:
    """Read a painting (3, H, W), 8 bits, its short side as asked.

    Raises:
        BadInput: it cannot be read.
    """
    picture = read_rgb(path)
    if picture is None:
        raise BadInput(f"style picture {path}: expected a JPEG, PNG or TIFF picture.")
    return torch.from_numpy(resize_short_side(picture, side)).permute(2, 0, 1).contiguous()


def shown_paintings(count: int) -> list[int]:
    """Return which of the paintings are held out, or, of a few, the first ones."""
    return evenly(list(range(count)), SHOWN if count >= FEWEST else min(count, SHOWN))


def rows(codes: Statistics, wanted: slice) -> Statistics:
    """Return some rows of statistics."""
    return tuple((mean[wanted], variance[wanted]) for mean, variance in codes)

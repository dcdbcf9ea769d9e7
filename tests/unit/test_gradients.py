"""Gradients of what networks are trained on, in float64, against differences."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from stillbrush.core.networks.layouts import Architecture, Shape
from stillbrush.core.networks.style_network import StyleNetwork
from stillbrush.core.training.losses import (
    content_loss,
    lattices,
    manner,
    temporal_loss,
    total_variation,
    vigour_loss,
)
from stillbrush.core.training.recurrent import brought_back
from stillbrush.core.training.terms import gupta_temporal_loss, noise_loss

SIDE = 64


def noise(*shape: int, seed: int = 1) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=rng, dtype=torch.float64)


PAINT, OTHER = noise(2, 3, SIDE, SIDE), noise(2, 3, SIDE, SIDE, seed=2)
MASK = noise(2, 1, SIDE, SIDE)
PLATE = {"relu4_1": OTHER, "relu3_1": OTHER}
FLOWS = [3 * noise(SIDE, SIDE, 2, seed=seed) - 1.5 for seed in (3, 4)]
ENERGIES: dict[str, Callable[[Tensor], Tensor]] = {
    "total variation": total_variation,
    "temporal": lambda x: temporal_loss(x, OTHER, MASK),
    "lattices": lattices,
    "vigour": lambda x: vigour_loss(x, OTHER),
    "noise": lambda x: noise_loss(x, OTHER),
    "content": lambda x: content_loss(dict.fromkeys(PLATE, x), PLATE),
    "mean of a manner": lambda x: manner(x).mean,
    "covariance of a manner": lambda x: manner(x).covariance,
    "Gupta's temporal": lambda x: gupta_temporal_loss(OTHER, brought_back(x, FLOWS), MASK),
}


def check(energy: Callable[[Tensor], Tensor], x: Tensor, reach: float = 1e-6) -> None:
    """Compare the slope along some directions with that of the gradient."""
    for seed in range(3):
        wanted = noise(*energy(x).shape, seed=seed + 9)  # of each number of the energy
        moving = x.clone().requires_grad_()
        (gradient,) = torch.autograd.grad((wanted * energy(moving)).sum(), moving)
        along = noise(*x.shape, seed=seed) - 0.5
        ahead, behind = (energy(x + way * reach * along) for way in (1, -1))
        slope = (wanted * (ahead - behind)).sum() / (2 * reach)
        scale = float(gradient.norm() * along.norm())
        # Where a difference or a rectifier lies within reach of nought, the slope has a kink.
        assert abs(float((gradient * along).sum() - slope)) < 1e-5 * scale


@pytest.mark.parametrize("name", ENERGIES)
def test_the_gradient_of_an_energy_is_its_slope(name: str):
    check(ENERGIES[name], PAINT)


@pytest.mark.parametrize("kind", Architecture)
def test_the_gradient_of_a_network_is_its_slope(kind: Architecture):
    shape = Shape(6, 8, 1, (6, 4), 2, kind)
    torch.manual_seed(3)
    network = StyleNetwork(shape).double().requires_grad_(False)
    style = torch.tensor([[0.3, 0.7]], dtype=torch.float64)
    check(lambda x: network(x, style)[0], noise(1, 7, 24, 24), reach=1e-7)
    for name in ("stages.0.convolution.weight", "stages.1.scale"):
        weight = network.get_parameter(name)
        rest = {n: p for n, p in network.named_parameters() if n != name}

        def painted(moved: Tensor, name: str = name, rest: dict[str, Tensor] = rest) -> Tensor:
            given = (noise(1, 7, 24, 24), style)
            return torch.func.functional_call(network, rest | {name: moved}, given)[0]

        check(painted, weight, reach=1e-7)

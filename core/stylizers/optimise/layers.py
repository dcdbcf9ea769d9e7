"""Which layers of a loss network stand for those that an energy names, and in what units."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from torch import Tensor

from ...errors import BadInput
from ...networks.loss_network import LossNetwork
from .settings import OptimiseKnobs, Units, read_layers

VGG_SIZE = {1: 20.7, 2: 115.1, 3: 113.7, 4: 113.7, 5: 113.7}
"""Mean feature of the original VGG-19 by block, at its first layer, of photographs, 0 to 255.

Measured over 24 photographs, but for the last two, which repeat the third.
"""


@dataclass(frozen=True)
class Layers:
    """The layers that count, by the network's own names, with their weights.

    Attributes:
        content: weight of each layer that holds content.
        style: weight of each layer that holds style.
        gains: what brings a layer's features to the units of the weights.
        stood_in: for layers that the network lacks, what is taken in their place; empty: nothing.
    """

    content: Mapping[str, float]
    style: Mapping[str, float]
    gains: Mapping[str, float]
    stood_in: Mapping[str, str]

    def features(self, network: LossNetwork, x: Tensor, wanted: Collection[str]) -> dict:
        """Return features of a picture (1, 3, h, w), 0 to 1, in the units of the weights."""
        found = network(x, wanted)
        return {layer: found[layer] * self.gains[layer] for layer in wanted}


def choose_layers(network: LossNetwork, settings: OptimiseKnobs) -> Layers:
    """Find the layers that an energy names in a network.

    Where the network lacks one, the nearest of the same block stands in for it, then the deepest of
    those before; one that is there already does not count twice.

    Raises:
        BadInput: nothing is left to tell style or content by.
    """
    there, stood_in = network.taps, {}
    chosen: list[dict[str, float]] = []
    for knob in ("content_layers", "style_layers"):
        named = read_layers(getattr(settings, knob), knob)
        found: dict[str, float] = {layer: w for layer, w in named.items() if layer in there}
        for layer, weight in named.items():
            if layer not in found and layer not in there:
                other = nearest(layer, there)
                is_free = other is not None and other not in found
                stood_in[layer] = other if other is not None and is_free else ""
                if other is not None and is_free:
                    found[other] = weight
        if not found:
            raise BadInput(
                f"optimise.{knob}: the loss network {network.name} has none of {', '.join(named)}."
            )
        chosen.append({layer: found[layer] for layer in there if layer in found})
    content, style = chosen
    gains = {layer: gain(network, layer, settings.units) for layer in {**content, **style}}
    return Layers(content, style, gains, stood_in)


def nearest(layer: str, there: Collection[str]) -> str | None:
    """Return the layer that stands in for another; None where all there are lie deeper."""
    block, number = place(layer)
    same = [other for other in there if place(other)[0] == block]
    if same:
        return min(same, key=lambda other: (abs(place(other)[1] - number), place(other)))
    before = [other for other in there if place(other)[0] < block]
    return max(before, key=place) if before else None


def place(layer: str) -> tuple[int, int]:
    """Return block and number of a layer."""
    block, _, number = layer.removeprefix("relu").partition("_")
    return int(block), int(number)


def gain(network: LossNetwork, layer: str, units: Units) -> float:
    """Return what brings a layer's features to units; 1 where they are in them."""
    own = network.size_of(layer)
    wanted = VGG_SIZE[place(layer)[0]] if units is Units.VGG else 1.0
    if own is None:  # the original VGG
        return 1.0 if units is Units.VGG else 1.0 / VGG_SIZE[place(layer)[0]]
    return wanted / own

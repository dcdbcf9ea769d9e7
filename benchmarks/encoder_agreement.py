r"""How well our own loss network agrees with those it was distilled from, on pictures held out.

Features: Pearson's correlation per channel, mean over channels; beside it, as a control, with
channels that do not belong together. Losses: rank correlation of the style and content losses of
paint by the shipped looks, of photographs and of paintings.

    python benchmarks/encoder_agreement.py --photographs photographs/ --paintings paintings/ \
        --vgg vgg19.safetensors --distilled vgg19_distilled.safetensors
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from torch import Tensor

from stillbrush.core.looks import SHIPPED
from stillbrush.core.networks.layouts import INPUTS
from stillbrush.core.networks.loss_network import LossNetwork, load_loss_network, shipped_encoder
from stillbrush.core.networks.weights import load_weights
from stillbrush.core.training.agreement import (
    Encoding,
    content_losses,
    correlate,
    pearson,
    spearman,
    style_losses,
)
from stillbrush.core.training.distil_run import Material
from stillbrush.core.training.losses import Features

SIDE = 160  # pixels
PLATES = 15
Pairs = list[tuple[Tensor, Tensor]]


def squares(named: list[tuple[str, Tensor]]) -> list[Tensor]:
    """Cut the middle out of pictures (3, H, W), as (1, 3, SIDE, SIDE), 0 to 1."""
    cut = []
    for _, picture in named:
        height, width = picture.shape[-2:]
        top, left = (height - SIDE) // 2, (width - SIDE) // 2
        cut.append(picture[None, :, top : top + SIDE, left : left + SIDE].float() / 255)
    return cut


def paint(plates: list[Tensor]) -> Pairs:
    """Paint plates with the shipped looks, each in turn: (painted, plate)."""
    network = load_weights(SHIPPED / "painters.safetensors")
    styles = torch.eye(network.shape.styles)
    pairs = []
    with torch.no_grad():
        for n, plate in enumerate(plates):
            x = torch.zeros((1, INPUTS, SIDE, SIDE))
            x[:, :3] = plate
            for share in (1.0, 0.4):
                painted = network(x, styles[n % len(styles)][None])[0].lerp(plate, 1 - share)
                pairs.append((painted, plate))
    return pairs


def spoil(plates: list[Tensor]) -> Pairs:
    """Blur, recolour and grain plates: what else a content loss meets."""
    rng = torch.Generator().manual_seed(3)
    pairs = []
    for n, plate in enumerate(plates):
        blurred = torch.nn.functional.avg_pool2d(plate, 5, 1, 2, count_include_pad=False)
        grain = plate + 0.02 * (1 + n % 6) * torch.randn(plate.shape, generator=rng)
        grey = plate.mean(1, keepdim=True).expand_as(plate)
        pairs += [(other.clamp(0, 1), plate) for other in (blurred, grain, grey)]
    return pairs


def limited(network: LossNetwork, taps: tuple[str, ...]) -> Encoding:
    """Return an encoder without the taps that another lacks."""

    def encode(pictures: Tensor) -> Features:
        return network(pictures, taps)

    return encode


def seconds(network: LossNetwork) -> float:
    """Return the processor's time for four pictures of 160 px, forward and backward."""
    pictures = torch.rand((4, 3, 160, 160), requires_grad=True)
    times = []
    for _ in range(5):
        begun = time.process_time()
        torch.stack(
            [values.square().mean() for values in network(pictures).values()]
        ).sum().backward()
        times.append(time.process_time() - begun)
    return min(times)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--encoder", type=Path, default=shipped_encoder())
    parser.add_argument("--photographs", type=Path, required=True)
    parser.add_argument("--paintings", type=Path, nargs="+", required=True)
    parser.add_argument("--vgg", type=Path, required=True)
    parser.add_argument("--distilled", type=Path, required=True)
    given = parser.parse_args()
    torch.set_num_threads(1)
    material = Material(given.photographs, tuple(given.paintings), given.vgg, given.distilled)
    photographs, paintings = (squares(each.held) for each in material.pictures())
    networks = {
        "ours": load_loss_network(given.encoder),
        "VGG-19": load_loss_network(given.vgg),
        "compressed VGG-19": load_loss_network(given.distilled),
    }
    print(f"{len(photographs)} photographs and {len(paintings)} paintings held out")
    ours = networks["ours"]
    for name, other in networks.items():
        print(f"{name}: {seconds(other):.3f} s for 4 x 160 x 160, forward and backward")
    plates = photographs[:PLATES]
    painted = paint(plates)
    changed = painted + spoil(plates)
    pictures = photographs + paintings + [one for one, _ in painted]
    styled = [(one, paintings[n * 7 % len(paintings)]) for n, one in enumerate(pictures)]
    true, compressed = networks["VGG-19"], networks["compressed VGG-19"]
    for one, other in ((ours, true), (ours, compressed), (compressed, true)):
        taps = tuple(tap for tap in other(plates[0]) if tap in ours(plates[0]))
        print(f"\n{one.name} with {other.name}, {', '.join(taps)}")
        first, second = limited(one, taps), limited(other, taps)
        for kind, shown in (("photographs", photographs), ("paintings", paintings)):
            for tap, (own, control) in correlate(first, second, shown).items():
                print(f"  {kind:<11}  {tap}  {own:.3f}  (control {control:.3f})")
        for kind, measure, pairs in (
            ("style", style_losses, styled),
            ("content", content_losses, changed),
        ):
            found, wanted = measure(first, pairs), measure(second, pairs)
            ranks, linear = spearman(found, wanted), pearson(found, wanted)
            print(f"  {kind} losses of {len(pairs)} pairs: ranks {ranks:.3f}, linear {linear:.3f}")


if __name__ == "__main__":
    main()

r"""Whether a network that can go on from its own paint paints stills as well as one that cannot.

Percentages against painting frame by frame mean little if the network was never any good at that.
Train one style twice with the same budget, once as looks are and once for stills alone, and
compare what both paint without a prior:

    stillbrush train --style P.jpg --content photos/ --iterations 1500 --name mixed -o both/
    stillbrush train --style P.jpg --content photos/ --iterations 1500 --name stills -o both/ \
        --prior-share 0
    python benchmarks/stills.py --look both/mixed.yaml --look both/stills.yaml --style P.jpg \
        --loss-network vgg.safetensors photos2/

The total is weighted as in training. Pictures should not be those that were trained on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from stillbrush import nodes  # noqa: F401 - declares the knobs
from stillbrush.core.looks import load_look
from stillbrush.core.networks.layouts import CARRIED
from stillbrush.core.networks.loss_network import load_loss_network
from stillbrush.core.networks.weights import load_weights
from stillbrush.core.training.aims import read_style
from stillbrush.core.training.losses import content_loss, manners, style_loss
from stillbrush.core.training.photographs import evenly, picture_files, read_rgb, resize_short_side
from stillbrush.core.training.recipe import Recipe


def paint(weights: Path, style: int, plate: Tensor) -> Tensor:
    """Paint a picture (1, 3, H, W) by itself."""
    network = load_weights(weights)
    share = torch.zeros((1, network.shape.styles))
    share[0, style] = 1
    empty = torch.zeros((1, CARRIED, *plate.shape[-2:]))
    return network(torch.cat((plate, empty), 1), share)[0]


@torch.no_grad()
def main() -> None:
    """Print style, content and total of each look."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", type=Path, help="a folder")
    parser.add_argument("--look", required=True, action="append", type=Path)
    parser.add_argument("--style", required=True, type=Path)
    parser.add_argument("--loss-network", required=True, type=Path)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--short-side", type=int, default=288)
    given = parser.parse_args()
    encoder = load_loss_network(given.loss_network)
    target = manners(encoder(read_style(given.style, Recipe.style_side)))
    found = [read_rgb(path) for path in evenly(picture_files(given.pictures), given.count)]
    scaled = [resize_short_side(rgb, given.short_side) for rgb in found if rgb is not None]
    plates = [torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255 for rgb in scaled]
    print(f"{'look':24}{'style':>10}{'content':>10}{'total':>10}   of {len(plates)} pictures")
    first = None
    for path in given.look:
        look = load_look(path)
        style = content = 0.0
        for plate in plates:
            painted = encoder(paint(look.verified_weights(), look.weights.style, plate))
            style += float(style_loss(painted, target)) / len(plates)
            content += float(content_loss(painted, encoder(plate))) / len(plates)
        total = Recipe.style_weight * style + Recipe.content_weight * content
        first = first or total
        print(
            f"{look.name:24}{style:10.4f}{content:10.4f}{total:10.4f}{100 * total / first:8.1f} %"
        )


if __name__ == "__main__":
    main()

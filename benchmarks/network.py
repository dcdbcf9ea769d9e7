"""The network that ships against the published architecture, on the same frames with real priors.

The published one is Johnson et al. 2016 with the seven inputs of Ruder et al. 2018: 32-64-128
channels, 9x9 ends, five residual blocks, instance norm, as torch runs it by default (eager,
float32). Ours runs as in a render: in bands.

    OMP_WAIT_POLICY=PASSIVE nice python benchmarks/network.py [--sizes 512x218 ...] [--rounds 15]
"""

from __future__ import annotations

import argparse
import math
import tempfile
from pathlib import Path

import torch
from paired import load, race
from torch import Tensor, nn

from stillbrush import nodes  # noqa: F401 - declares the knobs
from stillbrush.core.demo import DemoShot, write_demo_shot
from stillbrush.core.knobs import ShotKnobs
from stillbrush.core.looks import find_look
from stillbrush.core.networks.bands import Bands, paint_in_bands
from stillbrush.core.render.assembly import assemble
from stillbrush.core.render.painting import Settings
from stillbrush.core.render.request import Request
from stillbrush.core.stylizers.painter import STROKE_WIDTH, Painter

GOALS = {"float32": 6.0, "bfloat16": 12.0}
LOOK = "starry-night"


def layer(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Make a convolution with its padding and its instance norm."""
    return nn.Sequential(
        nn.ReflectionPad2d(kernel // 2),
        nn.Conv2d(inputs, outputs, kernel, stride),
        nn.InstanceNorm2d(outputs, affine=True),
    )


class Published(nn.Module):
    """The architecture of Johnson et al. with seven inputs."""

    def __init__(self) -> None:
        super().__init__()
        relu, up = nn.ReLU(), nn.Upsample(scale_factor=2, mode="nearest")
        stem = (layer(7, 32, 9), relu, layer(32, 64, 3, 2), relu, layer(64, 128, 3, 2), relu)
        self.stem = nn.Sequential(*stem)
        self.blocks = nn.ModuleList(
            nn.Sequential(layer(128, 128, 3), relu, layer(128, 128, 3)) for _ in range(5)
        )
        decoder = (up, layer(128, 64, 3), relu, up, layer(64, 32, 3), relu)
        head = (nn.ReflectionPad2d(4), nn.Conv2d(32, 3, 9), nn.Tanh())
        self.decoder = nn.Sequential(*decoder, *head)

    def forward(self, x: Tensor) -> Tensor:
        """Paint (N, 7, H, W)."""
        x = self.stem(x)
        for block in self.blocks:
            x = x + block(x)
        return self.decoder(x)


def material(width: int, height: int, folder: Path) -> tuple[Painter, Tensor]:
    """Return the painter that ships and what it paints: a frame with its prior (1, H, W, 7)."""
    shot = write_demo_shot(folder, DemoShot(width=width, height=height, frames=2))
    knobs = ShotKnobs(stroke_size=STROKE_WIDTH / width)
    look = find_look(LOOK, Path())
    painting = assemble(Request(shot, look, settings=Settings(knobs))).painting()
    first, second = painting.frames[:2]
    _, state = painting.painter.paint(painting.ready(first).small, None, painting.timeline.fresh)
    ready = painting.ready(second)
    made = painting.painter.assemble(ready.small, ready.prior, state)
    assert made.carried is not None
    x = made.layers
    assert x.shape[1:3] == (height, width)
    return painting.painter, x


def psnr(error: Tensor) -> float:
    """Return the peak signal-to-noise ratio in decibels of an error of values 0 to 1."""
    return -10 * math.log10(max(float(error.double().square().mean()), 1e-30))


@torch.inference_mode()
def measure(width: int, height: int, rounds: int) -> None:
    """Print one size."""
    with tempfile.TemporaryDirectory() as folder:
        painter, x = material(width, height, Path(folder))
    network, style = painter.network, painter.style
    planes, published = x.permute(0, 3, 1, 2).contiguous(), Published().eval()

    def ours(precision: torch.dtype) -> Tensor:
        return paint_in_bands(network, x, style, bands=Bands(precision=precision))[0]

    runs = {
        "published": lambda: published(planes),
        "ours, plain": lambda: network(planes, style[None])[0],
        "float32": lambda: ours(torch.float32),
    }
    if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported():
        runs["bfloat16"] = lambda: ours(torch.bfloat16)
    size = f"{width}x{height}"
    for name, found in race(runs, rounds).items():
        verdict = found.verdict(GOALS[name]) if name in GOALS else ""
        goal = f"{GOALS[name]:.0f}" if name in GOALS else ""
        print(
            f"{size:>10}  {name:12} {found.milliseconds:9.1f} {found.ratio:8.2f} {goal:>5} "
            f"{found.low:8.2f} to {found.high:5.2f}  {verdict}",
            flush=True,
        )
    exact = network(planes, style[None])[0].permute(0, 2, 3, 1)
    banded = ours(torch.float32)
    errors = {"float32 in bands - plain": banded - exact}
    if "bfloat16" in runs:
        errors["bfloat16 - float32"] = ours(torch.bfloat16) - banded
    for name, error in errors.items():
        print(f"{size:>10}  {name:26} max {error.abs().max():.2e}  PSNR {psnr(error):.1f} dB")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", default=["512x218", "1024x436", "1920x1080"])
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'size':>10}  {'network':12} {'cpu-ms':>9} {'x':>8} {'goal':>5} {'95 % of x':>17}")
    for size in given.sizes:
        measure(*map(int, size.split("x")), given.rounds)
    print(load())


if __name__ == "__main__":
    main()

"""How steady a look is, and what it pays for it: temporal, style, content and sharpness together.

Each clip is painted twice by the same network, with its prior and frame by frame, and compared with
itself: 100 % is the frame-by-frame run. Motion is measured by another estimator than the one that
painted. Temporal is Ruder et al. eq 8 over trusted pixels; style and content as in training.

    python benchmarks/steadiness.py --look starry-night --style painting.jpg clip.mp4 ...
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from stillbrush import nodes  # noqa: F401 - declares the knobs
from stillbrush.core.knobs import chain
from stillbrush.core.looks import find_look
from stillbrush.core.media.source import open_shot
from stillbrush.core.motion.consistency import trust
from stillbrush.core.motion.flow import Flow, resize_flow
from stillbrush.core.motion.torch_flow import TorchFlow
from stillbrush.core.motion.warp import warp
from stillbrush.core.networks.loss_network import LossNetwork, load_loss_network, shipped_encoder
from stillbrush.core.render.assembly import Request, assemble
from stillbrush.core.render.painting import Settings, ShotPainting
from stillbrush.core.training.losses import Manner, content_loss, manners, style_loss
from stillbrush.core.training.trainer import read_style

NAMES = ("temporal", "style", "content", "sharpness")


@dataclass
class Sums:
    """Totals over a clip."""

    values: dict[str, float]
    frames: int = 0

    def add(self, **numbers: float) -> None:
        """Add one frame."""
        self.frames += 1
        for name, value in numbers.items():
            self.values[name] = self.values.get(name, 0.0) + value


def measure(
    painting: ShotPainting, count: int, encoder: LossNetwork, style: dict[str, Manner]
) -> dict[str, float]:
    """Paint the first frames of a clip and measure them."""
    flow = TorchFlow("fast")
    sums, last = Sums({}), None
    frames = painting.frames[:count]
    for moment in painting.timeline.roll(frames[0], frames[-1]):
        painted = moment.outputs.picture
        ready = painting.ready(moment.frame)
        if last is not None:
            sums.add(**numbers(painted, ready.small, last, flow, encoder, style))
        last = (painted, ready.small)
    return {name: total / sums.frames for name, total in sums.values.items()}


def numbers(
    painted: Tensor,
    plate: Tensor,
    last: tuple[Tensor, Tensor],
    estimator: TorchFlow,
    encoder: LossNetwork,
    style: dict[str, Manner],
) -> dict[str, float]:
    """Measure one frame."""
    height, width = plate.shape[1:3]
    flow = estimator.estimate(last[1], plate)
    flow = Flow(*(resize_flow(way, height, width) for way in flow))
    mask = trust(flow)
    change = (mask * (painted - warp(last[0], flow.backward)).square()).sum()
    with torch.no_grad():
        seen = encoder(painted.permute(0, 3, 1, 2))
        known = encoder(plate.permute(0, 3, 1, 2))
    slope = painted.diff(dim=1).abs().mean() + painted.diff(dim=2).abs().mean()
    return {
        "temporal": float(change / (3 * mask.sum()).clamp(min=1)),
        "style": float(style_loss(seen, style)),
        "content": float(content_loss(seen, known)),
        "sharpness": float(slope),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--look", required=True, action="append")
    parser.add_argument("--style", required=True, action="append", type=Path)
    parser.add_argument("--loss-network", type=Path, default=shipped_encoder())
    parser.add_argument("--count", type=int, default=16)
    parser.add_argument("--normalise", default=None)
    given = parser.parse_args()
    encoder = load_loss_network(given.loss_network)
    print(f"{'look':18} {'clip':18}" + "".join(f"{name:>18}" for name in NAMES))
    for name, picture in zip(given.look, given.style, strict=True):
        look = find_look(name, Path())
        with torch.no_grad():
            style = manners(encoder(read_style(picture, 256)))
        knobs = chain(look.knobs, {"normalise": given.normalise})
        for clip in given.clips:
            shot = open_shot(clip)
            rows = []
            for per_frame in (False, True):
                settings = Settings(knobs, look.exposure, per_frame=per_frame, cuts=())
                painting = assemble(Request(shot, look, settings=settings)).painting()
                painting.freeze_if_asked()
                rows.append(measure(painting, given.count, encoder, style))
            ours, alone = rows
            cells = "".join(f"{100 * ours[n] / alone[n]:8.0f} % {ours[n]:7.4f}" for n in NAMES)
            print(f"{look.name:18} {Path(clip).stem:18}{cells}", flush=True)


if __name__ == "__main__":
    main()

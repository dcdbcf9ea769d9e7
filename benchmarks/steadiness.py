"""How steady a look is, and what it pays for it: temporal, style, content and sharpness together.

Each clip is painted twice by the same network, with its prior and frame by frame, and compared with
itself: 100 % is the frame-by-frame run. Motion is measured by another estimator than the one that
painted. Temporal is Ruder et al. eq 8 over trusted pixels; style and content as in training.

    python benchmarks/steadiness.py --look starry-night --loss-network vgg.safetensors clip.mp4 ...
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch

from stillbrush import nodes  # noqa: F401 - declares the knobs
from stillbrush.core.knobs import chain
from stillbrush.core.looks import find_look
from stillbrush.core.media.source import open_shot
from stillbrush.core.metrics.judge import Judge
from stillbrush.core.metrics.manners import SIDE
from stillbrush.core.metrics.temporal import carried_change, temporal_error
from stillbrush.core.networks.loss_network import load_loss_network
from stillbrush.core.render.assembly import assemble
from stillbrush.core.render.painting import Settings, ShotPainting
from stillbrush.core.render.request import Request
from stillbrush.core.training.aims import read_style
from stillbrush.core.training.losses import manners

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


def measure(painting: ShotPainting, count: int, judge: Judge) -> dict[str, float]:
    """Paint the first frames of a clip and measure them."""
    sums, last = Sums({}), None
    frames = painting.frames[:count]
    for moment in painting.timeline.roll(frames[0], frames[-1]):
        painted = moment.outputs.picture
        ready = painting.ready(moment.frame)
        if last is not None:
            followed = judge.follow(last[1], ready.small)
            change = carried_change(last[0], painted, followed)
            temporal = temporal_error(change, followed.mask)
            sums.add(temporal=temporal, **judge.still(painted, judge.see(ready.small)))
        last = (painted, ready.small)
    return {name: total / sums.frames for name, total in sums.values.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--look", required=True, action="append")
    parser.add_argument("--style", required=True, action="append", type=Path)
    parser.add_argument("--loss-network", required=True, type=Path)
    parser.add_argument("--count", type=int, default=16)
    parser.add_argument("--normalise", default=None)
    given = parser.parse_args()
    encoder = load_loss_network(given.loss_network)
    print(f"{'look':18} {'clip':18}" + "".join(f"{name:>18}" for name in NAMES))
    for name, picture in zip(given.look, given.style, strict=True):
        look = find_look(name, Path())
        with torch.no_grad():
            judge = Judge(encoder, manners(encoder(read_style(picture, SIDE))))
        knobs = chain(look.knobs, {"normalise": given.normalise})
        for clip in given.clips:
            shot = open_shot(clip)
            rows = []
            for per_frame in (False, True):
                settings = Settings(knobs, look.exposure, per_frame=per_frame, cuts=())
                painting = assemble(Request(shot, look, settings=settings)).painting()
                painting.freeze_if_asked()
                rows.append(measure(painting, given.count, judge))
            ours, alone = rows
            cells = "".join(f"{100 * ours[n] / alone[n]:8.0f} % {ours[n]:7.4f}" for n in NAMES)
            print(f"{look.name:18} {Path(clip).stem:18}{cells}", flush=True)


if __name__ == "__main__":
    main()

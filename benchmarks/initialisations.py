"""What steadies painting by optimisation: Ruder et al., Tables 2 and 4 and Figure 9, small.

Each method paints the demo shot, whose motion and occlusion are exact, from the same first frame
rule; temporal, style and content errors stand together. With --occluder a square crosses a still
picture instead, and the paint that it hid is compared before and after.

    python benchmarks/initialisations.py --style painting.jpg --judge vgg19_distilled.safetensors
    python benchmarks/initialisations.py --style painting.jpg --occluder photograph.jpg
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from stillbrush import nodes  # noqa: F401 - declares the knobs
from stillbrush.core.demo import DemoShot, write_demo_shot
from stillbrush.core.hashing import file_sha256
from stillbrush.core.knobs import PriorKnobs, ShotKnobs
from stillbrush.core.look import Look, StylizerKind
from stillbrush.core.looks import save_look
from stillbrush.core.metrics.temporal import Followed, carried_change, sharpness, temporal_error
from stillbrush.core.motion.flow import Flow
from stillbrush.core.networks.loss_network import load_loss_network, shipped_encoder
from stillbrush.core.optimise_looks import Optimise, StyleFile
from stillbrush.core.render.assembly import assemble
from stillbrush.core.render.given_motion import VectorSettings
from stillbrush.core.render.painting import Settings, ShotPainting
from stillbrush.core.render.request import Request
from stillbrush.core.strict_yaml import read_yaml
from stillbrush.core.stylizers.load import load_painter
from stillbrush.core.stylizers.paint_state import PaintState
from stillbrush.core.stylizers.prior import make_prior
from stillbrush.core.training.aims import read_style
from stillbrush.core.training.losses import content_loss, manners, style_loss

METHODS: dict[str, dict[str, Any]] = {
    "random": {"later": "random", "temporal_weight": 0.0},
    "previous": {"later": "previous", "temporal_weight": 0.0},
    "warped": {"later": "warped", "temporal_weight": 0.0},
    "warped + loss": {"later": "warped"},
    "trusted + loss": {"later": "trusted"},
    "remembered + loss": {"later": "remembered"},
}
OFFSETS = ("1", "1, 10, 20, 40")


def look(folder: Path, style: Path, **knobs: Any) -> Look:
    """Write a look beside a copy of its painting."""
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / f"style{style.suffix}"
    copy.write_bytes(style.read_bytes())
    told = Optimise((StyleFile(copy.name, file_sha256(copy)),), knobs=knobs)
    made = Look("experiment", "Experiment", None, "none", StylizerKind.OPTIMISE, optimise=told)
    path = save_look(made, folder, overwrite=True)
    return Look(**{**vars(made), "path": path})


def table(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Paint the demo shot with every method; return the errors of each."""
    height = round(arguments.width * 9 / 16 / 2) * 2
    shot = DemoShot(width=arguments.width, height=height, frames=arguments.frames)
    judge = load_loss_network(arguments.judge or shipped_encoder())
    target = manners(judge(read_style(arguments.style, 256)))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        pattern = write_demo_shot(Path(folder) / "plates", shot)
        for name in arguments.methods:
            given = read_yaml("\n".join(f"{k}: {v}" for k, v in arguments.knob)) or {}
            method = given | METHODS[name]
            knobs = {
                "first": "random",
                "iterations": arguments.first,
                "later_iterations": arguments.later,
                "scales": 1,
                "width": arguments.width,
            }
            made = look(Path(folder) / name, arguments.style, **knobs | method)
            settings = Settings(ShotKnobs(hold=0.0, detect_cuts=False))
            request = Request(pattern, made, settings=settings, vectors=VectorSettings())
            begun = time.process_time()
            painting = assemble(request).painting()
            rows.append({"method": name} | errors(painting, shot, judge, target))
            rows[-1]["seconds a frame"] = (time.process_time() - begun) / arguments.frames
            print(json.dumps(rows[-1]), flush=True)
    return rows


@torch.no_grad()
def errors(painting: ShotPainting, shot: DemoShot, judge: Any, target: Any) -> dict[str, float]:
    """Paint a shot; return the means over all frames but the first."""
    last, found = None, []
    for number in shot.frames:
        painted = painting.timeline.at(number).picture
        if last is not None:
            truth = shot.frame(number)
            backward = torch.from_numpy(truth.backward)[None]
            seen = torch.from_numpy(~truth.disoccluded)[None, ..., None].float()
            followed = Followed(Flow(backward, backward), seen)
            features = judge(painted.permute(0, 3, 1, 2))
            plate = judge(painting.small(number).permute(0, 3, 1, 2))
            change = carried_change(last, painted, followed)
            found.append(
                {
                    "temporal": temporal_error(change, seen),
                    "temporal, all pixels": float(change.mean()),
                    "style": float(style_loss(features, target)),
                    "content": float(content_loss(features, plate)),
                    "sharpness": sharpness(painted),
                }
            )
        last = painted
    return {name: float(np.mean([frame[name] for frame in found])) for name in found[0]}


def plate(place: int, picture: Tensor, begins: int, ends: int) -> tuple[Tensor, Tensor]:
    """Return a still picture that a dark square crosses, and where the square is."""
    frame, hidden = picture.clone(), torch.zeros((*picture.shape[:3], 1))
    if begins <= place < ends:
        width = picture.shape[2]
        left = round((width + 32) * (place - begins + 0.5) / (ends - begins)) - 32
        hidden[:, 12:-12, max(left, 0) : max(min(left + 32, width), 0)] = 1.0
        frame = torch.where(hidden > 0, torch.tensor([0.15, 0.1, 0.12]), frame)
    return frame, hidden


def occluder(arguments: argparse.Namespace, photograph: Path) -> list[dict[str, Any]]:
    """Let a square cross a still picture; return how far the paint behind it comes back."""
    decoded = cv2.cvtColor(cv2.imread(str(photograph)), cv2.COLOR_BGR2RGB)
    small = cv2.resize(decoded, (96, 64), interpolation=cv2.INTER_AREA)
    picture = torch.from_numpy(small)[None].float() / 255
    begins, ends, rows = 12, 22, []
    with tempfile.TemporaryDirectory() as folder:
        for offsets in arguments.offsets:
            knobs = {
                "long_term": offsets,
                "iterations": arguments.first,
                "later_iterations": arguments.later,
                "scales": 1,
                "width": 96,
            }
            painter = load_painter(look(Path(folder) / offsets, arguments.style, **knobs))
            state, prior, painted, before = PaintState(), None, {}, None
            touched = torch.zeros((1, 64, 96, 1))
            for place in range(ends + 2):
                frame, hidden = plate(place, picture, begins, ends)
                touched = torch.maximum(touched, hidden)
                if before is not None:
                    still = torch.zeros((1, 64, 96, 2))
                    mask = (1 - hidden) * (1 - before)
                    prior = make_prior(Flow(still, still), mask, PriorKnobs(hold=0.0))
                painted[place], state = painter.paint(frame, prior, state)
                before = hidden
            change = (painted[ends + 1] - painted[begins - 1]).square().mean(-1, keepdim=True)
            rows.append(
                {
                    "J": offsets,
                    "was hidden": float((change * touched).sum() / touched.sum()),
                    "never hidden": float((change * (1 - touched)).sum() / (1 - touched).sum()),
                }
            )
            print(json.dumps(rows[-1]), flush=True)
            if arguments.pictures:
                shown = [painted[p][0].numpy() for p in (begins - 1, begins + 5, ends + 1)]
                row = np.uint8(np.concatenate(shown, 1)[..., ::-1] * 255)
                name = f"occluder {offsets.replace(', ', '-')}.png"
                cv2.imwrite(str(arguments.pictures / name), row)
    return rows


def main() -> None:
    """Run one of the two experiments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--style", type=Path, required=True)
    parser.add_argument("--judge", type=Path, help="loss network; default: the one that ships")
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--first", type=int, default=100, help="iterations of the first frame")
    parser.add_argument("--later", type=int, default=60, help="iterations of every other")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--knob", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    parser.add_argument("--offsets", nargs="+", default=list(OFFSETS), help="of the occluder")
    parser.add_argument("--occluder", type=Path, metavar="PHOTOGRAPH")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    if arguments.occluder:
        occluder(arguments, arguments.occluder)
    else:
        table(arguments)


if __name__ == "__main__":
    main()

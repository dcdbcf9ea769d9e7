"""Paint near the border of a panning frame, in one pass and in several (Ruder et al. Fig. 10).

A wide picture is panned over. What enters at one side has no past; carried on and on, its paint may
lose contrast. The contrast of a strip at each side is told as a share of the same look's, frame by
frame; so is the temporal error between neighbouring frames, where the exact motion can be followed.
With --style a frame is optimised, in as many iterations a pass as are given, from its plate where
it is painted by itself.

    python benchmarks/passes.py picture.jpg --look starry-night --sheet passes.png
    python benchmarks/passes.py picture.jpg --style painting.jpg --frames 12 --width 96 --height 64
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import torch
from initialisations import look as optimising
from torch import Tensor

from stillbrush import nodes  # noqa: F401 - declares the knobs
from stillbrush.core.knobs import chain
from stillbrush.core.look import Look
from stillbrush.core.looks import find_look
from stillbrush.core.media.colour import DISPLAY, PlateColour, find_space
from stillbrush.core.media.pictures import shot_of_pictures
from stillbrush.core.media.source import Shot
from stillbrush.core.render.assembly import assemble
from stillbrush.core.render.painting import Settings
from stillbrush.core.render.request import Request
from stillbrush.core.render.sheet import save_picture_8bit
from stillbrush.core.temporal.multi_pass import Passes

STEP = 4  # pixels a frame
SIDES = ("left", "middle", "right")
STRIP = 0.08  # of the width


def pan(path: Path, frames: int, width: int, height: int) -> Shot:
    """Return a shot that pans over a picture, whole pixels at a time."""
    read = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if read is None:
        raise SystemExit(f"{path}: expected a picture.")
    wide = cv2.resize(read, (width + STEP * frames, height), interpolation=cv2.INTER_AREA)
    world = np.ascontiguousarray(wide[..., ::-1], np.float32) / 255

    def pull(place: int) -> np.ndarray:
        return np.ascontiguousarray(world[:, STEP * place : STEP * place + width])

    space = PlateColour(find_space(DISPLAY))
    return shot_of_pictures(pull, (height, width), frames, space, fps=Fraction(24))


def run(
    shot: Shot, found: Look, stroke: float, *, per_frame: bool, passes: int | None
) -> list[Tensor]:
    """Paint the shot; return its frames (1, h, w, 3)."""
    settings = Settings(chain(found.knobs, {"stroke_size": stroke}), per_frame=per_frame)
    several = None if passes is None else Passes(passes)
    painting = assemble(Request(shot, found, settings=settings, passes=several)).painting()
    painting.freeze_if_asked()
    rolled = painting.timeline.roll(shot.frames[0], shot.frames[-1])
    return [moment.outputs.picture for moment in rolled]


def contrast(picture: Tensor, side: str) -> float:
    """Return the standard deviation of the paint's light in a strip at one side."""
    light = picture[0].mean(-1)
    strip = max(4, round(STRIP * light.shape[1]))
    middle = light.shape[1] // 2
    part = {
        "left": light[:, :strip],
        "middle": light[:, middle - strip : middle + strip],
        "right": light[:, -strip:],
    }[side]
    return float(part.std())


def change(frames: list[Tensor], step: int) -> float:
    """Return the mean squared change of neighbouring frames along the exact motion."""
    pairs = itertools.pairwise(frames)
    return float(
        np.mean([float((b[:, :, :-step] - a[:, :, step:]).square().mean()) for a, b in pairs])
    )


def main() -> None:
    """Print the numbers and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("--look", default="starry-night")
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--height", type=int, default=144)
    parser.add_argument("--passes", type=int, default=4)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--style", type=Path, help="paint by optimisation after this picture")
    parser.add_argument("--iterations", type=int, default=20, help="of a frame in each pass")
    given = parser.parse_args()
    shot = pan(given.picture, given.frames, given.width, given.height)
    each, several = given.iterations, given.passes
    kinds = {
        "frame by frame": (True, None, each * several),
        "one pass": (False, None, each),
        "one long pass": (False, None, each * several),
        f"{several} passes": (False, several, each),
    }
    if given.style is None:
        del kinds["one long pass"]
    made = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (alone, passes, iterations) in kinds.items():
            look, stroke = find_look(given.look, Path()), 768 / given.width
            if given.style:
                counts = {"iterations": iterations, "later_iterations": iterations}
                knobs = counts | {"scales": 1, "width": given.width}
                look, stroke = optimising(Path(folder) / name, given.style, **knobs), 1.0
            made[name] = run(shot, look, stroke, per_frame=alone, passes=passes)
    third = given.frames // 3
    sides = [f"{side} {when}" for side in SIDES for when in ("first", "last")]
    print(f"{'':16}{'temporal':>10}" + "".join(f"{side:>16}" for side in sides))
    alone = made["frame by frame"]
    for name, frames in made.items():
        told = f"{name:16}{100 * change(frames, STEP) / change(alone, STEP):8.0f} %"
        for side in SIDES:
            for part in (slice(0, third), slice(-third, None)):
                ours = np.mean([contrast(frame, side) for frame in frames[part]])
                told += f"{100 * ours / np.mean([contrast(f, side) for f in alone[part]]):14.0f} %"
        print(told, flush=True)
    if given.sheet:
        rows = [torch.cat([frames[n] for n in (0, third, -1)], 2) for frames in made.values()]
        save_picture_8bit(given.sheet, torch.cat(rows, 1)[0].clamp(0, 1).numpy())


if __name__ == "__main__":
    main()

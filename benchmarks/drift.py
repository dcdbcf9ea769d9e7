"""Whether paint drifts: three hundred frames of a shot that ends as it began.

Two shots are made of real pictures. The first stands on a tripod before flat walls, with the noise
of a real camera: there is little for paint to hold on to, and every frame is painted over the last.
The second pans over a large photograph. Motion is known exactly, so nobody's estimate judges. Each
is painted with its prior and frame by frame; the figures are the first as a share of the second.

    python benchmarks/drift.py --still bottles.mp4 --pan panorama.jpg --look starry-night -o drift/

Style is judged against the look's own manner, content against the plate, both by the shipped
encoder. A look drifts when the end differs from the start.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from stillbrush import nodes  # noqa: F401 - declares the knobs
from stillbrush.core.knobs import chain
from stillbrush.core.look import Look
from stillbrush.core.looks import find_look
from stillbrush.core.media.source import open_shot
from stillbrush.core.metrics.encoder import appoint
from stillbrush.core.metrics.judge import Judge
from stillbrush.core.metrics.temporal import Followed, carried_change, temporal_error
from stillbrush.core.motion.flow import Flow, resize_flow
from stillbrush.core.motion.warp import inside
from stillbrush.core.render.assembly import assemble
from stillbrush.core.render.painting import Settings, ShotPainting
from stillbrush.core.render.request import Request

SIZE = (288, 512)  # height, width of the plates
GRAIN = 4.0  # of 255: what differs more between frames is no noise
COARSE = 4.0  # pixels: what is wider than this is a change of light, not noise
WINDOW = 10  # frames that are "the start" and "the end"; frame 1 has no prior and is neither
SEEN_EVERY = 5  # frames between those that the encoder judges
NAMES = ("temporal", "style", "content", "sharpness")


def read_frames(path: str, count: int) -> np.ndarray:
    """Read the first frames of a clip at the plates' size, (T, H, W, 3), 0 to 255."""
    capture = cv2.VideoCapture(path)
    frames = []
    while len(frames) < count:
        there, frame = capture.read()
        if not there:
            break
        frames.append(cv2.resize(frame, SIZE[::-1], interpolation=cv2.INTER_AREA))
    return np.stack(frames).astype(np.float32)


def still_frames(clip: str, count: int) -> Iterator[np.ndarray]:
    """Hold one real frame, under noise that its camera made, never twice the same way."""
    seen = read_frames(clip, 25)
    middle = np.median(seen, 0)
    noise = seen - middle
    noise[np.abs(noise) > GRAIN] = 0  # somebody walked through
    noise = np.stack([one - cv2.GaussianBlur(one, (0, 0), COARSE) for one in noise])
    rng = np.random.default_rng(7)
    for _ in range(count):
        grain = noise[rng.integers(len(noise))]
        shift = tuple(int(s) for s in rng.integers(0, SIZE))
        yield middle + np.roll(grain, shift, (0, 1)) + rng.normal(0, 1.0, middle.shape)


def pan_frames(photograph: str, count: int, speed: tuple[float, float]) -> Iterator[np.ndarray]:
    """Move a window over a photograph by parts of a pixel, there and back, under noise."""
    picture = cv2.imread(photograph).astype(np.float32)
    height, width = SIZE
    scale = 2.0 * height / picture.shape[0]
    large = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    centre = large.shape[1] / 2, large.shape[0] / 2
    rng = np.random.default_rng(8)
    for place in range(count):
        x, y = (c + s * p for c, s, p in zip(centre, speed, way(place), strict=True))
        frame = cv2.getRectSubPix(large, (width, height), (x, y))
        yield frame + rng.normal(0, 1.5, frame.shape)


def way(place: int) -> tuple[float, float]:
    """Return how far the window has gone at a frame: right and left in turns of sixty frames."""
    turn = abs((place + 30) % 120 - 60) - 30
    return float(turn), float(turn)


@dataclass
class Curve:
    """One run's numbers by frame."""

    rows: list[dict[str, float]] = field(default_factory=list)

    def mean(self, name: str, first: int, last: int) -> float:
        """Return the mean of a number over frames; those without it do not count."""
        found = [row[name] for row in self.rows[first:last] if name in row]
        return float(np.mean(found))


def followed(place: int, speed: tuple[float, float], size: tuple[int, int]) -> Followed:
    """Return the exact motion from a frame to the one before it, at painting size."""
    now, before = way(place), way(place - 1)
    # A window that moves right sees the scene move left: the point was further right before.
    step = [s * (n - b) for s, n, b in zip(speed, now, before, strict=True)]
    backward = torch.tensor(step).view(1, 1, 1, 2).expand(1, *SIZE, 2).contiguous()
    backward = resize_flow(backward, *size)
    return Followed(Flow(backward, -backward), inside(backward))


def measure(painting: ShotPainting, judge: Judge, speed: tuple[float, float]) -> Curve:
    """Paint a shot and measure every frame."""
    curve, last = Curve(), None
    frames = painting.frames
    for place, moment in enumerate(painting.timeline.roll(frames[0], frames[-1])):
        painted: Tensor = moment.outputs.picture
        row = {"frame": float(moment.frame)}
        if last is not None:
            motion = followed(place, speed, painting.size)
            row["temporal"] = temporal_error(carried_change(last, painted, motion), motion.mask)
        is_judged = place % SEEN_EVERY == 0 or place < WINDOW + 1 or place >= len(frames) - WINDOW
        if is_judged:
            plate = painting.ready(moment.frame).small
            row |= judge.still(painted, judge.see(plate))
        curve.rows.append(row)
        last = painted
    return curve


def both_ways(pattern: str, look: Look, judge: Judge, speed: tuple[float, float]) -> list[Curve]:
    """Paint a shot with its prior, and frame by frame."""
    shot = open_shot(pattern)
    curves = []
    for per_frame in (False, True):
        # Plates of 512 pixels are painted at 512, so that three hundred frames take minutes.
        knobs = chain(look.knobs, {"stroke_size": 1.5, "detect_cuts": False})
        settings = Settings(knobs, look.exposure, per_frame=per_frame)
        painting = assemble(Request(shot, look, settings=settings)).painting()
        painting.freeze_if_asked()
        curves.append(measure(painting, judge, speed))
    return curves


def shares(ours: Curve, alone: Curve, name: str) -> tuple[float, float]:
    """Return one number at the start and at the end, as a share of frame by frame."""
    count = len(ours.rows)
    spans = ((1, 1 + WINDOW), (count - WINDOW, count))
    start, end = (ours.mean(name, *span) / max(alone.mean(name, *span), 1e-12) for span in spans)
    return start, end


def report(title: str, ours: Curve, alone: Curve) -> None:
    """Print a shot's line, and whether temporal error is below frame by frame throughout."""
    cells = []
    for name in NAMES:
        if all(name in row for row in ours.rows[-WINDOW:]):
            start, end = shares(ours, alone, name)
            cells.append(f"{name} {100 * start:4.0f} -> {100 * end:4.0f} %")
    tens = range(1, len(ours.rows) - WINDOW, WINDOW)
    worst = max(
        ours.mean("temporal", n, n + WINDOW) / max(alone.mean("temporal", n, n + WINDOW), 1e-12)
        for n in tens
    )
    print(f"{title:32} {'  '.join(cells)}  worst ten frames {100 * worst:4.0f} %", flush=True)


def save(path: Path, ours: Curve, alone: Curve) -> None:
    """Write both curves as CSV."""
    names = ["frame", *NAMES, *(f"{name}_per_frame" for name in NAMES)]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        for row, other in itertools.zip_longest(ours.rows, alone.rows):
            known = {name: value for name, value in row.items() if name in names}
            known |= {f"{n}_per_frame": v for n, v in other.items() if f"{n}_per_frame" in names}
            writer.writerow(known)


def write_shot(folder: Path, frames: Iterator[np.ndarray]) -> str:
    """Write frames as PNG; return their pattern."""
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames, 1001):
        plate = np.rint(np.clip(frame, 0, 255)).astype(np.uint8)
        cv2.imwrite(str(folder / f"plate.{number}.png"), plate)
    return str(folder / "plate.####.png")


def main() -> None:
    """Print the lines and write the curves."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--still", help="a clip from a tripod")
    parser.add_argument("--pan", help="a large photograph")
    parser.add_argument("--look", required=True, action="append")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    speed = (1.37, 0.21)  # pixels a frame
    with tempfile.TemporaryDirectory() as scratch:
        shots: dict[str, tuple[Iterator[np.ndarray], tuple[float, float]]] = {}
        if given.still:
            shots["still"] = (still_frames(given.still, given.count), (0.0, 0.0))
        if given.pan:
            shots["pan"] = (pan_frames(given.pan, given.count, speed), speed)
        for kind, (frames, moved) in shots.items():
            pattern = write_shot(Path(scratch) / kind, frames)
            for name in given.look:
                look = find_look(name, Path())
                ours, alone = both_ways(pattern, look, appoint(look).judge, moved)
                report(f"{look.name}, {kind}", ours, alone)
                save(given.output / f"{look.name}.{kind}.csv", ours, alone)


if __name__ == "__main__":
    main()

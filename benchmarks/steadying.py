"""What steadying a clip that was painted frame by frame costs, beside what else there is.

Each clip is painted frame by frame with a shipped look, so that it flickers, and steadied: by the
Stabilizer, by the mean over a window aligned along the motion (the classical deflicker), and by
blending each frame with the last one along DIS flow (what a few lines of OpenCV give). 100 % is the
clip as it was painted. Motion is judged by another estimator than the one that steadied.

    python benchmarks/steadying.py --look starry-night --keep painted/ clip.mp4 ...
    python benchmarks/steadying.py --speed
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from stillbrush import nodes  # noqa: F401 - declares the knobs
from stillbrush.core.knobs import SteadyKnobs, chain
from stillbrush.core.looks import find_look
from stillbrush.core.media.source import open_shot
from stillbrush.core.metrics.encoder import appoint
from stillbrush.core.metrics.temporal import Followed, carried_change, follow, temporal_error
from stillbrush.core.motion.flow import DisFlow, Flow, dis_flow
from stillbrush.core.render.assembly import assemble
from stillbrush.core.render.painting import Settings
from stillbrush.core.render.request import Request
from stillbrush.core.stylizers.paint_state import PaintState
from stillbrush.core.temporal.steady import (
    EDGE,
    Guide,
    Steadiness,
    ahead_light,
    onward,
    steady,
    targets,
    thumbnail,
    trust,
)

NAMES = ("temporal", "style", "content", "sharpness")
SHARE = 0.5  # of the size at which the judge measures motion
AHEAD = SteadyKnobs.look_ahead
WINDOW = 2  # frames to each side of the classical deflicker
KEPT = 0.7  # share of the last frame in the OpenCV baseline
Clip = list[np.ndarray]  # (H, W, 3) each, 0 to 1


def painted(clip: str, name: str, count: int, keep: Path) -> tuple[Clip, Clip]:
    """Return plates and paint of a clip's first frames, painted one by one; kept for next time."""
    path = keep / f"{Path(clip).stem}.{name}.npz"
    if not path.is_file():
        look = find_look(name, Path())
        settings = Settings(chain(look.knobs, {}), look.exposure, per_frame=True)
        painting = assemble(Request(open_shot(clip), look, settings=settings)).painting()
        frames = painting.frames[:count]
        paint = [painting.alone(painting.small(frame))[0].numpy() for frame in frames]
        plates = [painting.small(frame)[0].numpy() for frame in frames]
        keep.mkdir(parents=True, exist_ok=True)
        np.savez(path, p=eight_bit(paint), s=eight_bit(plates))
    with np.load(path) as kept:
        found = [kept[key][:count].astype(np.float32) / 255 for key in ("s", "p")]
    return list(found[0]), list(found[1])


def eight_bit(frames: Clip) -> np.ndarray:
    """Return frames as a clip on disk has them."""
    return (np.stack(frames) * 255).round().clip(0, 255).astype(np.uint8)


def picture(frame: np.ndarray) -> Tensor:
    """Return a frame (H, W, 3) as a tensor (1, H, W, 3)."""
    return torch.from_numpy(frame)[None]


def stabilizer(plates: Clip, paint: Clip, flows: list[Flow]) -> Clip:
    """Steady as the product does."""
    state, made = PaintState(), []
    small, onwards = [thumbnail(p) for p in paint], [onward(flow) for flow in flows]
    for place, fresh in enumerate(paint):
        end = place + AHEAD
        light = ahead_light(small[place : end + 1], onwards[place:end])
        guide = Guide(plates[place], flows[place - 1] if place else None, light)
        x, state = steady(fresh, guide, state, Steadiness())
        made.append(x.picture)
    return made


def window_mean(plates: Clip, paint: Clip, flows: list[Flow]) -> Clip:
    """Average every frame with its neighbours, brought to it along the motion where it is known."""
    made = []
    for place, fresh in enumerate(paint):
        total, weight = fresh.copy(), np.ones((*fresh.shape[:2], 1), np.float32)
        for step in (-1, 1):
            where, sure = None, np.ones(fresh.shape[:2], np.float32)
            for n in range(place + step, place + step * (WINDOW + 1), step):
                if not 0 <= n < len(paint):
                    break
                flow = flows[n - 1] if step > 0 else flows[n]
                way = Flow(flow.forward, flow.backward) if step > 0 else flow
                at, held = targets(way), trust(way)
                if where is not None:
                    at = cv2.remap(at, where, None, cv2.INTER_LINEAR, borderMode=EDGE)
                    held = cv2.remap(held, where, None, cv2.INTER_LINEAR, borderMode=EDGE)
                where, sure = at, sure * held
                arrived = cv2.remap(paint[n], where, None, cv2.INTER_LINEAR, borderMode=EDGE)
                total, weight = total + arrived * sure[..., None], weight + sure[..., None]
        made.append(total / weight)
    return made


def opencv_only(plates: Clip, paint: Clip, flows: list[Flow]) -> Clip:
    """Blend every frame with the last result along the paint's own DIS flow; nothing is masked."""
    made = [paint[0]]
    grey = [cv2.cvtColor(eight_bit([p])[0], cv2.COLOR_RGB2GRAY) for p in plates]
    height, width = grey[0].shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    for place in range(1, len(paint)):
        where = np.dstack((x, y)) + dis_flow(grey[place], grey[place - 1])
        carried = cv2.remap(made[-1], where, None, cv2.INTER_LINEAR, borderMode=EDGE)
        made.append(cv2.addWeighted(paint[place], 1 - KEPT, carried, KEPT, 0))
    return made


METHODS: dict[str, Callable[[Clip, Clip, list[Flow]], Clip]] = {
    "stabilizer": stabilizer,
    "window mean": window_mean,
    "opencv lerp": opencv_only,
}


class Court:
    """Judges what was painted of one source; motion is measured once."""

    def __init__(self, plates: Clip, looks: list[str], every: int) -> None:
        self.judges = {look: appoint(find_look(look, Path())).judge for look in looks}
        first = self.judges[looks[0]]
        pairs = itertools.pairwise(map(picture, plates))
        self.followed: list[Followed] = [follow(a, b, first.estimator, SHARE) for a, b in pairs]
        self.seen = {n: first.see(picture(plates[n])) for n in range(2, len(plates), every)}

    def measure(self, clip: Clip, look: str) -> dict[str, float]:
        """Return the mean of every number over a clip."""
        errors = [
            temporal_error(carried_change(a, b, f), f.mask)
            for (a, b), f in zip(itertools.pairwise(map(picture, clip)), self.followed, strict=True)
        ]
        judge = self.judges[look]
        stills = [judge.still(picture(clip[n]), seen) for n, seen in self.seen.items()]
        found = {"temporal": statistics.fmean(errors)}
        return found | {n: statistics.fmean(s[n] for s in stills) for n in NAMES[1:]}


def compare(clips: list[str], given: argparse.Namespace) -> None:
    """Print the table."""
    print(f"{'clip':18}{'look':16}{'method':14}" + "".join(f"{n:>11}" for n in NAMES))
    looks, count, keep = given.look, given.count, given.keep
    methods = {name: METHODS[name] for name in given.method or METHODS}
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in methods}
    for clip in clips:
        plates, _ = painted(clip, looks[0], count, keep)
        pairs = itertools.pairwise(map(picture, plates))
        flows = [DisFlow().estimate(a, b) for a, b in pairs]
        court = Court(plates, looks, given.every)
        for look in looks:
            _, paint = painted(clip, look, count, keep)
            before = court.measure(paint, look)
            for name, method in methods.items():
                after = court.measure(method(plates, paint, flows), look)
                row = {n: 100 * after[n] / before[n] for n in NAMES}
                rows[name].append(row)
                told = "".join(f"{row[n]:9.1f} %" for n in NAMES)
                print(f"{Path(clip).stem:18}{look:16}{name:14}{told}", flush=True)
    for name, found in rows.items():
        told = "".join(f"{statistics.median(r[n] for r in found):9.1f} %" for n in NAMES)
        print(f"{'median':18}{'':16}{name:14}{told}")


def speed() -> None:
    """Print processor time of a frame, motion included."""
    rng = np.random.default_rng(0)
    for width, height in ((1024, 436), (1920, 1080)):
        world = cv2.GaussianBlur(rng.random((height, width + 64, 3), np.float32), (0, 0), 3)
        world = (world - world.min()) / np.ptp(world)
        plates = [np.ascontiguousarray(world[:, 2 * n : 2 * n + width]) for n in range(4)]
        noise = [0.1 * rng.random(p.shape, np.float32) for p in plates]
        paint = [(p + n).clip(0, 1) for p, n in zip(plates, noise, strict=True)]
        begun = time.process_time()
        flows = [DisFlow().estimate(picture(a), picture(b))
                 for a, b in itertools.pairwise(plates)]  # fmt: skip
        motion = (time.process_time() - begun) / len(flows)
        begun = time.process_time()
        stabilizer(plates, paint, flows)
        steadying = (time.process_time() - begun) / len(paint)
        whole = motion + steadying
        print(f"{width}x{height}: {1000 * motion:.0f} ms motion and {1000 * steadying:.0f} ms "
              f"steadying of one core a frame, {1 / whole:.2f} frames/s a core")  # fmt: skip


def main() -> None:
    """Print the table, or the speed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="*")
    parser.add_argument("--look", action="append", default=[])
    parser.add_argument("--count", type=int, default=16, help="frames of each clip")
    parser.add_argument("--every", type=int, default=6, help="frames between those judged")
    parser.add_argument("--keep", type=Path, default=Path("painted"), help="where paint is kept")
    parser.add_argument("--method", action="append", choices=list(METHODS), help="default: all")
    parser.add_argument("--speed", action="store_true")
    given = parser.parse_args()
    if given.speed:
        cv2.setNumThreads(1)
        speed()
    if given.clips:
        compare(given.clips, given)


if __name__ == "__main__":
    main()

"""How well a render's stages overlap, in wall time, and what share of the work each one is.

First the machinery alone: reading, finishing and writing sleep as long as given, and the network is
a stage that sleeps 50 ms. Throughput is compared with the slowest stage, which no overlap can
beat. Then a real render, with its network and with a sleeping 50 ms stage in its place, in turn:
reading, motion and writing are real in both.

    OMP_WAIT_POLICY=PASSIVE nice python benchmarks/overlap.py
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from paired import load
from torch import Tensor

from stillbrush import nodes  # noqa: F401 - declares the knobs
from stillbrush.core.demo import DemoShot, write_demo_shot
from stillbrush.core.looks import find_look
from stillbrush.core.render import renderer
from stillbrush.core.render.assembly import assemble
from stillbrush.core.render.painting import ShotPainting
from stillbrush.core.render.pipeline import ReadAhead, WriteBehind
from stillbrush.core.render.request import Request
from stillbrush.core.stylizers.paint_state import PaintState
from stillbrush.core.stylizers.painter import Painter
from stillbrush.core.stylizers.prior import Prior

STAGE = 0.050  # seconds that the sleeping stage takes
GOAL = 0.9
PATTERNS = {  # seconds of reading and of writing a frame; two threads each
    "quick files": (0.010, 0.010),
    "slow reading": (0.080, 0.010),
    "slow writing": (0.010, 0.080),
    "all alike": (0.090, 0.090),
}


class Silent:
    """A watcher that neither speaks nor stops."""

    def progress(self, progress: object) -> None:
        """Take no note."""

    def is_cancelled(self) -> bool:
        """Go on."""
        return False


def machinery(reading: float, writing: float, count: int) -> float:
    """Run sleeping stages through the pipeline; return throughput as a share of the slowest's.

    Sleep is as long as it turned out to be, not as was asked for: a busy machine wakes late.
    """
    finished: list[float] = []
    spent = {"read": 0.0, "stage": 0.0, "write": 0.0}

    def sleep(name: str, seconds: float) -> None:
        begun = time.perf_counter()
        time.sleep(seconds)
        spent[name] += time.perf_counter() - begun

    def read(frame: int) -> int:
        sleep("read", reading)
        return frame

    def write() -> None:
        sleep("write", writing)
        finished.append(time.perf_counter())

    ahead, behind = ReadAhead(read, tuple(range(count)), 2), WriteBehind(2)
    for frame in range(count):
        ahead.get(frame)
        sleep("stage", STAGE)
        behind.submit(write)
    ahead.close()
    behind.close()
    slowest = max(spent["read"] / 2, spent["stage"], spent["write"] / 2) / count
    return slowest * (count - 1) / (finished[-1] - finished[0])


def sleeping(
    self: Painter, layers: Tensor, prior: Prior | None, state: PaintState
) -> tuple[Tensor, PaintState]:
    """Take 50 ms in place of the network, and paint nothing."""
    time.sleep(STAGE)
    painted = layers[..., :3]
    return painted, PaintState(painted, painted, state.age + 1)


def render(shot: str, folder: Path) -> tuple[float, dict[str, float]]:
    """Render a shot; return seconds a frame, and seconds a frame of each stage over all threads."""
    request = Request(shot, find_look("starry-night", Path()))
    job = assemble(request).job(str(folder / "plate.####.exr"))
    made: list[ShotPainting] = []
    build: Callable[..., ShotPainting] = job.painting

    def painting(states: object) -> ShotPainting:
        made.append(build(states))
        return made[-1]

    object.__setattr__(job, "painting", painting)
    begun = time.perf_counter()
    renderer.render(job, Silent())
    count = len(job.frames)
    seconds = (time.perf_counter() - begun) / count
    return seconds, {k: v / count for k, v in made[0].stopwatch.seconds.items()}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--size", default="640x360")
    given = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, list[float]] = {name: [] for name in PATTERNS}
    for _ in range(given.rounds):
        for name, (reading, writing) in PATTERNS.items():
            results[name].append(machinery(reading, writing, 2 * given.frames))
    print(f"{'machinery':16} {'throughput of slowest stage':>28}")
    for name, shares in results.items():
        share = statistics.median(shares)
        print(f"{name:16} {share:28.3f}  {'met' if share >= GOAL else 'MISSED'}")
    width, height = map(int, given.size.split("x"))
    network, seconds, stages = Painter.paint_layers, {}, {}
    with tempfile.TemporaryDirectory() as folder:
        shot = write_demo_shot(
            Path(folder) / "in", DemoShot(width=width, height=height, frames=given.frames)
        )
        for number in range(given.rounds):
            for name, stage in (("sleeping stage", sleeping), ("network", network)):
                Painter.paint_layers = stage
                took, shares = render(shot, Path(folder) / f"{name}{number}")
                seconds.setdefault(name, []).append(took)
                stages[name] = shares
    Painter.paint_layers = network
    for name, took in seconds.items():
        a_frame = statistics.median(took)
        total = sum(stages[name].values())
        slowest = max(stages[name], key=lambda stage: stages[name][stage])
        shares = ", ".join(
            f"{stage} {100 * value / total:.0f} %"
            for stage, value in sorted(stages[name].items(), key=lambda pair: -pair[1])
        )
        print(
            f"{given.size} {name}: {1e3 * a_frame:.0f} ms a frame for {1e3 * total:.0f} ms of "
            f"stages; {slowest} is slowest: {shares}"
        )
    print(load())


if __name__ == "__main__":
    main()

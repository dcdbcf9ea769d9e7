"""Peak memory and time a frame as frames grow: no worse than the number of pixels.

Each size runs in a process of its own. `shot` is a whole render of a few frames of a panning
texture, painted 768 pixels across as by default; `network` is the network that ships at the frame's
own size, in bands, and `whole` the same without bands. Memory is the peak above what the process
takes with everything imported and loaded.

    OMP_WAIT_POLICY=PASSIVE nice python benchmarks/scale.py [--sizes 512x218 ...]
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from paired import load

from stillbrush import nodes  # noqa: F401 - declares the knobs
from stillbrush.core.looks import find_look
from stillbrush.core.media.images import write_picture
from stillbrush.core.networks.bands import Bands
from stillbrush.core.render.assembly import assemble
from stillbrush.core.render.renderer import render
from stillbrush.core.render.request import Request
from stillbrush.core.stylizers.load import load_painter
from stillbrush.core.stylizers.paint_state import PaintState

SIZES = ("512x218", "1024x436", "1920x1080", "3840x2160")
WAYS = ("shot", "network", "whole")
FRAMES, STEP = 4, 3  # frames of the shot, and pixels it pans a frame
SLACK = 1.15  # a size may take so much more a pixel than the smallest


class Silent:
    """A watcher that neither speaks nor stops."""

    def progress(self, progress: object) -> None:
        """Take no note."""

    def is_cancelled(self) -> bool:
        """Go on."""
        return False


def peak() -> int:
    """Return the peak memory of this process in bytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


def forget_peak() -> None:
    """Let the peak begin at what is taken now."""
    Path("/proc/self/clear_refs").write_text("5")


def render_shot(width: int, height: int, folder: Path) -> float:
    """Render a shot; return the processor seconds of a frame."""
    rng = np.random.default_rng(1)
    world = rng.random((height // 4, (width + FRAMES * STEP) // 4 + 1, 3)).astype(np.float32)
    world = world.repeat(4, 0).repeat(4, 1)
    for number in range(FRAMES):
        left = number * STEP
        plate = world[:height, left : left + width]
        write_picture(folder / f"pan.{1001 + number}.exr", plate, None, overwrite=False)
    del world, plate
    request = Request(str(folder / "pan.####.exr"), find_look("starry-night", Path()))
    job = assemble(request).job(str(folder / "out/pan.####.exr"))
    load_painter(request.look)
    forget_peak()
    begun = time.process_time()
    render(job, Silent())
    return (time.process_time() - begun) / FRAMES


def paint_network(width: int, height: int, rows: int | None) -> float:
    """Paint one frame of noise; return the processor seconds."""
    painter = load_painter(find_look("starry-night", Path()))
    painter = replace(painter, bands=Bands(rows))
    painter.paint(torch.rand((1, 64, 64, 3)), None, PaintState())
    frame = torch.rand((1, height, width, 3))
    forget_peak()
    times = [time.process_time()]
    for _ in range(3):
        painter.paint(frame, None, PaintState())
        times.append(time.process_time())
    return min(after - before for before, after in pairwise(times))


def measure(way: str, width: int, height: int) -> tuple[float, float]:
    """Measure one size in this process: seconds a frame, bytes above what was taken before."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        forget_peak()
        before = peak()
        if way == "shot":
            seconds = render_shot(width, height, Path(folder))
        else:
            seconds = paint_network(width, height, None if way == "network" else height)
        return seconds, peak() - before


def apart(way: str, size: str) -> tuple[float, float]:
    """Measure one size in a process of its own."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    command = [sys.executable, __file__, "--one", way, "--sizes", size]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    seconds, taken = done.stdout.split()[-2:]
    return float(seconds), float(taken)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", default=SIZES)
    parser.add_argument("--one", choices=WAYS, help="used by itself, for a process of its own")
    given = parser.parse_args()
    if given.one:
        width, height = map(int, given.sizes[0].split("x"))
        print(*measure(given.one, width, height))
        return
    print(f"{'way':8} {'size':>10} {'cpu-s':>8} {'us/px':>7} {'MiB':>8} {'B/px':>7}  growth")
    for way in WAYS:
        last: tuple[float, float] | None = None
        for size in given.sizes:
            width, height = map(int, size.split("x"))
            seconds, taken = apart(way, size)
            a_pixel = seconds / (width * height), taken / (width * height)
            verdict = ""
            if last is not None:
                worse = [new / old for new, old in zip(a_pixel, last, strict=True)]
                fine = "linear or better" if max(worse) <= SLACK else "WORSE THAN LINEAR"
                verdict = f"time x{worse[0]:.2f}, memory x{worse[1]:.2f} a pixel: {fine}"
            last = last or a_pixel
            print(
                f"{way:8} {size:>10} {seconds:8.2f} {1e6 * a_pixel[0]:7.2f} "
                f"{taken / 2**20:8.0f} {a_pixel[1]:7.0f}  {verdict}",
                flush=True,
            )
    print(load())


if __name__ == "__main__":
    main()

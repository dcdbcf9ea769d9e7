"""Promise 5: length is free. Peak memory of a render does not grow with the number of frames."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.material import tiny_look

from stillbrush.core.media.images import write_picture

ROOT = Path(__file__).resolve().parents[2]
STATUS = Path("/proc/self/status")
WIDTH, HEIGHT, DISTINCT = 256, 144, 20
# VmHWM and not ru_maxrss: that one is inherited from the process that started this one.
MEASURE = """
import importlib.util as u, re, sys
from pathlib import Path
s = u.spec_from_file_location("stillbrush", sys.argv[1])
m = u.module_from_spec(s); sys.modules["stillbrush"] = m; s.loader.exec_module(m)
from stillbrush.core.knobs import ShotKnobs
from stillbrush.core.looks import load_look
from stillbrush.core.render.assembly import Request, assemble
from stillbrush.core.render.painting import Settings
from stillbrush.core.render.renderer import render
class Quiet:
    def progress(self, progress): pass
    def is_cancelled(self): return False
plate, look, output, way = sys.argv[2:]
settings = Settings(ShotKnobs(stroke_size=4.0))
made = assemble(Request(plate, load_look(Path(look)), settings=settings))
if way == "render":
    render(made.job(output), Quiet())
else:
    painting = made.painting()
    for frame in painting.frames:
        painting.frame(frame)
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""


def write_shot(folder: Path, frames: int) -> str:
    """Write a shot that pans over noise and, after twenty frames, pans again: links are cheap."""
    rng = np.random.default_rng(1)
    world = np.repeat(rng.random((HEIGHT // 8, WIDTH // 2, 3)).astype(np.float32), 8, axis=0)
    world = np.repeat(world, 4, axis=1)
    folder.mkdir()
    for number in range(1, frames + 1):
        path = folder / f"pan.{number:04d}.exr"
        place = (number - 1) % DISTINCT
        if number > DISTINCT:
            os.link(folder / f"pan.{place + 1:04d}.exr", path)
        else:
            write_picture(path, world[:, place * 3 : place * 3 + WIDTH], None, overwrite=False)
    return str(folder / "pan.####.exr")


def peak(folder: Path, frames: int, way: str) -> int:
    """Render a number of frames in a process of its own; return its peak memory in kB."""
    if not STATUS.is_file():
        pytest.skip("this system does not tell the peak memory of a process")
    plate = write_shot(folder / f"in{frames}", frames)
    look = tiny_look(folder / f"look{frames}")
    output = str(folder / f"out{frames}/p.####.exr")
    arguments = [str(ROOT / "__init__.py"), plate, str(look.path), output, way]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


def test_five_times_the_frames_take_no_more_memory(tmp_path) -> None:
    few, many = peak(tmp_path, 12, "render"), peak(tmp_path, 60, "render")
    assert many < few * 1.05  # one frame kept whole is half a per cent of it


@pytest.mark.heavy
@pytest.mark.parametrize("way", ["render", "frames"])
def test_ten_times_the_frames_take_no_more_memory(way, tmp_path) -> None:
    few, many = peak(tmp_path, 50, way), peak(tmp_path, 500, way)
    assert many < few * 1.05

"""Promise 5: length is free. Peak memory of a render does not grow with the number of frames."""

from __future__ import annotations

import json
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
from stillbrush.core.render.assembly import assemble
from stillbrush.core.render.painting import Settings
from stillbrush.core.render.renderer import render
from stillbrush.core.render.request import Request
from stillbrush.core.render.steady_request import SteadyRequest, assemble_steady
from stillbrush.core.temporal.multi_pass import Passes
class Quiet:
    def progress(self, progress): pass
    def is_cancelled(self): return False
plate, look, output, way = sys.argv[2:]
settings = Settings(ShotKnobs(stroke_size=4.0))
look = load_look(Path(look))
if way == "steady":
    made = assemble_steady(SteadyRequest(plate, plate))
else:
    passes = Passes(2) if way == "passes" else None
    made = assemble(Request(plate, look, settings=settings, passes=passes))
if way != "frames":
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


LONG = """
import importlib.util as u, json, re, sys, time
from pathlib import Path
import numpy as np
s = u.spec_from_file_location("stillbrush", sys.argv[1])
m = u.module_from_spec(s); sys.modules["stillbrush"] = m; s.loader.exec_module(m)
from stillbrush.core.knobs import ShotKnobs
from stillbrush.core.looks import load_look
from stillbrush.core.render.assembly import assemble
from stillbrush.core.render.painting import Settings
from stillbrush.core.render.renderer import render
from stillbrush.core.render.request import Request
told, spent, fixed = [], 0.0, np.random.default_rng(1).random(120_000)
def peak(): return int(re.search(r"VmRSS:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
class Notes:
    def progress(self, progress):
        global spent
        begun = time.thread_time()
        np.sort(fixed)  # always the same work: how quick the machine is just now
        pace = time.thread_time() - begun
        spent += pace
        told.append((time.process_time() - spent, peak(), pace))
    def is_cancelled(self): return False
plate, look, output = sys.argv[2:]
settings = Settings(ShotKnobs(stroke_size=4.0))
made = assemble(Request(plate, load_look(Path(look)), settings=settings))
begun = time.process_time()
render(made.job(output), Notes())
ended = time.process_time() - spent
again = assemble(Request(plate, load_look(Path(look)), settings=settings))
render(again.job(output), Notes())
found = time.process_time() - spent
print(json.dumps({"begun": begun, "ended": ended, "told": told, "again": found}))
"""


@pytest.mark.heavy
def test_two_thousand_frames_are_as_quick_and_small_at_the_end_as_at_the_start(
    tmp_path, record_property
) -> None:
    """From files to files, with journal and report; a second run finds everything finished."""
    count = 2000
    plate, look = write_shot(tmp_path / "in", count), tiny_look(tmp_path / "look")
    arguments = [str(ROOT / "__init__.py"), plate, str(look.path), str(tmp_path / "out/p.####.exr")]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    done = subprocess.run(
        [sys.executable, "-c", LONG, *arguments],
        capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    times, sizes, paces = zip(*found["told"], strict=True)
    assert len(times) == count
    early, late = (times[600] - times[200]) / 400, (times[1999] - times[1599]) / 400
    slowed = np.median(paces[1599:1999]) / np.median(paces[200:600])  # by what else runs
    few, many = max(sizes[600:900]), max(sizes[1700:])  # the allocator settles first
    facts = {
        "cpu ms a frame, 200 to 600": 1e3 * early,
        "cpu ms a frame, last 400": 1e3 * late,
        "the same fixed work, late over early": slowed,
        "kB at 900": few,
        "kB at 2000": many,
        "cpu s after the last frame": found["ended"] - times[-1],
        "cpu s to find it finished": found["again"] - found["ended"],
    }
    for name, value in facts.items():
        record_property(name, value)
    assert late < early * slowed * 1.15, facts
    assert many < few * 1.05, facts
    assert facts["cpu s after the last frame"] < 2, facts
    assert facts["cpu s to find it finished"] < 0.01 * count, facts
    assert len(json.loads((tmp_path / "out/p.exr.report.json").read_text())["frames"]) == count


@pytest.mark.heavy
@pytest.mark.parametrize("way", ["render", "frames", "steady", "passes"])
def test_ten_times_the_frames_take_no_more_memory(way, tmp_path) -> None:
    few, many = peak(tmp_path, 50, way), peak(tmp_path, 500, way)
    assert many < few * 1.05

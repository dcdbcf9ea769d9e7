"""Promise 3: a crash costs nothing, and nothing is replaced that is not ours."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from support.rendering import Quiet, frames_in, paint

from stillbrush.core.errors import (
    Cancelled,
    WriteRefused,
)
from stillbrush.core.look import Look
from stillbrush.core.render import renderer
from stillbrush.core.stylizers.shot_statistics import Normalise

FRAMES = 20  # more than one checkpoint
NAMES = [f"plate.{number}.exr" for number in range(1001, 1001 + FRAMES)]
# The checkout under its own name, as in conftest: the tests need no installed package.
START = (
    "import importlib.util as u, sys; "
    "s = u.spec_from_file_location('stillbrush', sys.argv.pop(1)); "
    "m = u.module_from_spec(s); sys.modules['stillbrush'] = m; s.loader.exec_module(m); "
    "from stillbrush.host_adapters.cli import main; main()"
)
ROOT = Path(__file__).resolve().parents[2]


def command(shot: str, look: Look, output: Path | str, *more: str) -> list[str]:
    options = ["--look", str(look.path), "-o", str(output), "--stroke-size", "4", "--json", *more]
    return [sys.executable, "-c", START, str(ROOT / "__init__.py"), "stylize", shot, *options]


def start(arguments: list[str]) -> subprocess.Popen[str]:
    threads = str(torch.get_num_threads())  # with statistics of each frame, they decide the bits
    environment = os.environ | {"OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": "PASSIVE"}
    return subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def finish(arguments: list[str]) -> tuple[int, str, str]:
    process = start(arguments)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def stop_at(arguments: list[str], frames: int, number: signal.Signals, wait: float = 0.0) -> int:
    """Send a signal some time after a number of finished frames; return the exit code."""
    process = start(arguments)
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line).get("done") == frames:
            break
    time.sleep(wait)
    process.send_signal(number)
    process.communicate(timeout=60)
    return process.returncode


@pytest.mark.parametrize(
    ("normalise", "times"), [("frame", 3), pytest.param("shot", 3, marks=pytest.mark.heavy)]
)
def test_a_render_killed_anywhere_ends_in_the_same_bytes(normalise, times, shot, look, tmp_path):
    kills(shot, look, tmp_path, normalise, times)


@pytest.mark.heavy
@pytest.mark.parametrize("normalise", ["frame", "shot"])
def test_a_render_killed_twenty_times_ends_in_the_same_bytes(normalise, shot, look, tmp_path):
    kills(shot, look, tmp_path, normalise, 20)


def kills(shot: str, look: Look, folder: Path, normalise: str, times: int) -> None:
    expected = folder / "undisturbed"
    paint(shot, look, expected / "plate.####.exr", normalise=Normalise(normalise))
    wanted = frames_in(expected)
    arguments = command(shot, look, folder / "out/plate.####.exr", "--normalise", normalise)
    rng = random.Random(times)
    for _ in range(times):
        process = start(arguments)
        if rng.random() < 0.7:  # while it paints; else wherever it is
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(rng.uniform(0, 0.15))
        else:
            time.sleep(rng.uniform(0.5, 4.0))
        process.kill()
        process.communicate()
        if (folder / "out").is_dir():
            for name, made in frames_in(folder / "out").items():
                assert made == wanted[name], f"half a frame bears the name {name}"
    code, _, err = finish(arguments)
    assert code == 0, err
    assert frames_in(folder / "out") == wanted
    assert not list((folder / "out").glob(".*.partial*"))


def test_an_interrupt_ends_within_a_frame_and_the_same_command_goes_on(shot, look, whole, tmp_path):
    arguments = command(shot, look, tmp_path / "plate.####.exr")
    assert stop_at(arguments, 4, signal.SIGINT) == 130
    made = frames_in(tmp_path)
    assert 4 <= len(made) <= 4 + 6  # what was painted already is written
    code, out, err = finish(arguments)
    assert code == 0, err
    told = [json.loads(line)["event"] for line in out.splitlines()]
    assert told.count("frame") == FRAMES - len(made)
    assert told[-1] == "done"
    assert frames_in(tmp_path) == whole


def test_a_second_interrupt_ends_at_once_with_the_same_exit_code(shot, look, tmp_path) -> None:
    process = start(command(shot, look, tmp_path / "plate.####.exr"))
    assert process.stdout is not None
    process.stdout.readline()
    for _ in range(2):
        process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[0].startswith("Stopped:")
    assert "Traceback" not in err


def test_cancelling_keeps_every_finished_frame(shot, look, whole, tmp_path) -> None:
    watcher = Quiet(stop_after=18)  # past the first checkpoint
    with pytest.raises(Cancelled, match="run the same command"):
        paint(shot, look, tmp_path / "plate.####.exr", watcher=watcher)
    made = frames_in(tmp_path)
    assert sorted(made) == [f"plate.{n}.exr" for n in sorted(watcher.frames)]
    assert list((tmp_path / ".stillbrush").glob("*/state.*.safetensors"))
    again = Quiet()
    paint(shot, look, tmp_path / "plate.####.exr", watcher=again)
    assert len(made) == 18
    assert len(again.frames) == FRAMES - len(made)
    assert frames_in(tmp_path) == whole


def test_only_a_deleted_or_altered_frame_is_done_again(shot, look, whole, tmp_path) -> None:
    paint(shot, look, tmp_path / "plate.####.exr")
    (tmp_path / "plate.1004.exr").unlink()
    altered = tmp_path / "plate.1009.exr"
    altered.write_bytes(altered.read_bytes()[:-7] + b"damaged")
    times = {
        name: (tmp_path / name).stat().st_mtime_ns for name in NAMES if name != "plate.1004.exr"
    }
    watcher = Quiet()
    paint(shot, look, tmp_path / "plate.####.exr", watcher=watcher)
    assert sorted(watcher.frames) == [1004, 1009]
    assert frames_in(tmp_path) == whole
    for name, time_of_change in times.items():
        assert ((tmp_path / name).stat().st_mtime_ns == time_of_change) == (
            name != "plate.1009.exr"
        )


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied"])
def test_a_damaged_checkpoint_is_not_used(damage, shot, look, whole, tmp_path) -> None:
    with pytest.raises(Cancelled):
        paint(shot, look, tmp_path / "plate.####.exr", watcher=Quiet(stop_after=18))
    (state,) = (tmp_path / ".stillbrush/plate.exr").glob("state.*.safetensors")
    content = bytearray(state.read_bytes())
    content[-3] ^= 0x40
    state.write_bytes({"cut": content[:-9], "flipped": content, "emptied": b""}[damage])
    paint(shot, look, tmp_path / "plate.####.exr")
    assert frames_in(tmp_path) == whole


def test_a_frame_that_was_named_but_not_journalled_is_known_as_ours(
    shot, look, whole, tmp_path, monkeypatch
) -> None:
    """Killed between the renaming of a frame and its line in the journal."""
    add = renderer.Journal.add

    def killed(self: renderer.Journal, frame: int, *more: object) -> None:
        if frame == 1006:
            raise KeyboardInterrupt
        add(self, frame, *more)

    with monkeypatch.context() as patch:
        patch.setattr(renderer.Journal, "add", killed)
        with pytest.raises(KeyboardInterrupt):
            paint(shot, look, tmp_path / "plate.####.exr")
    assert (tmp_path / "plate.1006.exr").exists()
    paint(shot, look, tmp_path / "plate.####.exr")
    assert frames_in(tmp_path) == whole


def test_a_repair_that_is_stopped_can_be_repeated(shot, look, whole, tmp_path) -> None:
    paint(shot, look, tmp_path / "plate.####.exr")
    for name in NAMES[8:]:
        (tmp_path / name).write_bytes(b"damaged")
    with pytest.raises(Cancelled):
        paint(shot, look, tmp_path / "plate.####.exr", watcher=Quiet(stop_after=10))
    paint(shot, look, tmp_path / "plate.####.exr")
    assert frames_in(tmp_path) == whole


def test_a_damaged_journal_line_costs_one_frame(shot, look, whole, tmp_path) -> None:
    with pytest.raises(Cancelled):
        paint(shot, look, tmp_path / "plate.####.exr", watcher=Quiet(stop_after=8))
    journal = tmp_path / ".stillbrush/plate.exr/journal.jsonl"
    lines = journal.read_text().splitlines()
    entries = [number for number, line in enumerate(lines) if "sha256" in line]
    lines[entries[2]] = "{ not json"
    journal.write_text("\n".join(lines)[:-11])  # and a tail that was cut off
    watcher = Quiet()
    paint(shot, look, tmp_path / "plate.####.exr", watcher=watcher)
    assert len(watcher.frames) == FRAMES - 8 + 2
    assert frames_in(tmp_path) == whole


def test_other_settings_are_refused_and_nothing_is_touched(shot, look, whole, tmp_path) -> None:
    paint(shot, look, tmp_path / "plate.####.exr")
    code, _, err = finish(command(shot, look, tmp_path / "plate.####.exr", "--strength", "0.5"))
    assert code == 1
    assert "--overwrite" in err
    assert len(err.strip().splitlines()) == 1
    assert frames_in(tmp_path) == whole
    watcher = Quiet()
    paint(shot, look, tmp_path / "plate.####.exr", watcher=watcher)  # the old render still stands
    assert watcher.frames == []


@pytest.mark.parametrize("normalise", list(Normalise))
def test_single_frames_rendered_again_have_the_same_bytes(normalise, shot, look, tmp_path) -> None:
    paint(shot, look, tmp_path / "plate.####.exr", normalise=normalise)
    wanted = frames_in(tmp_path)
    watcher = Quiet()
    request = {"frames": "1003,1005-1006,1019"}
    paint(
        shot,
        look,
        tmp_path / "plate.####.exr",
        watcher=watcher,
        overwrite=True,
        request=request,
        normalise=normalise,
    )
    assert sorted(watcher.frames) == [1003, 1005, 1006, 1019]
    assert frames_in(tmp_path) == wanted
    paint(shot, look, tmp_path / "part/plate.####.exr", request=request, normalise=normalise)
    part = frames_in(tmp_path / "part")
    assert part == {name: wanted[name] for name in part}
    assert len(part) == 4


def test_an_overwriting_render_that_was_stopped_goes_on(shot, look, whole, tmp_path) -> None:
    paint(shot, look, tmp_path / "plate.####.exr", strength=0.5)
    with pytest.raises(Cancelled):
        paint(shot, look, tmp_path / "plate.####.exr", overwrite=True, watcher=Quiet(stop_after=9))
    watcher = Quiet()
    paint(shot, look, tmp_path / "plate.####.exr", overwrite=True, watcher=watcher)
    assert len(watcher.frames) == FRAMES - 9
    assert frames_in(tmp_path) == whole


@pytest.mark.parametrize("damage", [None, "cut", "flipped"])
def test_frozen_statistics_are_measured_once_per_shot(
    damage, shot, look, tmp_path, monkeypatch
) -> None:
    measured = []
    measure = renderer.ShotPainting.measure
    monkeypatch.setattr(
        renderer.ShotPainting,
        "measure",
        lambda self, **told: measured.append(1) or measure(self, **told),
    )
    paint(shot, look, tmp_path / "plate.####.exr", normalise=Normalise.SHOT)
    wanted = frames_in(tmp_path)
    (kept,) = (tmp_path / ".stillbrush/plate.exr").glob("statistics.*.safetensors")
    if damage:
        content = bytearray(kept.read_bytes())
        content[-2] ^= 0x40
        kept.write_bytes(content[:-9] if damage == "cut" else content)
    (tmp_path / "plate.1007.exr").unlink()
    paint(shot, look, tmp_path / "plate.####.exr", normalise=Normalise.SHOT)
    assert len(measured) == (2 if damage else 1)
    assert frames_in(tmp_path) == wanted


def test_the_report_names_every_frame_and_its_file(shot, look, tmp_path) -> None:
    with pytest.raises(Cancelled):
        paint(shot, look, tmp_path / "plate.####.exr", watcher=Quiet(stop_after=5))
    paint(shot, look, tmp_path / "plate.####.exr")
    report = json.loads((tmp_path / "plate.exr.report.json").read_text())
    assert [entry["frame"] for entry in report["frames"]] == list(range(1001, 1001 + FRAMES))
    assert [entry["file"] for entry in report["frames"]] == NAMES
    assert "trusted" not in report["frames"][0]
    assert all(0 < entry["trusted"] <= 1 for entry in report["frames"][1:])


def test_a_video_goes_on_too(shot, look, tmp_path) -> None:
    few = {"frames": "1001-1008"}
    paint(shot, look, tmp_path / "whole.mp4", request=few)
    with pytest.raises(Cancelled):
        paint(shot, look, tmp_path / "out.mp4", request=few, watcher=Quiet(stop_after=3))
    assert not (tmp_path / "out.mp4").exists()
    watcher = Quiet()
    paint(shot, look, tmp_path / "out.mp4", request=few, watcher=watcher)
    assert len(watcher.frames) == 5
    assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    watcher = Quiet()
    paint(shot, look, tmp_path / "out.mp4", request=few, watcher=watcher)  # finished: nothing to do
    assert watcher.frames == []
    with pytest.raises(WriteRefused):
        paint(shot, look, tmp_path / "out.mp4", request={"frames": "1001-1004"})


@pytest.mark.parametrize("after", ["mux", "mark"])
def test_a_video_killed_while_it_is_named_goes_on(after, shot, look, tmp_path, monkeypatch) -> None:
    few = {"frames": "1001-1004"}

    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        if after == "mux":  # the video has its name, the journal does not know
            mark = renderer.Journal.mark
            patch.setattr(
                renderer.Journal,
                "mark",
                lambda self, stage, f: (
                    kill() if stage.value == "finished" else mark(self, stage, f)
                ),
            )
        else:
            patch.setattr(renderer.Output, "let_go", kill)
        with pytest.raises(Killed):
            paint(shot, look, tmp_path / "out.mp4", request=few)
    watcher = Quiet()
    paint(shot, look, tmp_path / "out.mp4", request=few, watcher=watcher)
    assert watcher.frames == []
    paint(shot, look, tmp_path / "whole.mp4", request=few)
    assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()

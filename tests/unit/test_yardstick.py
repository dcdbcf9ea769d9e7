"""Clips times looks times methods: found, measured, resumed, told."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from support.commands import run

from stillbrush.core.demo import DemoShot, write_demo_shot
from stillbrush.core.errors import BadInput, Cancelled, MissingFrame
from stillbrush.core.looks import find_look
from stillbrush.core.motion.flow_files import write_flo
from stillbrush.core.yardstick.cell import Extent, Measured, Method, Pair, with_truth
from stillbrush.core.yardstick.clips import ClipFiles, find_clips
from stillbrush.core.yardstick.page import html
from stillbrush.core.yardstick.sweep import Plan, as_csv, as_json, lines, share, sweep


def write(path: Path, value: int = 128, size: tuple[int, int] = (24, 32)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((*size, 3), value, np.uint8))


@pytest.fixture(scope="module")
def shot(tmp_path_factory) -> str:
    shape = DemoShot(width=96, height=64, frames=4)
    return str(write_demo_shot(tmp_path_factory.mktemp("demo"), shape))


@pytest.fixture
def plan(shot, tmp_path) -> Plan:
    look = find_look("starry-night", Path())
    extent = Extent(frames=3, width=192, far=2, patches=1)
    return Plan((ClipFiles("demo", shot),), (look,), (Method.OWN,), tmp_path, extent)


def test_the_layout_of_sintel_is_read_as_it_is_distributed(tmp_path) -> None:
    for frame in (1, 2, 3):
        write(tmp_path / f"training/final/alley_1/frame_{frame:04}.png")
        write(tmp_path / f"training/clean/alley_1/frame_{frame:04}.png")
    for frame in (1, 2):
        (tmp_path / "training/flow/alley_1").mkdir(parents=True, exist_ok=True)
        write_flo(
            tmp_path / f"training/flow/alley_1/frame_{frame:04}.flo", torch.ones(1, 24, 32, 2)
        )
        write(tmp_path / f"training/occlusions/alley_1/frame_{frame:04}.png", 255)
    (tmp_path / "training/final/empty").mkdir()
    found = find_clips(tmp_path)
    (clip,) = found.clips
    assert found.skipped == ["empty"]
    assert clip.name == "alley_1"
    assert Path(clip.source) == tmp_path / "training/final/alley_1"
    flow, visible = clip.flow(1), clip.visible(0)
    assert flow is not None
    assert flow.shape == (1, 24, 32, 2)
    assert clip.flow(2) is None
    assert visible is not None
    assert not visible.any()


def test_the_layout_of_davis_is_read_as_it_is_distributed(tmp_path) -> None:
    for scene in ("bear", "camel"):
        for frame in range(2):
            write(tmp_path / f"JPEGImages/480p/{scene}/{frame:05}.jpg")
            write(tmp_path / f"Annotations/480p/{scene}/{frame:05}.png", 255 * (scene == "bear"))
    bear, camel = find_clips(tmp_path).clips
    assert (bear.name, camel.name) == ("bear", "camel")
    front, none = bear.foreground(1), camel.foreground(0)
    assert front is not None
    assert front.all()
    assert none is not None
    assert not none.any()
    assert camel.foreground(2) is None


def test_a_folder_of_folders_gives_its_clips_and_says_what_it_passed_over(tmp_path) -> None:
    write(tmp_path / "one/a.0001.png")
    write(tmp_path / "masks/one/00000.png", 255)
    (tmp_path / "notes.txt").write_text("no clip")
    found = find_clips(tmp_path, tmp_path / "masks")
    assert [clip.name for clip in found.clips] == ["one"]
    assert len(found.clips[0].foregrounds) == 1
    assert found.skipped == ["notes.txt"]


def test_no_clip_is_one_clear_error(tmp_path) -> None:
    with pytest.raises(BadInput, match="found none"):
        find_clips(tmp_path)
    with pytest.raises(MissingFrame, match="no such file"):
        find_clips(tmp_path / "nothing.mp4")
    (tmp_path / "JPEGImages").mkdir()
    with pytest.raises(BadInput, match="480p"):
        find_clips(tmp_path)


def test_true_flow_judges_what_follows_it_and_what_does_not(tmp_path) -> None:
    rng = np.random.default_rng(1)
    large = torch.from_numpy(rng.random((1, 40, 60, 3)).astype(np.float32))
    before, here = large[:, :, 5:55], large[:, :, 2:52]  # everything moves right by three pixels
    write_flo(tmp_path / "f.flo", torch.tensor((3.0, 0.0)).expand(1, 40, 50, 2).contiguous())
    clip = ClipFiles("made", "none", flows=(tmp_path / "f.flo",))
    carried = with_truth(clip, 0, Pair(before, before), Pair(here, here))
    assert carried["true_temporal"] == pytest.approx(0, abs=1e-9)
    stuck = with_truth(clip, 0, Pair(before, before), Pair(here, before))
    assert stuck["true_temporal"] > 0.1
    assert stuck["true_temporal_all"] < stuck["true_temporal"]  # three columns leave the frame
    assert with_truth(clip, 1, Pair(before, before), Pair(here, here)) == {}


def test_a_sweep_measures_everything_once_and_goes_on_where_it_was(plan) -> None:
    begun: list[str] = []
    first = sweep(plan, lambda clip, look, way: begun.append(way.value))
    assert begun == ["own", "per-frame"]
    again = sweep(plan, lambda clip, look, way: begun.append(way.value))
    assert len(begun) == 2
    assert [cell.measured.rows for cell in again] == [cell.measured.rows for cell in first]
    (plan.folder / "cells/demo.starry-night.own.json").write_text("{")
    sweep(plan, lambda clip, look, way: begun.append(way.value))
    assert begun[2:] == ["own"]


def test_a_sweep_that_is_stopped_keeps_what_is_finished(plan) -> None:
    frames: list[int] = []

    def stop(frame: int) -> None:
        frames.append(frame)
        if len(frames) == 4:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        sweep(plan, passed=stop)
    kept = [path.name for path in (plan.folder / "cells").glob("*.json")]
    assert kept == ["demo.starry-night.own.json"]


def test_a_clip_that_cannot_be_read_is_left_out_and_the_rest_goes_on(plan, tmp_path) -> None:
    (tmp_path / "bad.mp4").write_text("no video")
    broken = ClipFiles("bad", str(tmp_path / "bad.mp4"))
    told: list[str] = []
    both = Plan((broken, *plan.clips), plan.looks, plan.methods, tmp_path, plan.extent)
    cells = sweep(both, failed=lambda clip, error: told.append(f"{clip.name}: {error}"))
    assert {cell.clip for cell in cells} == {"demo"}
    assert len(told) == 1
    assert "bad.mp4" in told[0]


def test_table_and_page_hold_every_measure_beside_frame_by_frame(plan) -> None:
    cells = sweep(plan)
    table = lines(cells)
    own, alone = table
    assert all(alone.shares[name] == pytest.approx(1.0) for name in ("temporal", "style"))
    assert own.numbers["temporal"] > 0
    told = json.loads(as_json(plan, cells, table))
    assert len(told["cells"][0]["frames"]) == 3
    assert told["cells"][0]["mean"]["true_temporal"] is None
    rows = as_csv(table).splitlines()
    assert len(rows) == 3
    page = html(cells, table, None)
    assert "starry-night" in page
    assert "<svg" in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_share_of_nothing_is_none() -> None:
    assert np.isnan(share(1.0, 0.0))
    assert np.isnan(Measured([{"frame": 1.0}]).mean("temporal"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nothing.mp4",), "no such file"),
        (("{shot}", "{shot}"), "twice"),
        (("{shot}", "--look", "no-such-look"), "no-such-look"),
    ],
)
def test_bad_input_is_one_line(arguments, told, shot, tmp_path) -> None:
    given = [text.format(shot=shot) for text in arguments]
    code, _, err = run("measure", *given, "--look", "starry-night", "-o", tmp_path / "out")
    assert code != 0
    assert told in err
    assert "Traceback" not in err

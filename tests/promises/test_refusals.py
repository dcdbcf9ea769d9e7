"""Nothing is replaced that is not ours, and what cannot be is said at once, in one line."""

from __future__ import annotations

import os
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support.material import tiny_shot
from support.rendering import Quiet, frames_in, paint

from stillbrush.core.errors import (
    BadInput,
    MissingFrame,
    StillbrushError,
    WriteRefused,
)
from stillbrush.core.media.images import write_picture
from stillbrush.core.media.video_writer import write_video
from stillbrush.core.render.given_motion import VectorSettings
from stillbrush.core.render.painting import Settings

FRAMES = 20  # more than one checkpoint
NAMES = [f"plate.{number}.exr" for number in range(1001, 1001 + FRAMES)]


def test_a_frame_that_no_journal_knows_is_not_replaced(shot, look, tmp_path) -> None:
    strange = tmp_path / "plate.1003.exr"
    strange.write_bytes(b"somebody's work")
    with pytest.raises(WriteRefused, match="1003"):
        paint(shot, look, tmp_path / "plate.####.exr")
    assert frames_in(tmp_path) == {"plate.1003.exr": b"somebody's work"}


def test_another_plate_of_the_same_name_is_not_taken_for_finished(shot, look, whole, tmp_path):
    other = tiny_shot(tmp_path / "in", 3, 80, 48)
    renewed = tmp_path / "renewed"
    shutil.copytree(Path(shot).parent, renewed)
    pattern = str(renewed / "plate.####.exr")
    paint(pattern, look, tmp_path / "out/plate.####.exr", request={"frames": "1001-1003"})
    with pytest.raises(WriteRefused):
        paint(other, look, tmp_path / "out/plate.####.exr")
    os.utime(renewed / "plate.1002.exr")  # rendered again
    with pytest.raises(WriteRefused):
        paint(pattern, look, tmp_path / "out/plate.####.exr")


@pytest.mark.parametrize(
    "bad", [{"settings": Settings(cuts=(9999,))}, {"matte": "none.png"}, {"statistics": Path("no")}]
)
def test_a_request_that_is_wrong_costs_no_finished_frame(bad, shot, look, tmp_path) -> None:
    few = {"frames": "1001-1003"}
    paint(shot, look, tmp_path / "plate.####.exr", request=few)
    with pytest.raises(StillbrushError):
        paint(shot, look, tmp_path / "plate.####.exr", request=few | bad, overwrite=True)
    watcher = Quiet()
    paint(shot, look, tmp_path / "plate.####.exr", request=few, watcher=watcher)
    assert watcher.frames == []


def test_two_renders_share_a_folder_under_different_names(shot, look, tmp_path) -> None:
    paint(shot, look, tmp_path / "a.####.exr", request={"frames": "1001-1003"})
    wanted = frames_in(tmp_path)
    paint(shot, look, tmp_path / "b.####.exr", request={"frames": "1001-1003"}, strength=0.5)
    paint(shot, look, tmp_path / "a####.exr", request={"frames": "1001-1003"})
    made = frames_in(tmp_path)
    assert len(made) == 9
    assert {name: made[name] for name in wanted} == wanted
    strange = tmp_path / "a1004.exr"
    strange.write_bytes(b"somebody's work")
    with pytest.raises(WriteRefused):
        paint(shot, look, tmp_path / "a####.exr", request={"frames": "1001-1004"})
    assert strange.read_bytes() == b"somebody's work"


def test_the_plate_is_never_written_over(shot, look, tmp_path) -> None:
    plates = tmp_path / "in"
    shutil.copytree(Path(shot).parent, plates)
    before = frames_in(plates)
    pattern = str(plates / "plate.####.exr")
    (tmp_path / "link").symlink_to(plates)
    same = [pattern, str(plates) + "/", tmp_path / "link/plate.####.exr"]
    for output in same:
        with pytest.raises(BadInput, match="plate itself"):
            paint(pattern, look, output, overwrite=True)
    with pytest.raises(BadInput, match="plate itself"):  # another frame of it
        paint(
            plates / "plate.1001.exr".replace("1001", "####"),
            look,
            plates / "plate.1002.exr",
            overwrite=True,
            request={"frames": "1001"},
        )
    assert frames_in(plates) == before
    write_video(tmp_path / "v.mp4", [np.zeros((32, 32, 3), np.float32)] * 2, Fraction(24))
    video = (tmp_path / "v.mp4").read_bytes()
    with pytest.raises(BadInput, match="plate itself"):
        paint(tmp_path / "v.mp4", look, tmp_path / "v.mp4", overwrite=True)
    assert (tmp_path / "v.mp4").read_bytes() == video


def test_a_folder_takes_the_plates_name(shot, look, tmp_path) -> None:
    paint(shot, look, f"{tmp_path}/new/", request={"frames": "1001-1002"})
    assert list(frames_in(tmp_path / "new")) == NAMES[:2]


@pytest.mark.parametrize(
    ("output", "more", "expected"),
    [
        ("file/plate.####.exr", {}, WriteRefused),
        ("/proc/none/plate.####.exr", {}, WriteRefused),
        ("out/plate.####.xyz", {}, BadInput),
        ("out/plate.avi", {}, BadInput),
        ("out/plate.exr", {}, BadInput),
        ("out/plate.####.exr", {"frames": "1001-1100"}, BadInput),
        ("out/plate.####.exr", {"frames": "none"}, BadInput),
        ("out/plate.####.exr", {"matte": "small.png"}, BadInput),
        ("out/plate.####.exr", {"matte": "m.####.png"}, MissingFrame),
        ("out/plate.####.exr", {"vectors": VectorSettings(files="still.exr")}, BadInput),
        ("out/plate.####.exr", {"vectors": VectorSettings(channels="no.u,no.v")}, BadInput),
        ("out/plate.####.exr", {"vectors": VectorSettings(convention="maya")}, BadInput),
    ],
)
def test_what_cannot_be_is_said_in_one_line(output, more, expected, shot, look, tmp_path) -> None:
    (tmp_path / "file").write_text("no folder")
    grey = np.zeros((48, 80, 3), np.float32)
    write_picture(tmp_path / "still.exr", grey, None, overwrite=False)
    write_picture(tmp_path / "small.png", grey[:40], None, overwrite=False)
    for number in (1001, 1002):
        write_picture(tmp_path / f"m.{number}.png", grey, None, overwrite=False)
    request = dict(more)
    if "matte" in request:
        request["matte"] = str(tmp_path / request["matte"])
    if "vectors" in request and request["vectors"].files:
        request["vectors"] = VectorSettings(files=str(tmp_path / request["vectors"].files))
    watcher = Quiet()
    with pytest.raises(expected) as raised:
        paint(shot, look, tmp_path / output, request=request, watcher=watcher)
    assert "\n" not in str(raised.value)
    assert watcher.frames == []
    assert not (tmp_path / "out").exists() or not frames_in(tmp_path / "out")

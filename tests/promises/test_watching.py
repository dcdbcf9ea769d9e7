"""Whoever watches a render sees every frame that costs time, and may stop at any of them."""

from __future__ import annotations

import json

import pytest
from support.rendering import Quiet, frames_in, paint

from stillbrush.core.errors import Cancelled
from stillbrush.core.stylizers.shot_statistics import Normalise


def test_frames_passed_on_the_way_to_the_first_are_told(shot, look, tmp_path) -> None:
    watcher = Quiet()
    paint(shot, look, tmp_path / "p.####.exr", watcher=watcher, request={"frames": "1006-1007"})
    assert watcher.passed == [1001, 1002, 1003, 1004, 1005]
    assert watcher.frames == [1006, 1007]


def test_frames_between_two_that_are_wanted_are_told(shot, look, tmp_path) -> None:
    watcher = Quiet()
    paint(shot, look, tmp_path / "p.####.exr", watcher=watcher, request={"frames": "1001,1004"})
    assert (sorted(watcher.frames), watcher.passed) == ([1001, 1004], [1002, 1003])


@pytest.mark.parametrize("asked", [0, 1])
def test_a_stop_is_heard_while_statistics_are_measured(asked, shot, look, tmp_path) -> None:
    watcher = Quiet(stop_after=asked)
    with pytest.raises(Cancelled):
        paint(shot, look, tmp_path / "p.####.exr", watcher=watcher, normalise=Normalise.SHOT)
    assert watcher.asked == asked + 1
    assert not frames_in(tmp_path)
    paint(shot, look, tmp_path / "p.####.exr", normalise=Normalise.SHOT)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--mix", "7"], "--mix: expected 0 to 1; got 7.0."),
        (["--stroke-size", "nan"], "--stroke-size: expected a number, 0.125 to 4; got nan."),
        (["--dilate", "-1"], "--dilate: expected 0 to 32; got -1."),
        (["--band-rows", "2"], "band rows: expected 8 or more; got 2."),
    ],
)
def test_the_command_line_names_the_option_that_is_wrong(
    options, expected, shot, look, tmp_path, stillbrush
):
    code, _, err = stillbrush(
        "stylize", shot, "--look", look.path, "-o", tmp_path / "p.####.exr", *options
    )
    assert code == 1
    assert err == f"Error: {expected}\n"


def test_passed_frames_are_events_of_their_own_in_json(shot, look, tmp_path, stillbrush) -> None:
    options = ["--stroke-size", "4", "--frames", "1003", "--json"]
    code, out, _ = stillbrush(
        "stylize", shot, "--look", look.path, "-o", tmp_path / "p.exr", *options
    )
    told = [json.loads(line)["event"] for line in out.splitlines()]
    assert (code, told) == (0, ["passed", "passed", "frame", "done"])

"""Stabilizer and Multi Pass Blender in a real ComfyUI: the bits of the command line.

Set STILLBRUSH_COMFYUI (and STILLBRUSH_COMFYUI_PYTHON); see CONTRIBUTING.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.comfyui import Graph, node
from support.comfyui_shot import (
    LENGTH,
    STROKE,
    WIDTH,
    assert_same_pixels,
    files,
    steady,
    stylize,
)
from support.rendering import channels

from stillbrush.core.media.images import read_plate

pytestmark = [pytest.mark.comfy, pytest.mark.heavy]
KEYS = (1, 4)  # of the shot's frames, counted from 1


@pytest.fixture(scope="module")
def boiling(plates, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plate painted frame by frame: a clip that flickers."""
    folder = tmp_path_factory.mktemp("boiling")
    stylize(plates, folder, "--stroke-size", str(STROKE), "--per-frame")
    return folder


@pytest.fixture(scope="module")
def keys(boiling, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few of its frames."""
    folder = tmp_path_factory.mktemp("keys")
    for place in KEYS:
        shutil.copy(files(boiling)[place - 1], folder)
    return folder


def stabilizer(make, plates: Path, painted: Path, out: str, **knobs: Any) -> Graph:
    """Steady painted files by the plate's, from files to files."""
    with_keys = knobs.get("keys", False)
    return {
        "plate": make("StillbrushRead", file=str(plates)),
        "painted": make("StillbrushRead", file=str(painted), missing="skip"),
        "steady": make(
            "StillbrushStabilizer",
            painted=["painted", 0],
            source=["plate", 0],
            plate=["plate", 2],
            **knobs,
        ),
        "write": make(
            "StillbrushWrite",
            images=["steady", 0],
            plate=["plate" if with_keys else "painted", 2],
            file=f"{out}/plate.####.exr",
        ),
    }


@pytest.mark.parametrize(
    ("name", "knobs"),
    [
        ("steadiest", {}),
        ("dials", {"keep_flicker": 0.3, "look_ahead": 0, "hold": 0.5, "mix": 0.8}),
    ],
)
def test_the_stabilizer_gives_the_pixels_of_the_command_line(
    server,
    make,
    plates,
    boiling,
    tmp_path,
    name,
    knobs,
) -> None:
    options = [str(t) for k, v in knobs.items() for t in (f"--{k.replace('_', '-')}", v)]
    steady(plates, boiling, tmp_path, *options)
    outcome = server.run(stabilizer(make, plates, boiling, name, **knobs))
    assert outcome.status == "success", outcome.error
    made = server.base / "output" / name
    assert len(files(made)) == LENGTH
    assert_same_pixels(tmp_path, made)
    before, after = (read_plate(files(folder)[-1], 1).rgb for folder in (boiling, made))
    assert np.abs(before - after).max() > 0.02, "it did nothing"


def test_a_matte_says_where_to_steady(server, make, plates, boiling, tmp_path) -> None:
    from PIL import Image

    matte = np.zeros((108, WIDTH, 3), np.uint8)  # ComfyUI dims white of a grey PNG
    matte[:, : WIDTH // 2] = 255
    for folder in (tmp_path, server.base / "input"):
        Image.fromarray(matte).save(folder / "left.png")
    steady(plates, boiling, tmp_path / "cli", "--matte", str(tmp_path / "left.png"))
    graph = stabilizer(make, plates, boiling, "left", matte=["matte", 0])
    graph["matte"] = node("LoadImageMask", image="left.png", channel="red")
    outcome = server.run(graph)
    assert outcome.status == "success", outcome.error
    assert_same_pixels(tmp_path / "cli", server.base / "output/left")
    last = [
        channels(files(f)[-1])["0:R"][:, WIDTH // 2 :]
        for f in (boiling, server.base / "output/left")
    ]
    np.testing.assert_array_equal(*last)


@pytest.mark.parametrize("fill", [None, "great-wave"])
def test_key_frames_are_carried_as_the_command_line_carries_them(
    server,
    make,
    plates,
    keys,
    tmp_path,
    fill,
) -> None:
    steady(plates, keys, tmp_path, "--keys", *(("--fill", fill) if fill else ()))
    text = ",".join(map(str, KEYS))
    out = f"keys-{fill}"
    graph = stabilizer(make, plates, keys, out, keys=True, key_frames=text)
    if fill:
        graph["look"] = make("StillbrushLoadLook", name=fill)
        graph["steady"]["inputs"]["look"] = ["look", 0]
    outcome = server.run(graph)
    assert outcome.status == "success", outcome.error
    assert len(files(server.base / "output" / out)) == LENGTH
    assert_same_pixels(tmp_path, server.base / "output" / out)


def test_the_multi_pass_blender_gives_the_pixels_of_the_command_line(
    server,
    make,
    plates,
    tmp_path,
) -> None:
    several = ("--passes", "3", "--pass-blend", "0.4")
    stylize(plates, tmp_path, "--stroke-size", str(STROKE), *several)
    graph: Graph = {
        "read": make("StillbrushRead", file=str(plates)),
        "look": make("StillbrushLoadLook", name="starry-night"),
        "paint": make(
            "StillbrushMultiPassBlender",
            images=["read", 0],
            look=["look", 0],
            plate=["read", 2],
            stroke_size=STROKE,
            passes=3,
            pass_blend=0.4,
        ),
        "write": make(
            "StillbrushWrite", images=["paint", 0], plate=["read", 2], file="passes/plate.####.exr"
        ),
    }
    outcome = server.run(graph)
    assert outcome.status == "success", outcome.error
    assert_same_pixels(tmp_path, server.base / "output/passes")


def test_what_is_wrong_with_painted_pictures_is_one_line(server, make, plates, boiling, keys):
    wrong = {
        "fewer": (stabilizer(make, plates, keys, "never"), "Are they key frames?"),
        "no numbers": (stabilizer(make, plates, keys, "never", keys=True), "key_frames"),
        "too far": (
            stabilizer(make, plates, keys, "never", keys=True, key_frames="1,99"),
            "expected 1 to 6",
        ),
    }
    for name, (graph, expected) in wrong.items():
        outcome = server.run(graph)
        assert outcome.status == "error", name
        assert expected in outcome.error, name
        assert "\n" not in outcome.error.strip()
    assert not (server.base / "output/never").exists()

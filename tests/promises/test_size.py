"""Promise 5: size is free: bands equal the whole, and their height is kept and can be set."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import numpy as np
import pytest
import torch
from support.commands import run
from support.rendering import frames_in, paint

from stillbrush.core.errors import BadInput, OutOfMemory
from stillbrush.core.looks import SHIPPED, load_look
from stillbrush.core.media.images import read_plate, write_picture
from stillbrush.core.networks import bands as banding
from stillbrush.core.networks.bands import Bands, band_rows, paint_in_bands
from stillbrush.core.stylizers import painter as painting
from stillbrush.core.stylizers.load import load_painter
from stillbrush.core.stylizers.paint_state import PaintState
from stillbrush.core.stylizers.shot_statistics import Normalise

SMALL = (218, 512)
ODD = (147, 301)
FOUR_K, EIGHT_K = (2160, 3840), (4320, 7680)


def picture(height: int, width: int) -> torch.Tensor:
    """Make seven channels of smooth noise."""
    rng = torch.Generator().manual_seed(height)
    coarse = torch.rand((1, 7, height // 16 + 1, width // 16 + 1), generator=rng)
    smooth = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bilinear")
    return smooth.permute(0, 2, 3, 1).contiguous()


def apart(size: tuple[int, int], rows: tuple[int | None, ...], *, frozen: bool) -> float:
    """Paint with the network that ships in bands of several heights; return the largest change."""
    painter = load_painter(load_look(SHIPPED / "starry-night.yaml"))
    network, style, x = painter.network, painter.style, picture(*size)
    _, own = paint_in_bands(network, picture(*SMALL), style)
    statistics = own if frozen else None
    first, _ = paint_in_bands(network, x, style, statistics, Bands(rows[0]))
    worst = 0.0
    for other in rows[1:]:
        made, _ = paint_in_bands(network, x, style, statistics, Bands(other))
        worst = max(worst, float((made - first).abs().max()))
        del made
    return worst


@pytest.mark.parametrize("size", [SMALL, ODD, (16, 16), (9, 13), (5, 5)])
def test_bands_equal_the_whole_to_the_bit_with_frozen_statistics(size) -> None:
    assert apart(size, (10_000, None, 8, 24, 56), frozen=True) == 0


@pytest.mark.parametrize("size", [SMALL, ODD])
def test_bands_equal_the_whole_with_statistics_of_the_frame(size) -> None:
    """To rounding, which counts several times where a pixel lies between keeping and painting."""
    assert apart(size, (10_000, None, 8, 24), frozen=False) < 3e-4


@pytest.mark.heavy
@pytest.mark.parametrize(("frozen", "limit"), [(True, 0.0), (False, 1e-4)])
def test_bands_equal_the_whole_at_4k(frozen, limit, record_property) -> None:
    worst = apart(FOUR_K, (10_000, None), frozen=frozen)
    record_property("largest change", worst)
    assert worst <= limit


@pytest.mark.heavy
@pytest.mark.parametrize(("frozen", "limit"), [(True, 0.0), (False, 1e-4)])
def test_two_heights_of_bands_agree_at_8k(frozen, limit, record_property) -> None:
    worst = apart(EIGHT_K, (None, 40), frozen=frozen)
    record_property("largest change", worst)
    assert worst <= limit


def test_the_height_of_a_band_is_a_function_of_the_size() -> None:
    assert [band_rows(width) for width in (64, 768, 1920, 3840, 7680)] == [1536, 128, 48, 24, 8]
    assert Bands().height(768) == band_rows(768)
    assert Bands(40).height(768) == 40


def test_the_height_of_bands_is_kept_with_the_render(shot, look, tmp_path) -> None:
    few = {"frames": "1001-1002"}
    paint(shot, look, tmp_path / "a/p.####.exr", request=few, normalise=Normalise.SHOT)
    fewer = few | {"band_rows": 8}
    paint(shot, look, tmp_path / "b/p.####.exr", request=fewer, normalise=Normalise.SHOT)
    told = [
        json.loads((tmp_path / f"{name}/p.exr.report.json").read_text())["settings"]["band_rows"]
        for name in "ab"
    ]
    assert told == [band_rows(160), 8]  # 80 pixels are painted at twice their size
    for name, rows in zip("ab", told, strict=True):
        journal = tmp_path / name / ".stillbrush/p.exr/journal.jsonl"
        assert json.loads(journal.read_text().splitlines()[0])["band_rows"] == rows
    with pytest.raises(BadInput, match="band rows"):
        paint(shot, look, tmp_path / "c/p.####.exr", request={"band_rows": 4})


@pytest.mark.parametrize(
    ("rows", "expected"), [(None, "--band-rows 64 takes less"), (8, "--stroke-size")]
)
def test_too_little_memory_names_the_smaller_height(rows, expected, monkeypatch) -> None:
    def starve(*_: object, **__: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9")

    monkeypatch.setattr(painting, "paint_in_bands", starve)
    made = load_painter(load_look(SHIPPED / "starry-night.yaml"), bands=Bands(rows))
    with pytest.raises(OutOfMemory, match="768x432") as raised:
        made.paint(torch.rand(1, 432, 768, 3), None, PaintState())
    assert expected in str(raised.value)
    assert ("--band-rows" in str(raised.value)) == (rows is None)


def test_memory_that_really_runs_out_is_one_line(look, tmp_path: Path) -> None:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1_600_000_000, 1_600_000_000))

    plate = np.full((1600, 2400, 3), 0.2, np.float32)
    write_picture(tmp_path / "in.exr", plate, None, overwrite=False)
    code, _, err = run(
        "stylize", tmp_path / "in.exr", "--look", look.path, "-o", tmp_path / "out.exr",
        "--stroke-size", "0.125", before=limited,
    )  # fmt: skip
    assert code == 1
    assert "memory" in err
    assert "Traceback" not in err
    assert list(frames_in(tmp_path)) == ["in.exr"]


@pytest.mark.parametrize("normalise", list(Normalise))
def test_renders_of_overlapping_ranges_agree_where_they_overlap(normalise, shot, look, tmp_path):
    for name, frames in (("a", "1001-1008"), ("b", "1005-1012")):
        request = {"frames": frames}
        output = tmp_path / name / "p.####.exr"
        paint(shot, look, output, request=request, normalise=normalise)
    first, second = frames_in(tmp_path / "a"), frames_in(tmp_path / "b")
    both = set(first) & set(second)
    assert len(both) == 4
    assert {name: first[name] for name in both} == {name: second[name] for name in both}


def test_statistics_saved_beside_an_output_can_be_given(shot, look, tmp_path) -> None:
    paint(shot, look, tmp_path / "a/p.####.exr", normalise=Normalise.SHOT)
    (kept,) = (tmp_path / "a/.stillbrush/p.exr").glob("statistics.*.safetensors")
    given = {"statistics": kept, "frames": "1003-1004"}
    paint(shot, look, tmp_path / "b/p.####.exr", request=given, normalise=Normalise.SHOT)
    for number in (1003, 1004):
        ours, theirs = (read_plate(tmp_path / n / f"p.{number}.exr", 1).rgb for n in "ab")
        np.testing.assert_array_equal(ours, theirs)
    assert not list((tmp_path / "b/.stillbrush/p.exr").glob("statistics.*"))
    assert banding.LEAST_ROWS == 8

"""A report measures what was painted, and changes none of it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from support.pages import Page, measured_job, report
from support.rendering import Quiet, frames_in, paint
from support.training import write_loss_network

from stillbrush.core.errors import Cancelled
from stillbrush.core.look import Look
from stillbrush.core.render import renderer
from stillbrush.core.render.renderer import render

FEW = {"frames": "1001-1006"}


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_loss_network(tmp_path_factory.mktemp("encoder") / "tiny-vgg.safetensors")


def numbers(folder: Path, name: str = "plate.exr") -> list[dict[str, float]]:
    return json.loads((folder / f"{name}.report.json").read_text())["frames"]


def painted(folder: Path) -> dict[str, bytes]:
    return {name: made for name, made in frames_in(folder).items() if name.endswith(".exr")}


@pytest.fixture(scope="session")
def measured_whole(shot, look, encoder, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("measured")
    report(shot, look, folder / "plate.####.exr", encoder=encoder, **FEW)
    return folder


def test_painted_files_are_the_same_with_and_without_a_report(
    shot, look, measured_whole, whole
) -> None:
    made = painted(measured_whole)
    assert len(made) == 6
    assert made == {name: whole[name] for name in made}


def test_every_frame_has_all_its_numbers(measured_whole) -> None:
    first, *others = numbers(measured_whole)
    still = {f"{n}{s}" for n in ("content", "sharpness") for s in ("", "_alone")}
    assert still <= set(first)
    assert "temporal" not in first
    for frame in others:
        assert still | {"temporal", "temporal_alone", "followed"} <= set(frame)
        assert all(math.isfinite(frame[name]) for name in still)
        assert 0 < frame["followed"] <= 1
    assert first["content"] != first["content_alone"]  # a first frame is gone over once


def test_a_measured_render_that_is_stopped_goes_on_to_the_same_numbers(
    shot, look, encoder, measured_whole, tmp_path
) -> None:
    for stop in (2, 4):
        job = measured_job(shot, look, tmp_path / "plate.####.exr", encoder=encoder, **FEW)
        with pytest.raises(Cancelled):
            render(job, Quiet(stop_after=stop))
    page = report(shot, look, tmp_path / "plate.####.exr", encoder=encoder, **FEW)
    assert painted(tmp_path) == painted(measured_whole)
    assert numbers(tmp_path) == numbers(measured_whole)
    assert Page(page.read_text()).tags.count("img") == Page(
        (measured_whole / page.name).read_text()
    ).tags.count("img")


def test_a_kill_between_file_and_journal_loses_no_number(
    shot, look, encoder, measured_whole, tmp_path, monkeypatch
) -> None:
    add = renderer.Journal.add

    def killed(self: renderer.Journal, frame: int, *more: object) -> None:
        if frame == 1004:
            raise KeyboardInterrupt
        add(self, frame, *more)

    with monkeypatch.context() as patch:
        patch.setattr(renderer.Journal, "add", killed)
        with pytest.raises(KeyboardInterrupt):
            report(shot, look, tmp_path / "plate.####.exr", encoder=encoder, **FEW)
    report(shot, look, tmp_path / "plate.####.exr", encoder=encoder, **FEW)
    assert numbers(tmp_path) == numbers(measured_whole)


@pytest.mark.parametrize("name", ["plate.####.exr", "out.mp4"])
def test_a_finished_render_is_measured_without_writing_a_frame(
    name, shot, look, encoder, measured_whole, tmp_path
) -> None:
    paint(shot, look, tmp_path / name, request=FEW)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.[em][xp][r4]")}
    assert before
    page = report(shot, look, tmp_path / name, encoder=encoder, **FEW)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    wanted = [frame["temporal"] for frame in numbers(measured_whole)[1:]]
    made = numbers(tmp_path, page.name.removesuffix(".report.html"))
    assert [frame["temporal"] for frame in made[1:]] == wanted
    watcher = Quiet()
    report(shot, look, tmp_path / name, watcher, encoder=encoder, **FEW)
    assert watcher.frames == []  # all is there by now


def test_another_judge_measures_again(shot, look, encoder, tmp_path) -> None:
    report(shot, look, tmp_path / "plate.####.exr", **FEW)
    ours = numbers(tmp_path)[0]["content"]  # as the encoder that ships sees it
    report(shot, look, tmp_path / "plate.####.exr", encoder=encoder, **FEW)
    assert numbers(tmp_path)[0]["content"] != ours


def test_numbers_agree_with_a_slow_measure_of_the_painting_itself(
    shot, look: Look, measured_whole
) -> None:
    """The painting pulled frame by frame, judged by hand: eq 8 written out."""
    from stillbrush.core.metrics.judge import Judge
    from stillbrush.core.motion.warp import warp

    job = measured_job(shot, look, measured_whole / "again" / "plate.####.exr", **FEW)
    painting = job.painting(renderer.OnDisk(measured_whole / "again"))
    last, this = (painting.timeline.at(frame).picture for frame in (1003, 1004))
    plates = [painting.small(frame) for frame in (1003, 1004)]
    flow, mask = Judge().follow(*plates)
    squares = mask * (this - warp(last, flow.backward)) ** 2
    by_hand = float(squares.sum() / (3 * mask.sum()))
    assert numbers(measured_whole)[3]["temporal"] == pytest.approx(by_hand, rel=1e-4)
    alone = [painting.alone(plate) for plate in plates]
    squares = mask * (alone[1] - warp(alone[0], flow.backward)) ** 2
    by_hand = float(squares.sum() / (3 * mask.sum()))
    assert numbers(measured_whole)[3]["temporal_alone"] == pytest.approx(by_hand, rel=1e-4)
    assert torch.equal(painting.alone(plates[0]), alone[0])


def test_a_render_frame_by_frame_is_compared_with_itself(shot, look, tmp_path) -> None:
    page = report(shot, look, tmp_path / "plate.####.exr", per_frame=True, **FEW)
    for frame in numbers(tmp_path)[1:]:
        assert frame["temporal"] == frame["temporal_alone"]
    assert "nothing steadier to compare it with" in Page(page.read_text()).text


def test_without_a_report_nothing_of_it_is_there(shot, look, tmp_path) -> None:
    paint(shot, look, tmp_path / "plate.####.exr", request=FEW)
    assert not (tmp_path / ".stillbrush/plate.exr/page").exists()
    assert not list(tmp_path.glob("*.html"))
    assert "temporal" not in numbers(tmp_path)[2]

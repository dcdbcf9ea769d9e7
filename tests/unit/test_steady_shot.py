"""A painted clip steadied from files to files: any order, resume, key frames, bad input."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from support.material import tiny_look, tiny_shot
from support.rendering import Quiet, assert_untouched, frames_in, paint

from stillbrush import graph
from stillbrush.core.demo import DemoShot, write_demo_shot
from stillbrush.core.errors import BadInput, Cancelled, MissingFrame
from stillbrush.core.knobs import SteadyKnobs
from stillbrush.core.media.images import read_plate
from stillbrush.core.media.source import Missing, ReadSettings
from stillbrush.core.motion.flow import resize_flow
from stillbrush.core.render.given_motion import VectorSettings
from stillbrush.core.render.painting import Settings
from stillbrush.core.render.renderer import render
from stillbrush.core.render.sheet import save_picture_8bit
from stillbrush.core.render.steady_request import SteadyRequest, assemble_steady
from stillbrush.core.stylizers.prior import carried_over
from stillbrush.host_adapters.cli.commands import cli

FRAMES = 6


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Return a shot, and the same painted frame by frame."""
    folder = tmp_path_factory.mktemp("steady")
    shot = tiny_shot(folder / "shot", FRAMES)
    look = tiny_look(folder / "look")
    paint(shot, look, folder / "painted/p.####.exr", request={"settings": Settings(per_frame=True)})
    return shot, str(folder / "painted/p.####.exr")


def frame(path: Path) -> np.ndarray:
    return read_plate(path, 1).rgb


def steadied(clips: tuple[str, str], output: Path, watcher: Quiet | None = None, **more) -> None:
    request = SteadyRequest(clips[0], clips[1], **more)
    render(assemble_steady(request).job(f"{output}/s.####.exr"), watcher or Quiet())


def test_a_stopped_render_goes_on_with_the_same_bits(clips, tmp_path) -> None:
    steadied(clips, tmp_path / "whole")
    with pytest.raises(Cancelled):
        steadied(clips, tmp_path / "parts", Quiet(stop_after=3))
    assert len(frames_in(tmp_path / "parts")) < FRAMES
    steadied(clips, tmp_path / "parts")
    assert frames_in(tmp_path / "parts") == frames_in(tmp_path / "whole")
    steadied(clips, tmp_path / "late", frames="1004-1005")
    whole = frames_in(tmp_path / "whole")
    assert frames_in(tmp_path / "late") == {n: whole[n] for n in ("s.1004.exr", "s.1005.exr")}


def test_the_dial_at_one_gives_every_bit_back(clips, tmp_path) -> None:
    steadied(clips, tmp_path / "out", how=SteadyKnobs(keep_flicker=1.0))
    for number in range(1001, 1001 + FRAMES):
        painted = Path(clips[1].replace("####", str(number)))
        assert_untouched(painted, tmp_path / f"out/s.{number}.exr")


def test_frames_are_the_same_in_any_order(clips) -> None:
    made = assemble_steady(SteadyRequest(*clips))
    once, again = made.painting(), made.painting()
    expected = {number: once.frame(number) for number in range(1001, 1001 + FRAMES)}
    for number in (1005, 1002, 1006, 1001):
        assert np.array_equal(again.frame(number), expected[number])
    assert not np.array_equal(expected[1004], frame(Path(clips[1].replace("####", "1004"))))


def test_a_cut_given_by_hand_stands_as_it_was_painted(clips) -> None:
    how = SteadyKnobs(look_ahead=0)
    made = assemble_steady(SteadyRequest(*clips, how=how, settings=Settings(cuts=(1004,))))
    got = made.painting().frame(1004)
    assert np.allclose(got, frame(Path(clips[1].replace("####", "1004"))), rtol=1e-2, atol=1e-3)


def test_a_gap_in_the_painted_clip_is_filled_as_it_is_asked_for(clips, tmp_path) -> None:
    for number in (1001, 1002, 1004, 1005, 1006):
        name = clips[1].replace("####", str(number))
        (tmp_path / Path(name).name).write_bytes(Path(name).read_bytes())
    gappy = str(tmp_path / "p.####.exr")
    with pytest.raises(MissingFrame, match="missing 1003"):
        assemble_steady(SteadyRequest(clips[0], gappy))
    held = SteadyRequest(clips[0], gappy, read=ReadSettings(missing=Missing.HOLD))
    made = assemble_steady(held)
    assert made.frames == tuple(range(1001, 1001 + FRAMES))
    assert made.identity() != assemble_steady(SteadyRequest(*clips)).identity()
    assert np.isfinite(made.painting().frame(1003)).all()


def test_key_frames_stand_and_are_carried_to_the_others(clips, tmp_path) -> None:
    for number in (1001, 1005):
        name = clips[1].replace("####", str(number))
        (tmp_path / Path(name).name).write_bytes(Path(name).read_bytes())
    request = SteadyRequest(clips[0], str(tmp_path / "p.####.exr"), keys=True)
    made = assemble_steady(request)
    painting = made.painting()
    for number in (1001, 1005):
        painted = frame(Path(clips[1].replace("####", str(number))))
        assert np.allclose(painting.frame(number), painted, rtol=2e-2, atol=2e-3)
    plate = painting.source.read(1003).rgb
    assert np.abs(painting.frame(1003) - plate).mean() > 0.02
    assert made.frames == tuple(range(1001, 1001 + FRAMES))


@pytest.mark.parametrize("by", [1, 2], ids=["same size", "painted at half the size"])
def test_rendered_vectors_are_followed(tmp_path, by: int) -> None:
    """Boiling paint lies still along the true motion; the clip may be smaller than its plate."""
    shape = DemoShot(width=128, height=72, frames=4)
    shot = str(write_demo_shot(tmp_path / "shot", shape))
    rng = np.random.default_rng(1)
    for number in shape.frames:
        noise = rng.random((72 // by // 4, 128 // by // 4, 3), np.float32)
        boiling = cv2.resize(noise, (128 // by, 72 // by), interpolation=cv2.INTER_LINEAR)
        save_picture_8bit(tmp_path / f"p.{number}.png", boiling)
    how, painted = SteadyKnobs(look_ahead=0), str(tmp_path / "p.####.png")
    made = assemble_steady(SteadyRequest(shot, painted, how=how, vectors=VectorSettings()))
    assert made.motion.name.startswith("given-nuke")
    painting, last = made.painting(), shape.frames[-1]
    before, after = painting.frame(last - 1), painting.frame(last)
    truth = shape.frame(last)
    flow = torch.from_numpy(truth.backward)[None]
    small = resize_flow(flow, *painting.size)
    carried = carried_over(torch.from_numpy(before)[None], small)[0].numpy()
    hidden = cv2.resize(truth.disoccluded.astype(np.float32), painting.size[::-1])
    rows, columns = np.nonzero(hidden == 0)
    inside = (rows > 3) & (rows < 72 // by - 4) & (columns > 3) & (columns < 128 // by - 4)
    seen = rows[inside], columns[inside]
    boil = np.abs(frame(tmp_path / f"p.{last}.png") - before)[seen].mean()
    assert np.abs(after - carried)[seen].mean() < 0.4 * boil
    estimated = assemble_steady(SteadyRequest(shot, painted, how=how)).painting()
    assert not np.array_equal(estimated.frame(last), after)


def test_the_command_line_steadies_and_says_what_is_wrong(clips, tmp_path) -> None:
    shot, painted = clips
    out = str(tmp_path / "out/s.####.exr")
    plain = ["steady", shot, "--painted", painted, "-o", out]
    told = CliRunner().invoke(cli, [*plain, "--dry-run"])
    assert told.exit_code == 0, told.output
    assert "1001-1006" in told.output
    assert not (tmp_path / "out").exists()
    made = CliRunner().invoke(cli, [*plain, "--keep-flicker", "0.3", "--json"])
    assert made.exit_code == 0, made.output
    assert len(frames_in(tmp_path / "out")) == FRAMES
    for more, words in (
        (["--fill", "starry-night"], "--keys"),
        (["--frames", "7"], "there is no frame 7"),
        (["--keep-flicker", "3"], "--keep-flicker: expected 0 to 1"),
    ):
        failed = CliRunner().invoke(cli, [*plain, *more])
        assert failed.exit_code != 0
        assert words in str(failed.exception) + failed.output


def test_the_graph_gives_what_the_renderer_gives(clips, tmp_path) -> None:
    graph.scriptClear()
    painted = graph.createNode("Read", file=clips[1])
    source = graph.createNode("Read", file=clips[0])
    node = graph.createNode("Stabilizer", inputs=[painted, source], keep_flicker=0.2)
    made = assemble_steady(SteadyRequest(*clips, how=SteadyKnobs(keep_flicker=0.2))).painting()
    assert np.array_equal(node.shot().read(1004).rgb, made.frame(1004))
    for number in (1001, 1006):
        name = Path(clips[1].replace("####", str(number)))
        (tmp_path / name.name).write_bytes(name.read_bytes())
    keys = graph.createNode("Read", file=str(tmp_path / "p.####.exr"), missing="skip")
    node = graph.createNode("Stabilizer", inputs=[keys, source], keys=True)
    request = SteadyRequest(clips[0], str(tmp_path / "p.####.exr"), keys=True)
    expected = assemble_steady(request).painting().frame(1003)
    assert np.array_equal(node.shot().read(1003).rgb, expected)


def test_clips_that_do_not_belong_together_are_refused(clips, tmp_path) -> None:
    with pytest.raises(BadInput, match="expected the shape of"):
        assemble_steady(SteadyRequest(tiny_shot(tmp_path / "wide", 6, 128, 48), clips[1]))
    with pytest.raises(BadInput, match="expected frame 1005 as"):
        assemble_steady(SteadyRequest(tiny_shot(tmp_path / "short", 4), clips[1]))
    with pytest.raises(BadInput, match="expected frames of"):
        assemble_steady(SteadyRequest(tiny_shot(tmp_path / "other", 3), clips[1], keys=True))

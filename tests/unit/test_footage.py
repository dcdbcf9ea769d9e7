"""Shots from real footage: their motion is right, they end, and systems learn from them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from support.training import Onlooker, picture, tiny_request

from stillbrush import nodes  # noqa: F401 - declares the knobs that a look is checked against
from stillbrush.core.errors import BadInput, Cancelled
from stillbrush.core.motion.flow import Flow
from stillbrush.core.motion.flow_files import write_flo
from stillbrush.core.training.budget import PHASES, REPEATS, measure_pace
from stillbrush.core.training.footage import FEWEST, Footage, Take
from stillbrush.core.training.photographs import Photographs
from stillbrush.core.training.plan import Request
from stillbrush.core.training.session import Session
from stillbrush.core.training.systems import make_trainer
from stillbrush.core.training.terms import SystemKind

SHORT, SIZE, PAN = 115, 64, 3  # pixels
CARRYING = (SystemKind.PRIOR, SystemKind.RECURRENT, SystemKind.ADAIN)


def write_pan(folder: Path, frames: int, seed: int = 3) -> Path:
    """Write frames of a camera that pans to the right by some pixels a frame."""
    whole = picture(seed, SHORT, 300)
    grain = np.random.default_rng(seed).integers(-20, 20, whole.shape)
    whole = np.clip(whole + cv2.blur(grain.astype(np.float32), (3, 3)), 0, 255).astype(np.uint8)
    folder.mkdir(parents=True)
    for n in range(frames):
        cv2.imwrite(str(folder / f"frame_{n + 1:04}.png"), whole[:, PAN * n : PAN * n + 180])
    return folder


def write_sintel(root: Path, frames: int = 8) -> Path:
    """Write a scene in Sintel's layout; what leaves the frame on the left is marked."""
    write_pan(root / "training/final/pan_1", frames)
    hidden = np.zeros((SHORT, 180), np.uint8)
    hidden[:, :PAN] = 255
    for kind in ("flow", "occlusions"):
        (root / f"training/{kind}/pan_1").mkdir(parents=True)
    flow = torch.tensor([-float(PAN), 0.0]).expand(1, SHORT, 180, 2)
    for n in range(1, frames):
        write_flo(root / f"training/flow/pan_1/frame_{n:04}.flo", flow)
        cv2.imwrite(str(root / f"training/occlusions/pan_1/frame_{n:04}.png"), hidden)
    return root


def footage(tmp_path: Path, *paths: Path, forwards: bool = False) -> Footage:
    return Footage(paths, SHORT, SIZE, tmp_path / "flow", forwards=forwards)


def asked(folder: Path, kind: SystemKind, *paths: Path, **changes: object) -> Request:
    knobs = {"size": SIZE, "style_side": 64, "system": kind.value, "batch": 2}
    plain = {"iterations": 4, "checkpoint_every": 2, "sheet_every": 10, "footage": paths}
    return tiny_request(folder, **plain | {"knobs": knobs} | changes)


@pytest.mark.parametrize("forwards", [False, True])
def test_true_motion_leads_to_the_same_point_whichever_way_a_take_is_played(tmp_path, forwards):
    made = footage(tmp_path, write_sintel(tmp_path / "sintel"), forwards=forwards)
    for seed in range(20):
        take = made.draw(seed)
        assert take.direction == (1 if forwards else -1)
        for age in (1, take.frames - 1):
            this, last = made.render(take, age).clean, made.render(take, age - 1).clean
            if forwards:
                (flow, seen), here, there = made.forward_flow(take, age), last, this
            else:
                step = made.step(take, age)
                flow, seen, here, there = step.flow, step.seen, this, last
            error = (made.fetch(there, flow) - here).abs() * seen
            assert error.max() < 1 / 255
            assert seen.mean() > 0.9
    assert not (tmp_path / "flow").exists()  # nothing had to be measured


def test_measured_motion_is_right_in_both_directions_and_kept(tmp_path):
    made = footage(tmp_path, write_pan(tmp_path / "pan", 9))
    found = set()
    for seed in range(12):
        take = made.draw(seed)
        step = made.step(take, 1)
        vectors = step.flow[step.seen[0] > 0]
        assert vectors.median(0).values[0].item() == pytest.approx(PAN * take.direction, abs=0.3)
        assert step.seen.mean() > 0.5
        found.add(take.direction)
    assert found == {1, -1}
    kept = {path.name for path in (tmp_path / "flow").iterdir()}
    assert 0 < len(kept) <= 8
    made.step(made.draw(0), 1)
    assert {path.name for path in (tmp_path / "flow").iterdir()} == kept


def test_a_cut_ends_a_shot(tmp_path):
    clip = write_pan(tmp_path / "clip", 6)
    for n in range(6, 13):
        cv2.imwrite(str(clip / f"frame_{n + 1:04}.png"), 255 - picture(80, SHORT, 180) // 3)
    made = footage(tmp_path, clip)
    assert [(reel.first, len(reel.frames)) for reel in made.reels] == [(0, 6), (6, 7)]


def test_what_cannot_be_used_is_listed_and_the_rest_goes_on(tmp_path):
    folder = tmp_path / "clips"
    write_pan(folder / "good", 6)
    write_pan(folder / "short", FEWEST - 1)
    (folder / "notes.txt").write_text("no clip")
    (folder / "broken.mp4").write_bytes(b"no video")
    write_pan(folder / "mixed", 6)
    cv2.imwrite(str(folder / "mixed/frame_0003.png"), picture(1, 200, 90))
    made = footage(tmp_path, folder)
    assert [reel.name for reel in made.reels] == ["good"]
    told = " ".join(made.skipped)
    assert all(name in told for name in ("short", "notes.txt", "broken", "mixed"))
    with pytest.raises(BadInput, match="found none"):
        footage(tmp_path, folder / "short")


@pytest.mark.parametrize("kind", CARRYING)
def test_a_system_learns_from_footage_alone_and_goes_on_where_it_was(tmp_path, kind):
    clip = write_pan(tmp_path / "pan", 12)
    whole = asked(tmp_path / "whole", kind, clip, content=None)
    halved = asked(tmp_path / "halved", kind, clip, content=None)
    outcome = Session(whole).train(Onlooker())
    assert "footage: 1 shots of pan" in outcome.looks[0].read_text()
    with pytest.raises(Cancelled):
        Session(halved).train(Onlooker(stop_after=3))
    Session(halved).train(Onlooker())
    one, other = (load_file(request.weights) for request in (whole, halved))
    assert all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("kind", CARRYING)
def test_the_budget_counts_no_iteration_that_has_to_measure_motion(tmp_path, kind, monkeypatch):
    request = asked(tmp_path, kind, write_pan(tmp_path / "pan", 40), content=None)
    recipe, source = request.recipe(1), footage(tmp_path, tmp_path / "pan")
    measured: list[int] = []
    estimate = source.estimator.estimate

    def noted(*frames: torch.Tensor) -> Flow:
        measured[-1] += 1
        return estimate(*frames)

    assert source.seconds_to_measure() > 0
    monkeypatch.setattr(source, "seconds_to_measure", lambda: 3.0)
    monkeypatch.setattr(source.estimator, "estimate", noted)
    pace = measure_pace(
        recipe,
        Photographs.of(source.stills(2)),
        torch.device("cpu"),
        torch.float32,
        lambda: measured.append(0),
        source,
    )
    assert 0 < pace.usual <= pace.first
    assert pace.motion == 3.0
    counts = 2 * len(PHASES) * REPEATS  # every one twice; those before only warm up
    rehearsed, counted = measured[-counts::2], measured[1 - counts :: 2]
    assert sum(rehearsed) > 0
    assert not any(counted)


def test_shots_end_with_their_footage_and_windows_never_do(tmp_path):
    clip = write_pan(tmp_path / "pan", 14)
    for kind in CARRYING:
        request = asked(tmp_path, kind, clip, iterations=40)
        recipe = request.recipe(40)
        photographs, made = Photographs(request.content, SHORT), footage(tmp_path, clip)
        loop = make_trainer(recipe, photographs, torch.device("cpu"), torch.float32, made)
        loop.step = 20
        kinds = set()
        for _ in range(12):
            loop.iterate()
            ages, seeds = loop.slots.ages.tolist(), loop.slots.seeds.tolist()
            shots = [
                (age, loop.shooter.draw(s)) for age, s in zip(ages, seeds, strict=True) if age >= 0
            ]
            assert all(age + loop.ahead < shot.frames for age, shot in shots)
            kinds |= {type(shot) for _, shot in shots}
        assert Take in kinds
        assert len(kinds) == 2


def test_other_footage_is_refused_and_none_at_all_too(tmp_path):
    clip = write_pan(tmp_path / "pan", 6)
    request = asked(tmp_path, SystemKind.PRIOR, clip)
    with pytest.raises(Cancelled):
        Session(request).train(Onlooker(stop_after=1))
    (clip / "frame_0006.png").unlink()
    with pytest.raises(BadInput, match="other pictures"):
        Session(request)
    with pytest.raises(BadInput, match="photographs, or footage"):
        asked(tmp_path, SystemKind.PRIOR, content=None)

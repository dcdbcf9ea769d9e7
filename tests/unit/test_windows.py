"""Training shots: the flow and the mask they come with are exact."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from support.training import picture, write_pictures

from stillbrush.core.errors import BadInput, MissingFrame
from stillbrush.core.training import photographs
from stillbrush.core.training.photographs import Photographs, evenly, read_rgb
from stillbrush.core.training.windows import Shooter, Step, Trajectory, spoil_mask

SIZE = 64


@pytest.fixture(scope="module")
def shooter(tmp_path_factory: pytest.TempPathFactory) -> Shooter:
    folder = write_pictures(tmp_path_factory.mktemp("pictures"), 5)
    return Shooter(Photographs(folder, 100), SIZE)


def quiet(shooter: Shooter, seed: int, **changes: object) -> Trajectory:
    """Draw a shot without noise, drift or occluder."""
    plain = {"noise": 0.0, "drift": 0.0, "occluder": None}
    return replace(shooter.draw(seed), **plain | changes)


def test_a_seed_draws_the_same_shot(shooter):
    assert shooter.draw(7) == shooter.draw(7)
    assert shooter.draw(7) != shooter.draw(8)


def test_a_frame_depends_on_its_age_alone(shooter):
    shot = replace(shooter.draw(3), noise=0.02, occluder=1)
    before = shooter.render(shot, 5)
    shooter.render(shot, 9)
    again = shooter.render(shot, 5)
    assert torch.equal(before.noisy, again.noisy)
    assert torch.equal(before.front, again.front)


@pytest.mark.parametrize("seed", range(6))
def test_the_flow_lands_on_the_same_point(shooter, seed):
    shot = quiet(shooter, seed, speed=(2.3, -1.1), zoom=1.01)
    step = shooter.step(shot, 4)
    error = (shooter.fetch(step.last.clean, step.flow) - step.this.clean).abs() * step.seen
    assert error.max() < 0.03  # of bilinear sampling, twice
    assert error.sum() / step.seen.sum() / 3 < 0.003


def test_a_window_that_sways_shows_the_same_things_again(shooter):
    shot = quiet(shooter, 5, speed=(3.0, 4.0), zoom=1.0, sway=10.0)
    gone = np.array([shot.gone(age) for age in range(200)])
    assert 9.0 < np.hypot(*gone.T).max() <= 10.0
    assert gone[:, 0].min() < -5 < 5 < gone[:, 0].max()
    assert np.hypot(*(gone[1] - gone[0])) == pytest.approx(5.0, rel=0.05)  # as fast as asked
    straight = replace(shot, sway=0.0)
    assert straight.gone(200) == pytest.approx((600.0, 800.0))
    assert replace(shot, speed=(0.0, 0.0)).gone(200) == (0.0, 0.0)
    steps = [shooter.step(shot, age).flow[0, 0] for age in (1, 7)]
    assert float(steps[0] @ steps[1]) < 0  # it has turned
    step = shooter.step(shot, 7)
    error = (shooter.fetch(step.last.clean, step.flow) - step.this.clean).abs() * step.seen
    assert error.max() < 0.03


def test_half_of_the_shots_sway():
    drawn = [Trajectory.random(seed, 5, SIZE) for seed in range(400)]
    swaying = [shot.sway for shot in drawn if shot.sway]
    assert 160 < len(swaying) < 240
    assert min(swaying) >= 4
    assert max(swaying) <= 40


def test_a_wrong_flow_would_be_noticed(shooter):
    step = shooter.step(quiet(shooter, 1, speed=(2.3, -1.1), zoom=1.0), 4)
    error = (shooter.fetch(step.last.clean, -step.flow) - step.this.clean).abs() * step.seen
    assert error.sum() / step.seen.sum() / 3 > 0.01


def test_a_still_shot_has_no_flow(shooter):
    step = shooter.step(quiet(shooter, 2, speed=(0.0, 0.0), zoom=1.0), 3)
    assert step.flow.abs().max() < 1e-4
    assert (step.last.clean - step.this.clean).abs().max() < 1e-4


def occluded(shooter: Shooter) -> Step:
    """Return a step in which something crosses in front and covers part of the frame."""
    for seed in range(40):
        shot = quiet(shooter, seed, picture=0, occluder=1, occluder_speed=(3.0, 0.0), zoom=1.0)
        step = shooter.step(replace(shot, speed=(-1.0, 0.5)), 6)
        if 0.1 < float(step.this.front.mean()) < 0.6:
            return step
    raise AssertionError("no shot has an occluder in it")


def test_the_mask_hides_what_was_uncovered(shooter):
    step = occluded(shooter)
    warped = shooter.fetch(step.last.clean, step.flow)
    error = (warped - step.this.clean).abs().mean(0, keepdim=True)
    assert (error * step.seen).max() < 0.03
    hidden = error[step.seen < 0.5]
    assert hidden.numel() > 20
    assert hidden.mean() > 0.05


def test_both_layers_move_by_themselves(shooter):
    step = occluded(shooter)
    front = step.this.front[0] > 0.5
    assert (step.flow[front] - torch.tensor([-3.0, 0.0])).abs().max() < 1e-4
    assert (step.flow[~front] - torch.tensor([-1.0, 0.5])).abs().max() < 1e-3


def test_a_spoilt_mask_trusts_no_more(shooter):
    seen = occluded(shooter).seen
    for seed in range(5):
        spoilt = spoil_mask(seen, np.random.default_rng(seed))
        assert (spoilt <= seen).all()
        assert spoilt.sum() < seen.sum()


def test_unreadable_and_small_pictures_are_listed(tmp_path):
    folder = write_pictures(tmp_path / "content", 3)
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "empty.png").write_bytes(b"")
    (folder / "folder.jpg").mkdir()
    (folder / "notes.txt").write_text("no picture")
    cv2.imwrite(str(folder / "small.png"), picture(9, 20, 30))
    photographs = Photographs(folder, 100)
    assert photographs.skipped == ["broken.jpg", "empty.png", "small.png"]
    assert photographs.names == ["photo00.png", "photo01.png", "photo02.png"]
    assert all(min(p.shape[1:]) == 100 for p in photographs.pictures)


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(BadInput, match="expected at least one picture"):
        Photographs(tmp_path, 100)
    with pytest.raises(MissingFrame, match="absent"):
        Photographs(tmp_path / "absent", 100)


def test_of_a_large_folder_some_are_taken_from_everywhere(tmp_path, monkeypatch):
    monkeypatch.setattr(photographs, "MOST_PICTURES", 3)
    taken = Photographs(write_pictures(tmp_path, 9), 100)
    assert taken.names == ["photo01.png", "photo04.png", "photo07.png"]


def test_held_out_pictures_are_not_trained_on(tmp_path):
    photographs = Photographs(write_pictures(tmp_path, 9), 100)
    held = [name for name, _ in photographs.hold_out(3)]
    assert held == ["photo01.png", "photo04.png", "photo07.png"]
    assert len(photographs) == 6
    assert not set(held) & set(photographs.names)


def test_evenly_returns_all_of_few():
    assert evenly([1, 2], 3) == [1, 2]


def test_colours_are_read_red_first(tmp_path):
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 2] = 255
    cv2.imwrite(str(tmp_path / "red.png"), red)
    read = read_rgb(tmp_path / "red.png")
    assert read is not None
    assert read[0, 0].tolist() == [255, 0, 0]


def test_the_last_frame_along_the_motion_is_this_one_wherever_it_is_seen(tmp_path):
    """Ruder et al. section 5.2.3: within 1/255, over pans, zooms, and what crosses in front.

    The pictures are waves that bilinear sampling follows closely: an error of a sixth of a pixel
    would show.
    """
    y, x = np.mgrid[:220, :300].astype(np.float64)
    for n in range(4):
        angles = (x * np.cos(n) + y * np.sin(n)) / 9 + n
        waves = np.stack([np.sin(angles + turn) for turn in (0, 2, 4)], -1)
        cv2.imwrite(str(tmp_path / f"wave{n}.tif"), np.rint(127.5 + 100 * waves).astype(np.uint8))
    photographs = Photographs(tmp_path, 220)
    shooter, seen, crossed = Shooter(photographs, SIZE), 0.0, 0
    for seed in range(24):
        shot = replace(shooter.draw(seed), noise=0.0, drift=0.0, origin=(0.5, 0.5), scale=1.0)
        for age in (1, 5):
            step = shooter.step(shot, age)
            back = (shooter.fetch(step.last.clean, step.flow) - step.this.clean).abs() * step.seen
            flow, shown = shooter.forward_flow(shot, age)
            ahead = (shooter.fetch(step.this.clean, flow) - step.last.clean).abs() * shown
            assert max(back.max(), ahead.max()) < 1 / 255, seed
            seen += step.seen.mean().item() / 48
            crossed += bool(step.this.front.any())
    assert seen > 0.5
    assert crossed > 5

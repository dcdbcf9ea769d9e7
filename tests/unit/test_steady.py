"""Steadying: what is carried, what is given up, and what stays sharp."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
import torch

from stillbrush.core.motion.flow import Flow, unknown_flow
from stillbrush.core.stylizers.paint_state import PaintState
from stillbrush.core.temporal.keys import Key, Way, blend_keys, chosen, patches, turned
from stillbrush.core.temporal.steady import (
    Guide,
    Steadiness,
    ahead_light,
    onward,
    steady,
    thumbnail,
)

HEIGHT, WIDTH, STEP = 72, 128, 2


def noise(seed: int, sigma: float = 1.0, width: int = WIDTH) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal((HEIGHT, width, 3)).astype(np.float32)
    soft = cv2.GaussianBlur(drawn, (0, 0), sigma)
    return soft / soft.std()


WORLD = 0.5 + 0.1 * noise(1, 3.0, WIDTH + 200)
STROKES = 0.5 + 0.12 * noise(2, 1.2, WIDTH + 200)


def plate(number: int) -> np.ndarray:
    return np.ascontiguousarray(WORLD[:, STEP * number : STEP * number + WIDTH]).clip(0, 1)


def paint(number: int, boil: float = 0.08) -> np.ndarray:
    """Strokes that stick to the world, and as many again that are new on every frame."""
    stuck = STROKES[:, STEP * number : STEP * number + WIDTH]
    return np.ascontiguousarray(stuck + boil * noise(100 + number, 1.2)).clip(0, 1)


def pan(pixels: float = float(STEP)) -> Flow:
    backward = torch.zeros((1, HEIGHT, WIDTH, 2))
    backward[..., 0] = pixels
    return Flow(backward, -backward)


def run(frames: int, paints, plates=plate, flow=None, keep=0.0) -> list[np.ndarray]:
    state, made = PaintState(), []
    for number in range(frames):
        link = None if number == 0 else (flow or (lambda n: pan()))(number)
        x, state = steady(paints(number), Guide(plates(number), link), state, Steadiness(keep=keep))
        made.append(x.picture)
    return made


def change(made: list[np.ndarray]) -> float:
    """Mean square change of paint that pans two pixels a frame, away from the border."""
    pairs = itertools.pairwise(made)
    return float(np.mean([np.square(b[:, :-STEP] - a[:, STEP:]).mean() for a, b in pairs]))


def sharp(made: list[np.ndarray]) -> float:
    return float(np.mean([np.abs(np.diff(p, axis=1)).mean() for p in made[2:]]))


def test_boiling_paint_on_a_pan_is_steadied_and_stays_sharp() -> None:
    before = [paint(n) for n in range(8)]
    after = run(8, paint)
    assert change(after) < 0.25 * change(before)
    assert sharp(after) > 0.9 * sharp(before)


def test_what_boils_on_a_still_plate_comes_to_rest_to_the_bit() -> None:
    made = run(5, paint, lambda n: plate(0), lambda n: pan(0.0))
    for picture in made[1:]:
        assert np.array_equal(picture, made[0])


def test_the_dial_at_one_gives_the_clip_back_and_in_between_steadies_less() -> None:
    assert all(
        np.allclose(got, paint(n), atol=1e-6) for n, got in enumerate(run(4, paint, keep=1.0))
    )
    errors = [change(run(6, paint, keep=keep)) for keep in (0.0, 0.5, 1.0)]
    assert errors[0] < errors[1] < errors[2]


def test_the_dial_may_be_a_matte() -> None:
    keep = np.zeros((HEIGHT, WIDTH), np.float32)
    keep[:, : WIDTH // 2] = 1
    made = run(3, paint, lambda n: plate(0), lambda n: pan(0.0), keep)
    assert np.allclose(made[2][:, : WIDTH // 2], paint(2)[:, : WIDTH // 2], atol=1e-6)
    assert np.array_equal(made[2][:, WIDTH // 2 + 1 :], made[0][:, WIDTH // 2 + 1 :])


def test_a_cut_begins_afresh() -> None:
    link = {3: None}
    made = run(5, paint, flow=lambda n: link.get(n, pan()))
    assert np.array_equal(made[3], paint(3))


def test_nothing_is_carried_along_an_unknown_flow() -> None:
    made = run(3, paint, flow=lambda n: unknown_flow(HEIGHT, WIDTH))
    assert np.allclose(made[2], paint(2), atol=1e-6)


def test_where_the_plate_changes_no_ghost_of_the_old_paint_stays() -> None:
    """A bright disc appears on a still plate; it is painted green."""

    def lit(picture: np.ndarray, colour: tuple[float, float, float]) -> np.ndarray:
        made = picture.copy()
        made[20:50, 40:80] = colour
        return made

    def plates(number: int) -> np.ndarray:
        return plate(0) if number < 3 else lit(plate(0), (1, 1, 1))

    def paints(number: int) -> np.ndarray:
        return paint(number) if number < 3 else lit(paint(number), (0, 1, 0))

    made = run(4, paints, plates, lambda n: pan(0.0))
    assert np.abs(made[3][23:47, 43:77] - np.array([0, 1, 0])).max() < 0.02


def test_pumping_exposure_is_held() -> None:
    def pumped(number: int) -> np.ndarray:
        return paint(number, 0.02) + np.float32(0.08 * (-1) ** number)

    before = np.ptp([pumped(n)[:, 8:-8].mean() for n in range(2, 8)])
    after = np.ptp([p[:, 8:-8].mean() for p in run(8, pumped)[2:]])
    assert after < 0.4 * before


def test_light_ahead_is_the_mean_over_what_can_be_followed() -> None:
    flat = (np.full((HEIGHT, WIDTH, 3), value, np.float32) for value in (0.2, 0.4, 0.9))
    small = [thumbnail(picture) for picture in flat]
    light = ahead_light(small, [onward(pan(0.0))] * 2)
    assert np.allclose(light, 0.5, atol=1e-6)
    light = ahead_light(small, [onward(pan(0.0)), onward(unknown_flow(HEIGHT, WIDTH))])
    assert np.allclose(light, 0.3, atol=1e-6)


def carried(frames: int, flow: Flow) -> Way:
    way = Way.none(HEIGHT, WIDTH)
    for _ in range(frames):
        way = way.onwards(flow)
    return way


def test_a_key_carried_over_a_pan_lands_where_the_world_went() -> None:
    there = paint(0, 0.0)
    way = carried(5, pan())
    got, sure = blend_keys(
        (Key(there, plate(0)), way), None, 0.5, plate(5), None, patches(HEIGHT, WIDTH)
    )
    assert np.allclose(got[:, : WIDTH - 12], paint(5, 0.0)[:, : WIDTH - 12], atol=1e-5)
    assert sure[4:-4, 4 : WIDTH - 16].min() > 0.9
    assert sure[:, WIDTH - 8 :].max() == 0  # came into the frame since


def test_of_two_keys_each_pixel_takes_one_and_the_believed_one_wins() -> None:
    black, white = (np.full((HEIGHT, WIDTH, 3), v, np.float32) for v in (0.0, 1.0))
    before = (Key(black, plate(0)), carried(4, pan()))
    after = (Key(white, plate(8)), carried(4, turned(pan())))
    got, _ = blend_keys(before, after, 0.5, plate(4), None, patches(HEIGHT, WIDTH))
    middle = got[:, 16:-16]
    assert ((middle < 0.02) | (middle > 0.98)).mean() > 0.6
    assert 0.3 < middle.mean() < 0.7
    assert got[:, -6:].min() > 0.98  # the first key never saw it
    assert got[4:-4, 1:7].max() < 0.02  # nor the second this


def test_the_second_key_takes_over_patch_by_patch_and_never_gives_back() -> None:
    sure = np.ones((HEIGHT, WIDTH), np.float32)
    spread = patches(HEIGHT, WIDTH)
    where = Way.none(HEIGHT, WIDTH).where
    shares = [chosen(sure, sure, n / 10, spread, where) for n in range(11)]
    assert shares[0].max() == 0
    assert shares[10].min() == 1
    assert all((b >= a - 1e-6).all() for a, b in itertools.pairwise(shares))


@pytest.mark.parametrize("progress", [0.2, 0.8])
def test_where_no_key_is_believed_the_fill_stands(progress: float) -> None:
    black = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    lost = Way(Way.none(HEIGHT, WIDTH).where, np.zeros((HEIGHT, WIDTH), np.float32))
    key = (Key(black, plate(0)), lost)
    fill = np.full_like(black, 0.7)
    got, _ = blend_keys(key, key, progress, plate(0), fill, patches(HEIGHT, WIDTH))
    assert np.allclose(got, 0.7, atol=1e-5)

"""What stands still is at rest, and what moves is not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from stillbrush.core.motion.flow import dis_flow, settled_flow
from stillbrush.core.motion.stillness import at_rest, vote


def texture(seed: int, height: int = 160, width: int = 240, blur: float = 2.0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), blur)
    return np.clip(128 + 50 * smooth / smooth.std(), 0, 255).astype(np.uint8)


def grainy(picture: np.ndarray, seed: int, sigma: float = 2.0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(scale=sigma, size=picture.shape)
    return np.clip(picture + noise, 0, 255).round().astype(np.uint8)


def wall() -> np.ndarray:
    """A flat wall with a textured frame around it."""
    picture = texture(1)
    picture[20:140, 20:220] = 120
    return picture


def test_a_grainy_wall_stands_still():
    here, there = grainy(wall(), 5), grainy(wall(), 6)
    settled = settled_flow(here, there)
    assert (np.hypot(*settled.transpose(2, 0, 1)) == 0).mean() > 0.95


def test_a_pan_keeps_its_flat_wall_moving():
    here, there = wall(), np.roll(wall(), 3, axis=1)
    flow = dis_flow(here, there)
    near = np.zeros(here.shape, bool)
    near[10:150, 10:40] = True
    assert not at_rest(here, there, flow)[near].any()


def test_an_object_that_moves_over_a_still_ground_moves():
    ground, thing = texture(2), texture(3)
    here, there = ground.copy(), ground.copy()
    here[50:110, 60:140] = thing[50:110, 60:140]
    there[50:110, 64:144] = thing[50:110, 60:140]
    rest = at_rest(here, there, dis_flow(here, there))
    assert not rest[60:100, 75:125].any()
    assert rest[:, 200:].mean() > 0.9


def test_the_vote_of_textured_things_is_their_common_motion():
    grey = texture(4).astype(np.float32)
    flow = np.full((*grey.shape, 2), (0.6, 0.8), np.float32)
    found = vote(grey, flow)
    np.testing.assert_allclose(found.common, 1.0, atol=1e-3)
    np.testing.assert_allclose(found.spread, 0.0, atol=2e-2)


def test_motion_to_all_sides_is_no_common_motion():
    grey = texture(4).astype(np.float32)
    flow = np.random.default_rng(9).normal(size=(*grey.shape, 2)).astype(np.float32)
    found = vote(grey, flow)
    assert found.common.max() < 0.2
    assert found.spread.min() > 1.0


@pytest.mark.parametrize("speed", [0.1, 0.2, 0.3, 0.5])
def test_a_slow_pan_moves(speed):
    large = cv2.resize(texture(6, 200, 280), None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    shifted = np.float32([[1, 0, 4 * speed], [0, 1, 0]])
    frames = []
    for picture in (large, cv2.warpAffine(large, shifted, large.shape[::-1])):
        frames.append(cv2.resize(picture, (280, 200), interpolation=cv2.INTER_AREA)[20:180, 20:260])
    here, there = grainy(frames[0], 7, 0.5), grainy(frames[1], 8, 0.5)
    assert at_rest(here, there, dis_flow(here, there)).mean() < 0.05

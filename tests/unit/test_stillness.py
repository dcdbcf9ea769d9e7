"""What stands still is at rest, and what moves is not."""

from __future__ import annotations

import cv2
import numpy as np

from stillbrush.core.motion.flow import dis_flow, settled_flow
from stillbrush.core.motion.stillness import around, at_rest


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


def test_the_vote_of_textured_things_is_their_speed():
    grey = texture(4).astype(np.float32)
    flow = np.full((*grey.shape, 2), (0.6, 0.8), np.float32)
    np.testing.assert_allclose(around(grey, flow), 1.0, atol=1e-4)

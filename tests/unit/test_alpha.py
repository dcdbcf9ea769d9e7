"""Colour under coverage: no fringe, nothing lost, nothing touched where all is covered."""

from __future__ import annotations

import time

import numpy as np
import pytest

from stillbrush.core.media.alpha import extend_under_alpha, fill, premultiply, unpremultiply


def noisy_disc(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Noise around 0.6, cut out by a soft disc: unpremultiplied colour and alpha."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:180, :320].astype(np.float32)
    alpha = np.clip((70 - np.hypot(x - 150, y - 90)) / 12, 0, 1).astype(np.float32)
    return rng.uniform(0.5, 0.7, (180, 320, 3)).astype(np.float32), alpha


def test_a_soft_matte_over_noise_has_no_fringe() -> None:
    rgb, alpha = noisy_disc()
    plate = premultiply(rgb, alpha)
    seen = extend_under_alpha(unpremultiply(plate, alpha), alpha)
    assert seen.min() > 0.5 - 1e-3
    assert seen.max() < 0.7 + 1e-3
    bare = alpha == 0
    near = np.zeros_like(bare)
    near[1:-1, 1:-1] = ~bare[2:, 1:-1] | ~bare[:-2, 1:-1] | ~bare[1:-1, 2:] | ~bare[1:-1, :-2]
    ring = seen[bare & near]
    assert len(ring) > 100
    assert abs(ring.mean() - 0.6) < 0.01
    assert np.array_equal(premultiply(seen, alpha)[bare], np.zeros_like(plate[bare]))
    assert np.abs(premultiply(seen, alpha) - plate).max() < 1e-6


def test_the_fill_is_smooth_and_takes_the_nearest_colours() -> None:
    rgb = np.zeros((64, 128, 3), np.float32)
    rgb[:, :32], rgb[:, 96:] = (1, 0, 0), (0, 0, 1)
    alpha = np.zeros((64, 128), np.float32)
    alpha[:, :32] = alpha[:, 96:] = 1
    seen = extend_under_alpha(rgb, alpha)
    assert np.abs(np.diff(seen, axis=1)).max() < 0.2
    assert seen[32, 36, 0] > 0.8
    assert seen[32, 91, 2] > 0.8
    assert np.abs(seen.sum(axis=2) - 1).max() < 1e-5
    assert np.array_equal(seen[:, :32], rgb[:, :32])


def test_all_covered_is_untouched_to_the_bit() -> None:
    rgb = np.random.default_rng(2).normal(0, 50, (33, 47, 3)).astype(np.float32)
    for alpha in (np.ones((33, 47), np.float32), np.ones((33, 47, 1), np.float32)):
        assert extend_under_alpha(rgb, alpha) is rgb
        assert np.array_equal(unpremultiply(rgb, alpha), rgb)
        assert np.array_equal(premultiply(rgb, alpha), rgb)


@pytest.mark.parametrize("size", [(1, 1), (1, 37), (37, 1), (2, 3), (101, 67)])
def test_any_size_and_nothing_at_all(size: tuple[int, int]) -> None:
    rgb = np.full((*size, 3), 0.25, np.float32)
    assert np.array_equal(extend_under_alpha(rgb, np.zeros(size, np.float32)), np.zeros_like(rgb))
    weight = np.zeros(size, np.float32)
    weight[-1, -1] = 1
    assert np.abs(fill(rgb, weight) - 0.25).max() < 1e-6


def test_tiny_coverage_and_light_without_coverage() -> None:
    rgb = np.array([[[0.5, 2.0, -0.1], [1e-5, 1e-5, 1e-5], [3.0, 2.0, 1.0]]], np.float32)
    alpha = np.array([[0.5, 5e-5, 0.0]], np.float32)
    flat = unpremultiply(rgb, alpha)
    assert np.array_equal(flat[0, 0], np.array([1.0, 4.0, -0.2], np.float32))
    assert np.array_equal(flat[0, 1:], rgb[0, 1:])
    assert np.array_equal(premultiply(flat, alpha, rgb), rgb)
    assert np.array_equal(premultiply(flat, alpha)[0, 2], np.zeros(3, np.float32))


def test_a_broken_alpha_breaks_no_colour() -> None:
    rgb = np.ones((4, 4, 3), np.float32)
    alpha = np.full((4, 4), np.nan, np.float32)
    assert np.array_equal(unpremultiply(rgb, alpha), rgb)
    assert np.array_equal(premultiply(rgb, alpha, rgb), rgb)


def test_extension_is_quick_enough_for_hd() -> None:
    rgb = np.random.default_rng(3).random((1080, 1920, 3), np.float32)
    y, x = np.mgrid[:1080, :1920].astype(np.float32)
    alpha = np.clip(1.5 - np.hypot(x - 960, y - 540) / 300, 0, 1).astype(np.float32)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        extend_under_alpha(rgb, alpha)
        times.append(time.perf_counter() - start)
    assert (
        min(times) < 0.5
    )  # 0.03 s on a quiet core; the bound only catches another order of growth

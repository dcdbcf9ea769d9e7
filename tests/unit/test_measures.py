"""The papers' measures, each against an oracle that is not ours or a value worked out by hand."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import torch

from stillbrush.core.metrics import gupta
from stillbrush.core.metrics.seams import seam_error
from stillbrush.core.metrics.structure import psnr, ssim
from stillbrush.core.metrics.swarnakar import plate_and_paint
from stillbrush.core.training.losses import Manner, manner


def picture(seed: int, height: int = 64, width: int = 80) -> torch.Tensor:
    noise = np.random.default_rng(seed).random((height, width, 3)).astype(np.float32)
    return torch.from_numpy(cv2.GaussianBlur(noise, (0, 0), 2.0))[None]


def test_structural_similarity_is_that_of_scikit_image() -> None:
    metrics = pytest.importorskip("skimage.metrics")
    a, b = picture(1), picture(2)
    theirs = metrics.structural_similarity(
        a[0].double().numpy(), b[0].double().numpy(), channel_axis=-1, data_range=1.0,
        gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    )  # fmt: skip
    assert ssim(a, b) == pytest.approx(theirs, abs=1e-6)
    assert ssim(a, a) == pytest.approx(1.0)


def test_noise_ratio_is_that_of_scikit_image_and_infinite_for_the_same() -> None:
    metrics = pytest.importorskip("skimage.metrics")
    a, b = picture(1), picture(2)
    theirs = metrics.peak_signal_noise_ratio(a.numpy(), b.numpy(), data_range=1.0)
    assert psnr(a, b) == pytest.approx(theirs, abs=1e-4)
    assert math.isinf(psnr(a, a))


def test_paint_that_changes_as_its_plate_has_no_error_in_any_reading() -> None:
    a, b = picture(1), picture(2)
    assert plate_and_paint((a, b), (a, b)) == (0.0, 0.0, 0.0)


def test_the_three_readings_by_hand() -> None:
    plate = torch.tensor([[[[0.3] * 3, [0.2] * 3]]]), torch.tensor([[[[0.2] * 3, [0.3] * 3]]])
    paint = torch.zeros((1, 1, 2, 3)), torch.zeros((1, 1, 2, 3))
    literal, absolute, squared = plate_and_paint(plate, paint)  # changes of 0.1 and -0.1
    assert literal == pytest.approx((0.01 / 0.11 + 0.01 / -0.09) / 2, rel=1e-4)
    assert absolute == pytest.approx(0.01 / 0.11, rel=1e-4)
    assert squared == pytest.approx(0.01 / 0.02, rel=1e-4)


def test_a_static_pair_that_flickers_by_a_tenth_is_as_unstable_as_its_square() -> None:
    a = picture(1)
    assert gupta.instability(a, a + 0.1) == pytest.approx(0.01, rel=1e-4)


def test_a_trace_is_the_mean_square_of_the_features() -> None:
    features = torch.from_numpy(np.random.default_rng(3).normal(1, 2, (1, 7, 20, 30)))
    measured = gupta.trace(manner(features.float()))
    assert measured == pytest.approx(float(features.square().sum(1).mean()), rel=1e-4)


def test_rank_correlation_is_that_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(4)
    a, b = rng.integers(0, 5, 20).tolist(), rng.integers(0, 5, 20).tolist()  # with ties
    assert gupta.rank_correlation(a, b) == pytest.approx(stats.spearmanr(a, b).statistic)
    assert math.isnan(gupta.rank_correlation([1, 2], [1, 2]))
    assert math.isnan(gupta.rank_correlation([1, 1, 1], [1, 2, 3]))


def test_a_network_that_changes_nothing_has_the_curves_of_the_content() -> None:
    for curve in gupta.distortion_curves(picture(5), lambda x: x).values():
        assert curve.painted == pytest.approx(curve.content)
        assert curve.area == pytest.approx(1.0)


def test_a_network_that_paints_noise_is_far_below_the_content() -> None:
    seeds = iter(range(100))
    curves = gupta.distortion_curves(picture(5), lambda x: picture(next(seeds), *x.shape[1:3]))
    assert curves["blur"].area < 0.5


def test_patches_are_found_where_they_went() -> None:
    large = picture(6, 200, 240)
    plates = large[:, 10:190, 10:230], large[:, 14:194, 3:223]  # the scene moves by (7, -4)
    patches = gupta.match_patches(plates, plates, None, np.random.default_rng(0))
    assert patches is not None
    assert math.isinf(patches.psnr)
    assert patches.ssim == pytest.approx(1.0)


def test_patches_keep_off_what_moves_by_itself() -> None:
    plate = picture(7, 120, 120)
    everything = torch.ones((1, 120, 120, 1))
    rng = np.random.default_rng(0)
    assert gupta.match_patches((plate, plate), (plate, plate), everything, rng) is None


def test_a_seam_that_is_like_everything_else_scores_one_and_a_step_more() -> None:
    noise = torch.from_numpy(np.random.default_rng(8).random((1, 200, 200, 3)).astype(np.float32))
    down, across = torch.zeros((200, 200)), torch.zeros((200, 200))
    down[:, 99:101] = 1
    assert seam_error(noise, down, across) == pytest.approx(1.0, abs=0.05)
    stepped = noise.clone()
    stepped[:, :, 100:] += 1.0
    assert seam_error(stepped, down, across) > 1.5
    assert math.isnan(seam_error(noise, across, across))


def test_both_kinds_of_seams_count_by_their_length() -> None:
    ramp = torch.arange(50.0).view(1, 1, 50, 1).expand(1, 40, 50, 3) / 50  # rises to the right
    down, across = torch.zeros((40, 50)), torch.zeros((40, 50))
    down[:, 20], across[10, 1:-1] = 1, 1  # 40 pixels whose slope is the mean; 48 of none
    found = seam_error(ramp, down, across)
    inner, mean = 1 / 50, (48 / 50 + 2 * 0.5 / 50) / 50
    assert found == pytest.approx(40 * (inner / mean) / 88, rel=1e-4)


def test_a_manner_of_other_shape_has_its_own_trace() -> None:
    assert gupta.trace(Manner(torch.tensor([3.0, 4.0]), torch.eye(2))) == 27.0

"""Warping: exact where it can be, bounded everywhere."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from stillbrush.core.errors import BadInput
from stillbrush.core.motion import warp as warping
from stillbrush.core.motion.flow import UNKNOWN
from stillbrush.core.motion.sharp_warp import (
    STEADYING,
    bilinear,
    by_opencv,
    by_taps,
    lanczos,
    mixed,
    warp_sharply,
)
from stillbrush.core.motion.warp import inside, warp

WAYS = [warp, warp_sharply]
Way = Callable[[Tensor, Tensor], Tensor]


def picture(height: int, width: int, batch: int = 1, channels: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(height * 1000 + width)
    return torch.rand(batch, height, width, channels, generator=generator) * 4.0 - 1.0


def wander(height: int, width: int, reach: float, batch: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(7)
    return (torch.rand(batch, height, width, 2, generator=generator) - 0.5) * 2.0 * reach


def shift(height: int, width: int, x: float, y: float) -> Tensor:
    return torch.tensor([x, y]).expand(1, height, width, 2).clone()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (70, 3), (41, 57), (12, 4096)])
def test_zero_flow_gives_back_every_bit(way: Way, size: tuple[int, int]) -> None:
    image = picture(*size, batch=2)
    assert torch.equal(way(image, torch.zeros(2, *size, 2)), image)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("step", [(3, 0), (0, -5), (-2, 4)])
def test_a_translation_by_whole_pixels_is_exact(way: Way, step: tuple[int, int]) -> None:
    image = picture(40, 3000)
    moved = way(image, shift(40, 3000, *step))
    rolled = torch.roll(image, (-step[1], -step[0]), (1, 2))
    safe = inside(shift(40, 3000, *step))[0, ..., 0] > 0
    assert torch.equal(moved[:, safe], rolled[:, safe])


def test_bilinear_agrees_with_grid_sample_in_double_precision() -> None:
    image, flow = picture(37, 53, batch=2), wander(37, 53, 20.0, batch=2)
    x, y = torch.arange(53) + 0.5, (torch.arange(37) + 0.5)[:, None]
    at = torch.stack(
        ((x + flow[..., 0].double()) * 2 / 53 - 1, (y + flow[..., 1].double()) * 2 / 37 - 1), -1
    )
    planes = image.permute(0, 3, 1, 2).double()
    oracle = F.grid_sample(planes, at, padding_mode="border", align_corners=False)
    torch.testing.assert_close(
        warp(image, flow).double(), oracle.permute(0, 2, 3, 1), atol=2e-6, rtol=0
    )


def test_the_sharp_warp_agrees_with_its_definition() -> None:
    def lanczos(t: float) -> float:
        return float(np.sinc(t) * np.sinc(t / 4)) if abs(t) < 4 else 0.0

    def tent(t: float) -> float:
        return max(0.0, 1 - abs(t))

    def read(weight: Callable[[float], float], values: Tensor, at_x: float, at_y: float) -> float:
        across = [weight(at_x - i) for i in range(-12, 24)]
        down = [weight(at_y - j) for j in range(-12, 24)]
        total = 0.0
        for j, wy in enumerate(down, -12):
            for i, wx in enumerate(across, -12):
                total += wx * wy * float(values[min(max(j, 0), 8), min(max(i, 0), 10)])
        return total / (sum(across) * sum(down))

    image, flow = picture(9, 11, channels=1), (wander(9, 11, 4.0) * 32).round() / 32
    got = mixed(image, flow)
    for y in range(9):
        for x in range(11):
            at = x + float(flow[0, y, x, 0]), y + float(flow[0, y, x, 1])
            sharp, smooth = (read(kind, image[0, ..., 0], *at) for kind in (lanczos, tent))
            want = (1 - STEADYING) * sharp + STEADYING * smooth
            assert float(got[0, y, x, 0]) == pytest.approx(want, abs=1e-5)


def test_the_sharp_warp_is_the_same_on_any_device() -> None:
    image, flow = picture(33, 41, batch=2), (wander(33, 41, 30.0, batch=2) * 32).round() / 32
    torch.testing.assert_close(
        by_taps(image, flow, lanczos()),
        by_opencv(image, flow, cv2.INTER_LANCZOS4),
        atol=5e-6,
        rtol=0,
    )


def test_taps_of_two_are_bilinear() -> None:
    image, flow = picture(33, 41), (wander(33, 41, 9.0) * 32).round() / 32
    torch.testing.assert_close(by_taps(image, flow, bilinear()), warp(image, flow))


def test_no_frequency_grows_in_any_direction() -> None:
    def gains(kernel: Tensor, first: int) -> np.ndarray:
        turn = np.linspace(0, np.pi, 65)[:, None] * np.arange(first, first + kernel.shape[1])
        return kernel.numpy() @ np.exp(1j * turn).T  # (steps, frequencies)

    sharp, smooth = gains(lanczos().double(), -3), gains(bilinear().double(), 0)
    worst = 0.0
    for across in range(0, 17, 4):
        for down in range(0, 17, 4):
            both = (np.outer(kind[across], kind[down]) for kind in (sharp, smooth))
            worst = max(worst, np.abs(np.average(list(both), 0, [1 - STEADYING, STEADYING])).max())
    assert 0.999 < worst < 1 + 1e-6


@pytest.mark.parametrize("by", [0.0155, 0.2, 0.47])
def test_what_lies_between_the_steps_makes_nothing_grow(by: float) -> None:
    x = torch.arange(48.0) * (torch.pi / 2)
    wave = (0.5 + 0.4 * torch.cos(x[:, None] + x))[None, :, :, None]
    warped = wave
    for _ in range(60):
        warped = warp_sharply(warped, shift(48, 48, by, by))
    middle = slice(20, 28)
    assert warped[:, middle, middle].std() <= wave[:, middle, middle].std() * 1.0001


def test_a_ramp_moves_as_asked_along_a_smooth_flow() -> None:
    x = torch.arange(60.0)[None, :, None].expand(12, 60, 1)[None]
    flow = torch.zeros(1, 12, 60, 2)
    flow[..., 0] = torch.linspace(-1.5, 1.5, 60)
    got = warp_sharply(x, flow)[0, 6, 8:-8, 0]
    torch.testing.assert_close(got, (x[0, 6, :, 0] + flow[0, 6, :, 0])[8:-8], atol=2e-3, rtol=0)


@pytest.mark.parametrize("by", [0.046, 0.015, 0.21, -0.37])
def test_paint_that_is_carried_for_long_does_not_slide(by: float) -> None:
    x = torch.arange(120.0)[None, :, None].expand(9, 120, 1)
    warped = torch.exp(-(((x - (20 if by < 0 else 80)) / 6) ** 2))[None]
    for _ in range(200):
        warped = warp_sharply(warped, shift(9, 120, by, 0.0))
    middle = warped[0, 4, :, 0]
    place = float((middle * torch.arange(120.0)).sum() / middle.sum())
    assert place == pytest.approx((20 if by < 0 else 80) - 200 * by, abs=0.1)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_other_types_are_warped_in_single_precision(kind: torch.dtype) -> None:
    image, flow = picture(9, 11), wander(9, 11, 2.0)
    got = warp_sharply(image.to(kind), flow.to(kind))
    assert got.dtype is torch.float32
    torch.testing.assert_close(got, warp_sharply(image.to(kind).float(), flow.to(kind).float()))


@pytest.mark.parametrize("way", WAYS)
def test_constants_and_ramps_survive(way: Way) -> None:
    flow = wander(30, 30, 3.0)
    x = torch.arange(30.0).expand(30, 30)
    ramp = torch.stack((x, x.T, torch.full_like(x, 5.0)), -1)[None]
    got = way(ramp, flow)
    worst = 2e-5 if way is warp else 0.08  # where the flow jumps, slopes are not the picture's
    want = torch.stack((x + flow[0, ..., 0], x.T + flow[0, ..., 1], torch.full_like(x, 5.0)), -1)
    torch.testing.assert_close(got[0, 6:-6, 6:-6], want[6:-6, 6:-6], atol=worst, rtol=0)


@pytest.mark.parametrize("way", WAYS)
def test_a_mirrored_world_gives_the_mirrored_picture(way: Way) -> None:
    image, flow = picture(20, 31), wander(20, 31, 6.0)
    mirrored = way(image.flip(2), flow.flip(2) * torch.tensor([-1.0, 1.0]))
    torch.testing.assert_close(mirrored.flip(2), way(image, flow), atol=5e-6, rtol=0)


@pytest.mark.parametrize("way", WAYS)
def test_bands_and_threads_do_not_change_a_bit(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    image, flow = picture(75, 64), wander(75, 64, 9.0)
    whole = way(image, flow)
    threads = torch.get_num_threads()
    try:
        for band, count in ((1, 1), (7, 3), (1000, 2)):
            monkeypatch.setattr(warping, "BAND", band)
            torch.set_num_threads(count)
            assert torch.equal(way(image, flow), whole)
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("way", WAYS)
def test_unknown_vectors_give_finite_values_and_are_never_inside(way: Way) -> None:
    flow = torch.zeros(1, 4, 5, 2)
    bad = [UNKNOWN, -UNKNOWN, float("nan"), float("inf"), -float("inf")]
    flow[0, 0, :, 0] = torch.tensor(bad)
    assert way(picture(4, 5), flow).isfinite().all()
    assert inside(flow)[0, 0, :, 0].sum() == 0
    assert inside(flow)[0, 1:].all()


@pytest.mark.parametrize("by", [0.37, 0.5])
def test_a_hundred_sharp_warps_neither_grow_nor_wash_out(by: float) -> None:
    # Lanczos alone, and torch's bicubic, multiply the gradients here.
    image = F.avg_pool2d(picture(70, 70, channels=1).permute(0, 3, 1, 2), 3, 1, 1)
    image = image.permute(0, 2, 3, 1)

    def contrast(values: Tensor) -> float:
        return float(torch.diff(values[:, 15:-15, 15:-15], dim=2).square().sum())

    warped = image
    for step in range(100):
        sign = by if step % 2 else -by
        warped = warp_sharply(warped, shift(70, 70, sign, -sign))
    assert 0.05 * contrast(image) < contrast(warped) < contrast(image)


def test_inside_is_exactly_the_frame() -> None:
    mask = inside(shift(6, 8, -2.0, 1.0))[0, ..., 0]
    assert mask.shape == (6, 8)
    assert mask[:5, 2:].all()
    assert mask.sum() == 5 * 6
    assert inside(shift(6, 8, -1e-9, 0.0))[0, :, 0].sum() == 0  # a sum would round this away
    assert inside(shift(6, 8, -0.5, 0.5), slack=0.5).all()
    assert not inside(shift(6, 8, -0.51, 0.0), slack=0.5)[0, :, 0].any()


def test_gradients_reach_the_picture() -> None:
    image = picture(8, 9).requires_grad_()
    warp(image, wander(8, 9, 2.0)).sum().backward()
    assert image.grad is not None
    assert float(image.grad.sum()) == pytest.approx(8 * 9 * 3, rel=1e-5)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("image", "flow"),
    [
        ((3, 4, 5), (1, 4, 5, 2)),
        ((1, 4, 5, 3), (1, 4, 5, 3)),
        ((1, 4, 5, 3), (2, 4, 5, 2)),
        ((1, 0, 5, 3), (1, 4, 5, 2)),
    ],
)
def test_what_does_not_fit_is_refused(
    way: Way, image: tuple[int, ...], flow: tuple[int, ...]
) -> None:
    with pytest.raises(BadInput, match="warp"):
        way(torch.zeros(image), torch.zeros(flow))

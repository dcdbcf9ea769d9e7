"""Warping: exact where it can be, bounded everywhere."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from stillbrush.core.errors import BadInput
from stillbrush.core.motion import warp as warping
from stillbrush.core.motion.flow import UNKNOWN
from stillbrush.core.motion.warp import inside, warp

KERNELS = ["bilinear", "catmull-rom"]


def picture(height: int, width: int, batch: int = 1, channels: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(height * 1000 + width)
    return torch.rand(batch, height, width, channels, generator=generator) * 4.0 - 1.0


def wander(height: int, width: int, reach: float, batch: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(7)
    return (torch.rand(batch, height, width, 2, generator=generator) - 0.5) * 2.0 * reach


def shift(height: int, width: int, x: float, y: float) -> Tensor:
    return torch.tensor([x, y]).expand(1, height, width, 2).clone()


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (70, 3), (41, 57), (12, 4096)])
def test_zero_flow_gives_back_every_bit(kernel: str, size: tuple[int, int]) -> None:
    image = picture(*size, batch=2)
    assert torch.equal(warp(image, torch.zeros(2, *size, 2), kernel), image)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("step", [(3, 0), (0, -5), (-2, 4)])
def test_a_translation_by_whole_pixels_is_exact(kernel: str, step: tuple[int, int]) -> None:
    image = picture(40, 3000)
    moved = warp(image, shift(40, 3000, *step), kernel)
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


def test_catmull_rom_agrees_with_its_definition() -> None:
    def weight(t: float) -> float:
        t = abs(t)
        if t < 1:
            return 1.5 * t**3 - 2.5 * t**2 + 1
        return -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t < 2 else 0.0

    image, flow = picture(9, 11, channels=1), wander(9, 11, 4.0)
    got = warp(image, flow, "catmull-rom")
    for y in range(9):
        for x in range(11):
            at_x, at_y = x + float(flow[0, y, x, 0]), y + float(flow[0, y, x, 1])
            want = 0.0
            for j in range(-8, 18):
                for i in range(-8, 20):
                    tap = float(image[0, min(max(j, 0), 8), min(max(i, 0), 10), 0])
                    want += tap * weight(at_x - i) * weight(at_y - j)
            assert float(got[0, y, x, 0]) == pytest.approx(want, abs=1e-5)


@pytest.mark.parametrize("kernel", KERNELS)
def test_constants_and_ramps_survive(kernel: str) -> None:
    flow = wander(30, 30, 3.0)
    x = torch.arange(30.0).expand(30, 30)
    ramp = torch.stack((x, x.T, torch.full_like(x, 5.0)), -1)[None]
    got = warp(ramp, flow, kernel)
    want = torch.stack((x + flow[0, ..., 0], x.T + flow[0, ..., 1], torch.full_like(x, 5.0)), -1)
    torch.testing.assert_close(got[0, 6:-6, 6:-6], want[6:-6, 6:-6], atol=2e-5, rtol=0)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_mirrored_world_gives_the_mirrored_picture(kernel: str) -> None:
    image, flow = picture(20, 31), wander(20, 31, 6.0)
    mirrored = warp(image.flip(2), flow.flip(2) * torch.tensor([-1.0, 1.0]), kernel)
    torch.testing.assert_close(mirrored.flip(2), warp(image, flow, kernel), atol=5e-6, rtol=0)


@pytest.mark.parametrize("kernel", KERNELS)
def test_bands_and_threads_do_not_change_a_bit(
    kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, flow = picture(75, 64), wander(75, 64, 9.0)
    whole = warp(image, flow, kernel)
    threads = torch.get_num_threads()
    try:
        for band, count in ((1, 1), (7, 3), (1000, 2)):
            monkeypatch.setattr(warping, "BAND", band)
            torch.set_num_threads(count)
            assert torch.equal(warp(image, flow, kernel), whole)
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("kernel", KERNELS)
def test_unknown_vectors_give_finite_values_and_are_never_inside(kernel: str) -> None:
    flow = torch.zeros(1, 4, 5, 2)
    bad = [UNKNOWN, -UNKNOWN, float("nan"), float("inf"), -float("inf")]
    flow[0, 0, :, 0] = torch.tensor(bad)
    assert warp(picture(4, 5), flow, kernel).isfinite().all()
    assert inside(flow)[0, 0, :, 0].sum() == 0
    assert inside(flow)[0, 1:].all()


def test_a_hundred_catmull_rom_warps_neither_grow_nor_wash_out() -> None:
    # Torch's bicubic (a = -0.75) multiplies the gradients by 12 here.
    image = F.avg_pool2d(picture(70, 70, channels=1).permute(0, 3, 1, 2), 3, 1, 1)
    image = image.permute(0, 2, 3, 1)

    def contrast(values: Tensor) -> float:
        return float(torch.diff(values[:, 15:-15, 15:-15], dim=2).square().sum())

    warped = image
    for step in range(100):
        sign = 0.37 if step % 2 else -0.37
        warped = warp(warped, shift(70, 70, sign, -sign), "catmull-rom")
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


@pytest.mark.parametrize(
    ("image", "flow", "kernel"),
    [
        ((3, 4, 5), (1, 4, 5, 2), "bilinear"),
        ((1, 4, 5, 3), (1, 4, 5, 3), "bilinear"),
        ((1, 4, 5, 3), (2, 4, 5, 2), "bilinear"),
        ((1, 0, 5, 3), (1, 4, 5, 2), "bilinear"),
        ((1, 4, 5, 3), (1, 4, 5, 2), "lanczos"),
    ],
)
def test_what_does_not_fit_is_refused(
    image: tuple[int, ...], flow: tuple[int, ...], kernel: str
) -> None:
    with pytest.raises(BadInput, match="warp"):
        warp(torch.zeros(image), torch.zeros(flow), kernel)

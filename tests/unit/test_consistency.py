"""Masks: exact where occlusion is known, and equal to the equations written out slowly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from stillbrush.core.errors import BadInput
from stillbrush.core.motion.consistency import (
    MaskRecipe,
    agrees,
    is_smooth,
    soften,
    trust,
    trust_mask,
)
from stillbrush.core.motion.flow import UNKNOWN, Flow, unknown_flow
from stillbrush.core.motion.warp import warp


def constant(height: int, width: int, x: float, y: float) -> Tensor:
    return torch.tensor([x, y]).expand(1, height, width, 2).clone()


def moving_square(step: tuple[int, int]) -> tuple[Flow, Tensor]:
    """A square of 10 on a still ground of 40x50, and the strip that it uncovers."""
    dx, dy = step
    backward, forward = torch.zeros(1, 40, 50, 2), torch.zeros(1, 40, 50, 2)
    before, after = torch.zeros(40, 50, dtype=torch.bool), torch.zeros(40, 50, dtype=torch.bool)
    before[12:22, 15:25] = True
    after[12 + dy : 22 + dy, 15 + dx : 25 + dx] = True
    forward[0, before] = torch.tensor([float(dx), float(dy)])
    backward[0, after] = -torch.tensor([float(dx), float(dy)])
    return Flow(backward, forward), before & ~after


def random_flow(seed: int, height: int = 23, width: int = 31, reach: float = 0.8) -> Flow:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(2, 2, 5, 6, generator=generator) * reach
    fine = F.interpolate(coarse, (height, width), mode="bicubic").permute(0, 2, 3, 1)
    fine = fine + torch.tensor([3.0, -2.0])
    noise = 0.3 * torch.randn(1, height, width, 2, generator=generator)
    return Flow(fine[:1], -fine[:1] + noise + 0.2 * (fine[1:] - fine[:1]))


def slow_equations(flow: Flow) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Equations 6 and 7 pixel by pixel in double precision, and how near each was to its limit."""
    back, ahead = (side[0].numpy().astype(np.float64) for side in flow)
    height, width, _ = back.shape
    meets, smooth, margin = (np.zeros((height, width)) for _ in range(3))
    for y in range(height):
        for x in range(width):
            w = back[y, x]
            px, py = x + w[0], y + w[1]
            cx, cy = min(max(px, 0), width - 1), min(max(py, 0), height - 1)
            x0, y0 = int(cx), int(cy)
            x1, y1, fx, fy = min(x0 + 1, width - 1), min(y0 + 1, height - 1), cx - x0, cy - y0
            there = (ahead[y0, x0] * (1 - fx) + ahead[y0, x1] * fx) * (1 - fy)
            there = there + (ahead[y1, x0] * (1 - fx) + ahead[y1, x1] * fx) * fy
            gap = ((there + w) ** 2).sum()
            limit = 0.01 * ((there**2).sum() + (w**2).sum()) + 0.5
            framed = -0.5 <= px <= width - 0.5 and -0.5 <= py <= height - 0.5
            meets[y, x] = framed and gap <= limit
            gx = 0.5 * (back[y, min(x + 1, width - 1)] - back[y, max(x - 1, 0)])
            gy = 0.5 * (back[min(y + 1, height - 1), x] - back[max(y - 1, 0), x])
            bend, most = (gx**2).sum() + (gy**2).sum(), 0.01 * (w**2).sum() + 0.002
            smooth[y, x] = bend <= most
            edge = min(abs(px + 0.5), abs(px - width + 0.5), abs(py + 0.5), abs(py - height + 0.5))
            margin[y, x] = min(abs(gap - limit), abs(bend - most), edge)
    return meets, smooth, margin


@pytest.mark.parametrize("seed", range(4))
def test_equations_6_and_7_agree_with_the_slow_version(seed: int) -> None:
    flow = random_flow(seed)
    meets, smooth, margin = slow_equations(flow)
    sure = torch.from_numpy(margin > 1e-5)
    want = torch.from_numpy(meets * smooth).float()
    got = trust(flow, dilate=0)[0, ..., 0]
    assert 0.05 < want.mean() < 0.95  # both answers occur
    assert sure.float().mean() > 0.98
    assert torch.equal(got[sure], want[sure])
    assert torch.equal(agrees(flow)[0, ..., 0][sure], torch.from_numpy(meets)[sure] > 0)
    assert torch.equal(
        is_smooth(flow.backward)[0, ..., 0][sure], torch.from_numpy(smooth)[sure] > 0
    )


@pytest.mark.parametrize("step", [(4, 0), (-3, 0), (0, 6), (5, -4), (13, 2)])
def test_a_moving_square_uncovers_exactly_its_strip(step: tuple[int, int]) -> None:
    flow, strip = moving_square(step)
    mask = trust_mask(flow, MaskRecipe.DISOCCLUSION, dilate=0)[0, ..., 0]
    assert torch.equal(mask == 0, strip)


def test_forward_is_sampled_where_backward_leads() -> None:
    backward = constant(20, 30, -3.0, 2.0)
    there = warp(constant(20, 30, 3.0, -2.0), backward)
    torch.testing.assert_close(there, -backward)


@pytest.mark.parametrize("step", [(4.0, 0.0), (0.0, -3.0), (2.25, 1.5)])
def test_a_translation_is_trusted_except_where_it_leaves_the_frame(
    step: tuple[float, float],
) -> None:
    flow = Flow(constant(20, 30, *step), constant(20, 30, -step[0], -step[1]))
    mask = trust(flow, dilate=0)[0, ..., 0]
    x, y = torch.arange(30) + 0.5 + step[0], (torch.arange(20) + 0.5 + step[1])[:, None]
    want = (x >= 0) & (x <= 30) & (y >= 0) & (y <= 20)
    assert torch.equal(mask > 0, want)


def test_flow_noise_does_not_make_the_edge_of_a_still_shot_flicker() -> None:
    noise = 0.008 * torch.randn(2, 20, 30, 2, generator=torch.Generator().manual_seed(1))
    assert trust(Flow(noise[:1], noise[1:])).all()


def test_a_step_in_the_flow_marks_the_two_pixels_beside_it() -> None:
    flow = torch.zeros(1, 9, 20, 2)
    flow[:, :, 10:, 0] = 0.4
    marked = ~is_smooth(flow)[0, ..., 0]
    assert marked[:, 9:11].all()
    assert marked.sum() == 9 * 2


@pytest.mark.parametrize("value", [UNKNOWN, float("nan"), float("inf")])
@pytest.mark.parametrize("side", [0, 1])
def test_unknown_flow_is_never_trusted(value: float, side: int) -> None:
    sides = [torch.zeros(1, 9, 9, 2), torch.zeros(1, 9, 9, 2)]
    sides[side][0, 4, 4] = value
    for recipe in MaskRecipe:
        mask = trust_mask(Flow(*sides), recipe)
        assert mask.isfinite().all()
        # A missing forward vector leaves the backward one usable: the soft recipe halves it.
        is_soft = side == 1 and recipe is MaskRecipe.ARTISTIC_VIDEOS
        assert mask[0, 4, 4] <= (0.51 if is_soft else 0.0)
        assert mask[0, 0, 0] > 1 - 1e-6
        assert not trust_mask(unknown_flow(5, 7), recipe).any()


@pytest.mark.parametrize("pixels", [0, 1, 2, 5])
def test_dilate_is_a_minimum_over_a_square(pixels: int) -> None:
    flow = random_flow(2)
    sharp, wide = trust(flow, dilate=0)[0, ..., 0], trust(flow, dilate=pixels)[0, ..., 0]
    for y in range(sharp.shape[0]):
        for x in range(sharp.shape[1]):
            around = sharp[max(y - pixels, 0) : y + pixels + 1, max(x - pixels, 0) : x + pixels + 1]
            assert wide[y, x] == around.min()


def test_recipes_are_what_they_are_named_after() -> None:
    flow, _ = moving_square((4, 3))
    assert torch.equal(trust_mask(flow), trust(flow))
    assert torch.equal(trust_mask(flow, "ruder", 3), trust(flow, dilate=3))
    fast = trust_mask(flow, MaskRecipe.FAST_ARTISTIC_VIDEOS)
    assert torch.equal(fast, trust_mask(flow, MaskRecipe.DISOCCLUSION, dilate=3))
    assert (trust_mask(flow, MaskRecipe.DISOCCLUSION) >= trust_mask(flow)).all()
    soft = trust_mask(flow, MaskRecipe.ARTISTIC_VIDEOS)
    labels = agrees(flow).float() * is_smooth(flow.backward) - (~agrees(flow)).float()
    torch.testing.assert_close(soft, soften(labels))
    assert ((soft > 0) & (soft < 1)).any()


def test_soften_is_a_gaussian_of_sigma_0_8_clipped() -> None:
    x = torch.arange(-2, 3, dtype=torch.float64)
    line = torch.exp(-0.5 * (x / 0.8) ** 2)
    line = line / line.sum()
    labels = torch.randint(-1, 2, (1, 15, 17, 1), generator=torch.Generator().manual_seed(3))
    wide = F.pad(labels.permute(0, 3, 1, 2).double(), (2, 2, 2, 2), mode="replicate")
    want = F.conv2d(wide, torch.outer(line, line)[None, None]).clamp(0, 1).permute(0, 2, 3, 1)
    torch.testing.assert_close(soften(labels.float()).double(), want, atol=1e-6, rtol=0)


@pytest.mark.parametrize("recipe", list(MaskRecipe))
def test_a_mirrored_world_has_the_mirrored_mask(recipe: MaskRecipe) -> None:
    flow = random_flow(5)
    turn = torch.tensor([-1.0, 1.0])
    mirrored = Flow(flow.backward.flip(2) * turn, flow.forward.flip(2) * turn)
    got, want = trust_mask(mirrored, recipe).flip(2), trust_mask(flow, recipe)
    torch.testing.assert_close(got, want, atol=1e-6, rtol=0)


def test_each_threshold_moves_the_mask_its_own_way() -> None:
    flow = random_flow(1)
    sharp = trust(flow, dilate=0).sum()
    for name in ("check", "check_floor", "boundary", "boundary_floor"):
        assert trust(flow, dilate=0, **{name: 0.0}).sum() < sharp, name
        assert trust(flow, dilate=0, **{name: 5.0}).sum() > sharp, name


def test_what_does_not_fit_is_refused() -> None:
    flow = random_flow(0)
    with pytest.raises(BadInput, match="one size"):
        trust(Flow(flow.backward, flow.forward[:, 1:]))
    with pytest.raises(BadInput, match="dilate"):
        trust_mask(flow, dilate=-1)

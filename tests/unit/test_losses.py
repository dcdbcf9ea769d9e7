"""The energies of the training: laws that hold for any features."""

from __future__ import annotations

import pytest
import torch

from stillbrush.core.training.losses import (
    chequers,
    content_loss,
    lattice,
    manner,
    manners,
    relative_change,
    style_loss,
    temporal_loss,
    total_variation,
    vigour_loss,
)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_manner_is_mean_and_covariance():
    features = noise(2, 3, 4, 5)
    found = manner(features)
    flat = features.transpose(0, 1).reshape(3, -1)
    torch.testing.assert_close(found.mean, flat.mean(1))
    torch.testing.assert_close(found.covariance, torch.cov(flat, correction=0))


def test_manner_does_not_depend_on_where_or_how_often():
    features = noise(1, 4, 6, 8)
    shuffled = features.flatten(2)[..., torch.randperm(48)].reshape(1, 4, 8, 6)
    twice = torch.cat((features, features), 3)
    for other in (shuffled, twice):
        torch.testing.assert_close(manner(other).covariance, manner(features).covariance)


def test_a_picture_has_no_style_error_against_itself():
    features = {"relu1_1": noise(1, 4, 8, 8), "relu2_1": noise(1, 6, 4, 4, seed=1)}
    assert style_loss(features, manners(features)) == 0


def test_style_error_counts_every_layer_alike_whatever_its_scale():
    painted = {"relu1_1": noise(1, 4, 8, 8), "relu2_1": noise(1, 4, 8, 8, seed=1)}
    style = {"relu1_1": noise(1, 4, 8, 8, seed=2), "relu2_1": noise(1, 4, 8, 8, seed=3)}
    plain = style_loss(painted, manners(style))
    loud_painted = painted | {"relu2_1": painted["relu2_1"] * 1000}
    loud_style = style | {"relu2_1": style["relu2_1"] * 1000}
    torch.testing.assert_close(style_loss(loud_painted, manners(loud_style)), plain)


def test_style_error_points_towards_the_style():
    style = manners({"relu1_1": noise(1, 4, 8, 8, seed=2)})
    features = noise(1, 4, 8, 8).requires_grad_()
    before = style_loss({"relu1_1": features}, style)
    before.backward()
    assert features.grad is not None
    after = style_loss({"relu1_1": features.detach() - 0.5 * features.grad}, style)
    assert after < before.detach()


def test_content_error_is_per_picture_and_relative():
    plate = {"relu3_1": noise(2, 4, 8, 8), "relu4_1": noise(2, 4, 8, 8, seed=1)}
    painted = {tap: values.clone() for tap, values in plate.items()}
    painted["relu4_1"][1] *= 2  # as far from the plate as the plate is strong
    torch.testing.assert_close(content_loss(painted, plate), torch.tensor([0.0, 1.0]))


def test_total_variation_is_the_mean_step():
    ramp = torch.arange(8.0).expand(1, 3, 8, 8)
    torch.testing.assert_close(total_variation(ramp), torch.tensor([1.0]))
    assert total_variation(torch.ones(1, 3, 8, 8)) == 0


def test_temporal_error_counts_only_what_is_trusted():
    painted, target = torch.ones(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    mask = torch.zeros(1, 1, 4, 4)
    assert temporal_loss(painted, target, mask) == 0
    mask[..., :2] = 1
    assert temporal_loss(painted, target, mask) == pytest.approx(0.5)


def test_change_is_weighed_beside_that_of_fresh_paint():
    target, mask = torch.zeros(2, 3, 4, 4), torch.ones(2, 1, 4, 4)
    painted, fresh = torch.full_like(target, 0.1), torch.full_like(target, 0.2)
    half = relative_change(painted, fresh, target, mask)
    assert half == pytest.approx(0.006 / 4)  # a quarter of the squared change
    flat = relative_change(painted / 2, fresh / 2, target, mask)
    assert flat == pytest.approx(half.item())  # whatever the contrast of the look
    assert relative_change(fresh, fresh, target, mask) == pytest.approx(0.006)


def test_paint_that_hardly_changes_is_not_weighed_up():
    target, mask = torch.zeros(1, 3, 4, 4), torch.ones(1, 1, 4, 4)
    fresh = torch.full_like(target, 0.01)
    assert relative_change(fresh, fresh, target, mask) == pytest.approx(0.006 * 1e-4 / 5e-4)


def test_only_what_was_carried_learns_from_change():
    painted, fresh = noise(1, 3, 4, 4), noise(1, 3, 4, 4, seed=1)
    painted.requires_grad_()
    fresh.requires_grad_()
    zero, mask = torch.zeros(1, 3, 4, 4), torch.ones(1, 1, 4, 4)
    relative_change(painted, fresh, zero, mask).backward()
    assert painted.grad is not None
    assert painted.grad.abs().max() > 0
    assert fresh.grad is None


def test_lattice_sees_what_repeats_with_the_stride_and_nothing_else():
    tile = noise(1, 3, 4, 4).repeat(1, 1, 24, 24)
    other = noise(1, 3, 5, 5).repeat(1, 1, 20, 20)[..., :96, :96]
    ramp = torch.linspace(0, 1, 96).expand(1, 3, 96, 96)
    assert lattice(tile) > 20 * lattice(other)
    assert lattice(ramp) < 1e-9
    torch.testing.assert_close(lattice(tile + ramp), lattice(tile), rtol=1e-3, atol=1e-6)


def board(size: int, cell: int = 4) -> torch.Tensor:
    cells = torch.arange(size) // cell
    return ((cells[:, None] + cells) % 2).float().expand(1, 3, size, size)


def test_chequers_see_a_board_on_the_grid():
    on_grid = 0.1 * board(160)
    assert chequers(on_grid) > 100 * chequers(torch.full_like(on_grid, 0.5)) + 1e-3


def test_chequers_leave_strokes_of_the_same_width_free():
    x = torch.arange(160.0)
    turning = torch.sin((x + x[:, None] * 0.9) * (2 * torch.pi / 8.4)).expand(1, 3, 160, 160)
    assert chequers(0.1 * turning) < 0.1 * chequers(0.1 * board(160))
    grain = 0.05 * noise(1, 3, 160, 160)
    assert chequers(grain) < 0.02 * chequers(0.1 * board(160))


def test_chequers_do_not_depend_on_what_lies_under_them():
    ramp = torch.linspace(0, 1, 160).expand(1, 3, 160, 160)
    torch.testing.assert_close(
        chequers(0.1 * board(160) + ramp), chequers(0.1 * board(160)), rtol=1e-2, atol=1e-6
    )


def test_vigour_is_free_to_lay_its_strokes_elsewhere():
    stripes = (torch.arange(128) // 4 % 2).float().expand(1, 3, 128, 128)
    moved = stripes.roll(2, -1)
    assert vigour_loss(moved, stripes) < 0.01
    assert vigour_loss(stripes, stripes) == 0


def test_vigour_counts_blur_excess_and_drift():
    fresh = torch.rand((1, 3, 128, 128), generator=torch.Generator().manual_seed(2))
    blurred = torch.nn.functional.avg_pool2d(fresh, 5, 1, 2)
    excess = fresh.mean() + 1.5 * (fresh - fresh.mean())
    for spoilt in (blurred, excess, fresh + 0.1):
        assert vigour_loss(spoilt, fresh) > 0.05

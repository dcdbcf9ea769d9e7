"""The energies of the other systems: closed forms, and gradients in double precision."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from stillbrush.core.training.recurrent import Glimpse, brought_back
from stillbrush.core.training.terms import (
    aligned_content,
    covariance_loss,
    gram_loss,
    gupta_temporal_loss,
    how_painted,
    moment_loss,
    noise_loss,
    with_noise,
)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_noise_is_as_strong_as_the_paper_has_it():
    plate = torch.full((4, 3, 256, 256), 0.5)
    grain = with_noise(plate, 40, 1000 / 256**2, np.random.default_rng(1)) - plate
    assert grain.square().mean().sqrt().item() == pytest.approx(0.0112, rel=0.02)
    touched = (grain != 0).any(1).float().mean((1, 2)) * 256**2
    assert touched.tolist() == pytest.approx([1000] * 4, rel=0.15)
    assert grain.abs().max() <= 40 / 255 + 1e-6
    assert (grain.abs().amax((0, 2, 3)) > 0).all()  # every channel


def test_both_sides_of_the_noise_loss_learn():
    one, other = (noise(2, 3, 4, 4, seed=n).requires_grad_() for n in (1, 2))
    noise_loss(one, other).sum().backward()
    assert one.grad is not None
    assert other.grad is not None
    torch.testing.assert_close(one.grad, -other.grad)


def test_shuffled_covariance_has_the_same_moments_and_another_gram_matrix():
    style = noise(1, 4, 8, 8)
    mixed = style.clone()
    mixed[:, 1] = mixed[:, 0].roll(3, -1)  # as alike as before by itself, no longer together
    style[:, 1] = style[:, 0]
    painted, wanted = (how_painted({"relu1_1": x}) for x in (mixed, style))
    assert moment_loss(painted, wanted).item() == pytest.approx(0, abs=1e-9)
    assert gram_loss(painted, wanted).item() > 0.01
    assert covariance_loss(painted, wanted).item() > 0.01


def test_a_gram_matrix_is_that_of_the_features():
    x = noise(2, 3, 5, 6)
    flat = x.flatten(2)
    expected = flat @ flat.transpose(1, 2) / 30
    torch.testing.assert_close(how_painted({"relu1_1": x})["relu1_1"].gram, expected)


def test_a_style_of_its_own_is_no_error():
    x = {"relu1_1": noise(2, 3, 5, 6), "relu2_1": noise(2, 4, 3, 3)}
    for loss in (moment_loss, covariance_loss, gram_loss):
        assert loss(how_painted(x), how_painted(x)).tolist() == [0, 0]


def test_covariance_counts_only_where_a_frame_shows_it():
    deep = [how_painted({"relu1_1": noise(1, 3, 5, 6), "relu4_1": noise(1, 3, 5, 6, seed=n)})
            for n in (1, 2)]  # fmt: skip
    assert covariance_loss(*deep).item() == 0
    assert moment_loss(*deep).item() > 0


def test_what_the_content_is_compared_with_has_the_moments_of_the_style():
    plate, style = ({"relu4_1": noise(1, 4, 6, 6, seed=n) * n} for n in (1, 3))
    found = how_painted(aligned_content(plate, how_painted(style)))["relu4_1"]
    wanted = how_painted(style)["relu4_1"]
    torch.testing.assert_close(found.mean, wanted.mean, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found.variance, wanted.variance, rtol=0.05, atol=0.01)


@pytest.mark.parametrize("loss", [moment_loss, covariance_loss, gram_loss])
def test_gradients_of_style_are_right(loss):
    style = how_painted({"relu1_1": noise(2, 3, 4, 5, seed=4).double()})
    x = noise(2, 3, 4, 5).double().requires_grad_()
    base = how_painted({"relu1_1": x.detach()})

    def error(x: torch.Tensor) -> torch.Tensor:
        return loss(how_painted({"relu1_1": x}), style)

    # The norm that an error is divided by is taken as given: the quotient is checked at one point.
    (grad,) = torch.autograd.grad(error(x).sum(), x)
    step = noise(2, 3, 4, 5, seed=7).double() * 1e-6
    matrices = {
        moment_loss: lambda p: [p.mean, p.variance.sqrt()],
        covariance_loss: lambda p: [p.covariance.flatten(1)],
        gram_loss: lambda p: [p.gram.flatten(1)],
    }[loss]
    found, wanted = matrices(base["relu1_1"]), matrices(style["relu1_1"])
    norms = [w.square().sum(1) + f.square().sum(1) for f, w in zip(found, wanted, strict=True)]

    def frozen(x: torch.Tensor) -> torch.Tensor:
        moved = matrices(how_painted({"relu1_1": x})["relu1_1"])
        triples = zip(moved, wanted, norms, strict=True)
        return sum(2 * (m - w).square().sum(1) / n for m, w, n in triples).sum()

    change = (frozen(x.detach() + step) - frozen(x.detach() - step)) / 2
    assert change.item() == pytest.approx((grad * step).sum().item(), rel=1e-6)


def test_the_temporal_term_counts_pixels_and_not_channels():
    last, back = torch.zeros(1, 3, 4, 4), torch.ones(1, 3, 4, 4)
    mask = torch.zeros(1, 1, 4, 4)
    mask[..., :2, :] = 1
    assert gupta_temporal_loss(last, back, mask).item() == pytest.approx(1.5)


def test_a_translating_square_comes_back():
    last = torch.zeros(1, 3, 16, 16)
    last[..., 4:8, 4:8] = 1
    this = last.roll(3, -1)  # moved to the right: the forward flow is +3
    flow = torch.zeros(16, 16, 2)
    flow[..., 0] = 3
    back = brought_back(this, [flow])
    torch.testing.assert_close(back[..., :12], last[..., :12])
    wrong = brought_back(this, [-flow])
    assert (wrong - last)[..., :12].abs().max() > 0.9


@pytest.mark.parametrize(("across", "down"), [(True, False), (False, True), (True, True)])
def test_mirrored_motion_leads_to_the_mirrored_frame(across: bool, down: bool):
    rng = torch.Generator().manual_seed(2)
    this = torch.rand((3, 16, 16), generator=rng)
    flow = torch.rand((16, 16, 2), generator=rng) * 4 - 2
    seen = (torch.rand((1, 16, 16), generator=rng) > 0.5).float()
    plain = Glimpse(this, this, flow, seen)
    mirror = plain.mirrored(across, down)
    axes = [-1] * across + [-2] * down
    back = brought_back(plain.clean[None], [plain.forward])
    torch.testing.assert_close(
        brought_back(mirror.clean[None], [mirror.forward]), back.flip(axes), atol=1e-5, rtol=1e-5
    )
    assert torch.equal(mirror.seen, seen.flip(axes))

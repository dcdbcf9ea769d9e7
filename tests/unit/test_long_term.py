"""Long-term consistency: which earlier frame counts where (Ruder et al. eq 11, 12)."""

from __future__ import annotations

import pytest
import torch

from stillbrush.core.errors import BadInput
from stillbrush.core.motion.warp import warp
from stillbrush.core.temporal.long_term import earlier_frames, long_term_weights, remembered


def masks(count: int, *, binary: bool) -> list[torch.Tensor]:
    rng = torch.Generator().manual_seed(3)
    drawn = [torch.rand((2, 9, 13, 1), generator=rng) for _ in range(count)]
    return [(mask > 0.5).float() for mask in drawn] if binary else drawn


def test_binary_weights_sum_to_one_at_most_and_choose_the_nearest() -> None:
    given = masks(4, binary=True)
    weights = long_term_weights(given)
    total = torch.stack(weights).sum(0)
    assert total.max() == 1
    assert torch.equal(total, torch.stack(given).amax(0))
    stacked = torch.stack(given)
    for place, weight in enumerate(weights):
        nearest = (stacked[:place].sum(0) == 0) & (stacked[place] == 1)
        assert torch.equal(weight == 1, nearest)


def test_weights_are_those_of_equation_12() -> None:
    given = masks(5, binary=False)
    for place, weight in enumerate(long_term_weights(given)):
        nearer = torch.zeros_like(given[0])
        for mask in given[:place]:
            nearer = nearer + mask
        assert torch.equal(weight, torch.relu(given[place] - nearer))


def test_offsets_before_the_shot_are_left_out_and_the_nearest_comes_first() -> None:
    assert earlier_frames(20, (40, 1, 10, 20)) == (19, 10, 0)
    assert earlier_frames(0, (1, 2)) == ()


def test_what_was_hidden_comes_back_with_the_same_texture() -> None:
    """A bar crosses a wall. Painted anew each frame, the wall behind it would have other paint."""
    rng = torch.Generator().manual_seed(0)
    frames, height, width, bar = 12, 16, 32, 8
    still = torch.zeros((1, height, width, 2))
    painted: list[torch.Tensor] = []
    hidden = torch.zeros((frames, 1, height, width, 1))
    for place in range(frames):
        left = 3 * place - bar
        hidden[place, :, :, max(left, 0) : max(left + bar, 0)] = 1
    for place in range(frames):
        fresh = torch.rand((1, height, width, 3), generator=rng)
        last = earlier_frames(place, (4, 1, 3))
        seen = [(1 - hidden[place]) * (1 - hidden[n]) for n in last]
        carried = [warp(painted[n], still) for n in last]
        painted.append(remembered(carried, long_term_weights(seen), fresh))
    wall = (hidden[0] == 0) & (hidden[-1] == 0)
    assert (hidden[:, wall].sum(0) > 0).float().mean() > 0.5  # most of it was hidden for a while
    stays = wall.expand(-1, -1, -1, 3)
    assert torch.equal(painted[0][stays], painted[-1][stays])
    assert not torch.equal(painted[0], painted[-1])


def test_masks_of_two_sizes_are_refused() -> None:
    with pytest.raises(BadInput, match=r"one size; got \(1, 4, 6, 1\) after \(1, 4, 5, 1\)"):
        long_term_weights([torch.ones((1, 4, 5, 1)), torch.ones((1, 4, 6, 1))])
    with pytest.raises(BadInput, match="1 or more frames back"):
        earlier_frames(3, (0, 1))

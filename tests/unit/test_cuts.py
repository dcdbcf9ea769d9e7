"""Cuts: found at the joins of real clips, and nowhere inside them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from stillbrush.core.errors import BadInput
from stillbrush.core.motion.cuts import cut_score, is_cut
from stillbrush.core.motion.flow import DisFlow, Flow, unknown_flow
from stillbrush.core.motion.warp import warp

CLIPS = Path(__file__).resolve().parents[2] / "../shared/data/clips_dev"


def texture(seed: int, height: int = 90, width: int = 160) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    layers = [
        F.interpolate(
            torch.rand(1, 3, height // n + 1, width // n + 1, generator=generator),
            (height, width),
            mode="bicubic",
        )
        for n in (4, 12, 40)
    ]
    return (sum(layers) / 3.0).clamp(0, 1).permute(0, 2, 3, 1)


def flat(value: float) -> Tensor:
    return torch.full((1, 90, 160, 3), value)


def frames(path: Path, count: int) -> list[Tensor]:
    """The first frames of a clip, 256x144."""
    with av.open(path) as container:
        decoded = container.decode(video=0)
        pictures = [
            next(decoded).to_ndarray(width=256, height=144, format="rgb24") for _ in range(count)
        ]
    return [torch.from_numpy(p / np.float32(255))[None] for p in pictures]


def test_exactly_the_joins_of_the_development_clips_are_found() -> None:
    clips = sorted(CLIPS.glob("*.mp4"))
    if not clips:
        pytest.skip("no shared clips")
    timeline: list[Tensor] = []
    joins = []
    for clip in clips:
        joins.append(len(timeline))
        timeline += frames(clip, 7)
    found = [i for i in range(1, len(timeline)) if is_cut(timeline[i - 1], timeline[i])]
    assert found == joins[1:]


@pytest.mark.parametrize("name", ["davis_bmx-trees", "davis_parkour", "davis_soapbox"])
def test_fast_motion_is_no_cut_even_at_every_third_frame(name: str) -> None:
    if not CLIPS.is_dir():
        pytest.skip("no shared clips")
    clip = frames(CLIPS / f"{name}.mp4", 40)[::3]
    assert max(cut_score(a, b) for a, b in pairwise(clip)) < 0.45


def test_the_same_picture_continues_and_another_does_not() -> None:
    assert cut_score(texture(1), texture(1)) < 0.1
    assert cut_score(texture(1), texture(2)) > 0.55


def test_a_pan_a_flash_a_fade_and_grain_are_no_cuts() -> None:
    wide = texture(3, 90, 240)
    here = wide[:, :, 20:180]
    noise = 0.03 * torch.randn(1, 90, 160, 3, generator=torch.Generator().manual_seed(1))
    for after in (
        wide[:, :, 32:192],
        (here * 1.8).clamp(max=1.0),
        here * 0.3,
        here * 0.8 + 0.2 * texture(4),
        here + noise,
    ):
        assert not is_cut(here, after)
        assert not is_cut(after, here)


def test_flat_frames_are_compared_by_their_colour() -> None:
    assert not is_cut(flat(0.0), flat(0.0))
    assert not is_cut(flat(0.5), flat(0.52))
    assert is_cut(flat(0.0), flat(0.6))
    assert is_cut(flat(0.0), texture(1))


@pytest.mark.parametrize("darkness", [0.1, 0.3])
def test_dark_shots_have_cuts_too(darkness: float) -> None:
    assert is_cut(texture(1) * darkness, texture(2) * darkness)
    assert not is_cut(texture(1) * darkness, texture(1) * darkness * 0.9)


def test_sensitivity_goes_from_never_to_always() -> None:
    assert not is_cut(texture(1), texture(2), sensitivity=0.0)
    assert is_cut(texture(1), texture(1) * 0.9, sensitivity=1.0)
    assert not is_cut(texture(1), texture(2), sensitivity=0.2)
    for wrong in (-0.1, 1.5):
        with pytest.raises(BadInput, match="sensitivity"):
            is_cut(texture(1), texture(2), sensitivity=wrong)


def test_a_given_flow_can_only_speak_against_a_cut() -> None:
    before = texture(6)
    back = torch.zeros(1, 90, 160, 2)
    back[..., 0] = 4.0 * torch.linspace(-10, 10, 160).sign() * torch.arange(160).fmod(20)
    after = warp(before, back)  # torn into strips: too wild to be measured
    alone, given = cut_score(before, after), cut_score(before, after, Flow(back, -back))
    assert given < alone
    assert cut_score(before, after, unknown_flow(90, 160)) == alone
    join = texture(1), texture(2)
    assert is_cut(*join, DisFlow().estimate(*join))


def test_a_change_of_size_is_a_cut_and_small_frames_are_welcome() -> None:
    assert cut_score(texture(1), texture(1, 80, 160)) == 1.0
    for size in ((1, 1), (3, 50), (16, 300)):
        assert not is_cut(texture(1, *size), texture(1, *size))


def test_the_score_depends_on_nothing_but_the_two_frames() -> None:
    pair = texture(1), texture(1) * 0.7 + 0.3 * texture(2)
    first = cut_score(*pair)
    cut_score(texture(4), texture(5))
    assert cut_score(*pair) == first
    assert 0.0 < first < 1.0


def test_values_out_of_range_do_no_harm() -> None:
    wild = texture(1) * 40 - 3
    wild[0, 5, 5] = float("nan")
    wild[0, 6, 6] = float("inf")
    assert 0.0 <= cut_score(wild, texture(1)) <= 1.0
    assert not is_cut(wild, wild)


def test_what_is_no_frame_is_refused() -> None:
    with pytest.raises(BadInput, match=r"\(1, H, W, 3\)"):
        cut_score(texture(1), texture(1)[0])
    with pytest.raises(BadInput, match=r"\(1, H, W, 3\)"):
        cut_score(texture(1)[..., :1], texture(1)[..., :1])

"""Flow estimators: the right direction, the right accuracy, the same answer every time."""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from stillbrush.core.errors import BadInput
from stillbrush.core.motion import flow as measuring
from stillbrush.core.motion import torch_flow
from stillbrush.core.motion.cache import FlowCache
from stillbrush.core.motion.flow import (
    UNKNOWN,
    DisFlow,
    Estimator,
    Flow,
    FlowQuality,
    resize_flow,
    unknown_flow,
)
from stillbrush.core.motion.flow_files import read_flo
from stillbrush.core.motion.sharp_warp import warp_sharply
from stillbrush.core.motion.torch_flow import TorchFlow
from stillbrush.core.motion.warp import inside, warp

SHARED = Path(__file__).resolve().parents[2] / "../shared"
ESTIMATORS = [DisFlow(), TorchFlow()]
ALL = [kind(quality) for kind in (DisFlow, TorchFlow) for quality in FlowQuality]


def texture(height: int, width: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    layers = [
        F.interpolate(
            torch.rand(1, 3, height // n + 1, width // n + 1, generator=generator),
            (height, width),
            mode="bicubic",
        )
        for n in (3, 8, 20)
    ]
    return (sum(layers) / 3.0).clamp(0, 1).permute(0, 2, 3, 1)


def moved(step: tuple[float, float], height: int = 90, width: int = 120) -> tuple[Tensor, Tensor]:
    """Two frames whose content moves by `step` pixels, x right and y down."""
    big = texture(height + 40, width + 40)
    back = -torch.tensor(step).expand(1, height + 40, width + 40, 2)
    frame = warp_sharply(big, back)
    return big[:, 20:-20, 20:-20], frame[:, 20:-20, 20:-20]


def test_pair_after_pair_is_measured_in_the_same_few_threads(monkeypatch) -> None:
    """OpenCV keeps something of every thread that it ran in: a new one a frame would add up."""
    seen: set[threading.Thread] = set()
    settle = measuring.settled_flow

    def watched(*given: np.ndarray, quality: FlowQuality) -> np.ndarray:
        seen.add(threading.current_thread())
        return settle(*given, quality)

    monkeypatch.setattr(measuring, "settled_flow", watched)
    for _ in range(6):
        DisFlow().estimate(*moved((1.0, 0.0), 64, 64))
    assert 1 <= len(seen) <= measuring.WORKERS


def end_point_error(flow: Tensor, truth: Tensor) -> float:
    known = (truth.abs() < 1e9).all(-1)
    return float((flow - truth).norm(dim=-1)[known].mean())


@pytest.mark.parametrize("estimator", ALL, ids=lambda e: e.name)
@pytest.mark.parametrize("step", [(3.0, 0.0), (-2.0, 4.0), (0.5, -1.25)])
def test_a_translation_is_found_in_both_directions(
    estimator: Estimator, step: tuple[float, float]
) -> None:
    previous, current = moved(step)
    flow = estimator.estimate(previous, current)
    truth = torch.tensor(step)
    assert float((flow.forward - truth)[:, 8:-8, 8:-8].norm(dim=-1).median()) < 0.15
    assert float((flow.backward + truth)[:, 8:-8, 8:-8].norm(dim=-1).median()) < 0.15
    still = (previous - current).abs().mean()
    framed = inside(flow.backward)
    error = ((warp(previous, flow.backward) - current).abs() * framed).mean()
    assert error < 0.2 * still


@pytest.mark.parametrize("estimator", ALL, ids=lambda e: e.name)
@pytest.mark.parametrize(
    "size", [(1, 1), (1, 5), (7, 7), (8, 8), (12, 12), (16, 300), (300, 16), (2, 600)]
)
def test_no_frame_is_too_small(estimator: Estimator, size: tuple[int, int]) -> None:
    # OpenCV 5.0 itself refuses most of these and crashes the process on 16x300.
    a, b = torch.rand(2, 1, *size, 3, generator=torch.Generator().manual_seed(1)).unbind(0)
    flow = estimator.estimate(a, b)
    assert flow.backward.shape == flow.forward.shape == (1, *size, 2)
    assert flow.backward.isfinite().all()
    assert flow.forward.isfinite().all()
    assert not torch.cat(estimator.estimate(a, a)).any()  # a still frame does not move


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: e.name)
def test_a_pair_depends_on_its_two_frames_only(estimator: Estimator) -> None:
    pair, other = moved((2.0, 1.0)), moved((-7.0, 3.0))
    first = estimator.estimate(*pair)
    estimator.estimate(*other)
    again = estimator.estimate(*pair)
    both = estimator.estimate(torch.cat((other[0], pair[0])), torch.cat((other[1], pair[1])))
    turned = estimator.estimate(pair[1], pair[0])
    for flow in (again, Flow(both.backward[1:], both.forward[1:]), Flow(*turned[::-1])):
        assert torch.equal(flow.backward, first.backward)
        assert torch.equal(flow.forward, first.forward)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: e.name)
def test_the_number_of_threads_does_not_change_a_bit(estimator: Estimator) -> None:
    pair = moved((2.0, 1.0), 150, 210)
    ours, theirs = torch.get_num_threads(), cv2.getNumThreads()
    try:
        flows = []
        for count in (1, 2, 5):
            torch.set_num_threads(count)
            cv2.setNumThreads(count)
            flows.append(estimator.estimate(*pair))
    finally:
        torch.set_num_threads(ours)
        cv2.setNumThreads(theirs)
    assert all(torch.equal(torch.cat(flow), torch.cat(flows[0])) for flow in flows)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: e.name)
def test_values_out_of_range_do_no_harm(estimator: Estimator) -> None:
    previous, current = moved((2.0, 0.0))
    wild = torch.where(current > 0.7, torch.tensor(float("nan")), current)
    wild = torch.where(wild < 0.2, torch.tensor(-torch.inf), wild)
    assert torch.cat(estimator.estimate(previous * 50, wild)).isfinite().all()


@pytest.mark.parametrize(
    ("estimator", "limit"),
    [
        (DisFlow("fast"), 0.45),
        (DisFlow("medium"), 0.24),
        (DisFlow("fine"), 0.13),
        (TorchFlow("fast"), 0.36),
        (TorchFlow("medium"), 0.19),
    ],
    ids=lambda x: getattr(x, "name", None),
)
def test_accuracy_on_middlebury_rubberwhale(estimator: Estimator, limit: float) -> None:
    folder = SHARED / "data/flow_gt/middlebury_RubberWhale"
    if not folder.is_dir():
        pytest.skip("no shared flow data")
    frames = [
        torch.from_numpy(cv2.imread(str(folder / name))[..., ::-1] / np.float32(255))[None]
        for name in ("frame1.png", "frame2.png")
    ]
    truth = read_flo(folder / "flow12.flo")
    assert end_point_error(estimator.estimate(*frames).forward, truth) < limit


def test_a_small_thing_that_moves_far_is_found_by_the_torch_flow() -> None:
    ground, thing = texture(120, 160, 1), texture(120, 160, 2)
    previous, current = ground.clone(), ground.clone()
    previous[:, 50:80, 40:70] = thing[:, 50:80, 40:70]
    current[:, 50:80, 52:82] = thing[:, 50:80, 40:70]
    flow = TorchFlow().estimate(previous, current).forward[0, 53:77, 43:67]
    right = (flow - torch.tensor([12.0, 0.0])).norm(dim=-1) < 1.0
    assert float(right.float().mean()) > 0.9  # 0.53 where vectors do not spread


def test_the_median_network_finds_the_median() -> None:
    values = torch.rand(1, 2, 6, 7, generator=torch.Generator().manual_seed(2))
    around = F.unfold(F.pad(values, (1, 1, 1, 1), mode="replicate").view(2, 1, 8, 9), 3)
    want = around.view(2, 9, 6, 7).median(1).values
    assert torch.equal(torch_flow._median(values)[0], want)


def test_divergence_is_the_negative_adjoint_of_slope() -> None:
    generator = torch.Generator().manual_seed(4)
    flow, x, y = torch.rand(3, 1, 2, 6, 7, generator=generator, dtype=torch.float64).unbind(0)
    x[..., -1], y[..., -1, :] = 0.0, 0.0
    across, down = torch_flow._slope(flow)
    assert float((across * x + down * y).sum()) == pytest.approx(
        -float((flow * torch_flow._divergence(x, y)).sum())
    )


@pytest.mark.parametrize("size", [(20, 30), (80, 33), (7, 200), (160, 240)])
def test_resizing_scales_vectors_with_the_frame(size: tuple[int, int]) -> None:
    flow = torch.tensor([6.0, -4.0]).expand(1, 80, 120, 2)
    want = torch.tensor([6.0 * size[1] / 120, -4.0 * size[0] / 80]).expand(1, *size, 2)
    torch.testing.assert_close(resize_flow(flow, *size), want)


def test_resizing_never_mixes_unknown_with_known() -> None:
    flow = torch.ones(1, 40, 60, 2)
    flow[:, :, :20] = UNKNOWN
    flow[:, 5, 50] = float("nan")
    for size in ((10, 15), (80, 120), (13, 47)):
        resized = resize_flow(flow, *size)
        known = (resized.abs() <= 1e9).all(-1)
        want = torch.tensor([size[1] / 60, size[0] / 40])
        torch.testing.assert_close(resized[known], want.expand_as(resized[known]))
        assert (resized[~known] == UNKNOWN).all()
        assert float(known.float().mean()) == pytest.approx(2 / 3, abs=0.05)
    assert resize_flow(flow, 40, 60) is flow


def test_an_unknown_flow_is_nowhere_inside() -> None:
    flow = unknown_flow(5, 7)
    assert flow.backward.shape == flow.forward.shape == (1, 5, 7, 2)
    assert not inside(flow.backward).any()


def test_what_is_no_pair_is_refused() -> None:
    for estimator in ESTIMATORS:
        with pytest.raises(BadInput, match="one size"):
            estimator.estimate(torch.zeros(1, 20, 30, 3), torch.zeros(1, 20, 31, 3))
        with pytest.raises(BadInput, match=r"\(B, H, W, 3\)"):
            estimator.estimate(torch.zeros(1, 20, 30, 4), torch.zeros(1, 20, 30, 4))


class Counting:
    """An estimator that says how often it was asked."""

    name, version = "counting", "1"

    def __init__(self) -> None:
        self.asked = 0

    def estimate(self, previous: Tensor, current: Tensor) -> Flow:
        self.asked += 1
        flow = (current - previous)[..., :2].contiguous()
        return Flow(flow, -flow)


def test_the_cache_measures_once_and_returns_the_same_bits(tmp_path: Path) -> None:
    cache, estimator, pair = FlowCache(tmp_path / "deep/er"), Counting(), moved((1.0, 0.0))
    first, second = (cache.estimate(estimator, *pair) for _ in range(2))
    assert estimator.asked == 1
    assert torch.equal(first.backward, second.backward)
    assert torch.equal(first.forward, second.forward)
    cache.estimate(estimator, pair[1], pair[0])
    cache.estimate(estimator, pair[0][:, :-1], pair[1][:, :-1])
    estimator.version = "2"
    cache.estimate(estimator, *pair)
    assert estimator.asked == 4
    assert {path.suffix for path in (tmp_path / "deep/er").iterdir()} == {".flow"}


def test_a_damaged_entry_is_measured_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache, estimator, pair = FlowCache(tmp_path), Counting(), moved((1.0, 0.0), 12, 10)
    want = cache.estimate(estimator, *pair)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    at = [0, 7, 8, 40, len(whole) // 2, len(whole) - 1]
    damaged = [whole[:i] for i in at] + [
        whole[:i] + bytes([whole[i] ^ 0x15]) + whole[i + 1 :] for i in at
    ]
    for count, content in enumerate(damaged, 2):
        path.write_bytes(content)
        with caplog.at_level(logging.WARNING):
            got = cache.estimate(estimator, *pair)
        assert torch.equal(got.backward, want.backward)
        assert estimator.asked == count
        assert len(caplog.records) == count - 1
        assert path.read_bytes() == whole


def test_a_full_cache_drops_its_oldest_entries(tmp_path: Path) -> None:
    estimator = Counting()
    pairs = [moved((float(i), 0.0), 12, 10) for i in range(4)]
    size = 12 * 10 * 2 * 4 * 2
    cache = FlowCache(tmp_path, limit_bytes=int(2.7 * size))
    stale, fresh = tmp_path / "old.1.aa.part", tmp_path / "new.1.aa.part"
    for path in (stale, fresh):
        path.write_bytes(b"half")
    os.utime(stale, (0, 0))
    for age, pair in zip((400, 300, 200, 100), pairs, strict=True):
        cache.estimate(estimator, *pair)
        newest = tmp_path / f"{cache.key(estimator, *pair)}.flow"
        os.utime(newest, (time.time() - age,) * 2)
    assert [cache.get(cache.key(estimator, *pair)) is None for pair in pairs] == [
        *(True, True),
        *(False, False),
    ]
    assert not stale.exists()
    assert fresh.exists()  # another process may be writing it


def test_a_cache_that_cannot_be_written_never_stops_a_render(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    cache, estimator = FlowCache(tmp_path / "file"), Counting()
    for _ in range(2):
        made = cache.estimate(estimator, *moved((1.0, 0.0), 12, 10))
        assert made.backward.shape == (1, 12, 10, 2)
    assert caplog.text.count("flow cache") == 1  # not once a frame

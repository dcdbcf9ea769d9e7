"""The painter: bands equal the plain network, statistics frozen and kept, priors where trusted."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.material import TINY, tiny_look
from torch import Tensor

from stillbrush.core.errors import BadInput, UnreadableFile
from stillbrush.core.look import Look
from stillbrush.core.networks.bands import Bands, paint_in_bands
from stillbrush.core.networks.style_network import KEENNESS, StyleNetwork
from stillbrush.core.stylizers.load import load_painter
from stillbrush.core.stylizers.paint_state import PaintState
from stillbrush.core.stylizers.painter import Painter, painting_size
from stillbrush.core.stylizers.prior import Fill, Prior, carry, resize_mask, resize_picture
from stillbrush.core.stylizers.shot_statistics import Sample, ShotStatistics

CPU = torch.device("cpu")


def random(*shape: int, seed: int = 1) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def network(seed: int = 1, keeps: bool = False) -> StyleNetwork:
    torch.manual_seed(seed)
    made = StyleNetwork(replace(TINY, keeps=keeps)).eval().requires_grad_(False)
    if keeps:
        made.balance.copy_(torch.tensor([[0.1], [-0.3]]))
    return made


def keeping(logit: float) -> StyleNetwork:
    """Make a network that keeps the same share of the prior everywhere."""
    made = network(keeps=True)
    head = made.stages[-1].convolution
    head.weight[3], head.bias[3], made.balance[:] = 0, logit / KEENNESS, 0
    return made


def painter(**more: object) -> Painter:
    return Painter(network(), torch.tensor([0.25, 0.75]), **more)


def still(height: int, width: int, trusted: float = 1.0, held: float = 0.0) -> Prior:
    """Make a prior of no motion."""
    mask = torch.full((1, height, width, 1), trusted)
    return Prior(flow=torch.zeros(1, height, width, 2), mask=mask, still=mask * held)


def after(seed: int, height: int = 40, width: int = 56) -> PaintState:
    return PaintState(painted=random(1, height, width, 3, seed=seed), age=1)


def statistics(height: int = 64, width: int = 96) -> ShotStatistics:
    samples = [
        Sample(
            random(1, height, width, 3, seed=n),
            random(1, height, width, 3, seed=n + 9),
            still(height, width),
        )
        for n in range(3)
    ]
    return painter().measure(samples, (height, width))


@pytest.mark.parametrize("size", [(8, 8), (37, 53), (64, 96), (131, 47)])
@pytest.mark.parametrize("rows", [8, 24, None])
@pytest.mark.parametrize("keeps", [False, True])
def test_bands_equal_the_plain_network(
    size: tuple[int, int], rows: int | None, keeps: bool
) -> None:
    x, style = random(2, *size, 7), torch.tensor([0.3, 0.7])
    made = network(keeps=keeps)
    with torch.inference_mode():
        plain, used = made(x.permute(0, 3, 1, 2), style.expand(2, 2))
    banded, measured = paint_in_bands(made, x, style, bands=Bands(rows))
    torch.testing.assert_close(banded, plain.permute(0, 2, 3, 1), rtol=0, atol=1e-5)
    for (mean, variance), (same_mean, same_variance) in zip(measured, used, strict=True):
        torch.testing.assert_close(mean, same_mean, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(variance, same_variance, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_network_keeps_its_share_of_the_prior_where_the_mask_lets_it(share: float) -> None:
    style, frame, last = (
        torch.tensor([1.0, 0.0]),
        random(1, 24, 32, 3),
        random(1, 24, 32, 3, seed=2),
    )
    mask = torch.ones(1, 24, 32, 1)
    mask[:, 12:], mask[:, 18:] = 0.5, 0.0
    x = torch.cat((frame, last * mask, mask), -1)
    logit = torch.logit(torch.tensor(share)).clamp(-50, 50).item()
    anew, _ = paint_in_bands(keeping(-50.0), x, style)
    made, _ = paint_in_bands(keeping(logit), x, style)
    torch.testing.assert_close(made, torch.lerp(anew, last, share * mask), rtol=0, atol=1e-6)


def test_every_style_has_a_balance_of_its_own() -> None:
    made, x = keeping(0.0), random(1, 24, 32, 7)
    made.balance[1] = math.log(3) / KEENNESS  # odds of three to one: three quarters are kept
    for share, style in ((0.5, [1.0, 0.0]), (0.75, [0.0, 1.0])):
        made_so, _ = paint_in_bands(made, x, torch.tensor(style))
        anew, _ = paint_in_bands(keeping(-50.0), x, torch.tensor(style))
        mask = x[..., 6:]
        wanted = anew + share * (x[..., 3:6] - mask * anew)
        torch.testing.assert_close(made_so, wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("fill", list(Fill))
def test_what_fills_the_holes_is_never_kept(fill: Fill) -> None:
    frame, half = random(1, 40, 56, 3), still(40, 56, trusted=0.5)
    made = [
        Painter(keeping(50.0), torch.tensor([1.0, 0.0])).paint(frame, prior, after(2))[0]
        for prior in (half, half._replace(fill=fill, seed=5))
    ]
    assert torch.equal(*made)


@pytest.mark.parametrize(
    ("size", "tolerance"), [((128, 256), 0), ((256, 512), 0), ((146, 300), 1e-6)]
)
def test_with_frozen_statistics_band_heights_do_not_change_a_bit(size, tolerance) -> None:
    """To the bit unless a band is left with a few rows, which oneDNN sums in another order."""
    frozen, x = statistics().primed, random(1, *size, 7)
    style = torch.tensor([0.25, 0.75])
    made = [
        paint_in_bands(network(), x, style, frozen, Bands(rows))[0] for rows in (32, 64, None, 4096)
    ]
    for other in made[1:]:
        torch.testing.assert_close(other, made[0], rtol=0, atol=tolerance)


def test_with_frozen_statistics_the_number_of_threads_does_not_change_a_bit() -> None:
    frozen, x = painter().frozen(statistics()), random(1, 128, 256, 3)
    threads = torch.get_num_threads()
    made = []
    try:
        for number in (1, 2, 3):
            torch.set_num_threads(number)
            made.append(frozen.paint(x, still(128, 256), after(2, 128, 256))[0])
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(made[0], made[1])
    assert torch.equal(made[0], made[2])


def test_frozen_statistics_make_a_frame_independent_of_its_own_brightness() -> None:
    frozen = painter().frozen(statistics())
    frame = random(1, 64, 96, 3)
    darker = frame.clone()
    darker[:, :, 72:] = 0
    whole, _ = frozen.paint(frame, None, PaintState())
    part, _ = frozen.paint(darker, None, PaintState())
    assert torch.equal(whole[:, :, :16], part[:, :, :16])
    loose, _ = painter().paint(darker, None, PaintState())
    measured, _ = painter().paint(frame, None, PaintState())
    assert not torch.equal(measured[:, :, :16], loose[:, :, :16])


def test_an_untrusted_prior_says_nothing() -> None:
    frame = random(1, 40, 56, 3)
    prior = still(40, 56, trusted=0.0)
    one, _ = painter().paint(frame, prior, after(2))
    other, _ = painter().paint(frame, prior, after(3))
    assert torch.equal(one, other)
    trusted, _ = painter().paint(frame, still(40, 56), after(2))
    assert not torch.equal(one, trusted)


def test_the_state_is_the_painting_and_its_age() -> None:
    frame = random(1, 40, 56, 3)
    painted, state = painter().paint(frame, None, PaintState())
    assert torch.equal(state.painted, painted)
    assert state.age == 1
    _, state = painter().paint(frame, still(40, 56), state)
    assert state.age == 2
    with pytest.raises(BadInput, match="40, 56"):
        painter().paint(random(1, 40, 58, 3), still(40, 58), state)


def test_statistics_come_back_bit_by_bit(tmp_path: Path) -> None:
    made = statistics()
    made.save(tmp_path / "s.safetensors")
    loaded = ShotStatistics.load(tmp_path / "s.safetensors", CPU)
    for one, other in ((made.primed, loaded.primed), (made.unprimed, loaded.unprimed)):
        for layer, same in zip(one, other, strict=True):
            assert all(torch.equal(a, b) for a, b in zip(layer, same, strict=True))
    assert not torch.equal(made.primed[0][0], made.unprimed[0][0])


@pytest.mark.parametrize("damage", ["cut", "flipped", "other", "absent"])
def test_damaged_statistics_are_refused(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "s.safetensors"
    statistics().save(path)
    content = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(content[:-5])
    elif damage == "flipped":
        content[-2] ^= 1
        path.write_bytes(content)
    elif damage == "other":
        path = tiny_look(tmp_path).weights_path()
    else:
        path.unlink()
    with pytest.raises(UnreadableFile, match="statistics"):
        ShotStatistics.load(path, CPU)


def test_measured_statistics_are_those_of_all_samples_together() -> None:
    """With them, the network normalises the samples' pool to mean 0 and variance 1."""
    frames = torch.cat([random(1, 64, 96, 3, seed=n) for n in range(3)])
    empty = torch.zeros(3, 64, 96, 4)
    found = statistics().unprimed
    _, each = paint_in_bands(network(), torch.cat((frames, empty), -1), torch.tensor([0.25, 0.75]))
    mean = each[0][0].mean(0, keepdim=True)
    second = (each[0][1] + each[0][0].square()).mean(0, keepdim=True)
    torch.testing.assert_close(found[0][0], mean, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found[0][1], second - mean.square(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("size", "frame", "stroke", "expected"),
    [
        ((1080, 1920), 1920, 1.0, (432, 768)),
        ((540, 960), 960, 1.0, (432, 768)),  # a proxy is painted like the whole
        ((2160, 4096), 4096, 0.5, (810, 1536)),
        ((1200, 2100), 1920, 1.0, (480, 840)),  # overscan is painted in the strokes of the frame
        ((144, 256), 256, 1.0, (288, 512)),  # never at more than twice its own size
        ((1, 4000), 4000, 4.0, (1, 192)),
    ],
)
def test_a_stroke_is_a_share_of_the_frames_width(size, frame, stroke, expected) -> None:
    assert painting_size(*size, frame, stroke) == expected


def test_a_carried_picture_is_masked_and_filled_as_the_look_was_trained() -> None:
    painted, frame = random(1, 20, 30, 3, seed=4), random(1, 20, 30, 3, seed=5)
    mask = torch.zeros(1, 20, 30, 1)
    mask[:, :, :15] = 1
    flow = torch.zeros(1, 20, 30, 2)

    def carried(fill: Fill, seed: int = 7, age: int = 3) -> Tensor:
        prior = Prior(flow=flow, mask=mask, still=torch.zeros_like(mask), fill=fill, seed=seed)
        return carry(prior, painted, frame, age)[0]

    filled = {fill: carried(fill) for fill in Fill}
    for made in filled.values():
        assert torch.equal(made[:, :, :15], painted[:, :, :15])
    assert not filled[Fill.ZERO][:, :, 15:].any()
    assert torch.equal(filled[Fill.SOURCE][:, :, 15:], frame[:, :, 15:])
    noise = filled[Fill.NOISE][:, :, 15:]
    assert float(noise.std()) == pytest.approx(12**-0.5, abs=0.03)
    assert torch.equal(carried(Fill.NOISE)[:, :, 15:], noise)
    for seed, age in ((8, 3), (7, 4)):
        assert not torch.equal(carried(Fill.NOISE, seed, age)[:, :, 15:], noise)


def test_resizing_keeps_what_is_flat_and_masks_in_range() -> None:
    flat = torch.full((1, 30, 40, 3), 0.37)
    for size in ((15, 20), (61, 83), (30, 40)):
        torch.testing.assert_close(resize_picture(flat, *size), flat.new_full((1, *size, 3), 0.37))
        mask = resize_mask((random(1, 30, 40, 1) > 0.5).float(), *size)
        assert float(mask.min()) >= 0
        assert float(mask.max()) <= 1


@pytest.fixture(scope="module")
def look(tmp_path_factory: pytest.TempPathFactory) -> Look:
    return tiny_look(tmp_path_factory.mktemp("look"))


def test_a_loaded_painter_paints_the_looks_own_style(look: Look) -> None:
    loaded = load_painter(look)
    assert loaded.style.tolist() == [0.0, 1.0]
    assert load_painter(look).network is loaded.network  # once per file, not once per frame
    with pytest.raises(BadInput, match="expected 0 to 1"):
        load_painter(replace(look, weights=replace(look.weights, style=2)))


def test_weights_that_were_replaced_are_noticed_though_they_were_loaded_before(tmp_path) -> None:
    look = tiny_look(tmp_path)
    load_painter(look)
    weights = look.weights_path()
    content = bytearray(weights.read_bytes())
    content[-3] ^= 1
    weights.write_bytes(content)
    with pytest.raises(UnreadableFile, match="damaged or replaced"):
        load_painter(look)


def test_paint_is_finite_and_in_range_for_extreme_frames() -> None:
    for frame in (torch.zeros(1, 16, 16, 3), torch.ones(1, 16, 16, 3), random(1, 3, 500, 3)):
        painted, _ = painter().paint(frame, None, PaintState())
        assert np.isfinite(painted.numpy()).all()
        assert 0 <= float(painted.min()) <= float(painted.max()) <= 1

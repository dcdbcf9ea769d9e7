"""Any style: what adaptive normalisation promises, and what its painter keeps of a prior."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from support.material import SMALL, any_style, decoder
from support.training import picture

from stillbrush.core.errors import BadInput, MissingFrame, UnreadableFile
from stillbrush.core.look_pictures import StylePicture, give_picture, shares
from stillbrush.core.looks import load_look
from stillbrush.core.networks.adain import (
    Decoder,
    DecoderShape,
    adain,
    blended,
    encode,
    load_decoder,
    moments,
    opponents,
    renormalised,
    save_decoder,
)
from stillbrush.core.networks.bands import Bands
from stillbrush.core.networks.loss_network import load_loss_network, shipped_encoder
from stillbrush.core.new_looks import save_derived
from stillbrush.core.render.request import Request, check_request
from stillbrush.core.stylizers.adain import AnyStylePainter, StyleMix
from stillbrush.core.stylizers.load import load_painter
from stillbrush.core.stylizers.paint_state import PaintState
from stillbrush.core.stylizers.prior import Fill, Prior
from stillbrush.core.stylizers.shot_statistics import Sample
from stillbrush.host_adapters.cli.variadic import styled


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def painter(*styles: torch.Tensor, of: tuple[float, ...] | None = None) -> AnyStylePainter:
    encoder = load_loss_network(shipped_encoder()).network
    made = decoder()
    codes = tuple(
        tuple(moments(encode(encoder, style)[level]) for level in made.read) for style in styles
    )
    return AnyStylePainter(encoder, made, StyleMix(codes, of or (1.0,) * len(codes)), Bands())


def prior(mask: float, seed: int = 1, fill: Fill = Fill.ZERO) -> Prior:
    flow = noise(1, 40, 48, 2, seed=seed)
    full = torch.full((1, 40, 48, 1), mask)
    return Prior(flow, full, torch.zeros_like(full), fill, 5)


def test_a_picture_keeps_its_features_in_its_own_style():
    x = noise(2, 5, 7, 9) * 3 + 1
    torch.testing.assert_close(adain(x, moments(x), moments(x)), x, atol=1e-5, rtol=1e-5)


def test_features_get_mean_and_spread_of_the_style():
    x, y = noise(2, 5, 7, 9) * 3 + 1, noise(2, 5, 11, 4, seed=1) * 0.3 - 2
    mean, variance = moments(adain(x, moments(x), moments(y)))
    torch.testing.assert_close(mean, y.mean((2, 3)))
    torch.testing.assert_close(variance.sqrt(), y.std((2, 3)), atol=1e-4, rtol=1e-4)


def test_the_palette_of_a_picture_is_light_and_two_pairs_of_colours():
    grey, picture = torch.full((1, 3, 4, 4), 0.4), noise(2, 3, 32, 32)
    torch.testing.assert_close(opponents(grey)[0, :, 0, 0], torch.tensor([0.4 * 3**0.5, 0, 0]))
    turned = opponents(picture)
    torch.testing.assert_close(turned.square().sum(1), picture.square().sum(1))  # a rotation
    encoder = load_loss_network(shipped_encoder()).network
    assert torch.equal(encode(encoder, picture)[-1], turned)


def test_grain_is_not_made_a_palette_of():
    grey = 0.5 + 0.002 * noise(1, 3, 32, 32)
    encoder = load_loss_network(shipped_encoder()).network
    bright = [moments(level) for level in encode(encoder, noise(1, 3, 64, 64, seed=4).abs())]
    given, own = renormalised(encode(encoder, grey), bright)
    assert own[-1][1][0, 1:].max() < 1e-5
    assert given[-1][0, 1:].std((1, 2)).max() < 0.1  # of 0.9 that the picture has
    torch.testing.assert_close(moments(given[-1])[0], bright[-1][0], atol=1e-4, rtol=1e-4)


def test_gradients_are_right():
    small = Decoder(DecoderShape(sources=(3, 3, 2, 3), widths=(3, 2, 2, 2))).double()
    sizes = ((3, 3), (3, 6), (2, 12), (3, 24))
    features = [noise(1, c, s, s, seed=c + s).double() for c, s in sizes]
    style = tuple(
        (noise(1, f.shape[1]).double(), torch.ones(1, f.shape[1]).double()) for f in features
    )
    carried = torch.rand(1, 4, 24, 24, generator=torch.Generator().manual_seed(1)).double()

    def paint(*planes: torch.Tensor) -> torch.Tensor:
        *levels, prior = planes
        return small(renormalised(levels, style)[0], prior)

    planes = [plane.requires_grad_() for plane in (*features, carried)]
    assert torch.autograd.gradcheck(paint, planes, eps=1e-6, atol=1e-6, fast_mode=True)


def test_where_the_mask_is_0_the_prior_does_not_count():
    alike = painter(torch.rand(1, 3, 64, 64))
    frame = torch.rand(1, 40, 48, 3)
    painted = [
        alike.paint(frame, prior(0.0, seed, fill), PaintState(torch.rand(1, 40, 48, 3)))[0]
        for seed, fill in ((1, Fill.ZERO), (2, Fill.NOISE), (3, Fill.SOURCE))
    ]
    assert torch.equal(painted[0], painted[1])
    assert torch.equal(painted[0], painted[2])
    torch.testing.assert_close(painted[0], alike.paint(frame, None, PaintState())[0])


def test_where_the_mask_is_1_the_prior_counts():
    alike = painter(torch.rand(1, 3, 64, 64))
    frame = torch.rand(1, 40, 48, 3)
    one, other = (
        alike.paint(frame, prior(1.0), PaintState(torch.full((1, 40, 48, 3), level)))[0]
        for level in (0.1, 0.9)
    )
    assert (other - one).mean() > 0.3


@pytest.mark.parametrize("size", [(40, 48), (41, 51), (47, 33)])
def test_any_size_is_painted(size: tuple[int, int]):
    made, state = painter(torch.rand(1, 3, 64, 64)).paint(
        torch.rand(1, *size, 3), None, PaintState()
    )
    assert made.shape == (1, *size, 3)
    assert 0 <= made.min() <= made.max() <= 1
    assert state.age == 1


def test_statistics_of_a_shot_of_one_frame_are_the_frames_own():
    alike = painter(torch.rand(1, 3, 64, 64))
    frame = torch.rand(1, 40, 48, 3)
    frozen = alike.frozen(alike.measure([Sample(frame, frame, prior(0.0))], (40, 48)))
    fresh = PaintState()
    torch.testing.assert_close(
        frozen.paint(frame, None, fresh)[0], alike.paint(frame, None, fresh)[0]
    )


def test_blending_ends_at_the_pictures():
    a, b = (((noise(1, 4, seed=s), noise(1, 4, seed=s + 9).abs()),) for s in (1, 2))
    torch.testing.assert_close(blended((a, b), (1.0, 0.0)), a)
    torch.testing.assert_close(blended((a, b), (0.0, 1.0)), b)
    torch.testing.assert_close(blended((a, a), (0.3, 0.7)), a)


def test_a_share_of_nothing_leaves_the_plate_its_own_style():
    style, frame = torch.rand(1, 3, 64, 64), torch.rand(1, 40, 48, 3)
    none, naught = painter(), painter(style, of=(0.0,))
    full = painter(style)
    fresh = PaintState()
    torch.testing.assert_close(
        none.paint(frame, None, fresh)[0], naught.paint(frame, None, fresh)[0]
    )
    assert not torch.allclose(full.paint(frame, None, fresh)[0], none.paint(frame, None, fresh)[0])


def test_a_place_along_the_pictures_is_a_mix_of_two_neighbours():
    mix = StyleMix(((), (), ()), (1.0, 0.0, 0.0))
    assert mix.along(0.0).shares == (1.0, 0.0, 0.0)
    assert mix.along(1.25).shares == (0.0, 0.75, 0.25)
    assert mix.along(9.0).shares == (0.0, 0.0, 1.0)


def test_shares_beyond_1_are_scaled_down():
    def pictures(*given: float) -> list[StylePicture]:
        return [StylePicture("a.png", "0" * 64, share) for share in given]

    assert shares(pictures(0.3, 0.2)) == (0.3, 0.2)
    assert shares(pictures(1.0, 3.0)) == (0.25, 0.75)


def test_a_decoder_reads_back_as_written(tmp_path: Path):
    made = decoder()
    save_decoder(made, tmp_path / "d.safetensors", "e" * 64)
    again = load_decoder(tmp_path / "d.safetensors", "e" * 64)
    assert again.shape == SMALL
    for name, value in made.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, atol=1e-3, rtol=1e-3)
    with pytest.raises(UnreadableFile, match="another encoder"):
        load_decoder(tmp_path / "d.safetensors", "f" * 64)


def written(folder: Path, seed: int) -> Path:
    path = folder / f"style{seed}.png"
    cv2.imwrite(str(path), picture(seed))
    return path


def test_a_look_with_its_pictures_is_saved_and_read_back(tmp_path: Path):
    pictures = tuple(give_picture(written(tmp_path, n), 0.5) for n in (1, 2))
    look = any_style(tmp_path / "looks").with_pictures(pictures)
    saved = load_look(save_derived(replace(look, name="mine"), tmp_path / "looks"))
    assert [p.share for p in saved.pictures] == [0.5, 0.5]
    assert all((tmp_path / "looks" / p.file).is_file() for p in saved.pictures)
    frame = torch.rand(1, 40, 48, 3)
    painted = [load_painter(one).paint(frame, None, PaintState())[0] for one in (look, saved)]
    assert torch.equal(*painted)


def test_a_picture_that_was_replaced_is_refused(tmp_path: Path):
    look = any_style(tmp_path).with_pictures((give_picture(written(tmp_path, 1)),))
    saved = load_look(save_derived(replace(look, name="mine"), tmp_path))
    cv2.imwrite(str(tmp_path / saved.pictures[0].file), np.zeros((64, 64, 3), np.uint8))
    with pytest.raises(UnreadableFile, match="sha256"):
        load_painter(saved)


def test_without_a_picture_nothing_is_painted(tmp_path: Path):
    with pytest.raises(BadInput, match="give it a style picture"):
        check_request(Request("plate.####.exr", any_style(tmp_path)))


def test_the_command_line_names_its_option_where_a_picture_is_wanted(tmp_path: Path):
    look = any_style(tmp_path)
    with pytest.raises(BadInput, match="--style-image"):
        styled(look, {})
    kept = look.with_pictures((give_picture(written(tmp_path, 1)),))
    assert styled(kept, {}) is kept


def test_pictures_that_are_none_are_named(tmp_path: Path):
    with pytest.raises(MissingFrame, match="there is no such file"):
        give_picture(tmp_path / "no.png")
    (tmp_path / "text.txt").write_text("no")
    with pytest.raises(BadInput, match="another kind"):
        give_picture(tmp_path / "text.txt")
    (tmp_path / "broken.png").write_text("no")
    look = any_style(tmp_path).with_pictures((give_picture(tmp_path / "broken.png"),))
    with pytest.raises(UnreadableFile, match=r"broken\.png"):
        load_painter(look)

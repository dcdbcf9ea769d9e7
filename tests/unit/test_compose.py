"""From paint to plate: each dial alone, exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from stillbrush.core.media.alpha import premultiply
from stillbrush.core.media.colour import PlateColour
from stillbrush.core.media.encoding import Encoding, from_srgb
from stillbrush.core.media.placing import Placed
from stillbrush.core.render.compose import blend, compose, luminance, over
from stillbrush.core.render.prepare import Prepared, prepare

HEIGHT, WIDTH = 24, 36
LINEAR = PlateColour("lin_rec709_scene")
DISPLAY = PlateColour("srgb_rec709_scene")
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Dials:
    strength: float = 1.0
    mix: float = 1.0
    keep_colours: float = 0.0
    detail: float = 0.0


def placed(rgb: np.ndarray, alpha: np.ndarray | None = None) -> Placed:
    return Placed(1, rgb, alpha, None, (slice(0, HEIGHT), slice(0, WIDTH)))


def plate(seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rgb = rng.uniform(0, 1.2, (HEIGHT, WIDTH, 3)).astype(np.float32)
    rgb[2, 3], rgb[4, 5], rgb[6, 7] = 50.0, -0.5, 1e4
    return rgb


def paint(seed: int = 2, height: int = HEIGHT, width: int = WIDTH) -> Tensor:
    return torch.rand(1, height, width, 3, generator=torch.Generator().manual_seed(seed))


def made(
    rgb: np.ndarray, painted: Tensor, dials: Dials, alpha: np.ndarray | None = None, **more: object
) -> np.ndarray:
    encoding = Encoding()
    frame: Prepared = prepare(placed(rgb, alpha), LINEAR, encoding, CPU)
    return compose(frame, painted, dials, LINEAR, encoding, **more)


def test_all_paint_is_the_paint_decoded_by_the_plates_light() -> None:
    rgb = np.clip(plate(), 0, 0.5)
    got = made(rgb, paint(), Dials())
    np.testing.assert_allclose(got, from_srgb(paint())[0].numpy(), rtol=1e-5, atol=1e-6)


def test_paint_on_a_bright_light_stays_bright() -> None:
    got = made(plate(), torch.full((1, HEIGHT, WIDTH, 3), 0.9), Dials())
    assert got[2, 3].min() > 20
    assert np.isfinite(got).all()


def test_mix_zero_is_the_very_plate_and_no_matte_too() -> None:
    rgb = plate()
    rgb[0, 0] = np.nan, np.inf, -np.inf
    for dials, matte in ((Dials(mix=0.0), None), (Dials(), np.zeros((HEIGHT, WIDTH), np.float32))):
        got = made(rgb, paint(), dials, matte=matte)
        np.testing.assert_array_equal(got.view(np.uint32), rgb.view(np.uint32))


def test_mix_blends_in_the_plates_own_space() -> None:
    rgb = plate()
    full = made(rgb, paint(), Dials())
    got = made(rgb, paint(), Dials(mix=0.25))
    np.testing.assert_allclose(got, rgb + 0.25 * (full - rgb), rtol=1e-5, atol=1e-5)


def test_a_matte_is_exact_where_it_is_whole_and_blends_between() -> None:
    matte = np.zeros((HEIGHT, WIDTH), np.float32)
    matte[:, 12:24], matte[:, 24:], matte[0, 0] = 0.5, 1.0, np.nan
    rgb, full = plate(), made(plate(), paint(), Dials())
    got = made(rgb, paint(), Dials(), matte=matte)
    np.testing.assert_array_equal(got[:, :12], rgb[:, :12])
    np.testing.assert_array_equal(got[:, 24:], full[:, 24:])
    halfway = (rgb + full)[:, 12:24] / 2
    np.testing.assert_allclose(got[:, 12:24], halfway, rtol=1e-5, atol=1e-5)


def test_strength_zero_gives_the_plate_back_below_zero_and_above_one() -> None:
    rgb = np.clip(plate(), None, 100)
    np.testing.assert_allclose(made(rgb, paint(), Dials(strength=0.0)), rgb, rtol=2e-5, atol=1e-6)


def test_strength_blends_in_network_encoding() -> None:
    encoded, painted = paint(3), paint(4)
    got = blend(encoded, painted, Dials(strength=0.3))
    torch.testing.assert_close(got, torch.lerp(encoded, painted, 0.3))


def test_kept_colours_take_only_light_and_dark_from_the_paint() -> None:
    encoded, painted = paint(5) * 0.2 + 0.4, paint(6) * 0.2 + 0.4
    got = blend(encoded, painted, Dials(keep_colours=1.0))
    torch.testing.assert_close(luminance(got), luminance(painted), rtol=0, atol=1e-5)
    chroma = got - luminance(got)
    torch.testing.assert_close(chroma, encoded - luminance(encoded), rtol=0, atol=1e-5)


def test_detail_brings_back_only_what_is_finer_than_the_brush() -> None:
    smooth = torch.full((1, HEIGHT, WIDTH, 3), 0.5)
    fine = smooth.clone()
    fine[:, ::2] += 0.1
    fine[:, 1::2] -= 0.1
    painted = torch.full((1, HEIGHT // 2, WIDTH // 2, 3), 0.3)
    flat = blend(smooth, painted, Dials(detail=1.0))
    torch.testing.assert_close(flat, torch.full_like(flat, 0.3), rtol=0, atol=1e-5)
    crisp = blend(fine, painted, Dials(detail=1.0))
    assert float(crisp.std()) > 0.08
    assert float(crisp.mean()) == pytest.approx(0.3, abs=0.01)
    same_size = blend(fine, torch.full_like(fine, 0.3), Dials(detail=1.0))
    assert float(same_size.std()) == pytest.approx(0, abs=1e-6)


def test_paint_on_a_soft_edge_is_multiplied_by_the_plates_alpha() -> None:
    alpha = np.tile(np.clip((np.arange(WIDTH) - 10) / 12, 0, 1).astype(np.float32), (HEIGHT, 1))
    colour = np.full((HEIGHT, WIDTH, 3), 0.4, np.float32)
    stored = premultiply(colour, alpha)
    stored[3, 2] = 0.25  # light without coverage
    got = made(stored, paint(), Dials(), alpha)
    solid = made(colour, paint(), Dials())
    covered = alpha > 0
    expected = solid[covered] * alpha[covered][:, None]
    np.testing.assert_allclose(got[covered], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(got[~covered], stored[~covered])


def test_only_what_the_plate_has_of_the_canvas_is_painted() -> None:
    inside = (slice(4, 16), slice(6, 30))
    rgb, alpha = np.zeros((HEIGHT, WIDTH, 3), np.float32), np.zeros((HEIGHT, WIDTH), np.float32)
    rgb[inside], alpha[inside] = 0.3, 1.0
    encoding = Encoding()
    frame = prepare(Placed(1, rgb, alpha, None, inside), LINEAR, encoding, CPU)
    got = compose(frame, paint(), Dials(), LINEAR, encoding)
    expected = from_srgb(paint())[0].numpy()[inside]
    np.testing.assert_allclose(got[inside], expected, rtol=1e-5, atol=1e-6)
    got[inside] = 0
    assert not got.any()


def test_a_display_plate_comes_back_as_display_values() -> None:
    rgb = np.clip(plate(), 0, 1)
    encoding = Encoding(has_shoulder=False)
    frame = prepare(placed(rgb), DISPLAY, encoding, CPU)
    got = compose(frame, paint(), Dials(), DISPLAY, encoding)
    np.testing.assert_allclose(got, paint()[0].numpy(), atol=2e-4)


def test_values_that_are_no_numbers_stay_whatever_surrounds_them() -> None:
    base = np.full((2, 3, 3), 0.5, np.float32)
    base[0, 0], base[0, 1, 1] = np.nan, np.inf
    result = np.full_like(base, 0.25)
    result[1, 2, 0] = np.nan
    for amount in (0.0, 0.5, 1.0):
        got = over(base, result, np.full((2, 3), amount, np.float32), None)
        odd = ~np.isfinite(base)
        np.testing.assert_array_equal(got[odd], base[odd])
        assert got[1, 2, 0] == np.float32(0.5)
        assert got[1, 1, 1] == np.float32(0.5 - 0.25 * amount)
        assert got.dtype == np.float32


def test_nothing_given_is_changed() -> None:
    rgb, alpha = plate(), np.full((HEIGHT, WIDTH), 0.5, np.float32)
    painted, kept = paint(), (rgb.copy(), alpha.copy(), paint())
    made(rgb, painted, Dials(strength=0.5, mix=0.5, keep_colours=0.5), alpha)
    np.testing.assert_array_equal(rgb, kept[0])
    np.testing.assert_array_equal(alpha, kept[1])
    assert torch.equal(painted, kept[2])

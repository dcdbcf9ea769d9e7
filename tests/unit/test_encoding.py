"""The way into the network's colours: monotonic, bounded, continuous, and lit on the way back.

That an unpainted pixel comes back, and that the shoulder has no corner, `test_colour` says.
"""

from __future__ import annotations

import itertools

import pytest
import torch

from stillbrush.core.media.encoding import BRIGHTEST, KNEE, Encoding, from_srgb, to_srgb

EVERY = [Encoding(e, s) for e, s in itertools.product((-2.0, 0.0, 3.0), (True, False))]
LIGHT = torch.logspace(-6, 2.5, 4000)


@pytest.mark.parametrize("encoding", EVERY, ids=str)
def test_more_light_is_never_a_lower_code_and_codes_stay_in_range(encoding: Encoding) -> None:
    codes = encoding.encode(torch.cat((torch.tensor([-5.0, 0.0]), LIGHT, torch.tensor([1e9]))))
    assert bool((codes.diff() >= 0).all())
    assert float(codes.min()) == 0.0
    assert float(codes.max()) == pytest.approx(1.0, abs=1e-6)
    assert float(codes.max()) <= 1.0 + 1e-6


def test_with_a_shoulder_every_brightness_has_a_code_of_its_own() -> None:
    codes = Encoding().encode(LIGHT[LIGHT < BRIGHTEST])
    assert bool((codes.diff() > 0).all())
    assert (
        float(Encoding().encode(torch.tensor(100.0)) - Encoding().encode(torch.tensor(10.0))) > 0.05
    )


def test_a_display_plate_is_plain_srgb() -> None:
    display = Encoding(has_shoulder=False)
    values = torch.linspace(0, 1, 1001)
    assert torch.equal(display.encode(values), to_srgb(values))
    assert bool((display.light(values) == 1).all())


@pytest.mark.parametrize("encoding", EVERY, ids=str)
def test_light_is_one_below_the_knee_and_grows_with_the_plate(encoding: Encoding) -> None:
    light = encoding.light(LIGHT)
    knee = KNEE if encoding.has_shoulder else 1.0
    below = LIGHT * 2.0**encoding.exposure <= knee
    assert bool((light[below] == 1).all())
    assert bool((light >= 1 - 1e-5).all())
    assert bool((light.diff() >= -1e-5 * light[1:]).all())
    assert bool(torch.isfinite(encoding.light(torch.tensor([-1.0, 0.0, 1e30]))).all())


@pytest.mark.parametrize("encoding", EVERY, ids=str)
def test_paint_on_an_ordinary_pixel_is_between_black_and_white_paper(encoding: Encoding) -> None:
    plate = torch.full((3,), 0.18 * 2.0**-encoding.exposure)
    painted = encoding.decode(torch.tensor([0.0, 0.5, 1.0]), plate) * 2.0**encoding.exposure
    expected = from_srgb(torch.tensor([0.0, 0.5, 1.0]))
    torch.testing.assert_close(painted, expected)


def test_exposure_is_taken_off_again() -> None:
    plate = LIGHT[LIGHT < 1]
    for stops in (-1.0, 2.0):
        encoding = Encoding(stops)
        torch.testing.assert_close(encoding.encode(plate), Encoding().encode(plate * 2.0**stops))
        back = encoding.decode(encoding.encode(plate), plate)
        torch.testing.assert_close(back, plate, rtol=1e-4, atol=1e-7)


def test_srgb_and_its_inverse_undo_each_other() -> None:
    values = torch.linspace(0, 1, 4097)
    torch.testing.assert_close(from_srgb(to_srgb(values)), values, rtol=1e-5, atol=1e-6)
    assert float(to_srgb(torch.tensor(0.18))) == pytest.approx(0.4613, abs=1e-4)

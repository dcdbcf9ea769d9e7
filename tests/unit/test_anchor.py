"""Paint lasts where its plate stays what it was, in motion too; wet paint does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from support.material import tiny_look

from stillbrush.core.knobs import PriorKnobs
from stillbrush.core.motion.flow import Flow
from stillbrush.core.motion.registration import registered
from stillbrush.core.motion.sharp_warp import by_taps, lanczos, look_up, warp_sharply
from stillbrush.core.state import load_state, save_state
from stillbrush.core.stylizers.anchor import (
    DRYING,
    RENEWED,
    follow,
    remember,
)
from stillbrush.core.stylizers.load import load_painter
from stillbrush.core.stylizers.paint_state import PaintState
from stillbrush.core.stylizers.painter import Painter, RecurrentPainter, StillPainter
from stillbrush.core.stylizers.prior import Prior, make_prior

SIZE = (64, 96)
SPEED = 0.37  # pixels a frame


@pytest.fixture(scope="module")
def painter(tmp_path_factory: pytest.TempPathFactory) -> Painter:
    return load_painter(tiny_look(tmp_path_factory.mktemp("look")))


def plate(shift: float = 0.0) -> torch.Tensor:
    """A smooth world with structure of many sizes, moved to the left by pixels."""
    y, x = torch.meshgrid(
        torch.arange(float(SIZE[0])), torch.arange(float(SIZE[1])) + shift, indexing="ij"
    )
    waves = [
        torch.sin(x / p + y / q) * 0.2 + torch.sin(x / 9 - y / r) * 0.2 + 0.5
        for p, q, r in ((2.1, 5, 7), (3.7, 3, 11), (4.9, 2.3, 5))
    ]
    return torch.stack(waves, -1)[None].float()


def flow(speed: float = SPEED) -> torch.Tensor:
    made = torch.zeros((1, *SIZE, 2))
    made[..., 0] = speed
    return made


def sure() -> torch.Tensor:
    return torch.ones((1, *SIZE, 1))


def prior(knobs: PriorKnobs | None = None, mask: torch.Tensor | None = None) -> Prior:
    whole = sure() if mask is None else mask
    return make_prior(Flow(flow(), -flow()), whole, knobs or PriorKnobs())


def begun(painted: torch.Tensor, seen: torch.Tensor) -> PaintState:
    return remember(PaintState(painted, seen, 1), None)


def pan(painter: Painter, count: int, knobs: PriorKnobs) -> tuple[list[torch.Tensor], PaintState]:
    first, state = painter.paint(plate(), None, PaintState())
    made = [first]
    for place in range(1, count):
        # What lies at x came from x + flow: the world moves to the left.
        painted, state = painter.paint(plate(place * SPEED), prior(knobs), state)
        made.append(painted)
    return made, state


def inner(picture: torch.Tensor) -> torch.Tensor:
    return picture[:, 12:-12, 16:-24]


def test_paint_of_a_pan_is_the_first_frame_s_looked_up_once(painter):
    made, _ = pan(painter, 20, PriorKnobs())
    once = look_up(made[0], flow(19 * SPEED)).clamp(0, 1)
    free, _ = pan(painter, 20, PriorKnobs(hold=0.0))
    away = (inner(made[-1]) - inner(once)).abs().mean()
    assert away < 0.02
    assert away < 0.2 * (inner(free[-1]) - inner(once)).abs().mean()


def test_an_anchor_is_renewed_from_time_to_time(painter):
    _, before = pan(painter, RENEWED - 1, PriorKnobs())
    _, after = pan(painter, RENEWED, PriorKnobs())
    assert before.course is not None
    assert before.course.abs().amax() > 7
    assert after.course is not None
    assert not after.course.any()
    assert after.anchor is after.painted


def test_without_hold_nothing_is_remembered(painter):
    _, state = pan(painter, 3, PriorKnobs(hold=0.0))
    assert (state.anchor, state.anchor_plate, state.course, state.dry) == (None,) * 4


@pytest.mark.parametrize("holds", [(1.0, 0.0, 1.0, 1.0), (0.0, 1.0, 0.0), (0.5, 0.0, 0.0, 0.3)])
def test_the_hold_may_change_from_frame_to_frame(painter, holds):
    _, state = painter.paint(plate(), None, PaintState())
    for place, hold in enumerate(holds, 1):
        painted, state = painter.paint(plate(place * SPEED), prior(PriorKnobs(hold=hold)), state)
        assert bool(torch.isfinite(painted).all())
        assert (state.course is not None) == (hold > 0)


def test_slow_light_is_followed_with_no_pulse_where_the_anchor_is_renewed(painter):
    _, state = painter.paint(plate(), None, PaintState())
    held = []
    for place in range(1, 3 * RENEWED):
        seen = plate(place * SPEED) - 0.004 * place
        carried = look_up(state.painted, flow())
        lasting = follow(seen, carried, flow(), sure(), prior(), state)
        _, state = painter.paint(seen, prior(), state)
        held.append(float(inner(lasting.share).mean()))
    assert held[0] > 0.95
    assert max(held[RENEWED:]) < 0.05  # what changes all the time never dries


def test_what_carried_paint_is_measured_by_is_the_last_picture(painter):
    first = painter.go_on(plate(), None, PaintState())
    odd = replace(first.state, painted=first.picture + 0.02)
    made = painter.go_on(plate(SPEED), prior(), odd)
    expected = warp_sharply(odd.painted, flow()).clamp(0, 1)
    assert torch.equal(made.carried[..., :3], expected)


@pytest.mark.parametrize("error", [(0.3, 0.0), (0.0, -0.4), (0.25, 0.25)])
def test_a_course_that_strayed_is_registered_anew(error):
    course = flow(5.3) + torch.tensor(error)
    for _ in range(4):
        course = course + registered(plate(5.3), plate(), course)
    left = (inner(course) - inner(flow(5.3))).abs().mean()
    assert left < 0.3 * max(abs(part) for part in error)


def test_a_course_that_is_right_stays(painter):
    course = flow(5.0)
    for _ in range(50):
        course = course + registered(plate(5.0), plate(), course)
    assert (inner(course) - inner(flow(5.0))).abs().amax() < 0.05


def test_paint_is_given_up_where_the_plate_has_changed():
    seen = plate(SPEED)
    seen[:, 20:40, 30:60] += 0.3
    state = begun(plate(), plate())
    lasting = follow(seen, look_up(plate(), flow()), flow(), sure(), prior(), state)
    assert lasting is not None
    assert not lasting.share[:, 24:36, 36:54].any()
    assert lasting.share[:, 50:60, 20:80].min() > 0.99


def test_what_was_painted_over_since_is_not_brought_back():
    carried = look_up(plate(), flow())
    carried[:, 20:40, 30:60] += 0.3
    lasting = follow(plate(SPEED), carried, flow(), sure(), prior(), begun(plate(), plate()))
    assert lasting is not None
    assert not lasting.share[:, 24:36, 36:54].any()


def test_wet_paint_does_not_last_until_it_has_dried():
    hole = sure()
    hole[:, 20:40, 30:60] = 0
    state = begun(plate(), plate())
    for place in range(DRYING + 1):
        mask = hole if place == 0 else sure()
        still = Prior(torch.zeros_like(flow()), mask, mask)
        lasting = follow(plate(), plate(), still.flow, mask, still, state)
        assert lasting is not None
        state = replace(state, dry=lasting.dry)
        fresh = remember(replace(state, age=RENEWED), lasting)  # an anchor set now
        later = follow(plate(), plate(), still.flow, sure(), still, fresh)
        assert later is not None
        lasts = bool(later.share[:, 30, 45].item() > 0.99)
        assert lasts == (place >= DRYING - 1)
        assert later.share[:, 5, 5].item() > 0.99


def test_the_dial_and_the_hold_say_how_firmly():
    state, seen = begun(plate(), plate()), plate(SPEED)
    knobs = PriorKnobs(temporal=0.5, hold=0.5)
    mask = sure() * 0.5
    lasting = follow(seen, look_up(plate(), flow()), flow(), mask, prior(knobs), state)
    assert lasting is not None
    assert inner(lasting.share).max() == pytest.approx(0.25)
    assert lasting.dry.min() == 1  # half a dial does not make paint wet


def test_settling_goes_over_the_first_frame_and_no_other(painter):
    frame = plate()
    alone = painter.go_on(frame, None, PaintState())
    settled = painter.go_on(frame, None, PaintState(), settle=2)
    expected = alone.picture
    for _ in range(2):
        expected = painter.repaint(frame, expected, None)
    assert torch.equal(settled.picture, expected)
    assert settled.state.painted is settled.picture
    assert settled.state.anchor is settled.picture
    assert settled.state.age == 1
    on = painter.go_on(plate(SPEED), prior(), settled.state)
    again = painter.go_on(plate(SPEED), prior(), settled.state, settle=2)
    assert torch.equal(on.picture, again.picture)


def test_a_first_frame_whose_prior_is_known_settles_too(painter):
    known = painter.go_on(plate(), prior(), PaintState(), settle=1)
    assert torch.equal(known.picture, painter.go_on(plate(), None, PaintState(), settle=1).picture)


def test_what_has_a_network_of_its_own_for_first_frames_does_not_settle(painter):
    opened = replace(painter, opener=painter)
    assert painter.settles
    assert not opened.settles
    alone = opened.go_on(plate(), None, PaintState())
    assert torch.equal(opened.go_on(plate(), None, PaintState(), settle=3).picture, alone.picture)


@pytest.mark.parametrize("kind", [StillPainter, RecurrentPainter])
def test_what_does_not_carry_its_paint_remembers_no_anchor(painter, kind):
    other = kind(painter.network, painter.style)
    made = other.go_on(plate(), None, PaintState(), settle=2)
    assert torch.equal(made.picture, other.go_on(plate(), None, PaintState()).picture)
    assert made.state.anchor is None
    onwards = other.go_on(plate(SPEED), prior(), made.state)
    assert onwards.state.anchor is None


def test_a_state_that_shares_its_pictures_comes_back(painter, tmp_path):
    _, state = painter.paint(plate(), None, PaintState())
    assert state.anchor is state.painted
    save_state(state, tmp_path / "state.safetensors")
    back = load_state(PaintState, tmp_path / "state.safetensors")
    here, there = (
        painter.paint(plate(SPEED), prior(), one)[0]
        for one in (state, back.to(torch.device("cpu")))
    )
    assert torch.equal(here, there)


def test_looking_up_is_exact_at_whole_pixels_and_the_same_by_taps():
    moved = look_up(plate(), flow(3.0))
    assert torch.equal(moved[:, :, :-3], plate()[:, :, 3:])
    parts = flow(0.53) + torch.linspace(0, 2, SIZE[1])[None, None, :, None]
    steps = (parts * 32).round() / 32
    by_hand = by_taps(plate(), steps, lanczos())
    torch.testing.assert_close(look_up(plate(), parts), by_hand, atol=2e-6, rtol=0)

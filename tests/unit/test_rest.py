"""Paint rests where nothing moves, and follows where the plate has changed."""

from __future__ import annotations

import pytest
import torch
from support.material import tiny_look

from stillbrush.core.knobs import PriorKnobs
from stillbrush.core.motion.flow import Flow
from stillbrush.core.stylizers.load import load_painter
from stillbrush.core.stylizers.paint_state import PaintState
from stillbrush.core.stylizers.painter import Painter
from stillbrush.core.stylizers.prior import make_prior

SIZE = (40, 48)


@pytest.fixture(scope="module")
def painter(tmp_path_factory: pytest.TempPathFactory) -> Painter:
    return load_painter(tiny_look(tmp_path_factory.mktemp("look")))


def plate(seed: int = 0) -> torch.Tensor:
    return torch.rand((1, *SIZE, 3), generator=torch.Generator().manual_seed(seed)) * 0.8


def standing(moving: tuple[slice, slice] | None = None) -> Flow:
    flow = torch.zeros((1, *SIZE, 2))
    if moving:
        flow[:, moving[0], moving[1], 0] = 1.5
    return Flow(flow, -flow)


def paint_on(painter: Painter, plates: list[torch.Tensor], flow: Flow, knobs: PriorKnobs):
    mask = torch.ones((1, *SIZE, 1))
    state, made = PaintState(), []
    for picture in plates:
        painted, state = painter.paint(picture, make_prior(flow, mask, knobs), state)
        made.append(painted)
    return made


def test_paint_is_kept_to_the_bit_under_grain(painter):
    grain = [plate() + 0.01 * torch.randn((1, *SIZE, 3)) for _ in range(8)]
    made = paint_on(painter, grain, standing(), PriorKnobs())
    for painted in made[1:]:
        assert torch.equal(painted, made[0])


def test_one_frame_of_seeming_motion_moves_nothing(painter):
    mask, corner = torch.ones((1, *SIZE, 1)), (slice(10, 24), slice(10, 24))
    state, made = PaintState(), []
    for flow in (standing(), standing(), standing(corner), standing()):
        painted, state = painter.paint(plate(), make_prior(flow, mask, PriorKnobs()), state)
        made.append(painted)
    assert torch.equal(made[2], made[1])
    assert torch.equal(made[3], made[1])


def test_motion_that_lasts_is_followed(painter):
    mask, corner = torch.ones((1, *SIZE, 1)), (slice(10, 24), slice(10, 24))
    state, made = PaintState(), []
    for flow in (standing(), standing(), standing(corner), standing(corner)):
        painted, state = painter.paint(plate(), make_prior(flow, mask, PriorKnobs()), state)
        made.append(painted)
    same = (made[3] == made[1]).all(-1)[0]
    assert not same[13:21, 13:21].any()
    assert same[30:, 30:].all()


def test_a_camera_that_begins_to_move_takes_all_paint_with_it(painter):
    mask = torch.ones((1, *SIZE, 1))
    everywhere = standing((slice(0, SIZE[0]), slice(0, SIZE[1])))
    state = PaintState()
    for flow in (standing(), standing()):
        before, state = painter.paint(plate(), make_prior(flow, mask, PriorKnobs()), state)
    after, _ = painter.paint(plate(), make_prior(everywhere, mask, PriorKnobs()), state)
    assert (after != before).any(-1).float().mean() > 0.95


def test_without_hold_it_wanders(painter):
    made = paint_on(painter, [plate()] * 4, standing(), PriorKnobs(hold=0.0))
    assert (made[3] - made[0]).abs().mean() > 1e-4


def test_what_moves_is_painted_anew_and_the_rest_is_kept(painter):
    moving = (slice(10, 20), slice(10, 20))
    made = paint_on(painter, [plate(), plate()], standing(moving), PriorKnobs())
    same = (made[1] == made[0]).all(-1)[0]
    assert same[30:, 30:].all()
    assert not same[12:18, 12:18].any()


def test_a_slow_change_of_light_is_followed(painter):
    plates = [plate() + 0.01 * step for step in range(16)]  # each step alone is below the threshold
    made = paint_on(painter, plates, standing(), PriorKnobs())
    assert torch.equal(made[1], made[0])
    assert (made[15] - made[0]).abs().mean() > 1e-3


def test_temporal_zero_holds_nothing(painter):
    prior = make_prior(standing(), torch.ones((1, *SIZE, 1)), PriorKnobs(temporal=0.0))
    assert not prior.still.any()


def test_before_a_tripod_what_cannot_be_followed_and_has_not_changed_rests(painter):
    mask = torch.ones((1, *SIZE, 1))
    mask[:, 8:14, 8:14] = 0  # grain that looks like motion
    prior = make_prior(standing(), mask, PriorKnobs())
    first, state = painter.paint(plate(), None, PaintState())
    second, state = painter.paint(plate(), prior, state)
    assert torch.equal(first, second)
    changed = plate()
    changed[:, 4:18, 4:18] = 1 - changed[:, 4:18, 4:18]
    third, _ = painter.paint(changed, prior, state)
    assert not (third == second).all(-1)[0, 9:13, 9:13].any()


def test_untrusted_pixels_are_not_held(painter):
    mask = torch.ones((1, *SIZE, 1))
    mask[:, :10] = 0
    prior = make_prior(standing(), mask, PriorKnobs())
    state = PaintState()
    first, state = painter.paint(plate(), prior, state)
    second, _ = painter.paint(plate(), prior, state)
    same = (first == second).all(-1)[0]
    assert not same[:8].any()
    assert same[12:].all()

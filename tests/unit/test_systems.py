"""Every system trains, resumes to the same weights, and leaves looks that paint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from support.training import Onlooker, tiny_request

from stillbrush import nodes  # noqa: F401 - declares the knobs that a look is checked against
from stillbrush.core.errors import BadInput, Cancelled
from stillbrush.core.look import StylizerKind
from stillbrush.core.look_pictures import give_picture
from stillbrush.core.looks import load_look
from stillbrush.core.networks.layouts import Architecture
from stillbrush.core.stylizers.load import load_painter
from stillbrush.core.stylizers.paint_state import PaintState
from stillbrush.core.training.loop import Batch
from stillbrush.core.training.photographs import Photographs
from stillbrush.core.training.plan import Request
from stillbrush.core.training.recurrent import UNROLLED, RecurrentTrainer
from stillbrush.core.training.session import Session
from stillbrush.core.training.start import Start
from stillbrush.core.training.systems import SYSTEMS, make_trainer
from stillbrush.core.training.terms import SystemKind
from stillbrush.core.training.trainer import Trainer

OTHERS = [kind for kind in SystemKind if kind is not SystemKind.PRIOR]


def asked(folder: Path, kind: SystemKind, **changes: object) -> Request:
    knobs = {"size": 64, "style_side": 64, "system": kind.value, "batch": 2}
    plain = {"iterations": 4, "checkpoint_every": 2, "sheet_every": 10, "knobs": knobs}
    return tiny_request(folder, 2, **plain | changes)


@pytest.mark.parametrize("kind", OTHERS)
def test_a_system_leaves_looks_that_paint(tmp_path: Path, kind: SystemKind):
    request = asked(tmp_path, kind, iterations=2)
    outcome = Session(request).train(Onlooker())
    assert outcome.sheet.is_file()
    look = load_look(outcome.looks[0])
    assert look.stylizer is SYSTEMS[kind].stylizer
    assert len(outcome.looks) == (1 if kind is SystemKind.ADAIN else 2)
    if look.stylizer is StylizerKind.ADAIN:
        look = look.with_pictures((give_picture(request.styles[0]),))
    painted, _ = load_painter(look).paint(torch.rand(1, 32, 40, 3), None, PaintState())
    assert painted.shape == (1, 32, 40, 3)
    assert torch.isfinite(painted).all()


@pytest.mark.parametrize("kind", OTHERS)
def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path: Path, kind: SystemKind):
    whole, halved = asked(tmp_path / "whole", kind), asked(tmp_path / "halved", kind)
    Session(whole).train(Onlooker())
    with pytest.raises(Cancelled):
        Session(halved).train(Onlooker(stop_after=3))
    Session(halved).train(Onlooker())
    one, other = (load_file(request.weights) for request in (whole, halved))
    assert one.keys() == other.keys()
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_a_layout_of_the_papers_is_trained_for_the_inputs_of_its_system(tmp_path: Path):
    wanted = {SystemKind.NOISE: 3, SystemKind.RECURRENT: 6, SystemKind.PRIOR: 7}
    for kind, inputs in wanted.items():
        request = asked(tmp_path, kind)
        more = {"architecture": "delcour", "width_share": 0.1}
        shape = replace(request, knobs=dict(request.knobs) | more).recipe(2).shape
        assert (shape.architecture, shape.inputs) == (Architecture.DELCOUR, inputs)
        assert (shape.stem, shape.width) == (4, 13)


def test_only_the_noise_system_pays_for_grain(tmp_path: Path):
    costs = {}
    for kind in (SystemKind.FEEDFORWARD, SystemKind.NOISE):
        request = asked(tmp_path, kind)
        photographs = Photographs(request.content, 120)
        made = make_trainer(request.recipe(4), photographs, torch.device("cpu"), torch.float32)
        costs[kind] = made.iterate().noise
    assert costs[SystemKind.FEEDFORWARD] == 0
    assert costs[SystemKind.NOISE] > 0


def test_a_recurrent_shot_goes_on_by_the_frames_it_was_unrolled(tmp_path: Path):
    request = asked(tmp_path, SystemKind.RECURRENT)
    photographs = Photographs(request.content, 120)
    made = make_trainer(request.recipe(40), photographs, torch.device("cpu"), torch.float32)
    assert isinstance(made, RecurrentTrainer)
    made.step = 20
    for _ in range(8):
        made.iterate()
    ages = made.slots.ages[made.slots.ages >= 0]
    assert len(ages) > 0
    assert ((ages + 1) % UNROLLED == 0).all()


def test_true_forward_motion_leads_to_the_next_frame(tmp_path: Path):
    request = asked(tmp_path, SystemKind.RECURRENT)
    photographs = Photographs(request.content, 120)
    made = make_trainer(request.recipe(4), photographs, torch.device("cpu"), torch.float32)
    compared = 0
    for seed in range(30):
        shooter, shot = made.shooter, made.shooter.draw(seed)
        if shot.drift:
            continue
        last, this = shooter.render(shot, 2), shooter.render(shot, 3)
        flow, seen = shooter.forward_flow(shot, 3)
        inner = seen * (torch.nn.functional.max_pool2d(1 - seen, 5, 1, 2) == 0)
        error = (shooter.fetch(this.clean, flow) - last.clean).abs() * inner
        assert error.max() < 4 / 255
        compared += int(inner.sum())
    assert compared > 10000


def test_a_network_for_any_style_begins_with_no_other(tmp_path: Path):
    first = asked(tmp_path, SystemKind.FEEDFORWARD, iterations=2)
    Session(first).train(Onlooker())
    request = asked(tmp_path, SystemKind.ADAIN, start=Start(first.weights))
    with pytest.raises(BadInput, match="begins with none"):
        Session(request).train(Onlooker())


@pytest.mark.parametrize("term", ["relative", "plain"])
def test_the_temporal_weight_is_of_what_the_recipe_says(tmp_path: Path, term: str):
    knobs = {"temporal_term": term, "temporal_weight": 60.0, "recursion": "multi-frame"}
    request = asked(tmp_path, SystemKind.PRIOR)
    request = replace(request, knobs=dict(request.knobs) | knobs)
    trainer = make_trainer(request.recipe(10), None, torch.device("cpu"), torch.float32)
    assert isinstance(trainer, Trainer)
    batch = Batch(*(torch.zeros(1, n, 64, 64) for n in (7, 3, 3)), torch.ones(1, 1, 64, 64), 0)
    painted, fresh = torch.full((1, 3, 64, 64), 0.1), torch.full((1, 3, 64, 64), 0.2)
    change = trainer.change(painted, fresh, batch)
    assert change == pytest.approx(0.01 if term == "plain" else 0.006 / 4)
    flat = trainer.change(painted / 2, fresh / 2, batch)
    assert flat == pytest.approx(0.0025 if term == "plain" else 0.006 / 4)

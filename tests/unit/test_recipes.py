"""Recipes are read strictly, hold only what differs, and train."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from support.commands import run
from support.training import Onlooker, tiny_request

from stillbrush import nodes  # noqa: F401 - declares the knobs that a look is checked against
from stillbrush.core.errors import BadInput, MissingFrame
from stillbrush.core.looks import load_look
from stillbrush.core.new_looks import save_derived
from stillbrush.core.stylizers.load import load_painter
from stillbrush.core.stylizers.paint_state import PaintState
from stillbrush.core.training.photographs import Photographs
from stillbrush.core.training.plan import Request
from stillbrush.core.training.recipe import recipe_knobs
from stillbrush.core.training.recipes import find_recipe, list_recipes, read_recipe
from stillbrush.core.training.recursion import Recursion, last_age
from stillbrush.core.training.session import Session
from stillbrush.core.training.start import Start
from stillbrush.core.training.systems import make_trainer

NAMES = [recipe.name for recipe in list_recipes()]
SMALL = {"size": 64, "style_side": 64, "batch": 4, "width_share": 0.1}


def asked(folder: Path, recipe: str, **changes: object) -> Request:
    knobs = dict(find_recipe(recipe).knobs) | SMALL
    plain = {"iterations": 2, "sheet_every": 10, "knobs": knobs}
    return tiny_request(folder, 2, **plain | changes)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_that_ships_trains(tmp_path: Path, name: str):
    recipe = find_recipe(name)
    assert recipe.title
    assert len(recipe.about) > 80
    assert all(path.is_file() for path in Session(asked(tmp_path, name)).train(Onlooker()).looks)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_holds_only_what_differs(name: str):
    defaults = {knob.name: knob.default for knob in recipe_knobs()}
    same = [
        knob
        for knob, value in find_recipe(name).knobs.items()
        if value == getattr(defaults[knob], "value", defaults[knob])
    ]
    assert same == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("recipe: 2\ntitle: a", "version 1"),
        ("recipe: 1", "title"),
        ("recipe: 1\ntitle: a\nknobs: {speed: 3}", "speed: no such key"),
        ("recipe: 1\ntitle: a\nknobs: {batch: 99}", "knobs.batch: expected 2 to 32"),
        ("recipe: 1\ntitle: a\nknobs: {system: oil}", "knobs.system: expected prior"),
        ("recipe: 1\ntitle: a\niterations: 0.5", "iterations: expected a whole number"),
        ("recipe: 1\ntitle: a\nwhat: 1", "what: no such key"),
        ("recipe: 1\ntitle: a\nabout: [a]", "about: expected text"),
        ("- 1", "expected a mapping"),
        ("a: &a 1", "no anchors"),
    ],
)
def test_a_recipe_is_read_strictly(tmp_path: Path, text: str, told: str):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(BadInput, match=told) as caught:
        read_recipe(path)
    assert str(path) in str(caught.value)


def test_a_recipe_that_is_not_there_lists_those_that_are():
    with pytest.raises(MissingFrame, match="ruder-mixed"):
        find_recipe("oil")


def test_the_command_line_trains_by_a_recipe_and_what_is_given_comes_after_it(tmp_path: Path):
    request = tiny_request(tmp_path)
    named = ["--style", request.styles[0], "--content", request.content, "-o", tmp_path / "out"]
    asked = ["train", "--recipe", "delcour-lewin", "--size", 64, "--dry-run", "--json", *named]
    code, said, complaint = run(*asked)
    assert code == 0, complaint
    assert "31673 iterations" in said
    assert "recipe" in run("train", "--list-recipes")[1]


def test_shots_are_as_long_as_the_schedule_of_the_paper():
    thousands = {0: 2, 59: 2, 60: 3, 69: 3, 70: 5, 119: 5}
    found = {n: last_age(Recursion.MULTI_FRAME, n / 120) + 1 for n in thousands}
    assert found == thousands
    assert {last_age(Recursion.TWO_FRAME, n / 9) for n in range(9)} == {1}


def test_no_shot_goes_on_beyond_its_last_frame(tmp_path: Path):
    request = asked(tmp_path, "ruder-mixed")
    photographs = Photographs(request.content, 120)
    made = make_trainer(request.recipe(30), photographs, torch.device("cpu"), torch.float32)
    for _ in range(30):
        made.iterate()
    assert set(made.slots.ages.tolist()) == {0, 1}


def test_an_image_network_paints_first_frames_in_training_and_in_the_look(tmp_path: Path):
    image = asked(tmp_path, "ruder-image")
    opener = load_look(Session(image).train(Onlooker()).looks[0])
    start = Start(opener.verified_weights(), opener.network.style)
    request = asked(tmp_path, "ruder-two-frame", iterations=4, name="two", image_network=start)
    look = load_look(Session(request).train(Onlooker()).looks[1])
    copied = load_look(save_derived(replace(look, name="copied"), tmp_path / "elsewhere"))
    frame, state = torch.rand(1, 32, 40, 3), PaintState()
    alone = [load_painter(one).paint(frame, None, state)[0] for one in (opener, look, copied)]
    assert torch.equal(alone[0], alone[1])
    assert torch.equal(alone[0], alone[2])
    own = load_painter(replace(look, opener=None)).paint(frame, None, state)[0]
    assert not torch.equal(alone[0], own)
    assert look.paint_digest != replace(look, opener=None).paint_digest
    request = replace(request, name="other", knobs=dict(request.knobs) | {"system": "noise"})
    with pytest.raises(BadInput, match="expected system prior"):
        Session(request)

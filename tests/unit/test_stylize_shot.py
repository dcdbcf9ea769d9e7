"""Stylize Shot follows the look, unless the artist says that every knob counts as it stands."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from support.material import tiny_look, tiny_shot

from stillbrush.core.errors import BadInput
from stillbrush.core.looks import load_look, save_look
from stillbrush.core.media.source import open_shot
from stillbrush.core.spec import REGISTRY

NODE = REGISTRY["stylize_shot"]


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory):
    return open_shot(tiny_shot(tmp_path_factory.mktemp("shot"), 2, 48, 32))


def frame(shot, look, **knobs: object) -> torch.Tensor:
    made = NODE.step(NODE.inputs_type(shot, look), NODE.make_knobs(stroke_size=4.0, **knobs))
    return made.clip.frame(1001)


def test_a_knob_can_be_set_back_to_its_default_against_the_look(shot, tmp_path) -> None:
    plain = tiny_look(tmp_path)
    pale = replace(plain, knobs={"stylizer": {"strength": 0.5}})
    half, whole = frame(shot, plain, strength=0.5), frame(shot, plain, strength=1.0)
    assert torch.equal(frame(shot, pale), half)
    assert torch.equal(frame(shot, pale, strength=1.0), half)  # stands at its default
    assert torch.equal(frame(shot, pale, strength=1.0, follow_look=False), whole)
    assert not torch.equal(half, whole)


def test_a_look_cannot_say_whether_it_is_followed(tmp_path) -> None:
    look = replace(tiny_look(tmp_path), name="own", knobs={"stylize_shot": {"follow_look": False}})
    with pytest.raises(BadInput, match="follow_look"):
        save_look(look, tmp_path)
    path = save_look(replace(look, knobs={}), tmp_path)
    path.write_text(path.read_text() + "knobs: {stylize_shot: {follow_look: false}}\n")
    with pytest.raises(BadInput, match="follow_look"):
        load_look(path)

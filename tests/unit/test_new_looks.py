from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.material import tiny_look

from stillbrush.core import looks
from stillbrush.core.errors import BadInput, MissingFrame, UnreadableFile, WriteRefused
from stillbrush.core.knobs import ShotKnobs
from stillbrush.core.looks import load_look
from stillbrush.core.new_looks import derive, flat_knobs, save_derived
from stillbrush.core.spec import read_knobs


@pytest.fixture(autouse=True)
def _nothing_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "SHIPPED", tmp_path / "shipped")


def test_a_half_written_look_is_no_look(tmp_path: Path) -> None:
    look = tiny_look(tmp_path)
    assert look.path is not None
    (tmp_path / ".tiny.yaml.host-1-1.partial.yaml").write_text("look: 1\nna")
    assert looks.list_looks(tmp_path) == [look.path]


def test_a_look_that_ships_wins_and_a_missing_one_is_told_of(tmp_path: Path) -> None:
    tiny_look(tmp_path / "shipped")
    tiny_look(tmp_path / "user")
    assert looks.find_look("tiny", tmp_path / "user").path == tmp_path / "shipped" / "tiny.yaml"
    with pytest.raises(MissingFrame, match=r"'other'.*There are: tiny"):
        looks.find_look("other", tmp_path / "user")


def test_every_knob_of_the_chain_can_be_saved_in_a_look(tmp_path: Path) -> None:
    given_knobs = {
        field.name: field.choices[-1] if field.choices else field.default
        for field in read_knobs(ShotKnobs, "stylize_shot")
    }
    look = load_look(save_derived(derive(tiny_look(tmp_path), "all", given_knobs), tmp_path))
    assert flat_knobs(look) == given_knobs
    assert set(look.knobs) == {
        "flow_estimator", "occlusion_mask", "prior_warper", "stylizer",
    }  # fmt: skip


def test_a_knob_set_anew_replaces_the_old_one_wherever_it_stood(tmp_path: Path) -> None:
    base = replace(tiny_look(tmp_path), knobs={"stylize_shot": {"strength": 0.5, "mix": 0.5}})
    assert derive(base, "new", {"strength": 0.7}).knobs == {
        "stylizer": {"strength": 0.7, "mix": 0.5}
    }


def test_a_derived_look_brings_its_weights_once(tmp_path: Path) -> None:
    base, folder = tiny_look(tmp_path / "base"), tmp_path / "user"
    first = load_look(save_derived(derive(base, "first", {}), folder))
    second = load_look(save_derived(derive(first, "second", {}), folder))
    assert first.verified_weights() == second.verified_weights()
    other = tiny_look(tmp_path / "other", seed=4)
    third = load_look(save_derived(derive(other, "third", {}), folder))
    assert third.verified_weights() != first.verified_weights()
    assert first.verified_weights().read_bytes() == base.verified_weights().read_bytes()
    assert len(list(folder.iterdir())) == 5


def test_a_derived_look_replaces_and_hides_nothing(tmp_path: Path) -> None:
    base = tiny_look(tmp_path / "shipped")
    with pytest.raises(BadInput, match="ships with Stillbrush"):
        derive(base, "tiny", {})
    for name in ("", "../x", "A", "x" * 65, "a b"):
        with pytest.raises(BadInput, match="expected a name"):
            derive(base, name, {})
    folder = tmp_path / "user"
    path = save_derived(derive(base, "mine", {"mix": 0.5}), folder)
    kept = path.read_bytes()
    with pytest.raises(WriteRefused, match="Choose another name"):
        save_derived(derive(base, "mine", {}), folder)
    assert path.read_bytes() == kept


def test_a_look_that_would_not_read_back_leaves_nothing_behind(tmp_path: Path) -> None:
    base, folder = tiny_look(tmp_path / "base"), tmp_path / "user"
    for wrong in ({"title": "two\nlines"}, {"exposure": 99.0}, {"title": "\ud800"}):
        with pytest.raises(BadInput):
            save_derived(derive(base, "new", {}, **wrong), folder)
    (tmp_path / "base" / "tiny.safetensors").write_bytes(b"replaced")
    with pytest.raises(UnreadableFile):
        save_derived(derive(base, "new", {}), folder)
    assert not folder.exists()

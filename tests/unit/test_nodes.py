"""What single nodes promise beyond the laws that all of them keep."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from support.material import tiny_look

from stillbrush.core.errors import BadInput, WriteRefused
from stillbrush.core.knobs import MaskKnobs, ShotKnobs, StylizerKnobs, follow
from stillbrush.core.looks import load_look
from stillbrush.core.motion.flow import Flow, is_known, unknown_flow
from stillbrush.core.motion.view import flow_picture, mask_picture
from stillbrush.core.new_looks import with_knobs
from stillbrush.core.sequence import scan
from stillbrush.core.spec import REGISTRY


def world(seed: int, count: int) -> list[torch.Tensor]:
    """Make a still world of its own: two seeds have nothing in common."""
    rng = torch.Generator().manual_seed(seed)
    coarse = torch.rand((1, 3, 24, 36), generator=rng)
    picture = torch.nn.functional.interpolate(coarse, (64, 96), mode="bicubic").clamp(0, 1)
    return [picture.permute(0, 2, 3, 1)] * count


def test_a_cut_has_an_unknown_flow_and_begins_the_painting_afresh(tmp_path: Path) -> None:
    look = tiny_look(tmp_path)
    frames = world(1, 3) + world(2, 3)
    spec, mask, prior = (REGISTRY[n] for n in ("flow_estimator", "occlusion_mask", "prior_warper"))
    knobs, fresh = spec.make_knobs(), spec.state_type()
    moments = scan(
        lambda x, s: spec.step(x, knobs, s),
        enumerate(map(spec.inputs_type, frames)),
        fresh,
        fresh=fresh,
    )
    flows = [moment.outputs.flow for moment in moments]
    assert [bool(is_known(f.backward).any()) for f in flows] == [0, 1, 1, 0, 1, 1]

    def painted(count: int) -> list[torch.Tensor]:
        stylizer = REGISTRY["stylizer"]
        state, made = stylizer.state_type(), []
        for frame, flow in list(zip(frames, flows, strict=True))[count:]:
            masked = mask.step(mask.inputs_type(flow), mask.make_knobs(), mask.state_type())[0].mask
            x = prior.inputs_type(flow, masked)
            carried = prior.step(x, prior.make_knobs(), prior.state_type())[0].prior
            x = stylizer.inputs_type(frame, look, carried)
            out, state = stylizer.step(x, stylizer.make_knobs(stroke_size=4.0), state)
            made.append(out.frame)
        return made

    whole, second = painted(0), painted(3)
    assert all(torch.equal(a, b) for a, b in zip(whole[3:], second, strict=True))


def test_flow_shows_rest_white_direction_as_hue_and_the_unknown_dark() -> None:
    rest, right = torch.zeros(1, 2, 2, 2), torch.tensor([16.0, 0.0]).expand(1, 2, 2, 2)
    assert torch.equal(flow_picture(rest, 16.0), torch.ones(1, 2, 2, 3))
    shown = flow_picture(right, 16.0)[0, 0, 0]
    assert torch.allclose(shown, torch.tensor([1.0, 0.0, 0.0]), atol=1e-6)
    left = flow_picture(-right, 16.0)[0, 0, 0]
    assert torch.allclose(left, torch.tensor([0.0, 1.0, 1.0]), atol=1e-6)
    unknown = flow_picture(unknown_flow(2, 2).backward, 16.0)
    assert torch.equal(unknown, torch.full((1, 2, 2, 3), 0.2))


def test_a_mask_leaves_what_it_trusts_as_it_is() -> None:
    frame = torch.rand(1, 4, 5, 3)
    assert torch.equal(mask_picture(torch.ones(1, 4, 5, 1), frame, 1.0), frame)
    assert not torch.equal(mask_picture(torch.zeros(1, 4, 5, 1), frame, 0.5), frame)


def test_the_flow_viewer_shows_either_direction() -> None:
    spec = REGISTRY["flow_viewer"]
    there, back = torch.zeros(1, 2, 2, 2), torch.ones(1, 2, 2, 2) * 9
    x = spec.inputs_type(Flow(back, there))
    shown = [
        spec.step(x, spec.make_knobs(forward=f), spec.state_type())[0].image for f in (False, True)
    ]
    assert torch.equal(shown[1], torch.ones(1, 2, 2, 3))
    assert not torch.equal(shown[0], shown[1])


def test_a_knob_at_its_default_follows_the_look_and_another_does_not() -> None:
    said = {"stylizer": {"strength": 0.25}, "occlusion_mask": {"dilate": 4}}
    assert follow(StylizerKnobs(), said).strength == 0.25
    assert follow(StylizerKnobs(strength=0.5), said).strength == 0.5
    assert follow(MaskKnobs(), said).dilate == 4
    with pytest.raises(BadInput, match=r"look\.dilate"):
        follow(MaskKnobs(), {"occlusion_mask": {"dilate": 400}})


def test_knobs_go_into_a_look_and_come_back(tmp_path: Path) -> None:
    look = with_knobs(tiny_look(tmp_path), ShotKnobs(mix=0.5, dilate=3, cut_sensitivity=0.7))
    assert look.knobs["stylizer"] == {"mix": 0.5}
    assert look.knobs["occlusion_mask"] == {"dilate": 3}
    assert follow(ShotKnobs(), look.knobs) == ShotKnobs(mix=0.5, dilate=3, cut_sensitivity=0.7)


def test_save_look_keeps_to_its_folder_and_replaces_only_where_allowed(tmp_path: Path) -> None:
    look = with_knobs(tiny_look(tmp_path / "from"), StylizerKnobs(mix=0.5))
    spec, folder = REGISTRY["save_look"], tmp_path / "mine"
    folder.mkdir()

    def save(**knobs: object):
        made = spec.make_knobs(**{"folder": str(folder)} | knobs)
        return spec.step(spec.inputs_type(look), made).look

    assert load_look(save(name="dusk").path) == save(name="dusk", overwrite=True)
    with pytest.raises(WriteRefused, match="is there already"):
        save(name="dusk")
    for name in ("../dusk", "a/b", "Dusk", "", "..", "starry-night"):
        with pytest.raises(BadInput):
            save(name=name)
    assert {p.parent for p in tmp_path.rglob("*.yaml")} == {folder, tmp_path / "from"}
    assert replace(look, name="dusk").knobs == {"stylizer": {"mix": 0.5}}


def test_the_flicker_meter_sees_boiling_and_leaves_steady_paint_alone() -> None:
    spec, plates = REGISTRY["flicker_meter"], world(1, 4)
    steady = [plate.flip(-1) for plate in plates]
    boiling = [(p + 0.2 * torch.rand(p.shape)).clamp(0, 1) for p in steady]

    def change(painted: list[torch.Tensor]) -> list[float]:
        frames = enumerate(spec.inputs_type(*pair) for pair in zip(plates, painted, strict=True))
        fresh = spec.fresh()
        moments = scan(lambda x, s: spec.step(x, spec.make_knobs(), s), frames, fresh, fresh=fresh)
        return [float(moment.outputs.change) for moment in moments]

    assert max(change(steady)) < 1e-6
    assert change(boiling)[0] == 0.0
    assert min(change(boiling)[1:]) > 1e-3
    joined = [*plates[:2], *world(9, 2)]
    frames = enumerate(spec.inputs_type(plate, plate.flip(-1)) for plate in joined)
    fresh = spec.fresh()
    moments = scan(lambda x, s: spec.step(x, spec.make_knobs(), s), frames, fresh, fresh=fresh)
    followed = [float(moment.outputs.followed) for moment in moments]
    assert [value > 0 for value in followed] == [False, True, False, True], "a cut is no flicker"

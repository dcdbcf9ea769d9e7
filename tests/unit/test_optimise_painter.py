"""Painting by optimisation: where it begins, when it stops, what it remembers."""

from __future__ import annotations

import functools
import json
import random
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from support.material import SHARED, tiny_shot
from support.optimising import optimise_look, painter, picture, tiny_encoder
from support.rendering import Quiet, frames_in, paint

from stillbrush.core.errors import BadInput, Cancelled
from stillbrush.core.knobs import PriorKnobs, ShotKnobs
from stillbrush.core.looks import load_look
from stillbrush.core.motion.flow import Flow
from stillbrush.core.networks.loss_network import load_loss_network
from stillbrush.core.networks.vgg import LAYERS, POOL
from stillbrush.core.render.assembly import assemble
from stillbrush.core.render.painting import Settings, ShotPainting
from stillbrush.core.render.request import Request
from stillbrush.core.state import load_state, save_state
from stillbrush.core.stylizers.load import load_painter
from stillbrush.core.stylizers.optimise.begin import first_picture
from stillbrush.core.stylizers.optimise.descent import Rule, Step, descend, make_optimiser
from stillbrush.core.stylizers.optimise.layers import choose_layers
from stillbrush.core.stylizers.optimise.memory import Before, known
from stillbrush.core.stylizers.optimise.presets import preset
from stillbrush.core.stylizers.optimise.settings import Begin, make_settings
from stillbrush.core.stylizers.optimise.styles import style_size
from stillbrush.core.stylizers.paint_state import PaintState
from stillbrush.core.stylizers.prior import Prior, make_prior
from stillbrush.core.stylizers.protocol import Iterate

SIZE = (40, 56)


def still(mask: float = 1.0, hold: float = 0.0) -> Prior:
    trusted = torch.full((1, *SIZE, 1), mask)
    flow = torch.zeros((1, *SIZE, 2))
    return make_prior(Flow(flow, flow), trusted, PriorKnobs(hold=hold))


def quadratic(x: torch.Tensor, _: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    total = ((x - 0.5) ** 2).sum() + 1.0
    return total, {"all": total}


def test_a_known_energy_stops_at_the_predicted_iteration() -> None:
    seen: list[Step] = []
    settings = make_settings({"tolerance": 1e-4, "window": 10, "history": 5})
    x = descend(quadratic, torch.rand(1, 3, 4, 4), settings, 500, seen.append)
    # It is at the bottom within ten iterations; the change is told at the end of the next window.
    assert [step.number for step in seen] == list(range(21))
    torch.testing.assert_close(x, torch.full_like(x, 0.5), atol=1e-4, rtol=0)


def test_the_rule_is_asked_only_at_the_end_of_a_window() -> None:
    rule = Rule(0.01, 50)
    energies = {0: 100.0, 50: 50.0, 100: 49.6, 125: 49.6, 150: 49.5}
    told = [number for number, energy in energies.items() if rule.is_settled(number, energy)]
    assert told == [100, 150]


def test_adam_has_the_constants_of_the_paper() -> None:
    settings = preset("delcour-adam")
    x = torch.full((1, 3, 2, 2), 0.3, requires_grad=True)
    optimiser = make_optimiser(x, settings)
    (group,) = optimiser.state_dict()["param_groups"]
    assert (group["lr"], group["betas"], group["eps"]) == (0.02, (0.99, 0.999), 0.1)
    made = descend(quadratic, x.detach(), settings, 1)
    gradient = 2 * (0.3 - 0.5)  # the first step by hand: both moments are brought to size
    expected = 0.3 - 0.02 * gradient / (abs(gradient) + 0.1)
    torch.testing.assert_close(made, torch.full_like(made, expected))


@pytest.mark.parametrize("optimiser", ["lbfgs", "lbfgs-search", "adam"])
def test_every_optimiser_goes_down(optimiser: str) -> None:
    made = painter(optimiser=optimiser, rate=0.002 if optimiser == "adam" else 1.0, iterations=25)
    told: list[float] = []
    made.go_on(picture(1), None, PaintState(), lambda it: told.append(it.energy))
    assert len(told) == 25
    assert told[-1] < 0.95 * told[0]


def test_an_energy_that_runs_away_leaves_a_picture() -> None:
    def runaway(x: torch.Tensor, _: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        return (x * torch.inf).sum(), {}

    made = descend(runaway, torch.full((1, 3, 4, 4), 0.25), make_settings({}), 9)
    assert torch.isfinite(made).all()


def test_the_content_error_of_the_plate_itself_is_none() -> None:
    made, told = painter(first="content"), []
    made.go_on(picture(1), None, PaintState(), told.append)
    assert told[0].terms["content"] == 0
    assert told[-1].terms["content"] > 0


def test_noise_is_that_of_the_code_and_another_on_every_frame() -> None:
    settings = make_settings({"first": "random", "spread": 30.0, "seed": 4})
    plate = torch.zeros(1, 3, 64, 64)
    one, again, later = (first_picture(plate, settings, age) for age in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, later)
    assert not torch.equal(one, first_picture(plate, replace(settings, seed=5), 0))
    assert float(one.std((2, 3)).mean() * 255) == pytest.approx(30, rel=0.03)
    assert (one.mean((2, 3))[0] * 255).tolist() == pytest.approx([123.68, 116.779, 103.939], abs=2)
    white = first_picture(plate, replace(settings, first=Begin.WHITE), 0)
    assert float(white.std()) == pytest.approx(12**-0.5, rel=0.02)


def test_warped_on_a_shot_that_stands_still_begins_from_the_very_paint() -> None:
    made = painter(later="warped", later_iterations=0)
    frame = picture(1)
    painted, state = made.paint(frame, None, PaintState())
    again, _ = made.paint(frame, still(), state)
    torch.testing.assert_close(again, painted, atol=1e-6, rtol=0)


def test_paint_of_something_else_is_not_begun_from() -> None:
    """Neither behind what moved on, nor where a frame's border is dragged in."""
    made = painter(later="remembered", later_iterations=0)
    plate = picture(1, 40, 64)
    painted, state = made.paint(plate[:, :, :-8], None, PaintState())
    flow = torch.zeros((1, *SIZE, 2))
    flow[..., 0] = 8  # a pan to the right
    seen = torch.ones((1, *SIZE, 1))
    seen[:, :, -30:] = 0  # a mask leaves out more than what is new
    panned = plate[:, :, 8:].clone()
    panned[:, 10:20, 30:40] = 1 - panned[:, 10:20, 30:40].round()
    prior = make_prior(Flow(flow, -flow), seen, PriorKnobs(hold=0))
    begun, _ = made.paint(panned, prior, state)
    close = functools.partial(torch.testing.assert_close, atol=1e-5, rtol=0)
    close(begun[:, :, :-30], painted[:, :, 8:-22])
    close(begun[:, 24:, :-12], painted[:, 24:, 8:-4])
    close(begun[:, :, -8:], panned[:, :, -8:])
    close(begun[:, 12:18, 32:38], panned[:, 12:18, 32:38])


@pytest.mark.parametrize("how", [b.value for b in Begin])
def test_every_beginning_paints(how: str) -> None:
    made = painter(first=how if how in ("random", "white") else "content", later=how)
    _, state = made.paint(picture(1), None, PaintState())
    painted, state = made.paint(picture(2), still(0.5), state)
    assert painted.shape == (1, *SIZE, 3)
    assert state.age == 2
    assert 0 <= float(painted.min()) <= float(painted.max()) <= 1


@pytest.mark.parametrize("knobs", [{"temporal_weight": 0.0}, {}])
def test_without_temporal_weight_or_dial_a_frame_is_painted_as_a_still(knobs: dict) -> None:
    knobs = {"later": "content", "later_iterations": 5, "scales": 1} | knobs
    made, frame = painter(**knobs), picture(2)
    _, state = made.paint(picture(1), None, PaintState())
    flow = torch.zeros((1, *SIZE, 2))
    dial = 1.0 if "temporal_weight" in knobs else 0.0
    prior = make_prior(Flow(flow, flow), torch.ones(1, *SIZE, 1), PriorKnobs(dial, hold=0.0))
    assert torch.equal(made.paint(frame, prior, state)[0], made.paint(frame, None, PaintState())[0])


def test_temporal_weight_holds_the_paint() -> None:
    changes = []
    for weight in (0.0, 2000.0):
        made = painter(temporal_weight=weight, later="content", later_iterations=15)
        painted, state = made.paint(picture(1), None, PaintState())
        changes.append(float((made.paint(picture(2), still(), state)[0] - painted).abs().mean()))
    assert changes[1] < 0.5 * changes[0]


@pytest.mark.parametrize("kind", ["fixed", "aligned", "final"])
def test_stabilising_compares_with_what_its_reading_says(kind: str) -> None:
    made = painter(stabilise=kind, temporal_weight=0.0, later="content", later_iterations=5)
    frame = picture(1)
    painted, state = made.paint(frame, None, PaintState())
    told: list[Iterate] = []
    made.go_on(frame, still(), state, told.append)
    errors = [iterate.terms["stabilise"] for iterate in told]
    if kind == "fixed":  # both begin from the same plate
        assert errors[0] == 0
        at = float((told[-1].picture - frame).square().mean())  # seen within 0 to 1
        assert at <= errors[-1] <= 1.2 * at
    elif kind == "aligned":  # the frames are alike, and so is every iterate of the same number
        assert errors[0] == 0
        assert max(errors) < 1e-3 * float((painted - frame).square().mean())
    else:
        assert errors[0] == pytest.approx(float((frame - painted).square().mean()), rel=1e-4)


def test_the_last_paint_may_be_the_style() -> None:
    made = painter(previous_style=True, later="previous")
    frame = picture(1)
    _, state = made.paint(frame, None, PaintState())
    told: list[Iterate] = []
    made.go_on(frame, still(), state, told.append)
    assert told[0].terms["style"] == pytest.approx(0, abs=1e-6)


def crossing(place: int) -> torch.Tensor:
    """Return a plate that is still but for a square that crosses it."""
    plate = picture(3, 64, 96).clone()
    rng = torch.Generator().manual_seed(8)
    plate[:, :, 30:60] = (
        torch.nn.functional.interpolate(
            torch.rand((1, 3, 32, 15), generator=rng), (64, 30), mode="bicubic"
        )
        .clamp(0, 1)
        .permute(0, 2, 3, 1)
    )
    left = 12 * place - 24
    if left + 24 >= 0 and left < 96:
        plate[:, 16:48, max(left, 0) : min(left + 24, 96)] = torch.tensor([0.9, 0.1, 0.1])
    return plate


@pytest.mark.parametrize("offsets", ["1", "1, 3, 6"])
def test_what_was_hidden_comes_back_as_it_was(offsets: str) -> None:
    """An occluder crosses; J holds a frame from before it came."""
    made = painter(
        long_term=offsets, temporal_weight=3000.0, later="random", later_iterations=12,
        iterations=12, spread=60.0, seed=3,
    )  # fmt: skip
    size, state, prior, seen = (64, 96), PaintState(), None, {}
    hidden = torch.zeros(1, *size, 1)
    for place in range(7):
        frame = crossing(place)
        if place:
            fresh = (crossing(place - 1) - frame).abs().amax(-1, keepdim=True) < 0.02
            hidden = fresh.float()
            flow = torch.zeros((1, *size, 2))
            prior = make_prior(Flow(flow, flow), hidden, PriorKnobs(hold=0.0))
        seen[place], state = made.paint(frame, prior, state)
    # Columns 36 to 48 are free at frame 2, covered at 3 to 5 and free again at 6.
    assert torch.equal(crossing(2)[:, 16:48, 38:46], crossing(6)[:, 16:48, 38:46])
    change = float((seen[6] - seen[2])[:, 18:46, 38:46].square().mean())
    if offsets == "1":
        assert change > 0.002
    else:
        assert change < 0.001


def test_what_comes_back_is_known_beside_what_hid_it() -> None:
    """Motion beside a fast square is not to be trusted; that the plate is as it was, is."""
    rng = np.random.default_rng(2)
    world = cv2.resize(rng.integers(0, 255, (16, 24), np.uint8).astype(np.float32), (96, 64))
    then = world.astype(np.uint8)
    this = then.copy()
    this[12:52, 40:72] = 30
    flow, mask = known(then, this, torch.device("cpu"))
    seen = mask[0, ..., 0].bool().numpy()
    assert seen[12:52, 28:36].mean() > 0.9
    assert seen[14:50, 42:70].mean() < 0.1
    assert not flow[0, 12:52, 28:36].any()


def test_the_memory_is_no_longer_than_it_must_be() -> None:
    made = painter(long_term="1, 3", iterations=1, later_iterations=1)
    state = PaintState()
    for place in range(6):
        _, state = made.paint(picture(place), still() if place else None, state)
    assert state.seen is not None
    assert state.earlier is not None
    assert (len(state.seen), len(state.earlier)) == (3, 2)
    assert (state.seen.dtype, state.earlier.dtype) == (torch.uint8, torch.float16)


def test_a_state_that_went_through_a_file_goes_on_exactly(tmp_path: Path) -> None:
    made = painter(long_term="1, 2", stabilise="aligned")
    state = PaintState()
    for place in range(3):
        _, state = made.paint(picture(place), still(0.8) if place else None, state)
    save_state(state, tmp_path / "state.safetensors")
    back = load_state(PaintState, tmp_path / "state.safetensors")
    one, other = (made.paint(picture(9), still(0.8), s)[0] for s in (state, back))
    assert torch.equal(one, other)


def test_coarse_scales_come_first() -> None:
    made, told = painter(scales=2, iterations=3), []
    made.go_on(picture(1, 128, 160), None, PaintState(), told.append)
    assert [tuple(it.picture.shape[1:3]) for it in told] == [(64, 80)] * 3 + [(128, 160)] * 3
    assert [it.done for it in told] == list(range(6))
    assert {it.total for it in told} == {6}


def test_a_budget_of_time_ends_a_frame_after_one_step_at_least() -> None:
    made, told = painter(seconds=1e-6, iterations=50), []
    made.go_on(picture(1), None, PaintState(), told.append)
    assert len(told) == 1


def test_whoever_watches_can_stop_within_an_iteration() -> None:
    def stop(iterate: Iterate) -> None:
        if iterate.done == 2:
            raise Cancelled("stopped")

    told: list[Iterate] = []
    with pytest.raises(Cancelled):
        painter(iterations=50).go_on(
            picture(1), None, PaintState(), lambda it: (told.append(it), stop(it))
        )
    assert len(told) == 3


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_a_painting_is_as_large_as_the_frame_times_its_scale(scale: float) -> None:
    for height, width in ((512, 646), (717, 512)):
        h, w = style_size(height, width, 350 * 450, scale)
        assert abs(h * w - 350 * 450 * scale**2) <= h + w
        assert h / w == pytest.approx(height / width, rel=0.01)


def test_a_cap_of_the_larger_side_keeps_the_aspect() -> None:
    from stillbrush.core.stylizers.painter import painting_size

    assert painting_size(1281, 1920, 1920, 1.0, preset("delcour").width) == (342, 512)


def test_a_frame_that_is_too_small_or_of_another_size_is_refused() -> None:
    made = painter()
    with pytest.raises(BadInput, match="32 pixels or more"):
        made.paint(picture(1, 24, 56), None, PaintState())
    _, state = made.paint(picture(1), None, PaintState())
    with pytest.raises(BadInput, match="as before"):
        made.paint(picture(1, 48, 56), still(), state)


def test_layers_that_a_network_lacks_are_stood_in_for() -> None:
    chosen = choose_layers(tiny_encoder(), preset("ruder"))
    assert dict(chosen.content) == {"relu4_1": 1.0}
    assert dict(chosen.stood_in) == {"relu4_2": "relu4_1"}
    network = choose_layers(tiny_encoder(), preset("ruder-network"))
    assert list(network.style) == ["relu1_1", "relu2_1", "relu3_1", "relu4_1"]
    assert choose_layers(tiny_encoder(), preset("cmu")).stood_in == {"relu5_2": "relu5_1"}


@pytest.mark.parametrize("number", [16, 19])
def test_torchvisions_layout_is_read_by_its_places(number: int, tmp_path: Path) -> None:
    lacks = ("3_4", "4_4", "5_4") if number == 16 else ()
    layers = [layer for layer in LAYERS if layer not in lacks]
    tensors, place, inputs = {}, 0, 3
    for layer in layers:
        if layer == POOL:
            place += 1
            continue
        tensors[f"features.{place}.weight"] = torch.full((2, inputs, 3, 3), 0.05)
        tensors[f"features.{place}.bias"] = torch.zeros(2)
        place, inputs = place + 2, 2
    # The places that every list of VGG's layers gives: relu4_2 of VGG-19 is 22, relu5_1 is 29.
    if number == 19:
        assert {"features.21.weight", "features.28.weight"} <= set(tensors)
    path = tmp_path / "vgg.safetensors"
    save_file(tensors, path)
    network = load_loss_network(path)
    assert network.kind.startswith(f"VGG-{number} (torchvision)")
    seen = network(torch.rand(1, 3, 64, 64), ("relu1_2", "relu4_2"))
    assert [tuple(f.shape[-2:]) for f in seen.values()] == [(64, 64), (8, 8)]
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    flat = network(mean.expand(1, 3, 64, 64), ("relu1_1",))["relu1_1"]
    assert float(flat.abs().max()) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("file", "kind", "last"),
    [
        ("vgg19_conv1_1-conv3_4_fp16", "VGG-19 (original)", "relu3_4"),
        ("vgg19_distilled16x_encoders", "VGG-19, compressed", "relu5_1"),
        ("squeezenet1_1_caffe_fp16", "SqueezeNet 1.1", "relu5_2"),
    ],
)
def test_shared_loss_networks_are_known_by_name(file: str, kind: str, last: str) -> None:
    path = SHARED / "data/weights" / f"{file}.safetensors"
    if not path.exists():
        pytest.skip("the shared weights are not here")
    network = load_loss_network(path)
    assert network.kind.startswith(kind)
    assert network.taps[-1] == last
    seen = network(torch.rand(1, 3, 64, 64))
    assert tuple(seen) == network.taps
    assert all(float(f.detach().max()) > 0 for f in seen.values())


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_shot(tmp_path_factory.mktemp("shot"), 5, 96, 64)


def rendering(shot: str, folder: Path) -> ShotPainting:
    look = optimise_look(folder, width=96)
    return assemble(Request(shot, look, settings=Settings(ShotKnobs()))).painting()


def test_frames_pulled_in_any_order_are_the_same(shot: str, tmp_path: Path) -> None:
    ordered = rendering(shot, tmp_path)
    expected = {frame: ordered.frame(frame) for frame in ordered.frames}
    scrubbed = rendering(shot, tmp_path)
    pulls = [*scrubbed.frames, 1005]
    random.Random(2).shuffle(pulls)
    for frame in pulls:
        np.testing.assert_array_equal(scrubbed.frame(frame), expected[frame])


def test_a_render_that_was_stopped_within_a_frame_ends_in_the_same_bytes(
    shot: str, tmp_path: Path
) -> None:
    look = optimise_look(tmp_path / "look", width=96)
    paint(shot, look, tmp_path / "whole/plate.####.exr", stroke_size=1.0)
    told = json.loads((tmp_path / "whole/plate.exr.report.json").read_text())
    assert told["settings"]["look"]["seen_by"]["kind"].startswith("Stillbrush's own encoder")

    watcher = Quiet(stop_after=12)  # asked before every iteration: the third frame, or thereabouts
    with pytest.raises(Cancelled, match="run the same command"):
        paint(shot, look, tmp_path / "out/plate.####.exr", watcher=watcher, stroke_size=1.0)
    assert 1 <= len(frames_in(tmp_path / "out")) < 5
    paint(shot, look, tmp_path / "out/plate.####.exr", stroke_size=1.0)
    assert frames_in(tmp_path / "out") == frames_in(tmp_path / "whole")


def test_frozen_statistics_are_nothing_to_a_look_that_optimises(shot: str, tmp_path: Path) -> None:
    from stillbrush.core.stylizers.shot_statistics import Normalise

    look = optimise_look(tmp_path, width=96, iterations=1, later_iterations=1)
    settings = Settings(ShotKnobs(normalise=Normalise.SHOT))
    made = assemble(Request(shot, look, settings=settings)).painting()
    made.freeze_if_asked()
    plain = assemble(Request(shot, look, settings=Settings(ShotKnobs()))).painting()
    np.testing.assert_array_equal(made.frame(1002), plain.frame(1002))


def test_a_painter_is_loaded_once(tmp_path: Path) -> None:
    look = optimise_look(tmp_path)
    assert load_painter(look) is load_painter(load_look(look.path))


def test_a_host_in_inference_mode_gets_the_same_paint(tmp_path: Path) -> None:
    look = optimise_look(tmp_path, iterations=2, later_iterations=2, seed=77)
    with torch.inference_mode():  # as ComfyUI runs its nodes; the look is loaded there too
        made = load_painter(look)
        _, state = made.paint(picture(1), None, PaintState())
        painted, _ = made.paint(picture(2), still(), state)
    _, state = made.paint(picture(1), None, PaintState())
    assert torch.equal(painted, made.paint(picture(2), still(), state)[0])


def test_a_turn_of_several_passes_begins_from_the_given_picture() -> None:
    made, frame, start = painter(later_iterations=0), picture(1), picture(2)
    torch.testing.assert_close(made.repaint(frame, start, None), start)
    held = Before(picture(3), torch.ones(1, *SIZE, 1))
    made = painter(later_iterations=8, temporal_weight=5000.0)
    free, bound = made.repaint(frame, start, None), made.repaint(frame, start, held)
    away = [float((paint - held.picture).square().mean()) for paint in (free, bound)]
    assert away[1] < 0.1 * away[0]

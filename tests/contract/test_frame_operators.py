"""Laws that every node keeps, whoever wrote it: the registry is walked, no node is named twice."""

from __future__ import annotations

import dataclasses
import enum
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.material import tiny_look, tiny_shot
from torch import Tensor

from stillbrush import nodes  # noqa: F401 - fills the registry
from stillbrush.core.errors import BadInput
from stillbrush.core.knobs import PriorKnobs
from stillbrush.core.look import Look
from stillbrush.core.media.source import Shot, open_shot
from stillbrush.core.motion.flow import Flow, unknown_flow
from stillbrush.core.sequence import Moment, scan
from stillbrush.core.spec import REGISTRY, Knob, KnobField, NodeSpec
from stillbrush.core.state import load_state, save_state
from stillbrush.core.stylizers.load import load_painter
from stillbrush.core.stylizers.prior import Fill, make_prior
from stillbrush.core.stylizers.shot_statistics import Sample, ShotStatistics

GOLDEN = Path(__file__).resolve().parents[1] / "golden/nodes.json"
REFRESH = "STILLBRUSH_REFRESH_GOLDEN"  # set it to 1 to write the list anew; look at the difference
HEIGHT, WIDTH, LENGTH = 24, 200, 5  # wide enough that strokes of size 4 paint it at less than 1:1
OPERATORS = sorted(name for name, spec in REGISTRY.items() if spec.is_frame_operator)
LOOK_OPERATORS = ["load_look", "save_look"]
FOR_ANY_STYLE = ["style_picture"]  # of looks that the material here is none of
DRAWN_ONLY = ["backdrop"]  # nothing flows through it
CLIP_OPERATORS = sorted(set(REGISTRY) - {*OPERATORS, *LOOK_OPERATORS, *DRAWN_ONLY, *FOR_ANY_STYLE})

# Knobs whose effect needs other knobs beside them.
WITH = {
    ("prior_warper", "seed"): {"fill": Fill.NOISE},
    ("flow_estimator", "detect_cuts"): {"cut_sensitivity": 1.0},
}
# Knobs that a node takes with others of its family and that act elsewhere; each with the reason.
ELSEWHERE = {
    ("stylizer", "normalise"): "the statistics come in on a port of their own",
}


@pytest.fixture(scope="module")
def look(tmp_path_factory: pytest.TempPathFactory) -> Look:
    return tiny_look(tmp_path_factory.mktemp("look"))


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Shot:
    return open_shot(tiny_shot(tmp_path_factory.mktemp("shot"), 3, 64, 48))


def picture(number: int) -> Tensor:
    """A patterned world that pans two pixels a frame: trackable, and every frame differs."""
    y, x = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH) + 2 * number, indexing="ij")
    waves = [
        torch.sin(x / p + y / q) * 0.25 + torch.sin(x * y / 97.0) * 0.2 + 0.5
        for p, q in ((3, 5), (4, 3), (7, 2))
    ]
    return torch.stack(waves, -1)[None].float()


def mask(number: int) -> Tensor:
    made = torch.ones(1, HEIGHT, WIDTH, 1)
    made[:, :, : 6 + number] = 0
    made[:, 4:9, 40:90] = 0.5
    return made


def flow(number: int) -> Flow:
    """A pan with a step in it and a part at rest: boundaries and disagreements to be found."""
    if number == 0:
        return unknown_flow(HEIGHT, WIDTH, torch.device("cpu"))
    backward = torch.zeros(1, HEIGHT, WIDTH, 2)
    backward[..., 0] = -2.0
    backward[:, 6:15, 60:120] = torch.tensor([1.5, 0.5]) + 0.1 * number
    backward[:, 18:, :, 0] = torch.linspace(-2.0, -1.2, WIDTH)
    backward[:, :, 150:] = 0
    forward = -backward
    forward[:, :4] += 0.65
    return Flow(backward, forward)


def statistics(look: Look) -> ShotStatistics:
    sample = Sample(picture(0), picture(1), make_prior(flow(1), mask(1), PriorKnobs()))
    return load_painter(look).measure([sample], (HEIGHT, WIDTH))


def value(kind: str, number: int, look: Look) -> Any:
    """Return what may flow into a port of this kind on a frame."""
    made: dict[str, Callable[[], Any]] = {
        "image": lambda: picture(number),
        "encoded": lambda: picture(number),
        "mask": lambda: mask(number),
        "flow": lambda: flow(number),
        "vectors": lambda: flow(max(number, 1)).backward,
        "prior": lambda: make_prior(flow(max(number, 1)), mask(number), PriorKnobs()),
        "look": lambda: look,
        "statistics": lambda: statistics(look),
    }
    return made[kind]()


def inputs(spec: NodeSpec[Any], look: Look, *, all_ports: bool) -> list[tuple[int, Any]]:
    """Give a node a few frames of everything it takes, or only of what it needs."""
    ports = [port for port in spec.inputs if all_ports or not port.optional]
    return [
        (number, spec.inputs_type(**{p.name: value(p.kind.name, number, look) for p in ports}))
        for number in range(LENGTH)
    ]


def small(spec: NodeSpec[Any]) -> dict[str, Any]:
    """Coarse strokes, where a node has any: quicker."""
    return {"stroke_size": 4.0} if "stroke_size" in {k.name for k in spec.knobs} else {}


def run(
    spec: NodeSpec[Any], frames: list[tuple[int, Any]], state: Any, **knobs: Any
) -> list[Moment]:
    bound = spec.make_knobs(**(small(spec) | knobs))
    fresh = spec.state_type() if spec.state_type else None
    return list(scan(lambda x, s: spec.step(x, bound, s), frames, state or fresh, fresh=fresh))


def tensors(value: Any) -> Iterator[Tensor]:
    """Find every tensor in a value."""
    if isinstance(value, Tensor):
        yield value
    elif dataclasses.is_dataclass(value) and not isinstance(value, Look):
        for field in dataclasses.fields(value):
            yield from tensors(getattr(value, field.name))
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from tensors(item)


def same(one: Any, other: Any) -> bool:
    first, second = list(tensors(one)), list(tensors(other))
    return len(first) == len(second) and all(
        a.shape == b.shape and torch.equal(a, b) for a, b in zip(first, second, strict=True)
    )


def outputs(moments: list[Moment]) -> list[Any]:
    return [moment.outputs for moment in moments]


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_every_port_and_knob_is_explained_and_every_default_valid(name: str) -> None:
    spec = REGISTRY[name]
    assert spec.help
    assert spec.label == name.replace("_", " ").title()
    assert spec.category
    for port in (*spec.inputs, *spec.outputs):
        assert port.kind.name
        assert port.tip.endswith(".")
    for knob in spec.knobs:
        assert knob.check(knob.default, name) == knob.default
        assert knob.knob.tip.rstrip().endswith("."), f"{name}.{knob.name}"
        if knob.type in (int, float):
            assert knob.knob.lo is not None
            assert knob.knob.hi is not None


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_what_is_no_value_of_a_knob_is_refused(name: str) -> None:
    spec = REGISTRY[name]
    with pytest.raises(BadInput, match="no such knob"):
        spec.make_knobs(nothing_of_this_name=1)
    for knob in spec.knobs:
        for wrong in (None, object(), [1], 1e12, float("nan"), "no such choice", True, 0.5):
            made, message = None, ""
            try:
                made = spec.make_knobs(**{knob.name: wrong})
            except BadInput as error:
                message = str(error)
            if made is None:
                assert f"{name}.{knob.name}" in message
                assert "\n" not in message
            else:
                assert type(getattr(made, knob.name)) is knob.type


@pytest.mark.parametrize("all_ports", [False, True])
@pytest.mark.parametrize("name", OPERATORS)
def test_a_clip_cut_anywhere_gives_the_same_frames(name: str, all_ports, look, tmp_path) -> None:
    spec = REGISTRY[name]
    frames = inputs(spec, look, all_ports=all_ports)
    whole = run(spec, frames, None)
    for cut in (1, 2, LENGTH - 1):
        head = run(spec, frames[:cut], None)
        handed_on = head[-1].state
        assert same(outputs(head) + outputs(run(spec, frames[cut:], handed_on)), outputs(whole))
        save_state(handed_on, tmp_path / "state.safetensors")
        loaded = load_state(spec.state_type, tmp_path / "state.safetensors")
        assert same(outputs(run(spec, frames[cut:], loaded)), outputs(whole)[cut:])


@pytest.mark.parametrize("name", OPERATORS)
def test_repeating_gives_the_same_bits_and_no_input_is_changed(name: str, look) -> None:
    spec = REGISTRY[name]
    frames = inputs(spec, look, all_ports=True)
    before = [[t.clone() for t in tensors(x)] for _, x in frames]
    first, again = run(spec, frames, None), run(spec, frames, None)
    assert same(outputs(first), outputs(again))
    for (_, x), kept in zip(frames, before, strict=True):
        assert all(torch.equal(t, k) for t, k in zip(tensors(x), kept, strict=True))


@pytest.mark.parametrize("name", OPERATORS)
def test_outputs_are_not_the_inputs_memory(name: str, look) -> None:
    spec = REGISTRY[name]
    for moment in run(spec, inputs(spec, look, all_ports=True), None):
        for made in tensors(moment.outputs):
            assert made.dtype == torch.float32
            assert bool(torch.isfinite(made).all())


@pytest.mark.parametrize("name", OPERATORS)
def test_a_state_does_not_grow(name: str, look, tmp_path) -> None:
    spec = REGISTRY[name]
    shapes, sizes = [], []
    for moment in run(spec, inputs(spec, look, all_ports=True), None)[1:]:
        shapes.append([tuple(t.shape) for t in tensors(moment.state)])
        save_state(moment.state, tmp_path / "s.safetensors")
        sizes.append((tmp_path / "s.safetensors").stat().st_size)
    assert all(shape == shapes[0] for shape in shapes)
    assert max(sizes) == min(sizes)


def another(knob: KnobField) -> list[Any]:
    """Return values of a knob that are not its default."""
    if knob.choices:
        return [member for member in knob.type if member != knob.default]
    if knob.type is bool:
        return [not knob.default]
    ends = [knob.knob.lo, knob.knob.hi]
    return [knob.type(end) for end in ends if end is not None and end != knob.default]


CASES = [(name, knob.name) for name in OPERATORS for knob in REGISTRY[name].knobs]


@pytest.mark.parametrize(("name", "knob"), CASES)
def test_every_knob_changes_something(name: str, knob: str, look) -> None:
    spec = REGISTRY[name]
    field = next(k for k in spec.knobs if k.name == knob)
    beside = WITH.get((name, knob), {})
    frames = inputs(spec, look, all_ports=True)[:2]
    plain = outputs(run(spec, frames, None, **beside))
    changes = [
        not same(plain, outputs(run(spec, frames, None, **(beside | {knob: value}))))
        for value in another(field)
    ]
    if (name, knob) in ELSEWHERE:
        assert not any(changes), "it acts here: take it off the list"
    else:
        assert any(changes)


def clip_operator(name: str, look: Look, shot: Shot, folder: Path) -> Any:
    """Run a clip operator afresh on the material of its ports."""
    spec = REGISTRY[name]
    painted = REGISTRY["stylize_shot"]
    made: dict[str, Callable[[], Any]] = {
        "shot": lambda: shot,
        "look": lambda: look,
        "layers": lambda: None,
        "clip": lambda: (
            painted.step(painted.inputs_type(shot, look), painted.make_knobs(stroke_size=4.0)).clip
        ),
    }
    knobs = {
        "read": {"file": str(shot.files[0].parent)},
        "write": {"file": f"{folder}/out.####.exr", "overwrite": True},
        "demo_shot": {"folder": f"{folder}/demo", "length": 3, "width": 64},
        "load_look": {"name": str(look.path)},
        "save_look": {"folder": str(folder), "overwrite": True},
        "viewer": {"file": f"{folder}/view.####.png"},
        "frame_range": {"first": 1001, "last": 1003},
        "reformat": {"width": 40, "height": 30},
        "crop": {"x": 4, "y": 4, "width": 30, "height": 20},
        "grade": {"multiply": 2.0},
        "merge": {"operation": "mix", "mix": 0.5},
    }.get(name, small(spec))
    ports = [port for port in spec.inputs if port.kind.name in made]
    x = spec.inputs_type(**{port.name: made[port.kind.name]() for port in ports})
    return spec.step(x, spec.make_knobs(**knobs))


def pulled(outputs: Any, frame: int) -> Any:
    """Pull a frame of whatever a clip operator gives."""
    value = next(iter(vars(outputs).values()))
    if isinstance(value, Shot):
        return torch.from_numpy(value.read(frame).rgb)
    if isinstance(value, tuple):  # files
        return torch.from_numpy(np.fromfile(value[frame - 1001], np.uint8))
    return value.frame(frame)


@pytest.mark.parametrize("name", CLIP_OPERATORS)
def test_a_clip_operator_gives_the_same_frames_in_any_order_and_again(
    name: str, look, shot, tmp_path
) -> None:
    once = clip_operator(name, look, shot, tmp_path)
    expected = {frame: pulled(once, frame).clone() for frame in shot.frames}
    again = clip_operator(name, look, shot, tmp_path)
    for frame in (1003, 1001, 1003, 1002):
        assert torch.equal(pulled(again, frame), expected[frame]), frame
        assert torch.equal(pulled(once, frame), expected[frame]), frame
    assert torch.equal(expected[1001], expected[1003]) == (name == "frame_hold")


@pytest.mark.parametrize("name", LOOK_OPERATORS)
def test_a_look_operator_gives_the_same_look_again(name: str, look, shot, tmp_path) -> None:
    once, again = (clip_operator(name, look, shot, tmp_path).look for _ in range(2))
    assert once == again
    assert once.verified_weights().is_file()


def plain(value: Any) -> Any:
    return value.value if isinstance(value, enum.Enum) else value


def declared() -> dict[str, Any]:
    """Everything about the nodes that other people's scripts, graphs and looks rely on."""
    return {
        name: {
            "version": spec.version,
            "inputs": {p.name: [p.kind.name, p.optional] for p in spec.inputs},
            "outputs": {p.name: p.kind.name for p in spec.outputs},
            "knobs": {
                k.name: {
                    "type": k.type.__name__ if not k.choices else list(k.choices),
                    "default": plain(k.default),
                    "range": [k.knob.lo, k.knob.hi],
                }
                for k in spec.knobs
            },
        }
        for name, spec in sorted(REGISTRY.items())
    }


def test_no_node_port_or_knob_vanishes_or_changes() -> None:
    """Saved graphs, looks and scripts name them. Meant changes: STILLBRUSH_REFRESH_GOLDEN=1."""
    found = json.loads(json.dumps(declared()))
    if os.environ.get(REFRESH) == "1":
        GOLDEN.write_text(json.dumps(found, indent=1) + "\n")
    assert found == json.loads(GOLDEN.read_text())


def test_a_knob_says_its_range() -> None:
    field = KnobField("amount", float, Knob(0.0, 2.0, "An amount."), 1.0)
    with pytest.raises(BadInput, match="0 to 2"):
        field.check(3, "node")

"""The pack for Natron, against a stand-in that knows the calls which Natron documents."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest
from support.material import tiny_look, tiny_shot

from stillbrush.core.spec import REGISTRY
from stillbrush.host_adapters.graph.knob import plain
from stillbrush.host_adapters.natron.pack import write_pack

PARAM = {"get", "set", "setDefaultValue", "setHelp", "setAnimationEnabled", "setMinimum",
         "setMaximum", "setDisplayMinimum", "setDisplayMaximum", "setOptions", "getScriptName",
         "getIsAnimated", "getValueAtTime"}  # fmt: skip
MADE_BY = {"createDoubleParam": float, "createIntParam": int, "createBooleanParam": bool,
           "createChoiceParam": int, "createStringParam": str, "createPathParam": str,
           "createButtonParam": None}  # fmt: skip


class Param:
    def __init__(self, name: str, kind: Any) -> None:
        self.name, self.kind, self.value, self.facts = name, kind, None, {}

    def __getattr__(self, name: str) -> Any:
        if name not in PARAM:
            raise AttributeError(name)
        return lambda *args: self.facts.__setitem__(name, args)

    def getScriptName(self) -> str:
        return self.name

    def getIsAnimated(self, dimension: int) -> bool:
        return False

    def setDefaultValue(self, value: Any) -> None:
        assert self.kind is None or type(value) is self.kind, self.name
        self.value = value

    def get(self) -> Any:
        return self.value

    def set(self, value: Any) -> None:
        self.value = value


class Page:
    def addParam(self, param: Param) -> None:
        assert isinstance(param, Param)


class Node:
    def __init__(self, label: str = "") -> None:
        self.label, self.inputs, self.params = label, {}, {"filename": Param("filename", str)}

    setLabel = setPosition = setScriptName = destroy = lambda self, *args: None

    def connectInput(self, number: int, node: Any) -> bool:
        self.inputs[number] = node
        return True

    def getInput(self, number: int) -> Any:
        return self.inputs.get(number)

    def getParam(self, name: str) -> Param:
        return self.params[name]

    def getScriptName(self) -> str:
        return "Stillbrush1"


class Group(Node):
    def __init__(self) -> None:
        super().__init__()
        self.params["onParamChanged"] = Param("onParamChanged", str)

    def createPageParam(self, name: str, label: str) -> Page:
        return Page()

    def getNode(self, name: str) -> Node:
        return Node(name)

    def __getattr__(self, name: str) -> Any:
        if name not in MADE_BY:
            raise AttributeError(name)

        def make(knob: str, label: str) -> Param:
            return self.params.setdefault(knob, Param(knob, MADE_BY[name]))

        return make


class App:
    def __init__(self, plate: str) -> None:
        self.plate, self.readers = plate, []

    def createNode(self, kind: str, version: int, group: Any) -> Node:
        assert kind.startswith("fr.inria.built-in.")
        return Node()

    def createWriter(self, pattern: str) -> Node:
        self.target = pattern
        return Node()

    def createReader(self, pattern: str) -> Node:
        self.readers.append(pattern)
        return Node()

    def getNode(self, name: str) -> None:
        return None

    def render(self, writer: Node, first: int, last: int) -> None:
        for frame in range(first, last + 1):
            source = Path(self.plate.replace("####", str(frame)))
            Path(self.target.replace("####", str(frame))).write_bytes(source.read_bytes())


@pytest.fixture
def plug(tmp_path: Path) -> Any:
    write_pack(tmp_path / "pack")
    sys.path.insert(0, str(tmp_path / "pack"))
    try:
        importlib.import_module("Stillbrush")
        yield importlib.import_module("stillbrush_pack.natron.stillbrush_plug")
    finally:
        for name in [n for n in sys.modules if n.startswith(("stillbrush_pack", "Stillbrush"))]:
            del sys.modules[name]
        sys.path[:] = [path for path in sys.path if not path.startswith(str(tmp_path))]


def test_the_plug_has_the_declared_knobs_and_paints_with_the_real_worker(tmp_path, plug) -> None:
    group, app = Group(), App(tiny_shot(tmp_path / "in", 2, 64, 48))
    plug.create(app, group)
    for field in REGISTRY["stylize_shot"].knobs:
        param = group.params[field.name]
        expected = field.choices.index(plain(field.default)) if field.choices else field.default
        assert param.value == expected
        assert param.facts["setHelp"] == (field.knob.tip,)
        assert param.facts["setAnimationEnabled"] == (field.knob.animatable,)
        if field.type in (int, float):
            assert param.facts["setMinimum"] == (field.knob.lo, 0)
    group.connectInput(0, Node())
    for name, value in (("folder", str(tmp_path / "out")), ("first", 1001), ("last", 1002),
                        ("look", str(tiny_look(tmp_path / "look").path)),
                        ("stroke_size", 4.0)):  # fmt: skip
        group.params[name].set(value)
    worker = plug.render(app, group)
    for thread in worker.threads:
        thread.join(120)
    assert worker.state == "done", worker.message
    assert app.readers == [str(tmp_path / "out/v001/painted.####.exr")]
    assert len(list((tmp_path / "out/v001").glob("painted.*.exr"))) == 2

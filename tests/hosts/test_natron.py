"""The pack for Natron, against a stand-in that knows the calls which Natron documents."""

from __future__ import annotations

import importlib
import sys
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.material import tiny_look, tiny_shot
from support.rendering import channels, paint

from stillbrush.core.look import Look
from stillbrush.core.looks import load_look
from stillbrush.core.new_looks import flat_knobs
from stillbrush.core.spec import REGISTRY
from stillbrush.host_adapters.graph.knob import plain
from stillbrush.host_adapters.natron.pack import write_pack

PARAM = {"setHelp", "setMinimum", "setMaximum", "setDisplayMinimum", "setDisplayMaximum",
         "setOptions", "setAnimationEnabled"}  # fmt: skip
MADE_BY = {"createDoubleParam": float, "createIntParam": int, "createBooleanParam": bool,
           "createChoiceParam": int, "createStringParam": str, "createPathParam": str,
           "createButtonParam": None}  # fmt: skip


class Param:
    def __init__(self, name: str, kind: Any, value: Any = None) -> None:
        self.name, self.kind, self.facts = name, kind, {}
        self.value = value if value is not None or kind is None else kind()
        self.keys: dict[int, Any] = {}
        self.formula: Callable[[int], Any] | None = None

    def __getattr__(self, name: str) -> Any:
        if name not in PARAM:
            raise AttributeError(name)
        return lambda *args: self.facts.__setitem__(name, args)

    def getScriptName(self) -> str:
        return self.name

    def getNumDimensions(self) -> int:
        return 1

    def getIsAnimated(self, dimension: int) -> bool:
        return bool(self.keys)

    def getExpression(self, dimension: int) -> str:
        return "frame" if self.formula else ""

    def getOptions(self) -> list[str]:
        return ["auto", "16f", "32f"]

    def setDefaultValue(self, value: Any) -> None:
        assert self.kind is None or type(value) is self.kind, self.name
        self.value = value

    def get(self, frame: int | None = None) -> Any:
        if frame is not None and self.formula:
            return self.formula(frame)
        return self.value if frame is None else self.keys.get(frame, self.value)

    def set(self, value: Any) -> None:
        assert self.kind is None or type(value) is self.kind, (self.name, value)
        self.value = value


class Page:
    def addParam(self, param: Param) -> None:
        assert isinstance(param, Param)


class Node:
    def __init__(self, name: str = "", kind: str = "fr.inria.built-in.Dot", group: Any = None):
        self.called, self.kind, self.group = name, kind, group
        self.wires: dict[int, Any] = {}
        self.params: dict[str, Param] = {}
        self.children: dict[str, Node] = {}

    setLabel = setPosition = lambda self, *args: None

    def setScriptName(self, name: str) -> None:
        if self.group is not None:
            self.group.children = {k: n for k, n in self.group.children.items() if n is not self}
            self.group.children[name] = self
        self.called = name

    def connectInput(self, number: int, node: Any) -> bool:
        self.wires[number] = node
        return True

    def getInput(self, number: int) -> Any:
        return self.wires.get(number)

    def getMaxInputCount(self) -> int:
        return 2

    def getParam(self, name: str) -> Param | None:
        return self.params.get(name)

    def getParams(self) -> list[Param]:
        return list(self.params.values())

    def getPluginID(self) -> str:
        return self.kind

    def getScriptName(self) -> str:
        return self.called

    def getChildren(self) -> list[Node]:
        return list(self.children.values())

    def getNode(self, name: str) -> Node | None:
        return self.children.get(name)

    def getContainerGroup(self) -> Any:
        return self.group


class Group(Node):
    def __init__(self, name: str) -> None:
        super().__init__(name, "org.stillbrush.Stillbrush")
        self.params["onParamChanged"] = Param("onParamChanged", str)

    def createPageParam(self, name: str, label: str) -> Page:
        return Page()

    def refreshUserParamsGUI(self) -> None:
        self.refreshed = True

    def __getattr__(self, name: str) -> Any:
        if name not in MADE_BY:
            raise AttributeError(name)

        def make(knob: str, label: str) -> Param:
            return self.params.setdefault(knob, Param(knob, MADE_BY[name]))

        return make


class App:
    """A project. In the interface `render` returns at once, as Natron documents."""

    def __init__(self, plate: str, *, gui: bool) -> None:
        self.plate, self.gui, self.time = plate, gui, 1002
        self.tops: dict[str, Node] = {}
        self.readers: list[Node] = []
        self.rendered: list[tuple[str, int, int]] = []
        self.later: list[tuple[Node, int, int]] = []

    def createNode(self, kind: str, version: int, group: Any) -> Node:
        assert kind.startswith("fr.inria.built-in.")
        return Node(kind=kind, group=group)

    def createWriter(self, pattern: str, group: Any = None) -> Node:
        node = Node(group=group)
        for name, kind in (("filename", str), ("afterRender", str), ("processAllPlanes", bool),
                           ("clipToProject", bool), ("bitDepth", int)):  # fmt: skip
            node.params[name] = Param(name, kind)
        return node

    def createReader(self, pattern: str) -> Node:
        node = Node()
        node.params["filename"] = Param("filename", str, pattern)
        self.readers.append(node)
        return node

    def getNode(self, name: str) -> Node | None:
        return next((n for n in self.readers if n.called == name), None)

    def timelineGetLeftBound(self) -> int:
        return 1001

    def timelineGetRightBound(self) -> int:
        return 1004

    def timelineGetTime(self) -> int:
        return self.time

    def render(self, writer: Node, first: int, last: int) -> None:
        self.later.append((writer, first, last))
        if not self.gui:
            self.write(aborted=False)

    def write(self, *, aborted: bool) -> None:
        """Do what was asked for, as Natron's threads do; then Natron calls back."""
        writer, first, last = self.later.pop(0)
        target = writer.params["filename"].value
        assert writer.params["processAllPlanes"].value is True
        assert writer.params["clipToProject"].value is False, "overscan stays"
        assert writer.params["bitDepth"].value == 2, "32f"
        for frame in range(first, last + 1) if not aborted else ():
            source = Path(self.plate.replace("####", str(frame)))
            Path(target.replace("####", str(frame))).write_bytes(source.read_bytes())
        self.rendered.append((writer.called, first, last))
        assert writer.params["afterRender"].value == "Stillbrush.written"
        sys.modules["Stillbrush"].written(aborted, writer, self)


class Timer:
    """A timer of Qt, fired by hand."""

    made: list[Timer] = []  # noqa: RUF012

    def __init__(self) -> None:
        self.timeout, self.calls, self.running = self, [], False
        Timer.made.append(self)

    def connect(self, call: Any) -> None:
        self.calls.append(call)

    def start(self, milliseconds: int) -> None:
        assert milliseconds <= 500
        self.running = True

    def stop(self) -> None:
        self.running = False


def fire_until(met: Callable[[], bool], seconds: float = 120) -> None:
    """Let the interface's time go by."""
    ends = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < ends
        for timer in Timer.made:
            for call in timer.calls if timer.running else ():
                call()
        time.sleep(0.05)


@pytest.fixture(scope="module")
def look(tmp_path_factory: pytest.TempPathFactory) -> Look:
    return tiny_look(tmp_path_factory.mktemp("look"))


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_shot(tmp_path_factory.mktemp("in"), 4, 64, 48)


@pytest.fixture
def plug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    write_pack(tmp_path / "pack")
    engine = types.ModuleType("NatronEngine")
    engine.natron = types.SimpleNamespace(isBackground=lambda: True)
    monkeypatch.setitem(sys.modules, "NatronEngine", engine)
    for name in ("PySide6", "PySide2", "PySide"):
        monkeypatch.setitem(sys.modules, f"{name}.QtCore", None)
    monkeypatch.syspath_prepend(str(tmp_path / "pack"))
    Timer.made.clear()
    try:
        importlib.import_module("Stillbrush")
        yield importlib.import_module("stillbrush_pack.natron.stillbrush_plug")
    finally:
        for name in [n for n in sys.modules if n.startswith(("stillbrush_pack", "Stillbrush"))]:
            del sys.modules[name]


def in_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    sys.modules["NatronEngine"].natron.isBackground = lambda: False
    core = types.ModuleType("PySide2.QtCore")
    core.QTimer = Timer
    monkeypatch.setitem(sys.modules, "PySide2", types.ModuleType("PySide2"))
    monkeypatch.setitem(sys.modules, "PySide2.QtCore", core)


def node_in(plug: Any, app: App, look: Look, folder: Path, name: str = "Stillbrush1") -> Group:
    """A node as an artist has it: made by the PyPlug, a plate wired to it."""
    group = Group(name)
    sys.modules["Stillbrush"].createInstance(app, group)
    source = Node("Read1")
    source.params["filename"] = Param("filename", str, app.plate)
    source.params["gain"] = Param("gain", float, 1.0)
    group.connectInput(0, source)
    for knob, value in (("folder", str(folder)), ("look", str(look.path)), ("stroke_size", 4.0)):
        group.params[knob].set(value)
    return group


def press(app: App, group: Group, button: str) -> None:
    assert group.params["onParamChanged"].value == "Stillbrush.changed"
    sys.modules["Stillbrush"].changed(group.params[button], group, app, app, True)


def painted(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("painted.*.exr"))


def test_the_plug_has_the_declared_knobs(tmp_path, plug, plate, look) -> None:
    group = node_in(plug, App(plate, gui=False), look, tmp_path / "out")
    for field in REGISTRY["stylize_shot"].knobs:
        param = group.params[field.name]
        expected = field.choices.index(plain(field.default)) if field.choices else field.default
        assert param.value == (4.0 if field.name == "stroke_size" else expected)
        assert param.facts["setHelp"] == (field.knob.tip,)
        assert param.facts["setAnimationEnabled"] == (field.knob.animatable,)
        if field.type in (int, float):
            assert param.facts["setMinimum"] == (field.knob.lo, 0)
            assert param.facts["setMaximum"] == (field.knob.hi, 0)
    assert not {name for name, _, _ in plug.OWN} & {k.name for k in REGISTRY["stylize_shot"].knobs}
    assert (group.params["first"].value, group.params["last"].value) == (1001, 1004)
    assert group.refreshed


def test_a_render_in_the_terminal_waits_and_is_done_once(tmp_path, plug, plate, look) -> None:
    app = App(plate, gui=False)
    group = node_in(plug, app, look, tmp_path / "out")
    press(app, group, "render")
    assert "painted" in group.params["status"].value
    paint(plate, look, f"{tmp_path}/line/painted.####.exr")
    for frame in range(1001, 1005):
        ours, theirs = (
            channels(tmp_path / d / f"painted.{frame}.exr") for d in ("out/v001", "line")
        )
        for name, bits in theirs.items():
            np.testing.assert_array_equal(ours[name], bits)
    reader = app.getNode("StillbrushResult_Stillbrush1")
    assert reader.params["filename"].value.endswith("out/v001/painted.####.exr")
    app.time = 1003  # looking elsewhere changes nothing
    press(app, group, "render")
    assert app.rendered == [("Write_plate", 1001, 1004)], "nothing has changed: nothing is written"
    group.params["mix"].keys = {1001: 0.0, 1002: 1.0}
    group.params["strength"].formula = lambda frame: 0.0 if frame == 1002 else 1.0
    group.params["limit"].set(True)
    group.params["last"].set(1002)
    press(app, group, "render")
    assert len(app.readers) == 1
    assert reader.params["filename"].value.endswith("out/v002/painted.####.exr")
    assert len(app.rendered) == 1, "the plate is there"
    assert painted(tmp_path / "out/v002") == ["painted.1001.exr", "painted.1002.exr"]
    for frame in (1001, 1002):  # by its keys, and by its expression
        made = channels(tmp_path / f"out/v002/painted.{frame}.exr")
        source = channels(Path(plate.replace("####", str(frame))))
        np.testing.assert_allclose(made["0:R"], source["0:R"], atol=2e-3)


def test_a_preview_paints_up_to_the_frame_that_is_looked_at(tmp_path, plug, plate, look) -> None:
    app = App(plate, gui=False)
    press(app, node_in(plug, app, look, tmp_path / "out"), "preview")
    assert painted(tmp_path / "out/v001") == ["painted.1001.exr", "painted.1002.exr"]


def test_nothing_blocks_the_interface_and_two_nodes_wait_for_one_another(
    tmp_path, plug, plate, look, monkeypatch
) -> None:
    in_interface(monkeypatch)
    app = App(plate, gui=True)
    one, two = (node_in(plug, app, look, tmp_path / n, n) for n in ("One", "Two"))
    begun = time.monotonic()
    press(app, one, "render")
    press(app, two, "render")
    press(app, one, "render")
    assert time.monotonic() - begun < 5
    assert "still being written" in one.params["status"].value
    assert not painted(tmp_path / "One/v001"), "the plate comes first"
    app.write(aborted=False)
    app.write(aborted=False)
    fire_until(lambda: len(app.readers) == 2)
    assert not any(timer.running for timer in Timer.made)
    for name in ("One", "Two"):
        assert len(painted(tmp_path / name / "v001")) == 4
        assert app.getNode(f"StillbrushResult_{name}") is not None


def test_a_render_is_cancelled_while_its_plate_is_written_and_while_it_paints(
    tmp_path, plug, plate, look, monkeypatch
) -> None:
    in_interface(monkeypatch)
    app = App(plate, gui=True)
    group = node_in(plug, app, look, tmp_path / "out")
    status = group.params["status"]
    press(app, group, "render")
    app.write(aborted=True)
    fire_until(lambda: status.value == "stopped")
    press(app, group, "render")
    press(app, group, "cancel")
    fire_until(lambda: not any(timer.running for timer in Timer.made))
    app.write(aborted=False)  # Natron goes on; nobody waits for it
    assert not painted(tmp_path / "out/v001")
    press(app, group, "render")
    app.write(aborted=False)
    fire_until(lambda: "frame" in status.value)
    press(app, group, "cancel")
    fire_until(lambda: not any(timer.running for timer in Timer.made))
    press(app, group, "render")
    fire_until(lambda: "painted:" in status.value)
    assert len(painted(tmp_path / "out/v001")) == 4


def test_what_is_wrong_is_told_on_the_node(tmp_path, plug, plate, look) -> None:
    app = App(plate, gui=False)
    group = node_in(plug, app, look, tmp_path / "out")
    status = group.params["status"]
    for knob, value, said in (
        ("look", "no-such-look", "there is no such look"),
        ("python", "/nowhere/python", "expected a program at /nowhere/python"),
        ("folder", "", "expected a plate on the first input, and a folder"),
    ):
        before = group.params[knob].value
        group.params[knob].set(value)
        press(app, group, "render")
        assert said in status.value
        group.params[knob].set(before)
    group.params["limit"].set(True)
    group.params["last"].set(1000)
    press(app, group, "render")
    assert "expected a first and a last frame; got 1001 to 1000" in status.value
    group.wires.clear()
    press(app, group, "render")
    assert "expected a plate" in status.value


def test_a_look_is_saved(tmp_path, plug, plate, look, monkeypatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    app = App(plate, gui=False)
    group = node_in(plug, app, look, tmp_path / "out")
    press(app, group, "save_look")
    assert "expected a name" in group.params["status"].value
    group.params["look_name"].set("dusk")
    group.params["strength"].set(0.5)
    press(app, group, "save_look")
    saved = load_look(tmp_path / "data/stillbrush/looks/dusk.yaml")
    assert flat_knobs(saved) == {"strength": 0.5, "stroke_size": 4.0}
    assert group.params["look"].value == "dusk"


def test_a_picture_has_another_stamp_where_anything_that_it_rests_on_changes(
    tmp_path, plug, plate
) -> None:
    stamps = sys.modules["stillbrush_pack.natron.stamps"]
    read = Node("Read1")
    read.params["filename"] = Param("filename", str, plate)
    grade = Node("Grade1")
    grade.params["gain"] = Param("gain", float, 1.0)
    grade.params["nodeLabel"] = Param("nodeLabel", str, "warm")
    grade.connectInput(0, read)

    def stamp() -> str:
        return stamps.stamp_of(grade, 1001, 1004)

    before = stamp()
    grade.params["nodeLabel"].set("warmer")
    assert stamp() == before
    for change in (
        lambda: grade.params["gain"].set(2.0),
        lambda: grade.params["gain"].keys.update({1003: 0.5}),
        lambda: setattr(grade.params["gain"], "formula", lambda frame: frame / 10),
        lambda: Path(plate.replace("####", "1002")).touch(),
        lambda: grade.connectInput(1, read),
        lambda: read.children.update({"Inside": Node("Inside")}),
    ):
        change()
        after = stamp()
        assert after != before
        before = after
    assert stamp() == before
    read.kind = "fr.inria.built-in.RotoPaint"
    assert stamp() != stamp(), "strokes cannot be read: painted once too often"

"""A stand-in for Nuke: the few names of its API that the pack uses, with Nuke's own arities.

`tests/golden/nuke_api.json` records names and numbers of arguments of the real API; a call that
it does not allow fails here as it would there.
"""

from __future__ import annotations

import json
import shutil
import types
from typing import Any

from .nuke_record import GOLDEN

RECORD = json.loads(GOLDEN.read_text(encoding="utf-8"))
INPUTS, HIDDEN_INPUTS, EXPRESSIONS = 4, 2, 1


def allowed(bounds: list[int | None], count: int) -> bool:
    least, most = bounds
    return count >= (least or 0) and (most is None or count <= most)


class Recorded:
    """Hands on what the record allows, and nothing else."""

    classes: tuple[str, ...] = ()

    def __init__(self, inner: Any) -> None:
        self.__dict__["inner"] = inner
        known: dict[str, Any] = {}
        for name in self.classes:
            known |= RECORD["classes"][name]
        self.__dict__["known"] = known

    def __getattr__(self, name: str) -> Any:
        if name not in self.known:
            raise AttributeError(f"Nuke's record has no {name}")

        def call(*args: Any, **kwargs: Any) -> Any:
            assert allowed(self.known[name], len(args) + len(kwargs)), f"{name}{args}"
            return getattr(self.inner, name)(*args, **kwargs)

        return call


class Knob(Recorded):
    classes = ("Knob",)


class ScriptKnob(Recorded):
    classes = ("Knob", "Script_Knob")


class EnumerationKnob(Recorded):
    classes = ("Knob", "Enumeration_Knob")


class EvalStringKnob(Recorded):
    classes = ("Knob", "EvalString_Knob")


class Node(Recorded):
    classes = ("Node",)

    def __getitem__(self, name: str) -> Any:
        return self.inner[name]


class Group(Node):
    """A group, or the root: nodes are made in the one that was entered last."""

    classes = ("Node", "Group")

    def __enter__(self) -> Any:
        self.inner.nuke.inside.append(self.inner.called)
        return self

    def __exit__(self, *problem: Any) -> None:
        self.inner.nuke.inside.pop()


class Task(Recorded):
    classes = ("ProgressTask",)


class FakeKnob:
    def __init__(self, value: Any) -> None:
        self.held, self.keys, self.formula, self.executed = value, {}, None, 0
        self.menu: list[str] = []

    def value(self) -> Any:
        return self.held

    def evaluate(self) -> Any:
        return self.held.replace("[shot]", "sh010") if self.held else self.held

    def setValue(self, value: Any) -> None:
        self.held = value

    def setValues(self, menu: list[str]) -> None:
        self.menu = list(menu)

    def values(self) -> list[str]:
        return self.menu

    def isAnimated(self) -> bool:
        return bool(self.keys)

    def hasExpression(self) -> bool:
        return self.formula is not None

    def getValueAt(self, frame: int) -> Any:
        return self.formula(frame) if self.formula else self.keys.get(frame, self.held)

    def execute(self) -> None:
        self.executed += 1


class FakeNode:
    def __init__(self, nuke: FakeNuke, kind: str, name: str, knobs: dict[str, Any]) -> None:
        self.nuke, self.kind, self.called = nuke, kind, name
        self.knobs = {k: FakeKnob(v) for k, v in ({"name": name} | knobs).items()}
        self.wires: dict[int, Any] = {}
        self.frames, self.place, self.text = (1001, 1001), (0, 0), ""
        self.plate, self.children = "", []
        self.expressions: list[FakeNode] = []

    def __getitem__(self, name: str) -> Any:
        if name not in self.knobs:
            raise NameError(f"knob {name} does not exist")
        kinds = {"reload": ScriptKnob, "look": EnumerationKnob, "folder": EvalStringKnob}
        made = kinds.get(name, Knob)
        return made(self.knobs[name])

    def knob(self, name: str) -> Any:
        return self[name] if name in self.knobs else None

    def Class(self) -> str:
        return self.kind

    def input(self, number: int) -> Any:
        return self.wires.get(number)

    def inputs(self) -> int:
        return max(self.wires, default=-1) + 1

    def setInput(self, number: int, node: Any) -> bool:
        self.wires[number] = node
        return True

    def dependencies(self, mask: int) -> list[Any]:
        assert mask == INPUTS | HIDDEN_INPUTS | EXPRESSIONS
        linked = [self.nuke.wrapped(node) for node in self.expressions]
        return [node for node in self.wires.values() if node] + linked

    def writeKnobs(self, flags: int) -> str:
        return f"{self.text}\nxpos {self.place[0]}\nypos {self.place[1]}"

    def nodes(self) -> list[Any]:
        return [self.nuke.wrapped(node) for node in self.children]

    def width(self) -> int:
        return 64

    def height(self) -> int:
        return 48

    def pixelAspect(self) -> float:
        return 1.0

    def parent(self) -> Any:
        return self.nuke.root()

    def fullName(self) -> str:
        return self.knobs["name"].held

    def setName(self, name: str) -> None:
        assert all(node.fullName() != name for node in self.nuke.nodes_made)
        self.knobs["name"].held = name

    def firstFrame(self) -> int:
        return self.frames[0]

    def lastFrame(self) -> int:
        return self.frames[1]

    def xpos(self) -> int:
        return self.place[0]

    def ypos(self) -> int:
        return self.place[1]

    def setXYpos(self, x: int, y: int) -> None:
        self.place = (x, y)


class FakeTask:
    def __init__(self, nuke: FakeNuke) -> None:
        self.nuke = nuke

    def setMessage(self, text: str) -> None:
        self.nuke.said.append(text)

    def setProgress(self, percent: int) -> None:
        assert type(percent) is int

    def isCancelled(self) -> bool:
        return self.nuke.cancel


KNOBS = {
    "Write": ("file", "file_type", "channels", "raw", "datatype", "metadata"),
    "Read": ("file", "first", "last", "raw", "reload"),
    "CheckerBoard": (),
}


class Module(types.ModuleType):
    """The module `nuke`: what is recorded can be called, all else raises AttributeError."""

    fake: FakeNuke

    def __getattr__(self, name: str) -> Any:
        classes = {"Group": Group, "Script_Knob": ScriptKnob, "Enumeration_Knob": EnumerationKnob,
                   "EvalString_Knob": EvalStringKnob}  # fmt: skip
        if name in classes:
            return classes[name]
        if name == "ProgressTask":
            return lambda title: Task(FakeTask(self.fake))
        if name in RECORD["constants"]:
            return getattr(self.fake, name)
        bounds = RECORD["functions"].get(name)
        if bounds is None:
            raise AttributeError(f"Nuke's record has no nuke.{name}")

        def call(*args: Any, **kwargs: Any) -> Any:
            assert allowed(bounds, len(args) + len(kwargs)), f"nuke.{name}{args}"
            return getattr(self.fake, name)(*args, **kwargs)

        return call


class FakeNuke:
    """One session of Nuke."""

    INPUTS, HIDDEN_INPUTS, EXPRESSIONS = INPUTS, HIDDEN_INPUTS, EXPRESSIONS
    TO_SCRIPT, WRITE_NON_DEFAULT_ONLY = 2, 8

    def __init__(self, *, gui: bool) -> None:
        self.GUI, self.cancel = gui, False
        self.said: list[str] = []
        self.nodes_made: list[FakeNode] = []
        self.made: list[str] = []
        self.inside: list[str] = []
        self.rootnode = FakeNode(self, "Root", "root", {"proxy": True})
        self.proxy_while_writing: list[bool] = []
        self.on_create: list[tuple[str, str]] = []
        self.paths: list[str] = []
        self.create_gizmo: Any = None

    @property
    def nodes(self) -> Any:
        """What `nuke.nodes` is: classes that wire nothing by themselves."""
        fake = self

        class Nodes:
            def __getattr__(self, kind: str) -> Any:
                return lambda: fake.make(kind)

        return Nodes()

    def wrapped(self, node: FakeNode | None) -> Any:
        made = Group if node is not None and node.kind in ("Group", "Root") else Node
        return None if node is None else made(node)

    def make(self, kind: str) -> Any:
        assert self.inside, "made in no group that is known: a button's own would take it"
        return self.createNode(kind)

    def createNode(self, kind: str, knobs: str = "", inpanel: bool = True) -> Any:
        if kind == "Stillbrush":
            node = self.create_gizmo()
        else:
            known = dict.fromkeys(KNOBS[kind])
            node = FakeNode(self, kind, f"{kind}{len(self.nodes_made)}", known)
        self.nodes_made.append(node)
        self.made.append(kind)
        return self.wrapped(node)

    def delete(self, node: Any) -> None:
        self.nodes_made.remove(node.inner)

    def execute(self, node: Any, first: int, last: int, incr: int) -> None:
        write = node.inner
        self.proxy_while_writing.append(self.rootnode.knobs["proxy"].held)
        assert write.knobs["raw"].held is True
        source = write.wires[0].inner.plate
        for frame in range(first, last + 1, incr):
            target = write.knobs["file"].held.replace("####", f"{frame:04d}")
            shutil.copyfile(source.replace("####", f"{frame:04d}"), target)

    def executeInMainThread(self, call: Any, args: Any = (), kwargs: Any = None) -> None:
        call(*(args if isinstance(args, tuple) else (args,)))

    def root(self) -> Any:
        return self.wrapped(self.rootnode)

    def toNode(self, name: str) -> Any:
        return self.wrapped(next((n for n in self.nodes_made if n.fullName() == name), None))

    def frame(self, number: int | None = None) -> int:
        return 1002

    def message(self, text: str) -> None:
        self.said.append(text)

    def getInput(self, prompt: str, initial: str = "") -> str:
        return "dusk"

    def tprint(self, *values: Any) -> None:
        self.said.append(" ".join(map(str, values)))

    def pluginAddPath(self, path: str) -> None:
        self.paths.append(path)

    def addOnCreate(self, call: Any, nodeClass: str) -> None:
        self.on_create.append((call.__name__, nodeClass))

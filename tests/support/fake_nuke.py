"""A stand-in for Nuke: the few names of its API that the pack uses, with Nuke's own arities.

`tests/golden/nuke_api.json` records names and numbers of arguments of the real API; a call that
it does not allow fails here as it would there.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

RECORD = json.loads((Path(__file__).resolve().parents[1] / "golden/nuke_api.json").read_text())


def allowed(bounds: list[int | None], count: int) -> bool:
    least, most = bounds
    return count >= (least or 0) and (most is None or count <= most)


class Recorded:
    """Hands on what the record allows, and nothing else."""

    def __init__(self, inner: Any, *classes: str) -> None:
        self.__dict__["inner"] = inner
        known: dict[str, Any] = {}
        for name in classes:
            known |= RECORD["classes"][name]
        self.__dict__["known"] = known

    def __getattr__(self, name: str) -> Any:
        if name not in self.known:
            raise AttributeError(f"Nuke's record has no {name}")

        def call(*args: Any, **kwargs: Any) -> Any:
            assert allowed(self.known[name], len(args) + len(kwargs)), f"{name}{args}"
            return getattr(self.inner, name)(*args, **kwargs)

        return call

    def __getitem__(self, key: str) -> Any:
        return self.inner[key]


class FakeKnob:
    def __init__(self, value: Any) -> None:
        self.held, self.keys, self.executed = value, {}, 0

    def value(self) -> Any:
        return self.held

    evaluate = value

    def setValue(self, value: Any) -> None:
        self.held = value

    def isAnimated(self) -> bool:
        return bool(self.keys)

    def valueAt(self, frame: int) -> Any:
        return self.keys.get(frame, self.held)

    def execute(self) -> None:
        self.executed += 1


class FakeNode:
    def __init__(self, kind: str, name: str, knobs: dict[str, Any]) -> None:
        self.kind, self.called = kind, name
        self.knobs = {k: FakeKnob(v) for k, v in ({"name": name} | knobs).items()}
        self.inputs: dict[int, Any] = {}
        self.hashes, self.frames, self.place = [1], (1001, 1001), (0, 0)

    def __getitem__(self, name: str) -> Recorded:
        if name not in self.knobs:
            raise NameError(f"knob {name} does not exist")
        return Recorded(self.knobs[name], "Array_Knob", "File_Knob", "PyScript_Knob")

    def input(self, number: int) -> Any:
        return self.inputs.get(number)

    def setInput(self, number: int, node: Any) -> bool:
        self.inputs[number] = node
        return True

    def opHashes(self) -> list[int]:
        return self.hashes

    def fullName(self) -> str:
        return self.knobs["name"].held

    name = fullName

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
}


class FakeNuke:
    """The module `nuke`: what is recorded can be called, all else raises AttributeError."""

    def __init__(self, *, gui: bool) -> None:
        self.GUI, self.cancel = gui, False
        self.said: list[str] = []
        self.nodes: list[FakeNode] = []
        self.made: list[str] = []
        self.rootnode = FakeNode("Root", "root", {"proxy": True})
        self.proxy_while_writing: list[bool] = []

    def module(self) -> Any:
        fake = self

        class Module:
            def __getattr__(self, name: str) -> Any:
                if name in RECORD["constants"]:
                    return getattr(fake, name)
                bounds = RECORD["functions"].get(name)
                if name == "ProgressTask":
                    return lambda title: Recorded(FakeTask(fake), "ProgressTask")
                if bounds is None:
                    raise AttributeError(f"Nuke's record has no nuke.{name}")

                def call(*args: Any, **kwargs: Any) -> Any:
                    assert allowed(bounds, len(args) + len(kwargs)), f"nuke.{name}{args}"
                    return getattr(fake, name)(*args, **kwargs)

                return call

        return Module()

    def wrapped(self, node: FakeNode | None) -> Any:
        return None if node is None else Recorded(node, "Node")

    def createNode(self, kind: str, knobs: str = "", inpanel: bool = True) -> Any:
        node = FakeNode(kind, f"{kind}{len(self.nodes)}", dict.fromkeys(KNOBS[kind]))
        self.nodes.append(node)
        self.made.append(kind)
        return self.wrapped(node)

    def delete(self, node: Any) -> None:
        self.nodes.remove(node.inner)

    def execute(self, node: Any, first: int, last: int, incr: int) -> None:
        write = node.inner
        self.proxy_while_writing.append(self.rootnode.knobs["proxy"].held)
        assert write.knobs["raw"].held is True
        source = write.inputs[0].inner.plate
        for frame in range(first, last + 1, incr):
            target = write.knobs["file"].held.replace("####", f"{frame:04d}")
            shutil.copyfile(source.replace("####", f"{frame:04d}"), target)

    def executeInMainThread(self, call: Any, args: Any = (), kwargs: Any = None) -> None:
        call(*(args if isinstance(args, tuple) else (args,)))

    def root(self) -> Any:
        return Recorded(self.rootnode, "Root")

    def toNode(self, name: str) -> Any:
        return self.wrapped(next((n for n in self.nodes if n.fullName() == name), None))

    def frame(self, number: int | None = None) -> int:
        return 1002

    def message(self, text: str) -> None:
        self.said.append(text)

    def getInput(self, prompt: str, initial: str = "") -> str:
        return "dusk"

    def tprint(self, *values: Any) -> None:
        self.said.append(" ".join(map(str, values)))

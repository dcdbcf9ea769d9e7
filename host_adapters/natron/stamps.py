"""What tells a picture in Natron from a later one: its nodes, parameters and files."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

from ..worker.plates import files_stamp

COSMETIC = {"userTextArea", "nodeLabel", "enablePreviewNode", "hideInputs", "onParamChanged",
            "onInputChanged", "lifeTimeNode", "enableLifeTimeNode"}  # fmt: skip
"""Parameters that change no pixel."""
UNREADABLE = ("roto", "tracker")
"""Parts of the names of plug-ins whose strokes and tracks lie outside their parameters."""


def upstream(source: Any) -> Iterator[Any]:
    """Find all nodes that a picture rests on, by wires and inside groups."""
    seen: set[str] = set()
    waiting = [("", source)]
    while waiting:
        where, node = waiting.pop()
        name = where + node.getScriptName()
        if name in seen:
            continue
        seen.add(name)
        yield node
        inputs = (node.getInput(place) for place in range(node.getMaxInputCount()))
        waiting += [(where, above) for above in inputs if above is not None]
        waiting += [(name + ".", child) for child in node.getChildren()]


def stamp_of(source: Any, first: int, last: int) -> str:
    """Return what tells a picture over some frames from a later one.

    Where a node holds what cannot be read, such as strokes, the stamp is another every time: it is
    painted once too often rather than once too seldom.
    """
    said: list[Any] = []
    for node in upstream(source):
        kind = str(node.getPluginID())
        if any(part in kind.lower() for part in UNREADABLE):
            said.append(uuid.uuid4().hex)
        inputs = [node.getInput(place) for place in range(node.getMaxInputCount())]
        wires = [above.getScriptName() if above is not None else "" for above in inputs]
        params = [p for p in node.getParams() if p.getScriptName() not in COSMETIC]
        held = [[p.getScriptName(), held_by(p, first, last)] for p in params]
        file = node.getParam("filename")
        files = files_stamp(str(file.get() or "")) if file is not None else []
        said.append([node.getScriptName(), kind, wires, held, files])
    return json.dumps(said)


def held_by(param: Any, first: int, last: int) -> Any:
    """Return what a parameter holds: one value, or one for every frame where it moves."""
    if hasattr(param, "getNControlPoints"):  # a curve that is no animation
        return uuid.uuid4().hex
    if not hasattr(param, "get"):  # a page, a button, a line between others
        return None
    if moves(param):
        return [plain(param.get(frame)) for frame in range(first, last + 1)]
    return plain(param.get())


def moves(param: Any) -> bool:
    """Say whether a parameter has keys or an expression, in any of its dimensions."""
    if not hasattr(param, "getIsAnimated"):
        return False
    count = param.getNumDimensions()
    return any(param.getIsAnimated(d) or param.getExpression(d) for d in range(count))


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: Natron's pairs, triples and colours become lists."""
    for names in ("rgba", "xyz", "xy"):
        if all(hasattr(value, name) for name in names):
            return [getattr(value, name) for name in names]
    return value if isinstance(value, (bool, int, float, str)) else str(value)

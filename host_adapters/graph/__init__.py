"""The node graph: what a compositor knows from Nuke and Natron, headless and in plain Python.

Example:
    >>> from stillbrush import graph
    >>> graph.scriptClear()
    >>> grade = graph.createNode("Grade")
    >>> grade["mix"].setValueAt(0.0, 1001, "linear")
    >>> grade["mix"].setValueAt(1.0, 1011, "linear")
    >>> grade["mix"].valueAt(1006)
    0.5
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ...core.errors import BadInput
from ...core.look import Look
from ...core.looks import find_look
from ...core.media.atomic import write_text_atomic
from ...core.media.sequences import MAX_FRAMES, parse_frames
from ...core.spec import REGISTRY, shown
from ...core.strict_yaml import read_text
from ..folders import user_looks
from . import cache as _cache
from . import execute as _execute
from .declared import class_name
from .groups import make_group
from .looks import differing, shown_difference
from .node import Node
from .paste import load_into, paste_into
from .picture import draw
from .script import Script
from .text import to_text

__all__ = [
    "Node", "Script", "allNodes", "clearCache", "collapseToGroup", "counts", "createNode", "delete",
    "diffLooks", "execute", "exportSVG", "frame", "loadScript", "nodeClasses", "nodeCopy",
    "nodePaste", "oneEdit", "redo", "root", "saveScript", "scriptClear", "setCache", "setFrame",
    "toNode", "undo",
]  # fmt: skip
log = logging.getLogger(__name__)
LARGEST_SCRIPT = 16 << 20
ACROSS, DOWN = 200, 100  # from one node to the next in the picture of the graph
_root = Script()


def root() -> Script:
    """Return the script that these functions work on."""
    return _root


def scriptClear() -> None:  # noqa: N802 - as compositors know it
    """Begin a new script; the cache's settings stay."""
    take_over(Script())


def take_over(script: Script) -> None:
    """Make a script the one that these functions work on; the cache's settings stay."""
    global _root
    old = _root.engine.cache
    script.engine.prepare(old.folder, old.memory, old.disk)
    _root = script


def nodeClasses() -> list[str]:  # noqa: N802
    """Return the classes that createNode knows."""
    return sorted(class_name(kind) for kind in REGISTRY)


def createNode(  # noqa: N802
    node: str, inputs: Sequence[Node | None] = (), name: str | None = None, **knobs: Any
) -> Node:
    """Make a node, wire it and set its knobs, in one step.

    Args:
        node: its class: Read, StylizeShot, Merge, Write.
        inputs: what is wired to it, in the order of its inputs.
        name: of the node, by default its class and a number; of a node with a knob of that name,
            the knob's value.
        knobs: by name; a node given for an input's name is wired to it.

    Raises:
        BadInput: no such class, input, knob or value; nothing is made then.
    """
    script = _root
    with script.one_edit():
        made = Node(script, script.create(node))
        if name is not None and "name" in made.knobs():
            knobs["name"] = name
        elif name is not None:
            made.setName(name)
        for place, source in enumerate(inputs):
            if source is not None:
                made.setInput(place, source)
        for knob, value in knobs.items():
            if isinstance(value, Node):
                made.setInput(knob, value)
            else:
                made[knob].setValue(value)
        place_below(made)
    return made


def place_below(node: Node) -> None:
    """Place a node below those that are wired to it, where no other lies."""
    above = node.dependencies()
    if above:
        x, y = above[0].xpos(), max(other.ypos() for other in above) + DOWN
        while any((n.xpos, n.ypos) == (x, y) for n in node.script.state.nodes.values()):
            x += ACROSS
        node.setXYpos(x, y)


def toNode(name: str) -> Node | None:  # noqa: N802
    """Return a node by its name; None where there is none."""
    uid = _root.state.number(name)
    return None if uid is None else Node(_root, uid)


def allNodes(node_class: str | None = None) -> list[Node]:  # noqa: N802
    """Return the nodes of the script, or those of a class."""
    found = [Node(_root, uid) for uid in _root.state.nodes]
    return [node for node in found if node_class in (None, node.Class())]


def delete(node: Node) -> None:
    """Delete a node; what was wired to it is wired to where its picture came from."""
    node.script.delete(node.uid)


def undo() -> bool:
    """Take the last edit back; say whether there was one."""
    return _root.undo()


def redo() -> bool:
    """Make an edit that was taken back again; say whether there was one."""
    return _root.redo()


def oneEdit() -> AbstractContextManager[None]:  # noqa: N802
    """Make all edits in a `with` block one step of undo; where they fail, none was made."""
    return _root.one_edit()


def frame() -> int:
    """Return the script's frame, at which `value()` is read."""
    return _root.frame


def setFrame(number: int) -> None:  # noqa: N802
    """Set the script's frame."""
    _root.frame = int(number)


def nodeCopy(nodes: Sequence[Node]) -> str:  # noqa: N802
    """Return nodes as text, with the wires between them."""
    if not all(isinstance(node, Node) for node in nodes):
        raise BadInput(f"nodeCopy: expected nodes; got {shown(list(nodes))}.")
    chosen = {node.uid for node in nodes}
    chosen |= {u for u, n in _root.state.nodes.items() if n.group in chosen}
    return to_text(_root.state, [uid for uid in _root.state.nodes if uid in chosen])


def nodePaste(text: str) -> list[Node]:  # noqa: N802
    """Add nodes from text; a name that is taken gets the next free number."""
    if not isinstance(text, str):
        raise BadInput(f"pasted text: expected text; got {shown(text)}.")
    return [Node(_root, uid) for uid in paste_into(_root, text, "pasted text")]


def saveScript(path: str | Path) -> None:  # noqa: N802
    """Write the script: the same graph gives the same text."""
    write_text_atomic(path, to_text(_root.state))


def loadScript(path: str | Path) -> list[str]:  # noqa: N802
    """Open a script in place of this one; no pixels are read.

    Returns:
        What is kept but not understood, one line each: nodes and knobs of a newer version.

    Raises:
        MissingFrame, UnreadableFile, BadInput: names file, key and what was expected.
    """
    path = Path(path)
    text = read_text(path, "script", LARGEST_SCRIPT)
    fresh = Script()
    messages = load_into(fresh, text, str(path))
    take_over(fresh)
    for message in messages:
        log.warning("script %s: %s", path, message)
    return messages


def exportSVG(path: str | Path | None = None) -> str:  # noqa: N802
    """Return the picture of the graph as SVG; write it where a file is given."""
    picture = draw(_root.state)
    if path is not None:
        write_text_atomic(path, picture)
    return picture


def execute(
    nodes: Node | Sequence[Node],
    first: int | str | None = None,
    last: int | None = None,
    incr: int = 1,
    *,
    progress: _execute.Progress | None = None,
    task: Any = None,
) -> dict[str, tuple[str, ...]]:
    """Render Writes and Viewers; what several share is worked out once.

    A recursion begins where its shot does, whatever range is written. What was written before and
    has not changed is not written again; a render that was stopped goes on.

    Args:
        nodes: one or several.
        first: first frame, or a list such as `1005,1010-1012`; by default all there are.
        last: last frame.
        incr: from one frame to the next.
        progress: told the frame, how many are done, and of how many; False stops the render.
        task: an object like Nuke's ProgressTask: `setProgress`, `setMessage`, `isCancelled`.

    Returns:
        The files of each, by its name.
    """
    chosen = [nodes] if isinstance(nodes, Node) else list(nodes)
    for node in chosen:
        if not isinstance(node, Node):
            raise BadInput(f"execute: expected Writes and Viewers; got {shown(nodes)}.")
    frames = wanted_frames(first, last, incr)

    def tell(number: int, done: int, total: int) -> object:
        if task is not None:
            task.setMessage(f"frame {number}")
            task.setProgress(100 * done // total)
        return progress(number, done, total) if progress else True

    stopped: Callable[[], bool] = task.isCancelled if task is not None else lambda: False
    script = chosen[0].script if chosen else _root
    return _execute.execute(script, [node.uid for node in chosen], frames, tell, stopped)


def wanted_frames(first: int | str | None, last: int | None, incr: int) -> tuple[int, ...]:
    """Return the frames that are asked for; nothing for all.

    Raises:
        BadInput: a range that is none.
    """
    if isinstance(first, str):
        return parse_frames(first)
    if first is None:
        return ()
    numbers = (first, first if last is None else last, incr)
    whole = all(isinstance(n, int) and not isinstance(n, bool) for n in numbers)
    made = range(numbers[0], numbers[1] + 1, incr) if whole and incr > 0 else range(0)
    if not made or len(made) > MAX_FRAMES:
        raise BadInput(f"execute: expected a range of at most {MAX_FRAMES} frames; got "
                       f"{shown(first)} to {shown(last)} by {shown(incr)}.")  # fmt: skip
    return tuple(made)


def collapseToGroup(nodes: Sequence[Node], name: str | None = None) -> Node:  # noqa: N802
    """Put nodes into a group; it gives the picture of the last of them."""
    return Node(_root, make_group(_root, [node.uid for node in nodes], name))


def setCache(  # noqa: N802
    folder: str | Path | None = None, *, memory: int = _cache.MEMORY, disk: int = _cache.DISK
) -> None:
    """Say how much is kept: bytes in memory; and in a folder, painted frames, bytes on disk."""
    _root.engine.prepare(Path(folder) if folder else None, memory, disk)


def clearCache() -> None:  # noqa: N802
    """Forget what was worked out; files on disk stay."""
    _root.engine.cache.clear()


def counts() -> dict[str, int]:
    """Return how often each node worked a frame out, by its name."""
    return dict(_root.engine.counts)


def diffLooks(first: str | Look, second: str | Look) -> str:  # noqa: N802
    """Return in what two looks differ, as a table to read."""
    found = [n if isinstance(n, Look) else find_look(n, user_looks()) for n in (first, second)]
    return shown_difference((found[0].name, found[1].name), differing(*found))

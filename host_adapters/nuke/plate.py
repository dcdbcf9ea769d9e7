"""What Nuke hands over: an input as scene-linear EXR, and what tells it from a later one."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import nuke  # pyright: ignore[reportMissingModuleSource] - the host's own

from ..worker.plates import files_stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

COSMETIC = {"xpos", "ypos", "selected", "label", "note_font", "note_font_size", "note_font_color",
            "tile_color", "gl_color", "hide_input", "postage_stamp", "dope_sheet", "bookmark",
            "indicators", "lifetimeStart", "lifetimeEnd"}  # fmt: skip
"""Knobs that change no pixel."""


def upstream(source: nuke.Node) -> Iterator[nuke.Node]:
    """Find all nodes that a picture rests on: by wires, by expressions, and inside groups."""
    seen: set[str] = set()
    waiting = [source]
    while waiting:
        node = waiting.pop()
        if node.fullName() in seen:
            continue
        seen.add(node.fullName())
        yield node
        waiting += node.dependencies(nuke.INPUTS | nuke.HIDDEN_INPUTS | nuke.EXPRESSIONS)
        if isinstance(node, nuke.Group):
            waiting += node.nodes()


def stamp_of(source: nuke.Node) -> str:
    """Return what tells a picture from a later one: nodes, knobs, wires, and files on disk.

    Nuke's own hashes follow the frame that is looked at; this one stays while nothing changes.
    """
    said: list[Any] = [source.width(), source.height(), source.pixelAspect()]
    for node in upstream(source):
        text = node.writeKnobs(nuke.WRITE_NON_DEFAULT_ONLY | nuke.TO_SCRIPT)
        lines = [line for line in text.splitlines() if line.split(" ", 1)[0] not in COSMETIC]
        inputs = [node.input(place) for place in range(node.inputs())]
        wires = [above.fullName() if above else "" for above in inputs]
        file = node.knob("file")
        files = files_stamp(str(file.value() or "")) if file is not None else []
        said.append([node.fullName(), node.Class(), lines, wires, files])
    return json.dumps(said)


def write_plate(source: nuke.Node, pattern: str, first: int, last: int) -> None:
    """Write an input as scene-linear EXR with all its channels, proxy off."""
    os.makedirs(os.path.dirname(pattern), exist_ok=True)
    proxy = nuke.root()["proxy"]
    was_proxy = proxy.value()
    with source.parent():  # beside the input, and wired to it alone whatever is selected
        write = nuke.nodes.Write()
    try:
        write.setInput(0, source)
        for name, value in (("file", pattern), ("file_type", "exr"), ("channels", "all"),
                            ("raw", True), ("datatype", "32 bit float"),
                            ("metadata", "all metadata")):  # fmt: skip
            write[name].setValue(value)
        proxy.setValue(False)
        nuke.execute(write, first, last, 1)
    finally:
        proxy.setValue(was_proxy)
        nuke.delete(write)

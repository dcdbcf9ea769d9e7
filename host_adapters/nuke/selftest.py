"""A test for those who have Nuke: `nuke -t FOLDER/stillbrush_selftest.py`, FOLDER on NUKE_PATH.

It makes a small plate, puts a Stillbrush node on it, paints two frames, looks at the result, and
asks again for what is there already.
"""

from __future__ import annotations

import os
import tempfile

import nuke  # pyright: ignore[reportMissingModuleSource] - the host's own

from ..worker.client import JobFailed
from . import panel


def run() -> str:
    """Run the whole way once; return what was found.

    Raises:
        JobFailed: with what was expected and what was found.
    """
    folder = tempfile.mkdtemp(prefix="stillbrush-selftest-")
    source = nuke.createNode("CheckerBoard", "", False)
    node = nuke.createNode("Stillbrush", "", False)
    node.setInput(0, source)
    for knob, value in (("folder", folder), ("limit", True), ("first", 1), ("last", 2)):
        node[knob].setValue(value)
    worker = panel.render(node)
    if worker is not None and not nuke.GUI and worker.state != "done":
        raise JobFailed(f"self-test: expected two painted frames; got: {worker.message}")
    painted = os.path.join(folder, "v001")
    there = os.listdir(painted) if os.path.isdir(painted) else []
    files = sorted(name for name in there if name.endswith(".exr"))
    if len(files) != 2:
        raise JobFailed(f"self-test: expected two frames in {painted}; got {files}.")
    read = nuke.toNode(node["result"].value())
    if read is None or int(read["last"].value()) != 2:
        raise JobFailed("self-test: expected a Read of the result; there is none.")
    if panel.render(node) is not None:
        raise JobFailed("self-test: expected nothing to be painted again; it was.")
    return f"self-test: two frames painted, read back, and not painted twice: {painted}"

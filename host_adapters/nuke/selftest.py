"""A test to run inside Nuke: `nuke -t -m stillbrush_pack.nuke.selftest`, or from its editor.

It makes a small plate, puts a Stillbrush node on it, paints two frames and looks at the result.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any

from . import panel


def run(nuke: Any) -> str:
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
    panel.render(nuke, node)
    painted = os.path.join(folder, "v001")
    files = sorted(name for name in os.listdir(painted) if name.endswith(".exr"))
    if len(files) != 2:
        raise panel.JobFailed(f"self-test: expected two frames in {painted}; got {files}.")
    read = nuke.toNode(node["result"].value())
    if read is None or int(read["last"].value()) != 2:
        raise panel.JobFailed("self-test: expected a Read of the result; there is none.")
    return f"self-test: two frames painted and read back from {painted}"

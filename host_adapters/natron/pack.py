"""Writes the pack for Natron: a PyPlug, and what runs behind it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ... import nodes  # noqa: F401 - declares the knobs
from ...core.media.atomic import write_text_atomic
from ...core.spec import REGISTRY
from ..nuke.gizmo import described
from ..nuke.pack import copy_modules, start_command

MODULES = ("stillbrush_plug.py", "stamps.py", "pump.py", "teller.py")
PYPLUG = """# Natron PyPlug
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def getPluginID():
    return "org.stillbrush.Stillbrush"


def getLabel():
    return "Stillbrush"


def getVersion():
    return 1


def getGrouping():
    return "Filter"


def getPluginDescription():
    return {help!r}


def createInstance(app, group):
    from stillbrush_pack.natron import stillbrush_plug

    stillbrush_plug.create(app, group)


def changed(thisParam, thisNode, thisGroup, app, userEdited):
    from stillbrush_pack.natron import stillbrush_plug

    stillbrush_plug.changed(thisParam, thisNode, thisGroup, app, userEdited)


def written(aborted, thisNode, app):
    from stillbrush_pack.natron import stillbrush_plug

    stillbrush_plug.written(aborted, thisNode, app)
"""


def facts() -> dict[str, Any]:
    """Return what the pack knows of the nodes."""
    fields = REGISTRY["stylize_shot"].knobs
    knobs = [
        described(f) | {"label": f.label, "tip": f.knob.tip, "range": [f.knob.lo, f.knob.hi]}
        for f in fields
    ]
    named = REGISTRY["load_look"].knobs[0]
    return {"command": start_command(), "look": named.default, "knobs": knobs}


def write_pack(folder: Path) -> list[str]:
    """Write the pack into a folder that lies on NATRON_PLUGIN_PATH; return what to do with it."""
    pack = folder / "stillbrush_pack"
    pack.mkdir(parents=True, exist_ok=True)
    copy_modules(pack, "natron", MODULES)
    write_text_atomic(pack / "natron" / "knobs.json", json.dumps(facts(), indent=1) + "\n")
    text = PYPLUG.format(help=REGISTRY["stylize_shot"].help)
    write_text_atomic(folder / "Stillbrush.py", text)
    return [f"add {folder} to NATRON_PLUGIN_PATH and start Natron: Filter > Stillbrush"]

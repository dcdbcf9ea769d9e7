"""Writes the pack for Nuke: copies what runs inside Nuke, and what is made of the declarations."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from ... import nodes  # noqa: F401 - declares the knobs
from ...core.errors import BadInput
from ...core.looks import SHIPPED, list_looks
from ...core.media.atomic import write_text_atomic
from ...core.spec import REGISTRY
from ..folders import user_looks
from .gizmo import described, gizmo

HERE = Path(__file__).resolve().parent
INSIDE = {"worker": ("__init__.py", "client.py", "jobs.py", "plates.py")}
INIT = """# Stillbrush: runs in the interface and in terminals.
import nuke

nuke.pluginAddPath("./stillbrush_pack/gizmos")

from stillbrush_pack.nuke import looks

nuke.addOnCreate(looks.refresh_looks, nodeClass="Stillbrush")
"""
MENU = """# Stillbrush: runs in the interface only.
import nuke

nuke.menu("Nodes").addCommand("Stillbrush/Stillbrush", "nuke.createNode('Stillbrush')")
"""

SELF_TEST = """# For those who have Nuke: nuke -t stillbrush_selftest.py
from stillbrush_pack.nuke import selftest

print(selftest.run())
"""


def start_command() -> list[str]:
    """Return how this very Stillbrush is started: by its Python, from where it lies."""
    package = __name__.partition(".")[0]
    root = Path(__file__).parents[2]  # a link stays one: its name is the package's
    lies = f"import sys; sys.path.insert(0, {str(root.parent)!r}); "
    start = f"from {package}.host_adapters.cli import main; main()"
    return [sys.executable, "-c", (lies if root.name == package else "") + start]


def facts() -> dict[str, Any]:
    """Return what the pack knows of the nodes."""
    fields = REGISTRY["stylize_shot"].knobs
    looks = [path.stem for path in SHIPPED.glob("*.yaml")]
    return {"command": start_command(), "knobs": [described(field) for field in fields],
            "looks": sorted(looks), "looks_folder": str(user_looks())}  # fmt: skip


def copy_modules(pack: Path, host: str, modules: tuple[str, ...]) -> None:
    """Copy what runs inside a host, as packages of one package."""
    (pack / "__init__.py").write_text('"""Stillbrush, as a host sees it."""\n', encoding="utf-8")
    for package, names in (INSIDE | {host: ("__init__.py", *modules)}).items():
        (pack / package).mkdir(parents=True, exist_ok=True)
        for name in names:
            shutil.copyfile(HERE.parent / package / name, pack / package / name)
    text = json.dumps(facts(), indent=1) + "\n"
    write_text_atomic(pack / host / "knobs.json", text)


def look_names() -> list[str]:
    """Return the looks there are, by name."""
    return sorted({path.stem for path in list_looks(user_looks())})


def write_pack(folder: Path) -> list[str]:
    """Write the pack into a folder that lies on NUKE_PATH; return what to do with it.

    Raises:
        BadInput: there is something else of those names.
    """
    for name in ("init.py", "menu.py"):
        there = folder / name
        if there.exists() and "Stillbrush" not in there.read_text(encoding="utf-8"):
            raise BadInput(f"{there}: is somebody else's; choose a folder of its own.")
    pack = folder / "stillbrush_pack"
    (pack / "gizmos").mkdir(parents=True, exist_ok=True)
    copy_modules(pack, "nuke", ("panel.py", "plate.py", "looks.py", "selftest.py"))
    write_text_atomic(pack / "gizmos" / "Stillbrush.gizmo", gizmo(look_names()))
    write_text_atomic(folder / "init.py", INIT)
    write_text_atomic(folder / "menu.py", MENU)
    write_text_atomic(folder / "stillbrush_selftest.py", SELF_TEST)
    return [f"add {folder} to NUKE_PATH and start Nuke: Nodes > Stillbrush",
            f"to try it once: nuke -t {folder / 'stillbrush_selftest.py'}"]  # fmt: skip

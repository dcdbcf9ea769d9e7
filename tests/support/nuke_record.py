"""The record of Nuke's API that the stand-in enforces, taken from the stubs of `types-nuke`.

`python tests/support/nuke_record.py` writes tests/golden/nuke_api.json anew.
"""

from __future__ import annotations

import ast
import importlib.metadata
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).resolve().parents[1] / "golden/nuke_api.json"
FUNCTIONS = ("addOnCreate", "createNode", "delete", "execute", "executeInMainThread", "frame",
             "getInput", "menu", "message", "pluginAddPath", "root", "thisNode", "toNode",
             "tprint")  # fmt: skip
CONSTANTS = ("EXPRESSIONS", "GUI", "HIDDEN_INPUTS", "INPUTS", "TO_SCRIPT", "WRITE_NON_DEFAULT_ONLY",
             "nodes")  # fmt: skip
CLASSES = {
    "Node": ("Class", "__getitem__", "dependencies", "firstFrame", "fullName", "height", "input",
             "inputs", "knob", "lastFrame", "parent", "pixelAspect", "setInput", "setName",
             "setXYpos", "width", "writeKnobs", "xpos", "ypos"),
    "Group": ("__enter__", "__exit__", "nodes"),
    "Knob": ("getValueAt", "hasExpression", "isAnimated", "setValue", "value"),
    "Script_Knob": ("execute",),
    "Enumeration_Knob": ("setValues", "values"),
    "EvalString_Knob": ("evaluate",),
    "ProgressTask": ("isCancelled", "setMessage", "setProgress"),
    "Menu": ("addCommand",),
}  # fmt: skip


def stubs() -> list[ast.Module]:
    """Parse the stubs; empty where they are not installed."""
    try:
        files = importlib.metadata.files("types-nuke") or []
    except importlib.metadata.PackageNotFoundError:
        return []
    named = [f for f in files if f.suffix == ".pyi"]
    return [ast.parse(Path(str(f.locate())).read_text(encoding="utf-8")) for f in named]


def bounds(made: ast.FunctionDef, *, is_method: bool) -> list[int | None]:
    """Return the least and the greatest number of arguments."""
    names = [*made.args.posonlyargs, *made.args.args]
    own = len(names) - (1 if is_method else 0)
    keywords = len(made.args.kwonlyargs)
    free = made.args.vararg is not None or made.args.kwarg is not None
    return [own - len(made.args.defaults), None if free else own + keywords]


def widest(found: list[list[int | None]]) -> list[int | None]:
    """Return the bounds that hold for every overload."""
    most = [high for _, high in found]
    return [min(low or 0 for low, _ in found), None if None in most else max(h or 0 for h in most)]


def functions(tree: Any) -> Iterator[ast.FunctionDef]:
    """Find what is defined right here."""
    yield from (part for part in tree.body if isinstance(part, ast.FunctionDef))


def record() -> dict[str, Any]:
    """Return the record: names, and how many arguments each takes."""
    trees = stubs()
    made: dict[str, Any] = {"functions": {}, "classes": {}, "constants": list(CONSTANTS)}
    for name in FUNCTIONS:
        overloads = [f for tree in trees for f in functions(tree) if f.name == name]
        made["functions"][name] = widest([bounds(f, is_method=False) for f in overloads])
    classes = {c.name: c for t in trees for c in t.body if isinstance(c, ast.ClassDef)}
    for name, methods in CLASSES.items():
        own = {f.name: bounds(f, is_method=True) for f in functions(classes[name])}
        made["classes"][name] = {method: own[method] for method in methods}
    stated = {p.target.id for t in trees for p in t.body
              if isinstance(p, ast.AnnAssign) and isinstance(p.target, ast.Name)}  # fmt: skip
    missing = set(CONSTANTS) - stated
    if missing:
        raise LookupError(f"types-nuke has no {sorted(missing)}")
    version = importlib.metadata.version("types-nuke")
    return made | {"source": f"types-nuke {version}: names and numbers of arguments"}


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(record(), indent=1) + "\n", encoding="utf-8")

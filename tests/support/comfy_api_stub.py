"""ComfyUI's API as recorded from a real one: what it does not know is refused, as there.

Enough to define every schema of ours and to call what needs no server. Recorded by
`tests/golden/comfyui-api.json`; the real thing is tried in `tests/hosts`.
"""

from __future__ import annotations

import enum
import importlib
import json
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

RECORD = Path(__file__).resolve().parents[1] / "golden/comfyui-api.json"
NAMES = (
    "comfy",
    "comfy.model_management",
    "comfy.utils",
    "comfy_api",
    "comfy_api.v0_0_2",
    "comfy_execution",
    "comfy_execution.graph_utils",
    "folder_paths",
)


class Thing:
    """An object of the API: remembers what it was made with."""

    def __init__(self, kind: str, io_type: str, known: list[str], args: Any, given: Any) -> None:
        named = dict(zip(known, args, strict=False)) | given
        unknown = set(named) - set(known)
        if unknown:
            raise TypeError(f"{kind}() got an unexpected keyword argument {sorted(unknown)[0]!r}")
        self.kind, self.io_type, self.given = kind, io_type, named

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["given"][name]
        except KeyError:
            return None


def api() -> dict[str, Any]:
    """Return the record."""
    return json.loads(RECORD.read_text())["api"]


def maker(kind: str, io_type: str, record: str) -> Any:
    known = api()[record]
    return lambda *args, **given: Thing(kind, io_type, known, args, given)


def kind_of(name: str, io_type: str, record: str) -> Any:
    made = types.SimpleNamespace(io_type=io_type)
    made.Input = maker(f"{name}.Input", io_type, f"{record}.Input")
    made.Output = maker(f"{name}.Output", io_type, f"{record}.Output")
    return made


def make_io() -> types.ModuleType:
    found, io = api(), types.ModuleType("io")
    for name in ("Image", "Mask", "Video", "Float", "Int", "Boolean", "String", "Combo"):
        setattr(io, name, kind_of(name, found[f"{name}.io_type"], name))
    io.Custom = lambda io_type: kind_of(io_type, io_type, "Custom")
    io.Schema = maker("Schema", "", "Schema")
    io.ComfyNode = type("ComfyNode", (), {})
    io.NumberDisplay = enum.Enum("NumberDisplay", found["NumberDisplay"])
    io.FolderType = enum.Enum("FolderType", found["FolderType"])
    io.NodeOutput = lambda *args, ui=None: types.SimpleNamespace(args=args, ui=ui)
    return io


def modules() -> dict[str, types.ModuleType]:
    """Return stand-ins for the host's modules."""
    made = {name: types.ModuleType(name) for name in NAMES}
    api_module = made["comfy_api.v0_0_2"]
    api_module.io, api_module.ui = make_io(), types.ModuleType("ui")
    api_module.ui.PreviewImage = lambda image: types.SimpleNamespace(values=image)
    api_module.ComfyExtension = type("ComfyExtension", (), {})
    api_module.InputImpl = types.SimpleNamespace()
    made["comfy_execution.graph_utils"].ExecutionBlocker = type("ExecutionBlocker", (), {})
    made["comfy"].model_management = made["comfy.model_management"]
    made["comfy.model_management"].get_free_memory = lambda device: 2**33
    made["comfy.model_management"].get_torch_device = lambda: torch.device("cpu")
    made["comfy"].utils = made["comfy.utils"]
    made["comfy.model_management"].throw_exception_if_processing_interrupted = lambda: None
    made["comfy.utils"].ProgressBar = lambda total: types.SimpleNamespace(
        update_absolute=lambda *args: None
    )
    folders = made["folder_paths"]
    folders.models_dir, folders.folder_names_and_paths = "models", {}
    return made


@contextmanager
def installed(folder: Path) -> Iterator[Any]:
    """Put the stand-ins in the host's place and import our adapter over them.

    Args:
        folder: where the stand-in's input, output, temp and models folders lie.
    """
    made = modules()
    folders = made["folder_paths"]
    folders.models_dir = str(folder / "models")
    for name in ("input", "output", "temp"):
        setattr(folders, f"get_{name}_directory", lambda n=name: str(folder / n))
    folders.annotated_filepath = lambda name: (name, None)
    ours = [name for name in sys.modules if name.startswith("stillbrush.host_adapters.comfyui.")]
    kept = {name: sys.modules.pop(name) for name in [*ours, *NAMES] if name in sys.modules}
    sys.modules.update(made)
    try:
        yield importlib.import_module("stillbrush.host_adapters.comfyui.extension")
    finally:
        for name in list(sys.modules):
            if name.startswith("stillbrush.host_adapters.comfyui.") or name in NAMES:
                del sys.modules[name]
        sys.modules.update(kept)

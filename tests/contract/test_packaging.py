"""The repository installs, ships and loads as promised, under any folder name."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import stillbrush

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ("core", "nodes", "host_adapters", "presets")
HOSTS = ("comfy", "comfy_api", "comfy_execution", "folder_paths", "nuke", "NatronEngine", "bpy")
HOST_OWNS = {"torch", "numpy"}
ADAPTERS = {
    "comfyui": {"comfy", "comfy_api", "comfy_execution", "folder_paths"},
    "nuke": {"nuke"},
    "natron": {"NatronEngine"},
}
INSIDE_NUKE = {"panel.py", "plate.py", "looks.py", "selftest.py"}  # copied into the pack; run there
HOSTILE = "ComfyUI-stillbrush.v0-main"

# Loads a package as ComfyUI's load_custom_node does and records every top-level name that anyone
# asks for, so that a guarded import of an absent module is seen too.
LOADER = """
import importlib, importlib.util, json, sys
name, init, *modules = sys.argv[1:]
asked = set()
class Watch:
    @staticmethod
    def find_spec(fullname, path=None, target=None):
        asked.add(fullname.partition(".")[0])
sys.meta_path.insert(0, Watch)
spec = importlib.util.spec_from_file_location(name, init)
sys.modules[name] = package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
own = [module for module in sys.modules if module.startswith(name + ".")]
for module in modules:
    importlib.import_module(f"{name}.{module}")
print(json.dumps({"asked": sorted(asked - {name}), "own": own, "version": package.__version__}))
"""


def sources() -> Iterator[Path]:
    for floor in FLOORS:
        yield from sorted((ROOT / floor).rglob("*.py"))


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def bare(requirement: str) -> str:
    return re.split(r"[<>=!~;\[ ]", requirement, maxsplit=1)[0].lower()


def lines(name: str) -> list[str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def load(name: str, init: Path, *modules: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-I", "-c", LOADER, name, str(init), *modules],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture
def hostile_clone(tmp_path: Path) -> Path:
    """A copy of the package in a folder whose name is no Python identifier."""
    clone = tmp_path / HOSTILE
    clone.mkdir()
    shutil.copy(ROOT / "__init__.py", clone)
    for floor in FLOORS:
        skip = shutil.ignore_patterns("__pycache__", "*.safetensors", "*.jpg")
        shutil.copytree(ROOT / floor, clone / floor, ignore=skip)
    return clone


def test_the_wheel_lists_every_package_and_no_other(project: dict) -> None:
    listed = project["tool"]["setuptools"]["packages"]
    found = {f"stillbrush.{dotted(path.parent / '__init__.py')}" for path in sources()}
    assert sorted(listed) == sorted({"stillbrush"} | found)


def test_the_wheel_holds_every_preset(project: dict) -> None:
    patterns = project["tool"]["setuptools"]["package-data"]["stillbrush.presets"]
    files = [path for path in (ROOT / "presets").iterdir() if path.is_file()]
    assert ROOT / "presets" / "encoder.safetensors" in files
    left_out = [p.name for p in files if p.suffix != ".py" and not any(map(p.match, patterns))]
    assert not left_out


def test_everything_that_a_package_reads_is_in_the_wheel(project: dict) -> None:
    shipped = project["tool"]["setuptools"]["package-data"]
    for path in (ROOT / "core").rglob("*"):
        if path.is_file() and path.suffix not in (".py", ".pyc"):
            patterns = shipped.get(f"stillbrush.{dotted(path.parent / '__init__.py')}", [])
            assert any(path.match(pattern) for pattern in patterns), path


def test_every_shipped_look_has_a_small_thumbnail() -> None:
    for look in (ROOT / "presets").glob("*.yaml"):
        picture = look.with_suffix(".thumbnail.jpg")
        assert picture.is_file(), f"{picture.name}: `just thumbnails` paints it"
        assert picture.stat().st_size <= 30_000
    assert sum(path.stat().st_size for path in (ROOT / "presets").iterdir()) < 8_000_000


def test_every_folder_of_modules_is_a_regular_package() -> None:
    assert [path.parent for path in sources() if not (path.parent / "__init__.py").is_file()] == []


def test_the_root_holds_one_python_file() -> None:
    """Setuptools ships every .py beside the root __init__.py inside the package."""
    assert [path.name for path in ROOT.glob("*.py")] == ["__init__.py"]


def test_requirements_are_the_dependencies_without_what_a_host_owns(project: dict) -> None:
    dependencies = project["project"]["dependencies"]
    assert {bare(line) for line in dependencies} >= HOST_OWNS
    wanted = [line for line in dependencies if bare(line) not in HOST_OWNS]
    assert lines("requirements.txt") == wanted


def test_dependencies_are_lower_bounds_only(project: dict) -> None:
    """A cap or a pin of ours would replace the torch, numpy or opencv of somebody's host."""
    extras = project["project"]["optional-dependencies"].values()
    everything = [
        *project["project"]["dependencies"],
        *(line for extra in extras for line in extra),
    ]
    assert [line for line in everything if not re.fullmatch(r"[\w-]+>=[\d.]+", line)] == []


def test_constraints_pin_every_dependency_exactly(project: dict) -> None:
    pins = lines("constraints.txt")
    assert [line for line in pins if not re.fullmatch(r"[\w.-]+==[\d.]+", line)] == []
    wanted = project["project"]["dependencies"] + project["project"]["optional-dependencies"]["dev"]
    assert {bare(line) for line in wanted} - {bare(line) for line in pins} == set()


def test_the_version_is_said_once_in_two_places(project: dict) -> None:
    assert stillbrush.__version__ == project["project"]["version"]


def test_the_console_script_points_at_a_function(project: dict) -> None:
    for name, target in project["project"]["scripts"].items():
        entry = importlib.metadata.EntryPoint(name, target, "console_scripts")
        assert callable(entry.load())


def absolute_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of absolute imports, written as statements or as calls."""
    for part in ast.walk(tree):
        if isinstance(part, ast.Import):
            yield from ((part.lineno, alias.name) for alias in part.names)
        elif isinstance(part, ast.ImportFrom) and part.level == 0:
            yield part.lineno, part.module or ""
        elif isinstance(part, ast.Call) and part.args:
            called = part.func.attr if isinstance(part.func, ast.Attribute) else None
            called = part.func.id if isinstance(part.func, ast.Name) else called
            is_import = called in {"__import__", "import_module", "find_spec", "files"}
            if is_import and isinstance(part.args[0], ast.Constant):
                yield part.lineno, str(part.args[0].value)


def hosts_of(path: Path) -> set[str]:
    """Return the hosts whose modules a file imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {name.partition(".")[0] for _, name in absolute_names(tree)} & set(HOSTS)


def test_a_host_is_imported_in_its_own_adapter_only() -> None:
    for path in sources():
        found = hosts_of(path)
        adapter = path.relative_to(ROOT).parts[1] if "host_adapters" in path.parts else ""
        assert found <= ADAPTERS.get(adapter, set()), path
        assert not (found and path.name == "__init__.py"), "ComfyUI absent, nothing is loaded"


def test_no_import_inside_the_package_is_absolute() -> None:
    """In ComfyUI the package has another name, and `nodes` means ComfyUI's own file."""
    ours = {*FLOORS, "stillbrush"}
    wrong = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in [ROOT / "__init__.py", *sources()]
        for line, name in absolute_names(ast.parse(path.read_text(encoding="utf-8")))
        if name.partition(".")[0] in ours
    ]
    assert wrong == []


def test_importing_the_root_loads_no_torch_no_host_and_no_floor() -> None:
    loaded = load("stillbrush", ROOT / "__init__.py")
    assert set(loaded["asked"]) & {"torch", "numpy", "cv2", "av", *HOSTS, *FLOORS} == set()
    assert loaded["own"] == []


def test_the_repository_loads_in_a_folder_with_a_hostile_name(hostile_clone: Path) -> None:
    name = str(hostile_clone).replace(".", "_x_")
    loaded = load(name, hostile_clone / "__init__.py")
    assert loaded["version"] == stillbrush.__version__
    assert "torch" not in loaded["asked"]


def test_every_module_loads_under_any_name(hostile_clone: Path) -> None:
    modules = [
        dotted(path)
        for path in sources()
        if (path.parent.name != "comfyui" or path.name in ("__init__.py", "pages.py"))
        and not (path.parent.name == "nuke" and path.name in INSIDE_NUKE)
    ]
    asked = set(load("any_name", hostile_clone / "__init__.py", *modules)["asked"])
    assert asked & {"stillbrush", *FLOORS, *HOSTS} == set()

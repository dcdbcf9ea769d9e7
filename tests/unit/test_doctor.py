from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import av.codec
import pytest
from click.testing import CliRunner
from support.material import ROOT, tiny_look

from stillbrush.core import looks as core_looks
from stillbrush.core.errors import BadInput
from stillbrush.core.media import colour
from stillbrush.host_adapters import cli
from stillbrush.host_adapters.cli import commands, doctor, health, looks, machine

START = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("stillbrush", {str(ROOT / "__init__.py")!r})
sys.modules["stillbrush"] = module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from stillbrush.host_adapters.cli import main
main()
"""


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder, with one look in it."""
    folder = tmp_path / "user"
    monkeypatch.setattr(core_looks, "SHIPPED", tmp_path / "shipped")
    monkeypatch.setattr(looks, "user_looks", lambda: folder)
    monkeypatch.setattr(machine, "user_looks", lambda: folder)
    monkeypatch.setattr(machine, "SPEED_SECONDS", 0.01)
    tiny_look(folder)
    return folder


def page(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(doctor.command, list(arguments))
    return result.exit_code, result.output


def told(name: str) -> dict[str, str]:
    checks = json.loads(page("--json")[1])["checks"]
    return next(check for check in checks if check["name"] == name)


def test_a_sound_machine_is_told_so() -> None:
    code, out = page()
    assert code == 0
    assert out.splitlines()[-1] == "stylize can work"
    for name, _ in doctor.CHECKS:
        assert f" {name} " in out
    assert "1 of 1 can be used (1 in your own folder)" in out
    assert "frames/s, the network alone at 768x432" in out
    assert "to train with and to judge reports by" in out


def test_no_look_is_a_problem_and_a_broken_one_a_note(user: Path) -> None:
    (user / "broken.yaml").write_text("look: 2")
    found = told("looks")
    assert found["state"] == "note"
    assert "broken.yaml: look: expected version 1" in found["text"]
    for path in user.iterdir():
        path.unlink()
    code, out = page()
    assert code == 1
    assert "none found" in out
    assert out.splitlines()[-1] == "stylize cannot work yet: looks"


def test_a_check_that_fails_leaves_the_rest_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> health.Finding:
        raise RuntimeError("no kernel image\nis available")

    def lack() -> health.Finding:
        raise OSError("cannot open")

    checks = (("odd", fail), ("lacking", lack), ("stillbrush", machine.product))
    monkeypatch.setattr(doctor, "CHECKS", checks)
    code, out = page("--json")
    found = json.loads(out)
    assert code == found["problems"] == 1
    assert [check["state"] for check in found["checks"]] == ["problem", "note", "ok"]
    assert found["checks"][0]["text"] == "RuntimeError: no kernel image"


def test_each_shortage_is_a_note_with_a_remedy(monkeypatch: pytest.MonkeyPatch, user: Path) -> None:
    def no_codec(name: str, mode: str) -> None:
        raise ValueError(name)

    def refuse(dir: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(av.codec, "Codec", no_codec)
    monkeypatch.setattr(machine.tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: SimpleNamespace(free=1 << 20))
    monkeypatch.setattr(machine, "free_memory", lambda: 1 << 20)
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    code, out = page("--json")
    assert code == 0
    notes = {c["name"]: c for c in json.loads(out)["checks"] if c["state"] == "note"}
    assert {"video", "your looks", "disk", "memory", "threads"} <= set(notes)
    assert "no libx264, so no .mp4; no prores_ks, so no .mov" in notes["video"]["text"]
    assert "Permission denied" in notes["your looks"]["text"]
    assert all(notes[name]["remedy"] for name in notes)


def test_a_broken_ocio_config_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise BadInput("$OCIO: expected a config that loads; got: nothing")

    monkeypatch.setattr(colour, "config", broken)
    found = told("colour")
    assert found["state"] == "problem"
    assert found["text"].startswith("$OCIO: expected")


def test_memory_is_known_here_and_bounded_by_a_container() -> None:
    free = machine.free_memory()
    if free is None:
        pytest.skip("this system does not say")
    assert 1 << 20 < free < 1 << 50


@pytest.mark.parametrize(
    ("module", "failure", "line", "remedy"),
    [
        ("cv2", 'ImportError("libGL.so.1: cannot open shared object file")', "opencv",
         "apt install libgl1 libglib2.0-0"),
        ("torch", 'OSError("libtorch_cpu.so: cannot open shared object file")', "torch",
         "pip install --force-reinstall torch"),
    ],
)  # fmt: skip
def test_the_doctor_speaks_where_a_library_cannot_be_imported(
    module: str, failure: str, line: str, remedy: str, tmp_path: Path
) -> None:
    stub = tmp_path / "stub"
    stub.mkdir()
    (stub / f"{module}.py").write_text(f"raise {failure}\n")
    env = {**os.environ, "PYTHONPATH": str(stub)}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", START, *arguments],
            env=env, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip

    doctor_says = run("doctor", "--json")
    assert doctor_says.returncode == 1, doctor_says.stderr
    checks = {check["name"]: check for check in json.loads(doctor_says.stdout)["checks"]}
    assert [name for name, check in checks.items() if check["state"] == "problem"] == [line]
    assert checks[line]["remedy"].startswith(remedy)
    assert checks["looks"]["text"].startswith("not checked: ")
    helped = run("--help")
    assert helped.returncode == 0
    assert "Paint a shot." in helped.stdout
    refused = run("looks")
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "stillbrush doctor" in refused.stderr


def test_a_library_that_is_missing_or_broken_is_told_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = health.library("no_such_library", "some-package", str)
    assert (missing.state, missing.remedy) == (health.State.PROBLEM, "pip install some-package")
    (tmp_path / "broken_library.py").write_text("raise ImportError('numpy ABI changed')\n")
    monkeypatch.syspath_prepend(tmp_path)
    broken = health.library("broken_library", "some-package", str, "apt install it")
    assert broken.text == "cannot be imported: numpy ABI changed"
    assert broken.remedy == "pip install --force-reinstall some-package"


def test_our_own_import_errors_are_not_blamed_on_the_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def slip(**_: object) -> None:
        raise ImportError("cannot import name 'x'", name="stillbrush.core.looks")

    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    monkeypatch.setattr(commands, "cli", slip)
    with pytest.raises(ImportError, match="cannot import name"):
        cli.main()

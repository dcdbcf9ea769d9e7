"""The journal: one render a folder at a time, and a report of all that it knows."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.material import tiny_look, tiny_shot
from support.rendering import Quiet, frames_in, paint

from stillbrush.core.errors import WriteRefused
from stillbrush.core.look import Look
from stillbrush.core.render import journal as module
from stillbrush.core.render.journal import Journal, OnDisk
from stillbrush.core.render.renderer import Progress

ROOT = Path(__file__).resolve().parents[2]
HOLD = (
    "import importlib.util as u, sys, time; from pathlib import Path; "
    "s = u.spec_from_file_location('stillbrush', sys.argv[1]); "
    "m = u.module_from_spec(s); sys.modules['stillbrush'] = m; s.loader.exec_module(m); "
    "from stillbrush.core.render.journal import Journal; "
    "held = Journal(Path(sys.argv[2]), 'plate.exr', '').held(); held.__enter__(); "
    "print('held', flush=True); time.sleep(60)"
)


@pytest.fixture(scope="module")
def look(tmp_path_factory: pytest.TempPathFactory) -> Look:
    return tiny_look(tmp_path_factory.mktemp("look"))


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_shot(tmp_path_factory.mktemp("shot"), 6, 80, 48)


def reported(folder: Path) -> list[int]:
    report = json.loads((folder / "plate.exr.report.json").read_text())
    return [entry["frame"] for entry in report["frames"]]


def test_a_killed_process_lets_go_and_a_living_one_does_not(shot, look, tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", HOLD, str(ROOT / "__init__.py"), str(tmp_path)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(WriteRefused, match="another render is writing it") as caught:
            paint(shot, look, tmp_path / "plate.####.exr", overwrite=True)
        assert str(tmp_path / ".stillbrush/plate.exr") in str(caught.value)
        assert "\n" not in str(caught.value)
        assert frames_in(tmp_path) == {}
        paint(shot, look, tmp_path / "other.####.exr", request={"frames": "1001"})
    finally:
        process.kill()
        process.communicate()
    paint(shot, look, tmp_path / "plate.####.exr")
    assert len(frames_in(tmp_path)) == 6 + 1


def test_a_render_holds_its_folder_to_the_end_and_lets_go(shot, look, tmp_path: Path) -> None:
    refused: list[int] = []

    class Rival(Quiet):
        def progress(self, progress: Progress) -> None:
            with pytest.raises(WriteRefused), Journal(tmp_path, "plate.exr", "").held():
                pass
            refused.append(progress.frame)

    paint(shot, look, tmp_path / "plate.####.exr", watcher=Rival())
    assert len(refused) == 6
    with Journal(tmp_path, "plate.exr", "").held():
        pass


def test_a_share_without_locks_still_renders(tmp_path: Path, monkeypatch) -> None:
    def unknown(_: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(module, "lock", unknown)
    with Journal(tmp_path, "a", "").held():
        assert (tmp_path / ".stillbrush/a").is_dir()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(WriteRefused, match="cannot be written"),
        Journal(tmp_path / "file", "a", "").held(),
    ):
        pass


def test_parts_of_a_shot_end_with_a_whole_report(shot, look, tmp_path: Path) -> None:
    parts = {"1004-1006": 3, "1001-1002": 2, "1003": 1}
    for frames, count in parts.items():
        report = paint(shot, look, tmp_path / "plate.####.exr", request={"frames": frames})
        assert len(report.entries) == count  # the job's own
    assert reported(tmp_path) == list(range(1001, 1007))


def test_files_of_another_name_are_in_no_report(shot, look, tmp_path: Path) -> None:
    paint(shot, look, tmp_path / "plate.####.exr", request={"frames": "1001-1003"})
    paint(shot, look, tmp_path / "plate.######.exr", request={"frames": "1004-1005"})
    assert reported(tmp_path) == [1004, 1005]


def test_what_a_killed_render_left_of_a_checkpoint_is_cleared(tmp_path: Path) -> None:
    left = [".state.5.safetensors.host-1-1.partial.safetensors", "state.4.safetensors"]
    for name in [*left, "journal.jsonl"]:
        (tmp_path / name).touch()
    OnDisk(tmp_path).clear()
    assert [path.name for path in tmp_path.iterdir()] == ["journal.jsonl"]

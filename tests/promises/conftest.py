"""A shot, a look, and what a render that nothing disturbed makes of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.material import tiny_look, tiny_shot
from support.rendering import frames_in, paint

from stillbrush.core.look import Look
from stillbrush.host_adapters.cli import main

FRAMES = 20  # more than one checkpoint


@pytest.fixture(scope="session")
def look(tmp_path_factory: pytest.TempPathFactory) -> Look:
    return tiny_look(tmp_path_factory.mktemp("look"))


@pytest.fixture(scope="session")
def shot(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_shot(tmp_path_factory.mktemp("shot"), FRAMES, 80, 48)


@pytest.fixture(scope="session")
def whole(shot: str, look: Look, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder: Path = tmp_path_factory.mktemp("whole")
    paint(shot, look, folder / "plate.####.exr")
    made = frames_in(folder)
    assert len(made) == FRAMES
    return made


Said = tuple[int, str, str]


@pytest.fixture
def stillbrush(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run the command line in this process: exit code, standard output, standard error."""

    def run(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["stillbrush", *map(str, arguments)])
        code: object = 0
        try:
            main()
        except SystemExit as end:
            code = end.code
        said = capsys.readouterr()
        return int(str(code or 0)), said.out, said.err

    return run

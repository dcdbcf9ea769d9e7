"""What tests of a real ComfyUI share: a server for each file of tests, and a shot to paint."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.comfyui import Server, maker, running
from support.comfyui_shot import LENGTH, WIDTH

from stillbrush.core.demo import DemoShot, write_demo_shot


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("comfyui")) as found:
        yield found


@pytest.fixture(scope="module")
def info(server: Server) -> dict[str, Any]:
    return server.get("/object_info")


@pytest.fixture(scope="module")
def make(info: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    return maker(info)


@pytest.fixture(scope="module")
def plates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo plate, or the real one that STILLBRUSH_TEST_PLATES names."""
    named = os.environ.get("STILLBRUSH_TEST_PLATES")
    if named:
        return Path(named)
    folder = tmp_path_factory.mktemp("plates")
    write_demo_shot(folder, DemoShot(width=WIDTH, height=108, frames=LENGTH))
    return folder

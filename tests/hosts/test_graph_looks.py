"""Looks on nodes of the graph: applied, saved, compared; and the tutorial, typed as it stands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.material import ROOT, tiny_look, tiny_shot

from stillbrush import graph
from stillbrush.core.errors import BadInput, WriteRefused
from stillbrush.core.looks import find_look, load_look
from stillbrush.core.new_looks import flat_knobs


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    graph.scriptClear()


def test_a_look_is_applied_changed_saved_and_applied_again(tmp_path: Path) -> None:
    base = tiny_look(tmp_path / "look")
    node = graph.createNode("StylizeShot", dilate=5)
    node.applyLook(str(base.path))
    assert node["look"].value() == str(base.path)
    assert node["dilate"].value() == node["dilate"].defaultValue(), "of the old look nothing stays"
    graph.undo()
    assert node["dilate"].value() == 5
    graph.redo()
    node["strength"].setValue(0.5)
    node["temporal"].setValueAt(0.25, 1001)
    saved = node.saveLook("dusk")
    assert flat_knobs(saved) == {"strength": 0.5, "temporal": 0.25}
    with pytest.raises(WriteRefused):
        node.saveLook("dusk")
    fresh = graph.createNode("Stylizer")
    fresh.applyLook("dusk")
    assert (fresh["strength"].value(), fresh["look"].value()) == (0.5, "dusk")
    for node_class, wrong in (("Grade", "dusk"), ("StylizeShot", "no-such-look")):
        with pytest.raises((BadInput, OSError)):
            graph.createNode(node_class).applyLook(wrong)


def test_a_saved_look_paints_what_the_node_painted(tmp_path: Path) -> None:
    base = tiny_look(tmp_path / "look")
    read = graph.createNode("Read", file=tiny_shot(tmp_path / "in", 2, 64, 48))
    one = graph.createNode(
        "StylizeShot", inputs=[read], look=str(base.path), stroke_size=4.0, strength=0.5
    )
    one.saveLook("mine")
    two = graph.createNode("StylizeShot", inputs=[read], look="mine")
    for name, plane in one.pull(1002).items():
        np.testing.assert_array_equal(two.pull(1002)[name], plane)


def test_the_difference_of_two_looks_is_shown(tmp_path: Path) -> None:
    base = tiny_look(tmp_path / "look")
    node = graph.createNode("StylizeShot", look=str(base.path), mix=0.5)
    text = graph.diffLooks(base, node.saveLook("half"))
    assert re.search(r"^knobs\.mix +1\.0 +0\.5$", text, re.MULTILINE)
    assert "knobs.strength" not in text
    assert graph.diffLooks(base, load_look(base.path)) == "tiny and tiny say the same"


def test_a_changed_look_is_painted_anew(tmp_path: Path) -> None:
    base = tiny_look(tmp_path / "look")
    read = graph.createNode("Read", file=tiny_shot(tmp_path / "in", 2, 64, 48))
    node = graph.createNode("StylizeShot", inputs=[read], look=str(base.path), stroke_size=4.0)
    before = node.hash(1001)
    base.path.write_text(base.path.read_text().replace("exposure: 0.0", "exposure: 1.0"))
    assert node.hash(1001) == before, "files are looked at when a render begins"
    graph.root().engine.refresh()
    assert node.hash(1001) != before
    assert find_look(str(base.path), tmp_path).exposure == 1.0


@pytest.mark.heavy
def test_the_tutorial_works_as_it_stands(tmp_path: Path) -> None:
    text = (ROOT / "docs/graph.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
        env=dict(os.environ), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "out").glob("plate.*.exr"))) == 6
    assert len(list(tmp_path.glob("view.*.png"))) == 6
    for more, frames in (
        ((), 0),  # all is there
        (("--set", "Stylizer1.strength=0.5", "--set", "Write1.file=half/plate.####.exr"), 2),
    ):
        line = [
            sys.executable,
            "-c",
            "from stillbrush.host_adapters.cli import main; main()",
            "run",
            "shot.sb.yaml",
            "--write",
            "Write1",
            "--frames",
            "1001-1002",
            "--json",
            *more,
        ]
        told = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stderr
        events = [json.loads(line)["event"] for line in told.stdout.splitlines()]
        assert events.count("frame") == frames

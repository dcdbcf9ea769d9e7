"""Promise 3 through the graph: killed anywhere, a script's render ends in the same bytes."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from support.commands import LOAD, ROOT
from support.rendering import frames_in

from stillbrush import graph
from stillbrush.core.look import Look

RUN = "from stillbrush.host_adapters.cli import main; main()"
EXECUTE = (
    "from stillbrush import graph; graph.loadScript(sys.argv[1]); "
    "graph.toNode('Write1')['file'].setValue(sys.argv[2]); "
    "graph.execute(graph.toNode('Write1'), progress=lambda f, d, t: print(d, flush=True))"
)


def process_of(code: str, *arguments: object) -> subprocess.Popen[str]:
    threads = str(torch.get_num_threads())  # with statistics of each frame, they decide the bits
    environment = os.environ | {"OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": "PASSIVE"}
    line = [sys.executable, "-c", LOAD + code, str(ROOT / "__init__.py"), *map(str, arguments)]
    return subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def wired(shot: str, look: Look, script: Path, output: Path) -> None:
    """Save the chain, wired node by node, with a knob that moves."""
    graph.scriptClear()
    read = graph.createNode("Read", file=shot)
    flow = graph.createNode("FlowEstimator", inputs=[read])
    mask = graph.createNode("OcclusionMask", inputs=[flow])
    prior = graph.createNode("PriorWarper", inputs=[flow, mask])
    paint = graph.createNode(
        "Stylizer", inputs=[read], prior=prior, look=str(look.path), stroke_size=4.0
    )
    paint["mix"].setValueAt(0.5, 1002, "linear")
    paint["mix"].setValueAt(1.0, 1008, "linear")
    graph.createNode("Write", inputs=[paint], file=str(output / "plate.####.exr"))
    graph.saveScript(script)


@pytest.mark.parametrize("door", ["stillbrush run", "graph.execute"])
def test_a_script_killed_anywhere_ends_in_the_same_bytes(door, shot, look, tmp_path) -> None:
    script = tmp_path / "shot.sb.yaml"
    wired(shot, look, script, tmp_path / "undisturbed")
    graph.execute(graph.toNode("Write1"), "1001-1012")
    wanted = frames_in(tmp_path / "undisturbed")
    output = f"{tmp_path}/out/plate.####.exr"
    started = {
        "stillbrush run": (RUN, "run", script, "--frames", "1001-1012", "--json", "--set",
                           f"Write1.file={output}"),
        "graph.execute": (EXECUTE.replace("('Write1'), p", "('Write1'), 1001, 1012, p"), script,
                          output),
    }[door]  # fmt: skip
    rng = random.Random(door)
    for _ in range(2):
        process = process_of(*started)
        assert process.stdout is not None
        finished, enough = 0, rng.randint(1, 3)
        while finished < enough:
            line = process.stdout.readline()
            assert line, process.stderr.read() if process.stderr else ""
            finished += line.strip().isdigit() or '"frame"' in line
        time.sleep(rng.uniform(0, 0.2))
        process.kill()
        process.communicate()
        for name, made in frames_in(tmp_path / "out").items():
            assert made == wanted[name], f"half a frame bears the name {name}"
    before = len(frames_in(tmp_path / "out"))
    assert 0 < before < len(wanted)
    process = process_of(*started)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert frames_in(tmp_path / "out") == wanted
    assert not list((tmp_path / "out").glob(".*.partial*"))
    if door == "stillbrush run":
        told = [json.loads(line) for line in out.splitlines()]
        assert sum(event["event"] == "frame" for event in told) <= len(wanted) - before + 1

"""Promise 1 in one go: graph, command line and ComfyUI give the same pixels, bit for bit.

Set STILLBRUSH_COMFYUI (and STILLBRUSH_COMFYUI_PYTHON); see CONTRIBUTING.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.comfyui import api_defaults, node, running
from support.commands import LOAD, ROOT
from support.material import tiny_shot
from support.rendering import channels

from stillbrush import graph

pytestmark = [pytest.mark.comfy, pytest.mark.heavy]
LOOK = "starry-night"
KNOBS: dict[str, Any] = {"stroke_size": 4.0, "mix": 0.75, "keep_colours": 0.5, "temporal": 0.8}
FRAMES = range(1001, 1005)


def from_graph(plate: str, folder: Path) -> dict[str, Path]:
    """Render the shot as one node, as the chain wired one by one, and from a saved script."""
    read = graph.createNode("Read", file=plate)
    whole = graph.createNode("StylizeShot", inputs=[read], look=LOOK, **KNOBS)
    flow = graph.createNode("FlowEstimator", inputs=[read])
    mask = graph.createNode("OcclusionMask", inputs=[flow])
    prior = graph.createNode("PriorWarper", inputs=[flow, mask], temporal=KNOBS["temporal"])
    painting = {name: value for name, value in KNOBS.items() if name != "temporal"}
    chain = graph.createNode("Stylizer", inputs=[read], prior=prior, look=LOOK, **painting)
    made = {"graph": whole, "graph, wired": chain}
    for name, source in made.items():
        graph.createNode("Write", inputs=[source], file=f"{folder}/{name}/plate.####.exr")
    graph.execute(graph.allNodes("Write"))
    script = folder / "shot.sb.yaml"
    graph.saveScript(script)
    command("run", script, "--write", "Write1", "--set",
            f"Write1.file={folder}/script/plate.####.exr")  # fmt: skip
    return {name: folder / name for name in (*made, "script")}


def command(*arguments: object) -> None:
    code = LOAD + "from stillbrush.host_adapters.cli import main; main()"
    line = [sys.executable, "-c", code, str(ROOT / "__init__.py"), *map(str, arguments)]
    subprocess.run(line, check=True, capture_output=True)


def from_command_line(plate: str, folder: Path) -> dict[str, Path]:
    options = [str(t) for k, v in KNOBS.items() for t in (f"--{k.replace('_', '-')}", v)]
    command("stylize", plate, "-o", f"{folder}/line/plate.####.exr", "--look", LOOK, "--device",
            "cpu", *options)  # fmt: skip
    return {"line": folder / "line"}


def from_comfyui(plate: str, folder: Path) -> dict[str, Path]:
    with running(folder / "comfyui") as server:
        info = server.get("/object_info")

        def make(kind: str, **given: Any) -> dict[str, Any]:
            kind = f"Stillbrush{kind}"
            known = {k: v for k, v in given.items() if k not in KNOBS or k in defaults(kind)}
            return node(kind, **(defaults(kind) | known))

        def defaults(kind: str) -> dict[str, Any]:
            return api_defaults(info, kind)

        read = make("Read", file=str(Path(plate).parent))
        shared = {"read": read, "look": make("LoadLook", name=LOOK)}
        source: dict[str, Any] = {"look": ["look", 0], "plate": ["read", 2]}
        writing = {"images": ["paint", 0], "plate": ["read", 2]}
        whole = shared | {
            "paint": make("StylizeShot", images=["read", 0], **source, **KNOBS),
            "write": make("Write", file="whole/plate.####.exr", **writing),
        }
        chain = shared | {
            "flow": make("FlowEstimator", frame=["read", 0], plate=["read", 2]),
            "mask": make("OcclusionMask", flow=["flow", 0]),
            "prior": make("PriorWarper", flow=["flow", 0], mask=["mask", 0], **KNOBS),
            "paint": make("Stylizer", frame=["read", 0], prior=["prior", 0], **source, **KNOBS),
            "write": make("Write", file="chain/plate.####.exr", **writing),
        }
        for wired in (whole, chain):
            outcome = server.run(wired)
            assert outcome.status == "success", outcome.error or outcome.refused
        return {f"ComfyUI, {n}": server.base / "output" / n for n in ("whole", "chain")}


def test_graph_command_line_and_comfyui_give_the_same_bits(tmp_path: Path) -> None:
    plate = tiny_shot(tmp_path / "in", len(FRAMES), 96, 64)
    graph.scriptClear()
    doors = from_graph(plate, tmp_path) | from_command_line(plate, tmp_path)
    doors |= from_comfyui(plate, tmp_path)
    assert len(doors) == 6
    for frame in FRAMES:
        name = f"plate.{frame}.exr"
        expected = channels(doors["line"] / name)
        source = channels(Path(plate).parent / name)
        assert not np.array_equal(expected["0:R"], source["0:R"]), "it is painted"
        for door, folder in doors.items():
            made = channels(folder / name)
            assert list(made) == list(expected), door
            for channel, values in expected.items():
                np.testing.assert_array_equal(made[channel], values, err_msg=f"{door} {name}")

"""What ComfyUI costs: the graph node by node against the command line, on the same frames.

    python benchmarks/comfyui.py --frames 48 --width 640

Starts the ComfyUI that STILLBRUSH_COMFYUI names. Both read the same EXR files, paint with the same
look and write EXR files; each is run `--rounds` times, in turns, and the best of each is compared.
ComfyUI's server is up and the look loaded before the first round, as is the command line's process:
both are timed from the first frame asked for to the last one written.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from support.comfyui import Graph, Server, api_defaults, node, running  # noqa: E402

from stillbrush import nodes  # noqa: E402, F401 - declares the knobs
from stillbrush.core.demo import make_demo_plates  # noqa: E402
from stillbrush.core.knobs import chain  # noqa: E402
from stillbrush.core.looks import find_look  # noqa: E402
from stillbrush.core.render.assembly import Request, assemble  # noqa: E402
from stillbrush.core.render.painting import Settings  # noqa: E402
from stillbrush.core.render.renderer import Progress, render  # noqa: E402


class Silent:
    """A watcher that shows nothing."""

    def progress(self, progress: Progress) -> None:
        """Take no note."""

    def is_cancelled(self) -> bool:
        """Go on."""
        return False


def command_line(plates: str, folder: Path, stroke: float) -> float:
    """Render as the command line does; return seconds."""
    look = find_look("starry-night", Path())
    knobs = chain(look.knobs, {"stroke_size": stroke})
    made = assemble(Request(plates, look, settings=Settings(knobs, exposure=look.exposure)))
    begun = time.perf_counter()
    render(made.job(f"{folder}/plate.####.exr", overwrite=True), Silent())
    return time.perf_counter() - begun


def graph(server: Server, plates: str, name: str, stroke: float) -> Graph:
    """Wire the chain from files to files."""
    info = server.get("/object_info")

    def make(kind: str, **given: object) -> dict:
        return node(kind, **(api_defaults(info, kind) | given))

    return {
        "read": make("StillbrushRead", file=plates),
        "look": make("StillbrushLoadLook"),
        "flow": make("StillbrushFlowEstimator", frame=["read", 0], plate=["read", 2]),
        "mask": make("StillbrushOcclusionMask", flow=["flow", 0]),
        "prior": make("StillbrushPriorWarper", flow=["flow", 0], mask=["mask", 0]),
        "paint": make(
            "StillbrushStylizer",
            frame=["read", 0],
            look=["look", 0],
            prior=["prior", 0],
            plate=["read", 2],
            stroke_size=stroke,
        ),
        "write": make(
            "StillbrushWrite",
            images=["paint", 0],
            plate=["read", 2],
            file=f"{name}/plate.####.exr",
            overwrite=True,
        ),
    }


def main() -> None:
    """Measure and say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--stroke", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "comfyui") as server:
        plates = make_demo_plates(Path(folder) / "plates", asked.width, asked.frames)
        lines, graphs = [], []
        for round_ in range(asked.rounds):
            lines.append(command_line(plates, Path(folder) / f"line{round_}", asked.stroke))
            server.post("/free", {"unload_models": True, "free_memory": True})
            time.sleep(2)
            outcome = server.run(graph(server, plates, f"graph{round_}", asked.stroke), 3000)
            assert outcome.status == "success", outcome.error
            start = outcome.message("execution_start")["timestamp"]
            end = outcome.message("execution_success")["timestamp"]
            graphs.append((end - start) / 1000)
            ratio = graphs[-1] / lines[-1]
            print(f"round {round_ + 1}: {lines[-1]:.1f} s, {graphs[-1]:.1f} s, {ratio:.2f}x")
        ratio = min(graphs) / min(lines)
        print(f"command line {min(lines):.1f} s, graph {min(graphs):.1f} s: {ratio:.2f}x")


if __name__ == "__main__":
    main()

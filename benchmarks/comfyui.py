"""What ComfyUI costs: the graph node by node against the command line, on the same frames.

    python benchmarks/comfyui.py --frames 48 --width 640

Starts the ComfyUI that STILLBRUSH_COMFYUI names. Both read the same EXR files, paint with the same
look and write EXR files, in turns, `--rounds` times; which begins alternates. What is compared is
the time that the processor worked for each, in user and system mode over all threads, which depends
little on what else the machine does; then the time by the clock. Given are the ratio of every
round, their geometric mean and its 95 % interval (Student's t over the logarithms). Both have
painted once before the first round.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from support.comfyui import Graph, Server, api_defaults, node, running  # noqa: E402

from stillbrush import nodes  # noqa: E402, F401 - declares the knobs
from stillbrush.core.demo import make_demo_plates  # noqa: E402
from stillbrush.core.knobs import chain  # noqa: E402
from stillbrush.core.looks import find_look  # noqa: E402
from stillbrush.core.render.assembly import assemble  # noqa: E402
from stillbrush.core.render.painting import Settings  # noqa: E402
from stillbrush.core.render.renderer import Progress, render  # noqa: E402
from stillbrush.core.render.request import Request  # noqa: E402

STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365}  # 97.5 %, by n
STUDENT |= {9: 2.306, 10: 2.262, 11: 2.228, 12: 2.201, 13: 2.179, 14: 2.160, 15: 2.145, 16: 2.131}


class Spent(NamedTuple):
    """What a run took, in seconds."""

    processor: float
    clock: float


class Silent:
    """A watcher that shows nothing."""

    def progress(self, progress: Progress) -> None:
        """Take no note."""

    def is_cancelled(self) -> bool:
        """Go on."""
        return False


def command_line(plates: str, folder: Path, stroke: float) -> Spent:
    """Render as the command line does."""
    look = find_look("starry-night", Path())
    knobs = chain(look.knobs, {"stroke_size": stroke})
    made = assemble(Request(plates, look, settings=Settings(knobs, exposure=look.exposure)))
    begun, clock = time.process_time(), time.perf_counter()
    render(made.job(f"{folder}/plate.####.exr", overwrite=True), Silent())
    return Spent(time.process_time() - begun, time.perf_counter() - clock)


def in_comfyui(server: Server, plates: str, name: str, stroke: float) -> Spent:
    """Run the graph with nothing cached; the processor's seconds are of the whole server."""
    server.post("/free", {"unload_models": True, "free_memory": True})
    time.sleep(2)
    own = server.base / "input" / name  # a folder of another name: nothing of it is cached
    own.symlink_to(Path(plates).parent if Path(plates).suffix else plates)
    wired = graph(server, str(own), name, stroke)
    begun = worked(server)
    outcome = server.run(wired, 7200, pause=1.0)
    if outcome.status != "success" or outcome.cached - {"look"}:
        raise RuntimeError(outcome.error or f"{outcome.refused or outcome.cached}")
    stamps = [outcome.message(f"execution_{kind}")["timestamp"] for kind in ("start", "success")]
    return Spent(worked(server) - begun, (stamps[1] - stamps[0]) / 1000)


def worked(server: Server) -> float:
    """Return the seconds that the processor worked for a server so far."""
    assert server.process is not None
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def interval(ratios: list[float]) -> tuple[float, float, float]:
    """Return the geometric mean of ratios and its 95 % interval."""
    logs = [math.log(ratio) for ratio in ratios]
    middle, count = statistics.fmean(logs), len(logs)
    reach = STUDENT[count] * statistics.stdev(logs) / math.sqrt(count)
    return math.exp(middle), math.exp(middle - reach), math.exp(middle + reach)


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
    parser.add_argument("--rounds", type=int, default=4, choices=list(STUDENT))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "comfyui") as server:
        plates = make_demo_plates(Path(folder) / "plates", asked.width, asked.frames)
        rounds: list[Spent] = []

        def turn(name: str, kind: str) -> Spent:
            if kind == "line":
                return command_line(plates, Path(folder) / name, asked.stroke)
            return in_comfyui(server, plates, name, asked.stroke)

        for round_ in range(asked.rounds + 1):
            order = ("line", "graph") if round_ % 2 else ("graph", "line")
            took = {kind: turn(f"{kind}{round_}", kind) for kind in order}
            if round_ == 0:
                continue  # both begin warm
            pairs = zip(took["graph"], took["line"], strict=True)
            rounds.append(Spent(*(graph / line for graph, line in pairs)))
            told = ", ".join(
                f"{kind} {spent.processor:.1f} s ({spent.clock:.1f} by the clock)"
                for kind, spent in sorted(took.items())
            )
            ratio = rounds[-1]
            print(
                f"round {round_}: {told}: {ratio.processor:.3f}x ({ratio.clock:.3f}x)", flush=True
            )
        print(f"{asked.frames} frames of {asked.width}, stroke {asked.stroke:g}:")
        for name, ratios in zip(Spent._fields, zip(*rounds, strict=True), strict=True):
            middle, low, high = interval(list(ratios))
            print(f"{name}: {middle:.3f}x, 95 % interval {low:.3f} to {high:.3f}")


if __name__ == "__main__":
    main()

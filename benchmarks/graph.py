"""What a change costs in a large graph, beside what opening it costs: `python benchmarks/graph.py`.

Ratios only, taken side by side in one run; nothing is read from disk.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from stillbrush import graph

NODES, CHAINS, REPEATS = 200, 4, 9


def build() -> tuple[graph.Node, graph.Node]:
    """Wire 200 nodes; return the last, and one in the middle."""
    read = graph.createNode("Read", file="plate.####.exr")
    ends = []
    for _ in range(CHAINS):
        node = read
        for _ in range(NODES // CHAINS - 1):
            node = graph.createNode("Grade", inputs=[node])
        ends.append(node)
    last, middle = graph.createNode("Switch", inputs=ends), ends[1]
    for _ in range(8):
        middle = middle.input(0) or middle
    return last, middle


def seconds(work: Callable[[], object]) -> float:
    """Return how long something takes, the median of several."""
    taken = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return median(taken)


def main() -> None:
    """Print the ratios."""
    last, middle = build()
    text = graph.nodeCopy(graph.allNodes())
    hashes = graph.root().engine.hashes

    def whole() -> None:
        hashes.forget(set(graph.root().state.nodes))
        last.hash(1001)

    def change() -> None:
        middle["gamma"].setValue(1.0 + hashes.count % 7 / 10)
        last.hash(1001)

    before = hashes.count
    whole()
    all_of_them, before = hashes.count - before, hashes.count
    change()
    some = hashes.count - before
    fresh, changed, again = seconds(whole), seconds(change), seconds(lambda: last.hash(1001))
    print(f"{len(graph.allNodes())} nodes; hashes: all {all_of_them}, after a change {some}")
    print(f"a change / hashing all of it: {changed / fresh:.3f}")
    print(f"hashing where nothing changed / hashing all of it: {again / fresh:.5f}")

    def reopen() -> None:
        graph.scriptClear()
        graph.nodePaste(text)

    print(f"opening the text / hashing all of it: {seconds(reopen) / fresh:.2f}")


if __name__ == "__main__":
    main()

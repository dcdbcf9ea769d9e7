"""The promises, through the node graph: the same pixels, in any order, each worked out once."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from support.material import tiny_look, tiny_shot
from support.rendering import assert_untouched, channels, paint

from stillbrush import graph
from stillbrush.core.errors import Cancelled, WriteRefused
from stillbrush.core.knobs import ShotKnobs
from stillbrush.core.look import Look
from stillbrush.core.media.images import read_plate, write_picture
from stillbrush.core.media.source import open_shot
from stillbrush.core.render.assembly import assemble
from stillbrush.core.render.painting import Settings
from stillbrush.core.render.request import Request
from stillbrush.host_adapters.cli.commands import cli

FRAMES = range(1001, 1007)
COARSE = {"stroke_size": 4.0}


@pytest.fixture(scope="module")
def look(tmp_path_factory: pytest.TempPathFactory) -> Look:
    return tiny_look(tmp_path_factory.mktemp("look"))


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_shot(tmp_path_factory.mktemp("in"), len(FRAMES), 64, 48)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    graph.scriptClear()
    graph.setCache()


def shot_chain(plate: str, look: Look, **knobs: object) -> tuple[graph.Node, graph.Node]:
    read = graph.createNode("Read", file=plate)
    return read, graph.createNode(
        "StylizeShot", inputs=[read], look=str(look.path), **(COARSE | knobs)
    )


def wired_chain(plate: str, look: Look, **knobs: object) -> graph.Node:
    read = graph.createNode("Read", file=plate)
    flow = graph.createNode("FlowEstimator", inputs=[read])
    mask = graph.createNode("OcclusionMask", inputs=[flow])
    prior = graph.createNode("PriorWarper", inputs=[flow, mask])
    return graph.createNode(
        "Stylizer", inputs=[read], prior=prior, look=str(look.path), **(COARSE | knobs)
    )


def same_files(one: Path, other: Path, frames: object = FRAMES) -> None:
    for frame in frames:
        a, b = (channels(folder / f"plate.{frame}.exr") for folder in (one, other))
        assert list(a) == list(b)
        for name, values in a.items():
            np.testing.assert_array_equal(values, b[name], err_msg=f"{frame} {name}")


def rgb(node: graph.Node, frame: int) -> np.ndarray:
    made = node.pull(frame)
    return np.stack([made[name] for name in "RGB"], -1)


def test_graph_python_and_command_line_give_the_same_bits(tmp_path, plate, look) -> None:
    _, painted = shot_chain(plate, look, mix=0.75, keep_colours=0.5)
    write = graph.createNode("Write", inputs=[painted], file=f"{tmp_path}/graph/plate.####.exr")
    graph.execute(write, 1001, 1006)
    paint(plate, look, f"{tmp_path}/python/plate.####.exr", mix=0.75, keep_colours=0.5)
    line = ["stylize", plate, "-o", f"{tmp_path}/line/plate.####.exr", "--look", str(look.path),
            "--stroke-size", "4", "--mix", "0.75", "--keep-colours", "0.5", "--json"]  # fmt: skip
    done = CliRunner().invoke(cli, line, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    same_files(tmp_path / "graph", tmp_path / "python")
    same_files(tmp_path / "graph", tmp_path / "line")


@pytest.mark.parametrize("knobs", [{}, {"mix": 0.5, "strength": 0.7}])
def test_the_wired_chain_gives_the_bits_of_stylize_shot(plate, look, knobs) -> None:
    _, painted = shot_chain(plate, look, **knobs)
    wired = wired_chain(plate, look, **knobs)
    for frame in FRAMES:
        np.testing.assert_array_equal(rgb(wired, frame), rgb(painted, frame))
    assert not np.array_equal(rgb(painted, 1001), rgb(graph.toNode("Read1"), 1001))


def test_scrubbing_a_wired_graph_at_random_gives_what_an_in_order_render_gives(plate, look) -> None:
    wired = wired_chain(plate, look)
    wired["mix"].setValueAt(0.25, 1002)
    wired["mix"].setValueAt(1.0, 1005)
    expected = {frame: rgb(wired, frame) for frame in FRAMES}
    order = random.Random(4)
    for memory in (0, graph.root().engine.cache.memory):
        text = graph.nodeCopy(graph.allNodes())
        graph.scriptClear()
        graph.setCache(memory=memory)
        again = graph.nodePaste(text)[-1]
        for frame in order.choices(list(FRAMES), k=9):
            np.testing.assert_array_equal(rgb(again, frame), expected[frame])


def test_moving_knobs_of_the_recursion_are_those_of_each_frame_in_any_order(plate, look) -> None:
    _, painted = shot_chain(plate, look)
    painted["temporal"].setValueAt(0.0, 1003, "constant")
    painted["temporal"].setValueAt(1.0, 1004, "constant")
    expected = {frame: rgb(painted, frame) for frame in FRAMES}
    wired = wired_chain(plate, look)
    prior = graph.toNode("PriorWarper1")
    prior["temporal"].setValueAt(0.0, 1003, "constant")
    prior["temporal"].setValueAt(1.0, 1004, "constant")
    still = assemble(Request(plate, look, settings=Settings(ShotKnobs(stroke_size=4.0)))).painting()
    assert not np.array_equal(expected[1006], still.frame(1006))
    for frame in (1006, 1002, 1004, 1001):
        np.testing.assert_array_equal(rgb(wired, frame), expected[frame])


def test_mix_zero_gives_the_file_back_and_outside_a_matte_every_bit(tmp_path, plate, look) -> None:
    matte = np.zeros((48, 64, 3), np.float32)
    matte[:, 32:] = 1
    write_picture(tmp_path / "matte.exr", matte, None, overwrite=False)
    read, painted = shot_chain(plate, look, mix=0.0)
    write = graph.createNode("Write", inputs=[painted], file=f"{tmp_path}/zero/plate.####.exr")
    graph.execute(write, "1002")
    folder = Path(plate).parent
    assert_untouched(folder / "plate.1002.exr", tmp_path / "zero/plate.1002.exr")
    still = graph.createNode("Read", file=str(tmp_path / "matte.exr"))
    wired = wired_chain(plate, look)
    for node in (painted, wired):
        node["mix"].setValue(1.0)
        node.setInput("mask", still)
        made = rgb(node, 1002)
        np.testing.assert_array_equal(made[:, :32], rgb(read, 1002)[:, :32])
        assert (made[:, 32:] != rgb(read, 1002)[:, 32:]).mean() > 0.9
    paint(
        plate, look, f"{tmp_path}/line/plate.####.exr", request={"matte": f"{tmp_path}/matte.exr"}
    )
    half = read_plate(tmp_path / "line/plate.1002.exr", 1).rgb
    np.testing.assert_array_equal(rgb(painted, 1002).astype(np.float16), half.astype(np.float16))


def test_channels_alpha_and_metadata_pass_through(tmp_path, plate, look) -> None:
    read, painted = shot_chain(plate, look)
    write = graph.createNode("Write", inputs=[painted], file=f"{tmp_path}/out/plate.####.exr")
    graph.execute(write, 1001, 1002)
    for frame in (1001, 1002):
        name = f"plate.{frame}.exr"
        assert_untouched(
            Path(plate).parent / name, tmp_path / "out" / name, but={"0:R", "0:G", "0:B"}
        )
    assert painted.channels() == read.channels()
    assert painted.metadata(frame=1002) == read.metadata(frame=1002) != {}
    graph.root().engine.counts.clear()
    painted.pull(1003, ("A", "backward.u"))
    assert graph.counts() == {"Read1": 1}, "what is not painted needs no painting"


def test_a_change_works_only_that_out_which_rests_on_it(plate, look) -> None:
    read = graph.createNode("Read", file=plate)
    one = graph.createNode("Grade", inputs=[read], gamma=1.2)
    two = graph.createNode("Grade", inputs=[read], gamma=0.8)
    merge = graph.createNode("Merge", inputs=[one, two], operation="mix", mix=0.5)
    counts = graph.root().engine.counts
    merge.pull(1001)
    merge.pull(1001)
    assert counts == {"Read1": 1, "Grade1": 1, "Grade2": 1, "Merge1": 1}
    two["gamma"].setValue(0.5)
    merge.pull(1001)
    assert counts == {"Read1": 1, "Grade1": 1, "Grade2": 2, "Merge1": 2}
    graph.undo()
    merge.pull(1001)
    assert counts == {"Read1": 1, "Grade1": 1, "Grade2": 2, "Merge1": 2}, "it was there before"
    two["mix"].setValueAt(0.0, 1002, "linear")
    two["mix"].setValueAt(1.0, 1004, "linear")
    merge.pull(1004)
    before = dict(counts)
    two["mix"].setValueAt(0.5, 1002, "linear")
    merge.pull(1004)
    assert counts == before, "a key elsewhere leaves this frame as it is"


def test_painted_frames_are_kept_on_disk_within_the_limit(tmp_path, plate, look) -> None:
    def scrub() -> dict[int, np.ndarray]:
        return {frame: rgb(graph.toNode("StylizeShot1"), frame) for frame in FRAMES}

    graph.setCache(tmp_path / "cache", disk=4 * 64 * 48 * 3 * 4 + 4 * 512)
    shot_chain(plate, look)
    first = scrub()
    files = list((tmp_path / "cache").glob("*.npy"))
    assert len(files) == 4
    text = graph.nodeCopy(graph.allNodes())
    graph.scriptClear()
    graph.nodePaste(text)
    rgb(graph.toNode("StylizeShot1"), 1006)
    assert graph.counts() == {"Read1": 1}, "painted before, in another session"
    damaged = bytearray(files[0].read_bytes())
    damaged[200] ^= 1
    files[0].write_bytes(damaged)
    graph.clearCache()
    for frame, expected in scrub().items():
        np.testing.assert_array_equal(expected, first[frame])


def test_several_writes_share_what_they_rest_on(tmp_path, plate, look) -> None:
    _, painted = shot_chain(plate, look)
    graph.setCache(memory=0)  # not even a little memory
    bright = graph.createNode("Grade", inputs=[painted], multiply=2.0)
    writes = [
        graph.createNode("Write", inputs=[source], file=f"{tmp_path}/{n}/plate.####.exr")
        for n, source in enumerate((painted, bright))
    ]
    graph.setCache()
    graph.execute(writes, 1001, 1004)
    assert graph.counts() == {"Read1": 4, "StylizeShot1": 4, "Grade1": 4}
    graph.execute(writes, 1001, 1004)
    assert graph.counts() == {"Read1": 4, "StylizeShot1": 4, "Grade1": 4}, "nothing has changed"


def test_a_render_that_was_stopped_goes_on_and_nothing_foreign_is_replaced(tmp_path, plate, look):
    _, painted = shot_chain(plate, look)
    write = graph.createNode("Write", inputs=[painted], file=f"{tmp_path}/a/plate.####.exr")
    with pytest.raises(Cancelled, match="goes on"):
        graph.execute(write, 1001, 1006, progress=lambda frame, done, total: done < 3)
    assert len(list((tmp_path / "a").glob("*.exr"))) == 3
    told = []
    graph.execute(write, 1001, 1006, progress=lambda *step: told.append(step))
    assert told == [(1004, 1, 3), (1005, 2, 3), (1006, 3, 3)]
    painted["strength"].setValue(0.5)
    with pytest.raises(WriteRefused, match=r"are there already.*Write1\.overwrite replaces them"):
        graph.execute(write, 1001, 1006)
    write["overwrite"].setValue(True)
    graph.execute(write, 1001, 1006)
    paint(plate, look, f"{tmp_path}/b/plate.####.exr", strength=0.5)
    same_files(tmp_path / "a", tmp_path / "b")


def test_a_task_like_nukes_is_told_and_can_cancel(tmp_path, plate) -> None:
    class Task:
        said: list[object] = []  # noqa: RUF012

        def setProgress(self, percent: int) -> None:  # noqa: N802
            self.said.append(percent)

        def setMessage(self, text: str) -> None:  # noqa: N802
            self.said.append(text)

        def isCancelled(self) -> bool:  # noqa: N802
            return len(self.said) >= 4

    read = graph.createNode("Read", file=plate)
    write = graph.createNode("Write", inputs=[read], file=f"{tmp_path}/out/plate.####.exr")
    with pytest.raises(Cancelled):
        graph.execute(write, 1001, 1004, task=Task())
    assert Task.said == ["frame 1001", 25, "frame 1002", 50]


def test_a_saved_script_opens_reads_no_pixels_and_renders_the_same(
    tmp_path, plate, look, monkeypatch
) -> None:
    _, painted = shot_chain(plate, look)
    painted["mix"].setValueAt(0.0, 1001, "linear")
    painted["mix"].setExpression("clamp((frame - 1000) / 4)")
    graph.createNode("Write", inputs=[painted], file=f"{tmp_path}/one/plate.####.exr")
    script = tmp_path / "shot.sb.yaml"
    graph.saveScript(script)
    graph.execute(graph.toNode("Write1"), 1001, 1003)
    reads = []
    monkeypatch.setattr("stillbrush.core.media.source.read_plate", lambda *a: reads.append(a))
    assert graph.loadScript(script) == []
    assert graph.toNode("StylizeShot1").frameRange() == (1001, 1006)
    assert reads == []
    monkeypatch.undo()
    graph.saveScript(tmp_path / "again.sb.yaml")
    assert script.read_bytes() == (tmp_path / "again.sb.yaml").read_bytes()
    line = [sys.executable, "-c", "from stillbrush.host_adapters.cli import main; main()", "run",
            str(script), "--write", "Write1", "--frames", "1001-1003", "--json",
            "--set", f"Write1.file={tmp_path}/two/plate.####.exr"]  # fmt: skip
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    events = [json.loads(text) for text in done.stdout.splitlines()]
    assert [e["frame"] for e in events if e["event"] == "frame"] == [1001, 1002, 1003]
    assert events[-1]["event"] == "done"
    same_files(tmp_path / "one", tmp_path / "two", range(1001, 1004))


NEWER = """stillbrush-graph: 2
nodes:
  Read1:
    class: Read
    version: 1
    knobs:
      file: a.####.exr
      sharpness: 3
    at: 0 0
  Bloom1:
    class: Bloom
    version: 4
    inputs:
      shot: Read1
    knobs:
      size: {expression: frame}
    at: 0 100
  Grade1:
    class: Grade
    version: 1
    inputs:
      shot: Bloom1
      depth: Read1
    at: 0 200
    colour: red
palette: [1, 2]
"""


def test_what_a_newer_version_wrote_is_told_once_and_lost_never(tmp_path) -> None:
    from stillbrush.core.strict_yaml import read_yaml

    (tmp_path / "new.sb.yaml").write_text(NEWER)
    messages = graph.loadScript(tmp_path / "new.sb.yaml")
    assert len(messages) == 5
    for part in ("version 2", "sharpness", "Bloom", "depth", "colour"):
        assert sum(part in message for message in messages) == 1
    assert graph.toNode("Grade1").input(0).name() == "Bloom1"
    graph.saveScript(tmp_path / "kept.sb.yaml")
    assert read_yaml((tmp_path / "kept.sb.yaml").read_text()) == read_yaml(NEWER)


def test_two_hundred_nodes_open_without_reading_and_rehash_only_what_changed(plate) -> None:
    read = graph.createNode("Read", file=plate)
    chains = []
    for _ in range(4):
        node = read
        for place in range(49):
            node = graph.createNode("Grade" if place % 2 else "Dot", inputs=[node])
        chains.append(node)
    wide = graph.createNode("Switch", inputs=chains)
    root = graph.root()
    assert len(graph.allNodes()) == 198
    wide.hash(1001)
    hashes = root.engine.hashes
    before = hashes.count
    wide.hash(1001)
    assert hashes.count == before
    node = chains[2]
    for _ in range(9):
        node = node.input(0)
    grade = node if node.Class() == "Grade" else node.input(0)
    below = len(root.state.dependents({grade.uid}))
    grade["gamma"].setValue(1.5)
    wide.hash(1001)
    assert 0 < hashes.count - before <= below < 15
    assert root.engine.counts == {}
    assert np.array_equal(rgb(wide, 1001), rgb(read, 1001))


def test_a_chain_deeper_than_pythons_stack_is_pulled(plate) -> None:
    node = graph.createNode("Read", file=plate)
    for _ in range(600):
        node = graph.createNode("Grade", inputs=[node], multiply=1.001)
    assert rgb(node, 1001).mean() > rgb(graph.toNode("Read1"), 1001).mean()


def test_the_root_opens_the_graph_lazily() -> None:
    code = ("import sys, stillbrush; assert 'torch' not in sys.modules; "
            "from stillbrush import graph; assert graph.nodeClasses()")  # fmt: skip
    subprocess.run([sys.executable, "-c", code], check=True)
    assert "StylizeShot" in graph.nodeClasses()
    assert open_shot

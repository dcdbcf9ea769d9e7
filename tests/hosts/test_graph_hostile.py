"""Bad input to the graph: one clear error each, nothing hangs, and nothing is lost."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillbrush import graph
from stillbrush.core.errors import BadInput, StillbrushError

HEAD = "stillbrush-graph: 1\n"
OF = HEAD + "nodes: "
LAUGHS = "a: &a [x, x]\nb: &b [*a, *a, *a, *a, *a]\nc: [*b, *b, *b, *b]\n"


@pytest.fixture(autouse=True)
def _fresh() -> None:
    graph.scriptClear()


def opened(folder: Path, text: str) -> list[str]:
    (folder / "in.sb.yaml").write_text(text, encoding="utf-8")
    return graph.loadScript(folder / "in.sb.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected"),
        ("- 1\n", "expected"),
        ("stillbrush-graph: true\n", "stillbrush-graph: 1"),
        (HEAD + LAUGHS, r"no anchors \(&\)"),
        (OF + "!!python/object/apply:os.system [ls]\n", "no tags"),
        (HEAD + "nodes:\n  A: {class: Read}\n  A: {class: Grade}\n", "'A' only once"),
        (OF + "" + "[" * 5000, "expected|deep"),
        (OF + "[1]\n", "nodes: expected a mapping"),
        (OF + "{a b: {class: Read}}\n", "letters, digits and _; got 'a b'"),
        (OF + "{A.b: {class: Read}}\n", r"letters, digits and _; got 'A\.b'"),
        (OF + "{A: {class: 5}}\n", "a mapping with a class"),
        (OF + "{A: {class: Grade, group: [1]}}\n", "A.group: expected the name of a node"),
        (OF + "{A: {class: Grade, inputs: {shot: [A]}}}\n", "expected the name of a node"),
        (OF + "{A: {class: Grade, inputs: {shot: B}}}\n", "expected the name of a node"),
        (OF + "{A: {class: Grade, inputs: {shot: A}}}\n", "circle, A -> A"),
        (OF + "{A: {class: Dot, inputs: {shot: B}}, B: {class: Dot, inputs: {shot: A}}}\n",
         "circle"),
        (OF + "{A: {class: Group, output: A}}\n", "circle"),
        (OF + "{A: {class: Group, group: A}}\n", "cannot lie in another"),
        (OF + "{A: {class: Grade, group: B}, B: {class: Grade}}\n", "B is no group"),
        (OF + "{A: {class: Group, promoted: {x: B.y}}, "
                "B: {class: Group, promoted: {y: A.x}}}\n", "does not lie in it"),
        (OF + "{A: {class: Group, promoted: {x: B.nope}}, "
                "B: {class: Grade, group: A}}\n", "no such knob"),
        (OF + "{A: {class: Grade, knobs: {gamma: .nan}}}\n", "A.gamma: expected a number"),
        (OF + f"{{A: {{class: Read, knobs: {{first: {'9' * 5000}}}}}}}\n", "A.first|expect"),
        (OF + f"{{A: {{class: Grade, knobs: {{mix: {{curve: x{'9' * 400} 0}}}}}}}}\n",
         "expected a curve"),
        (OF + "{A: {class: Grade, knobs: {mix: {expression: __import__('os')}}}}\n",
         "expected numbers, frame"),
        (OF + "{A: {class: Grade, knobs: {mix: {expression: B.mix}}}, "
                "B: {class: Grade, knobs: {mix: {expression: A.mix}}}}\n", "A.mix -> B.mix"),
        (OF + "{A: {class: Grade, label: [1]}}\n", "A.label: expected text"),
        (OF + "{A: {class: Grade, disable: 'yes'}}\n", "A.disable: expected true or false"),
        (OF + "{A: {class: Grade, at: 99999999999 1}}\n", "two whole numbers"),
        (OF + "{F: {class: FlowEstimator}, A: {class: Grade, inputs: {shot: F}}}\n",
         "A.inputs.shot: expected shot"),
    ],
)  # fmt: skip
def test_a_bad_script_is_told_in_one_line_and_the_open_one_stays(tmp_path, text, said) -> None:
    kept = graph.createNode("Read")
    with pytest.raises(BadInput, match=said) as told:
        opened(tmp_path, text)
    assert "in.sb.yaml" in str(told.value) or "circle" in str(told.value) or "knob" in said
    assert len(str(told.value)) < 700
    assert "\n" not in str(told.value)
    assert graph.toNode("Read1") == kept


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="{}[]:,-&*!'\"\n AGradeclass0123.#", max_size=120))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    graph.scriptClear()
    with contextlib.suppress(StillbrushError):
        graph.nodePaste(HEAD + "nodes:\n  " + text)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: graph.createNode(5), "no such class"),
        (lambda: graph.createNode("Grade", name=5), "letters, digits"),
        (lambda: graph.createNode("Grade", inputs=["Read1"]), "expected a node; got 'Read1'"),
        (lambda: graph.createNode("Grade", gamma=float("nan")), "expected a number"),
        (lambda: graph.createNode("Grade", gamma=10**400), "expected 0.01 to 10"),
        (lambda: graph.createNode("Grade")["mix"].setValueAt(0.5, float("inf")), "a whole frame"),
        (lambda: graph.createNode("Grade")["mix"].setValueAt(0.5, "x"), "a whole frame; got 'x'"),
        (lambda: graph.createNode("Grade")["mix"].setValueAt(0.5, 10**30), "a whole frame"),
        (lambda: graph.createNode("Grade")["mix"].valueAt(float("nan")), "no frame nan"),
        (lambda: graph.execute("Write1"), "expected Writes and Viewers; got 'Write1'"),
        (lambda: graph.execute(graph.createNode("Write"), 1, 10**12), "at most 1000000 frames"),
        (lambda: graph.execute(graph.createNode("Write"), 1.5, 2), "a range of at most"),
        (lambda: graph.execute(graph.createNode("Write"), "1-999999999"), "at most 1000000"),
        (lambda: graph.nodePaste(None), "expected text"),
        (lambda: graph.nodeCopy([1]), "expected nodes"),
        (lambda: graph.createNode("Read", file="a\0b.####.exr").frameRange(), "not a usable path"),
        (lambda: graph.createNode("Read", file="/").frameRange(), "/: expected a folder"),
        (lambda: graph.setCache(memory=-1), "0 bytes or more"),
    ],
)
def test_bad_arguments_are_told(wrong: Callable[[], object], said: str) -> None:
    with pytest.raises(StillbrushError, match=said):
        wrong()


def test_expressions_that_double_at_every_step_are_worked_out_once() -> None:
    """Forty nodes whose expressions name the one before twice: 2 to the 40 without a memory."""
    nodes = [graph.createNode("Grade") for _ in range(40)]
    for before, node in itertools.pairwise(nodes):
        node["gamma"].setExpression(f"({before.name()}.gamma + {before.name()}.gamma) / 2")
        node["add"].setExpression(f"{before.name()}.gamma + {before.name()}.add - 1")
    assert nodes[-1]["gamma"].value() == 1.0
    assert nodes[-1].hash(1001) != nodes[-2].hash(1001)
    first = nodes[-1].hash(1001)
    nodes[0]["gamma"].setValue(1.5)
    assert nodes[-1].hash(1001) != first
    other = [graph.createNode("Grade") for _ in range(30)]
    for before, node in itertools.pairwise(other):
        both = (f"{before.name()}.gamma(frame * 1.01 + 1)", f"{before.name()}.gamma(frame / 2 + 3)")
        node["gamma"].setExpression(f"({both[0]} + {both[1]}) / 2")
    with pytest.raises(BadInput, match="rest on too many others"):
        other[-1]["gamma"].value()


def test_long_rows_and_long_ways_are_worked_out_or_refused() -> None:
    node = graph.createNode("Grade")
    node["gamma"].setExpression("+".join(["0"] * 900) + "+2")
    assert node["gamma"].value() == 2.0
    node["gamma"].setExpression("-" * 40 + "2")
    assert node["gamma"].value() == 2.0
    row = [graph.createNode("Grade") for _ in range(80)]
    for before, after in itertools.pairwise(row):
        after["gamma"].setExpression(f"{before.name()}.gamma")
    with pytest.raises(BadInput, match="rest on too many others"):
        row[-1]["gamma"].value()
    assert row[40]["gamma"].value() == 1.0


def test_a_deleted_node_that_others_name_is_missed_by_name_and_comes_back(tmp_path) -> None:
    plate = graph.createNode("Read", name="Plate", first=1001)
    grade = graph.createNode("Grade")
    grade["gamma"].setExpression("Plate.first / 1001")
    graph.delete(plate)
    said = r"Grade1\.gamma: its expression names Plate\.first; there is no node Plate"
    with pytest.raises(BadInput, match=said):
        grade["gamma"].value()
    graph.saveScript(tmp_path / "kept.sb.yaml")
    graph.undo()
    assert grade["gamma"].value() == 1.0
    assert graph.loadScript(tmp_path / "kept.sb.yaml") == []
    assert graph.toNode("Grade1")["gamma"].expression() == "Plate.first / 1001"


def test_a_chain_of_a_thousand_nodes_is_saved_opened_and_hashed(tmp_path) -> None:
    names = [f"A{n}" for n in range(1000)]
    wires = ["", *(f", inputs: {{shot: {name}}}" for name in names)]
    lines = (
        f"  {name}: {{class: Grade{wire}}}\n" for name, wire in zip(names, wires, strict=False)
    )
    opened(tmp_path, HEAD + "nodes:\n" + "".join(lines))
    last = graph.toNode(names[-1])
    assert last.hash(1001) != last.hash(1002)
    with pytest.raises(BadInput, match=r"circle, A0 -> A1 -> A2"):
        graph.toNode("A0").setInput(0, last)

"""Edits of the node graph: what a compositor does, and the way back from it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillbrush import graph
from stillbrush.core.errors import BadInput
from stillbrush.core.spec import REGISTRY
from stillbrush.host_adapters.graph.declared import arrows, class_name, fits, spec_of
from stillbrush.host_adapters.graph.knob import plain
from stillbrush.host_adapters.graph.text import to_text


@pytest.fixture(autouse=True)
def _fresh() -> None:
    graph.scriptClear()


@pytest.mark.parametrize("kind", sorted(REGISTRY))
def test_every_node_has_the_knobs_that_were_declared_and_no_other(kind: str) -> None:
    node = graph.createNode(class_name(kind))
    spec = REGISTRY[kind]
    shown = node.knobs()
    assert set(shown) - {field.name for field in spec.knobs} <= {"look"}
    for field in spec.knobs:
        knob = shown[field.name]
        assert knob.value() == knob.defaultValue() == plain(field.default)
        assert (knob.min(), knob.max()) == (field.knob.lo, field.knob.hi)
        assert knob.tooltip() == field.knob.tip
    if "look" in shown:
        named = REGISTRY["load_look"].knobs[0]
        assert (shown["look"].value(), shown["look"].tooltip()) == (named.default, named.knob.tip)


def test_wires_go_where_they_fit() -> None:
    read, merge = graph.createNode("Read"), graph.createNode("Merge")
    merge.setInput(0, read)
    merge.setInput("a", read)
    merge.setInput("mask", read)
    assert merge.input(1) == merge.input("mask") == read
    assert (merge.inputs(), merge.maxInputs()) == (3, 3)
    assert merge.dependencies() == [read]
    assert read.dependent() == [merge]
    merge.setInput(1, None)
    assert merge.input("a") is None
    with pytest.raises(BadInput, match="no input 7"):
        merge.setInput(7, read)
    flow = graph.createNode("FlowEstimator", inputs=[read])
    with pytest.raises(
        BadInput, match=r"Merge1: input b: expected shot; FlowEstimator1 gives flow"
    ):
        merge.setInput(0, flow)


def test_a_circle_is_refused_with_its_path() -> None:
    one = graph.createNode("Grade")
    two = graph.createNode("Dot", inputs=[one])
    three = graph.createNode("Merge", inputs=[two])
    before = graph.nodeCopy(graph.allNodes())
    with pytest.raises(BadInput, match="Grade1 -> Dot1 -> Merge1 -> Grade1"):
        one.setInput(0, three)
    with pytest.raises(BadInput, match="Grade1 -> Grade1"):
        one.setInput("mask", one)
    assert graph.nodeCopy(graph.allNodes()) == before


def test_names_are_unique_and_expressions_follow_them() -> None:
    read = graph.createNode("Read", first=1001)
    hold = graph.createNode("Grade")
    hold["gamma"].setExpression("Read1.first / 1001 + frame * 0")
    read.setName("Plate")
    assert hold["gamma"].expression() == "Plate.first / 1001 + frame * 0"
    assert hold["gamma"].valueAt(5) == 1.0
    assert graph.createNode("Read").name() == "Read1"
    for wrong in ("Plate", "", "1a", "a b", "a.b"):
        with pytest.raises(BadInput):
            graph.toNode("Read1").setName(wrong)


def test_a_knob_moves_by_keys_or_by_an_expression_and_stands_still_again() -> None:
    mix = graph.createNode("StylizeShot")["mix"]
    mix.setValueAt(0.0, 1001, "linear")
    mix.setValueAt(1.0, 1011, "linear")
    assert mix.isAnimated()
    assert [mix.valueAt(f) for f in (900, 1001, 1006, 1011, 2000)] == [0, 0, 0.5, 1, 1]
    assert mix.keys() == ((1001, 0.0), (1011, 1.0))
    graph.setFrame(1006)
    mix.clearAnimated()
    assert (mix.isAnimated(), mix.value()) == (False, 0.5)
    mix.setExpression("(frame - 1001) / 10")
    assert (mix.hasExpression(), mix.valueAt(1003)) == (True, pytest.approx(0.2))
    with pytest.raises(BadInput, match="expected 0 to 1"):
        mix.valueAt(1100)
    graph.setFrame(1001)
    with pytest.raises(BadInput, match="cannot be animated"):
        graph.createNode("Stylizer")["stroke_size"].setValueAt(1.0, 1001)


def test_expressions_that_go_in_a_circle_are_refused_with_the_way_round() -> None:
    one, two = graph.createNode("Grade"), graph.createNode("Grade")
    one["gamma"].setExpression("Grade2.mix")
    with pytest.raises(BadInput, match=r"Grade2\.mix -> Grade1\.gamma -> Grade2\.mix"):
        two["mix"].setExpression("Grade1.gamma(frame - 1)")
    with pytest.raises(BadInput, match="circle"):
        one["add"].setExpression("add + 1")
    assert two["mix"].value() == 1.0


def test_a_failed_edit_leaves_nothing_behind() -> None:
    with pytest.raises(BadInput):
        graph.createNode("Grade", gamma=1e9)
    with pytest.raises(BadInput, match="There are"):
        graph.createNode("Blur")
    assert graph.allNodes() == []
    assert not graph.undo()


def test_undo_and_redo_go_both_ways_and_one_edit_is_one_step() -> None:
    read = graph.createNode("Read", file="a.####.exr")
    with graph.oneEdit():
        grade = graph.createNode("Grade", inputs=[read])
        grade["gamma"].setValue(2.0)
    assert graph.undo()
    assert [n.name() for n in graph.allNodes()] == ["Read1"]
    with pytest.raises(BadInput, match="deleted"):
        grade.name()
    assert graph.redo()
    assert grade["gamma"].value() == 2.0
    graph.delete(read)
    assert grade.input(0) is None
    graph.undo()
    assert grade.input(0) == read


def test_a_deleted_node_hands_its_wire_on() -> None:
    read = graph.createNode("Read")
    grade = graph.createNode("Grade", inputs=[read])
    crop = graph.createNode("Crop", inputs=[grade])
    graph.delete(grade)
    assert crop.input(0) == read


def test_copied_nodes_are_pasted_with_their_wires_under_free_names() -> None:
    read = graph.createNode("Read", first=1001)
    grade = graph.createNode("Grade", inputs=[read])
    grade["gamma"].setExpression("Read1.first / 1001")
    pasted = graph.nodePaste(graph.nodeCopy([read, grade]))
    assert [n.name() for n in pasted] == ["Read2", "Grade2"]
    assert pasted[1].input(0) == pasted[0]
    assert pasted[1]["gamma"].expression() == "Read2.first / 1001"
    alone = graph.nodePaste(graph.nodeCopy([grade]))[0]
    assert alone.input(0) is None
    assert graph.undo()
    assert graph.undo()
    assert len(graph.allNodes()) == 2


def test_a_group_shows_promoted_knobs_and_gives_its_last_picture() -> None:
    read = graph.createNode("Read")
    one = graph.createNode("Grade", inputs=[read])
    two = graph.createNode("Crop", inputs=[one])
    group = graph.collapseToGroup([one, two], "Comp")
    group.promote(one["gamma"], "brightness")
    group["brightness"].setValue(2.0)
    assert one["gamma"].value() == 2.0
    assert list(group.knobs()) == ["brightness"]
    dot = graph.createNode("Dot", inputs=[group])
    assert group.dependencies() == [two]
    with pytest.raises(BadInput, match="circle"):
        one.setInput(0, dot)
    text = graph.nodeCopy(graph.allNodes())
    graph.scriptClear()
    graph.nodePaste(text)
    assert graph.nodeCopy(graph.allNodes()) == text
    graph.toNode("Comp").expand()
    assert graph.toNode("Dot1").input(0).name() == "Crop1"


def consistent(state: object) -> None:
    """Demand of a script whatever must hold after any edit."""
    nodes = state.nodes
    assert len({node.name for node in nodes.values()}) == len(nodes)
    for uid, node in nodes.items():
        spec = spec_of(node.kind)
        ports = {port.name: port for port in arrows(spec)} if spec else {}
        for name, source in node.inputs.items():
            assert source in nodes
            assert state.path(source, uid) is None
            giver = nodes[source]
            while giver.output is not None:
                giver = nodes[giver.output]
            assert spec_of(giver.kind) is None or fits(spec_of(giver.kind), ports[name])
        assert node.group is None or nodes[node.group].kind == "Group"
        assert all(goal in nodes for goal, _ in node.promoted.values())
    made = to_text(state)
    assert made.startswith("stillbrush-graph: 1\n")


EDITS = st.tuples(st.integers(0, 10), st.integers(0, 10**6), st.integers(0, 10**6))
CLASSES = ["Read", "Grade", "Merge", "StylizeShot", "FlowEstimator", "Stylizer", "Dot", "Switch"]


def edit(kind: int, a: int, b: int) -> None:
    """Make one of the edits there are; many are refused."""
    nodes = graph.allNodes()
    one, two = (nodes[a % len(nodes)], nodes[b % len(nodes)]) if nodes else (None, None)
    if kind <= 1 or one is None:
        graph.createNode(CLASSES[a % len(CLASSES)], inputs=[two] if b % 2 and two else [])
    elif kind <= 3:
        one.setInput(b % 3, two)
    elif kind == 4:
        graph.delete(one)
    elif kind == 5:
        one.setName(f"N{b % 6}")
    elif kind == 6 and "mix" in one.knobs():
        one["mix"].setValueAt((b % 11) / 10, a % 7)
    elif kind == 7 and "mix" in one.knobs():
        one["mix"].setExpression(f"{two.name()}.mix * 0.5")
    elif kind == 8:
        graph.nodePaste(graph.nodeCopy([one, two]))
    elif kind == 9:
        graph.collapseToGroup([one]) if b % 3 else one.setDisable(bool(a % 2))
    else:
        graph.redo() if a % 2 else graph.undo()


@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(EDITS, max_size=14))
def test_any_row_of_edits_leaves_the_graph_consistent_and_can_be_taken_back(edits) -> None:
    graph.scriptClear()
    seen = {to_text(graph.root().state)}
    for kind, a, b in edits:
        if len(graph.allNodes()) > 24:
            break
        before = graph.root().state
        try:
            edit(kind, a, b)
        except BadInput:
            assert graph.root().state is before or graph.root().state == before
        consistent(graph.root().state)
        seen.add(to_text(graph.root().state))
    last = to_text(graph.root().state)
    steps = 0
    while graph.undo():
        steps += 1
        assert to_text(graph.root().state) in seen
    assert graph.allNodes() == []
    redone = 0
    while graph.redo():
        redone += 1
    assert redone >= steps
    if redone == steps:
        assert to_text(graph.root().state) == last

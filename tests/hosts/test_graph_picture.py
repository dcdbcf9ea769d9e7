"""The picture of a graph: sound XML with every node, wire, group and link in it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillbrush import graph

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def _fresh() -> None:
    graph.scriptClear()


def shapes() -> dict[str, list[str]]:
    """Return the titles of what the picture shows, by kind."""
    root = ElementTree.fromstring(graph.exportSVG())  # refuses what is no XML
    found: dict[str, list[str]] = {}
    for shape in root.iter(f"{SVG}g"):
        found.setdefault(shape.attrib["class"], []).append(shape.findtext(f"{SVG}title") or "")
    return found


def words() -> list[str]:
    root = ElementTree.fromstring(graph.exportSVG())
    return [part.text or "" for part in root.iter(f"{SVG}text")]


def comp() -> list[graph.Node]:
    """A small comp: two plates, a matte, a group, an expression, a backdrop, a disabled node."""
    plate = graph.createNode("Read", file="shots/plate.####.exr")
    matte = graph.createNode("Read", file="roto.####.exr", name="Roto")
    paint = graph.createNode("StylizeShot", inputs=[plate], mask=matte, look="great-wave")
    warm = graph.createNode("Grade", inputs=[paint])
    crop = graph.createNode("Crop", inputs=[warm])
    over = graph.createNode("Merge", inputs=[plate, crop], mask=matte)
    warm["gamma"].setExpression("1 + StylizeShot1.mix / 10")
    paint["mix"].setValueAt(0.0, 1001)
    crop.setDisable()
    back = graph.createNode("Backdrop")
    back.setLabel("The painted part")
    return [plate, matte, paint, warm, crop, over]


def test_every_node_wire_link_and_field_is_in_the_picture() -> None:
    nodes = comp()
    graph.createNode("Write", inputs=[nodes[-1]], file="out/plate.####.exr")
    found = shapes()
    names = [title.split(" ")[0] for title in found["node"]]
    assert Counter(names) == Counter(n.name() for n in graph.allNodes() if n.Class() != "Backdrop")
    expected = {
        f"{node.input(port).name()} to {node.name()}.{port}"
        for node in graph.allNodes()
        for port in node.data.inputs
    }
    assert Counter(found["wire"]) == Counter(expected)
    assert found["link"] == ["an expression of Grade1 names StylizeShot1"]
    assert len(found["backdrop"]) == 1
    assert {"The painted part", "moving: mix", "plate.####.exr", "Write1"} <= set(words())
    paint = next(title for title in found["node"] if title.startswith("StylizeShot1"))
    assert "look: great-wave" in paint.splitlines()


def test_a_group_is_a_frame_round_its_nodes_and_its_wires_leave_from_inside() -> None:
    nodes = comp()
    group = graph.collapseToGroup(nodes[2:5], "Paint")
    group.promote(nodes[2]["strength"])
    over = graph.createNode("Dot", inputs=[group])
    found = shapes()
    assert [title.split(" ")[0] for title in found["group"]] == ["Paint"]
    assert "Paint" not in [title.split(" ")[0] for title in found["node"]]
    assert f"Paint to {over.name()}.shot" in found["wire"]
    assert {"Paint", "strength"} <= set(words())
    root = ElementTree.fromstring(graph.exportSVG())
    frame = next(g for g in root.iter(f"{SVG}g") if g.attrib["class"] == "group").find(f"{SVG}rect")
    left, top = float(frame.attrib["x"]), float(frame.attrib["y"])
    right, bottom = left + float(frame.attrib["width"]), top + float(frame.attrib["height"])
    for node in nodes[2:5]:
        assert left < node.xpos() < right - 100
        assert top < node.ypos() < bottom - 40


def test_the_picture_is_the_same_every_time_and_of_nothing_too() -> None:
    assert shapes() == {}
    comp()
    assert graph.exportSVG() == graph.exportSVG()


def test_what_this_version_does_not_know_is_drawn_too(tmp_path) -> None:
    text = (
        "stillbrush-graph: 9\nnodes:\n  A: {class: Bloom}\n  B: {class: Dot, inputs: {shot: A}}\n"
    )
    (tmp_path / "new.sb.yaml").write_text(text)
    graph.loadScript(tmp_path / "new.sb.yaml")
    found = shapes()
    assert found["node"] == ["A (Bloom)", "B (Dot)"]
    assert found["wire"] == ["A to B.shot"]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_no_words_break_the_picture(label: str, file: str) -> None:
    graph.scriptClear()
    node = graph.createNode("Read")
    node.setLabel(label)
    node["file"].setValue(file)
    graph.createNode("Backdrop", colour='"/><script>').setLabel(label)
    found = shapes()
    assert (len(found["node"]), len(found["backdrop"])) == (1, 1)
    assert not list(ElementTree.fromstring(graph.exportSVG()).iter(f"{SVG}script"))

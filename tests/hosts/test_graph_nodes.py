"""What a node tells of its picture, and what every filter has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.material import overscan_frame

from stillbrush import graph
from stillbrush.core.errors import BadInput
from stillbrush.core.spec import REGISTRY
from stillbrush.host_adapters.graph.declared import (
    PICTURES,
    arrow,
    class_name,
    has_output,
    knobs_of,
)

FILTERS = sorted(
    kind
    for kind, spec in REGISTRY.items()
    if spec.category in ("Colour", "Merge", "Paint") and has_output(spec, *PICTURES)
)


@pytest.fixture
def plate(tmp_path: Path) -> str:
    for frame in (1001, 1002, 1003):
        overscan_frame(tmp_path / f"plate.{frame}.exr", frame)
    graph.scriptClear()
    return f"{tmp_path}/plate.####.exr"


@pytest.mark.parametrize("kind", [kind for kind in FILTERS if kind != "switch"])
def test_every_filter_has_a_mask_and_a_mix(kind: str) -> None:
    spec = REGISTRY[kind]
    assert arrow(spec, "mask").optional
    assert knobs_of(spec)["mix"].default == 1.0


def test_a_node_tells_windows_range_channels_and_metadata_without_pixels(plate: str) -> None:
    read = graph.createNode("Read", file=plate)
    grade = graph.createNode("Grade", inputs=[read], gamma=1.2)
    for node in (read, grade):
        form = node.format()
        assert (form.width, form.height, form.pixel_aspect) == (64, 48, 2.0)
        assert node.bbox() == (-4, -2, 72, 52)
        assert node.frameRange() == (node.firstFrame(), node.lastFrame()) == (1001, 1003)
        assert set(node.channels()) == {"R", "G", "B", "A", "depth.Z", "forward.u"}
        assert node.metadata("PixelAspectRatio", 1002) == 2.0
    assert graph.counts() == {}
    made = grade.pull(1002, ("R", "depth.Z"))
    assert made["R"].shape == made["depth.Z"].shape == (52, 72)


def test_a_disabled_node_hands_its_first_input_on(plate: str) -> None:
    read = graph.createNode("Read", file=plate)
    grade = graph.createNode("Grade", inputs=[read], multiply=2.0)
    before = grade.hash(1001)
    bright = grade.pull(1001)["R"]
    grade["disable"].setValue(True)
    assert grade.isDisabled()
    assert grade.hash(1001) != before
    np.testing.assert_array_equal(grade.pull(1001)["R"], read.pull(1001)["R"])
    grade["disable"].setValue(False)
    np.testing.assert_array_equal(grade.pull(1001)["R"], bright)


def test_read_takes_a_part_by_first_and_last_or_by_frames_and_no_contradiction(plate: str) -> None:
    read = graph.createNode("Read", file=plate, first=1002, last=1003)
    assert read.frameRange() == (1002, 1003)
    read["last"].setValue(0)
    assert read.frameRange() == (1002, 1003)
    read["frames"].setValue("1003")
    assert read.frameRange() == (1003, 1003)
    read["frames"].setValue("1001,1003")
    with pytest.raises(BadInput, match="Set either frames, or first and last"):
        read.frameRange()
    read["first"].setValue(0)
    assert read.shot().frames == (1001, 1003)
    read["frames"].setValue("")
    assert read.frameRange() == (1001, 1003)


def test_names_labels_and_places_are_knobs_of_every_node(plate: str) -> None:
    node = graph.createNode("Grade")
    node["name"].setValue("Warm")
    node["label"].setValue("a little")
    assert (node.name(), node.label(), graph.toNode("Warm")) == ("Warm", "a little", node)
    assert class_name("grade") == node.Class()

"""Style Picture gives a look for any style its pictures, by file or as they are."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
import torch
from support.material import tiny_look
from support.training import picture

from stillbrush import graph, nodes  # noqa: F401 - declares the nodes
from stillbrush.core.errors import BadInput, MissingFrame
from stillbrush.core.look import Look, StylizerKind, Weights
from stillbrush.core.look_pictures import MOST_PICTURES
from stillbrush.core.looks import save_look
from stillbrush.core.media.stills import read_rgb
from stillbrush.core.spec import REGISTRY

NODE = REGISTRY["style_picture"]
ANY = Look("any", "Any", Weights("a.safetensors", "0" * 64, 0), "CC0-1.0", StylizerKind.ADAIN)


def styled(look: Look, shown: torch.Tensor | None = None, **knobs: object) -> Look:
    return NODE.step(NODE.inputs_type(look, shown), NODE.make_knobs(**knobs)).look


def test_a_file_and_a_picture_are_mixed_in_the_order_they_are_wired(tmp_path: Path):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), picture(1))
    shown = torch.rand(1, 40, 50, 3)
    look = styled(styled(ANY, file=str(path), share=0.3), shown, share=0.5)
    assert [one.share for one in look.pictures] == [0.3, 0.5]
    assert look.pictures[0].path(None) == path
    kept = read_rgb(look.pictures[1].path(None))
    assert kept is not None
    assert abs(kept / 255 - shown[0].numpy()).max() < 0.51 / 255
    again = styled(styled(ANY, file=str(path), share=0.3), shown, share=0.5)
    assert look == again


def test_what_is_no_picture_or_has_no_use_is_refused(tmp_path: Path):
    with pytest.raises(MissingFrame, match="no such file"):
        styled(ANY, file=str(tmp_path / "none.png"))
    with pytest.raises(BadInput, match="style picture: expected a file"):
        styled(ANY)
    with pytest.raises(BadInput, match="one picture"):
        styled(ANY, torch.rand(2, 8, 8, 3))
    with pytest.raises(BadInput, match="a style of its own"):
        styled(tiny_look(tmp_path), torch.rand(1, 8, 8, 3))
    look = ANY
    for _ in range(MOST_PICTURES):
        look = styled(look, torch.rand(1, 8, 8, 3))
    with pytest.raises(BadInput, match=f"at most {MOST_PICTURES}"):
        styled(look, torch.rand(1, 8, 8, 3))


def test_the_graph_paints_anew_when_the_picture_is_another(tmp_path: Path):
    graph.scriptClear()
    save_look(ANY, tmp_path)
    for n, name in enumerate(("a.png", "b.png")):
        cv2.imwrite(str(tmp_path / name), picture(n))
    first = graph.createNode("StylePicture", look=f"{tmp_path}/any.yaml", file=f"{tmp_path}/a.png")
    second = graph.createNode("StylePicture", look=first, file=f"{tmp_path}/b.png", share=0.5)
    engine = second.script.engine
    named = [one.file for one in engine.remembered_outputs(second.uid).look.pictures]
    assert named == ["a.png", "b.png"]
    before = engine.hashes.definition(second.uid)
    first["file"].setValue(f"{tmp_path}/b.png")
    assert second.script.engine.hashes.definition(second.uid) != before
    named = [one.file for one in second.script.engine.remembered_outputs(second.uid).look.pictures]
    assert named == ["b.png", "b.png"]

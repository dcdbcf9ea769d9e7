"""The scripted network: reloaded, at any size, in half, and the same as the network as trained."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from support.material import tiny_look
from support.tcl import parsed

from stillbrush.core.errors import BadInput
from stillbrush.core.export.torchscript import TwoFrame, export, two_frame
from stillbrush.core.look import StylizerKind
from stillbrush.core.looks import save_look
from stillbrush.core.stylizers.load import load_painter
from stillbrush.core.stylizers.prior import carried_over
from stillbrush.host_adapters.cli.commands import cli


@pytest.fixture(scope="module", params=[False, True], ids=["repaints", "keeps"])
def model(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> tuple[object, torch.jit.ScriptModule]:
    folder = tmp_path_factory.mktemp("model")
    look = tiny_look(folder, keeps=request.param)
    export(look, folder / "tiny.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return look, torch.jit.load(str(folder / "tiny.pt"))


def packed(height: int, width: int) -> torch.Tensor:
    x = torch.rand(1, 9, height, width, generator=torch.Generator().manual_seed(height))
    x[:, 3] = 1
    x[:, 7:] = 0
    return x


@pytest.mark.parametrize("size", [(32, 48), (33, 47), (20, 21)])
def test_it_paints_what_the_network_paints_at_any_size(model, size) -> None:
    look, scripted = model
    painter = load_painter(look)
    x = packed(*size)
    layers = torch.cat((x[:, :3], x[:, 4:7], torch.ones(1, 1, *size)), 1)
    with torch.no_grad():
        expected = painter.network(layers, painter.style[None])[0]
        torch.testing.assert_close(scripted(x), expected, rtol=0, atol=2e-5)
        torch.testing.assert_close(scripted(x), two_frame(look)(x), rtol=0, atol=1e-6)


def test_its_knobs_are_attributes_and_it_keeps_what_it_is_not_asked_to_touch(model) -> None:
    _, scripted = model
    x = packed(24, 32)
    with torch.no_grad():
        full = scripted(x)
        scripted.strength = 0.0
        assert torch.equal(scripted(x), x[:, :3])
        scripted.strength = 1.0
        scripted.temporal = 0.0
        assert not torch.equal(scripted(x), full)
        scripted.temporal = 1.0
        x[:, 3, :, :16] = 0
        assert torch.equal(scripted(x)[..., :16], x[:, :3, :, :16])


def test_motion_points_up_as_in_nuke_and_frames_come_in_any_order(model) -> None:
    look, scripted = model
    x = packed(24, 32)
    x[:, 7], x[:, 8] = 3.0, 2.0
    eager = two_frame(look)
    with torch.no_grad():
        carried = eager.carried(x)
        torch.testing.assert_close(carried[0, :3, 10, 10], x[0, 4:7, 8, 13])
        assert torch.equal(carried[0, 3, 0], torch.zeros(32))
        first = scripted(x)
        scripted(packed(20, 40))
        assert torch.equal(scripted(x), first)


def test_it_carries_paint_as_a_render_does(model) -> None:
    look, scripted = model
    x = packed(24, 33)
    x[:, 7:] = torch.rand(1, 2, 24, 33, generator=torch.Generator().manual_seed(1)) * 9 - 4.5
    flow = torch.stack((x[0, 7], -x[0, 8]), -1)[None]
    rendered = carried_over(x[:, 4:7].permute(0, 2, 3, 1), flow).permute(0, 3, 1, 2)
    carried = two_frame(look).carried(x)
    torch.testing.assert_close(carried[:, :3], rendered * carried[:, 3:], atol=1e-5, rtol=0)
    with torch.no_grad():
        torch.testing.assert_close(scripted(x), two_frame(look)(x), rtol=0, atol=1e-6)


def test_in_half_paint_lies_where_it_lies_in_single_precision() -> None:
    paint = torch.rand(1, 3, 4, 3000).half()
    x = torch.cat((torch.zeros(1, 4, 4, 3000).half(), paint, torch.zeros(1, 2, 4, 3000).half()), 1)
    carried = TwoFrame([], keeps=False).half().carried(x)
    assert torch.equal(carried[:, :3], paint)


def test_in_half_a_flat_wall_stays_as_bright_as_it_is() -> None:
    x = torch.full((1, 9, 40, 40), 0.6)
    x[:, 7], x[:, 8] = 0.5, 0.5
    carried = TwoFrame([], keeps=False).half().carried(x.half())
    assert (carried[0, :3, 10:30, 10:30].float() - 0.6).abs().max() < 5e-4


def test_it_runs_in_half(model) -> None:
    look, _ = model
    half = two_frame(look).half()
    with torch.no_grad():
        made = half(packed(24, 32).half())
    assert made.dtype == torch.float16
    assert torch.isfinite(made.float()).all()


def test_a_look_of_two_networks_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    look = tiny_look(tmp_path / "look")
    opened = replace(look, name="opened", opener=look.weights)
    path = save_look(opened, tmp_path / "look")
    line = ["export-torchscript", str(path), str(tmp_path / "cat")]
    done = CliRunner().invoke(cli, line)
    assert isinstance(done.exception, BadInput)
    assert "image network" in str(done.exception)
    assert not (tmp_path / "cat").exists()


@pytest.mark.parametrize("kind", [StylizerKind.FEEDFORWARD, StylizerKind.RECURRENT])
def test_a_look_that_carries_no_paint_is_refused(tmp_path: Path, kind: StylizerKind) -> None:
    look = replace(tiny_look(tmp_path), stylizer=kind)
    with pytest.raises(BadInput, match=f"got {kind.value}"):
        export(look, tmp_path / "tiny.pt")


def test_the_command_writes_what_nuke_needs_to_bake_it(tmp_path: Path) -> None:
    look = tiny_look(tmp_path / "look")
    line = ["export-torchscript", str(look.path), str(tmp_path / "cat")]
    done = CliRunner().invoke(cli, line, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert {p.name for p in (tmp_path / "cat").iterdir()} >= {
        "tiny.pt", "tiny-bake.nk", "tiny.gizmo", "cat.json"
    }  # fmt: skip
    script = parsed((tmp_path / "cat/tiny-bake.nk").read_text())
    assert script[0] == "CatFileCreator"
    assert "tiny.pt" in script[1]
    gizmo = parsed((tmp_path / "cat/tiny.gizmo").read_text())
    assert "Inference" in gizmo

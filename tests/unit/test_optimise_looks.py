"""Looks that optimise: their file, the pictures beside it, and the commands that make them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from support.material import tiny_look, tiny_shot
from support.optimising import optimise_look, painting, tiny_encoder

from stillbrush.core.errors import BadInput, MissingFrame, StillbrushError, UnreadableFile
from stillbrush.core.export.torchscript import two_frame
from stillbrush.core.look import Look
from stillbrush.core.looks import load_look, look_text, parse_look
from stillbrush.core.networks.encoder import save_encoder
from stillbrush.core.networks.loss_network import load_loss_network
from stillbrush.core.new_looks import derive, save_derived
from stillbrush.core.new_optimise_looks import NewLook, save_new_look
from stillbrush.core.stylizers.load import load_painter
from stillbrush.core.stylizers.optimise.painter import OptimisePainter
from stillbrush.host_adapters import cli
from stillbrush.host_adapters.cli import look_optimise
from stillbrush.host_adapters.cli.convert_weights import convert_vgg

FILE = Path("some.yaml")
VALID = f"""\
look: 1
name: starry-fine
title: The Starry Night, slowly
stylizer: optimise
optimise:
  preset: ruder
  styles:
  - {{file: starry.jpg, sha256: {"ab" * 32}}}
  - {{file: wave.png, sha256: {"cd" * 32}, share: 0.5}}
  loss_network: {{file: vgg19.safetensors, sha256: {"ef" * 32}}}
  knobs: {{style_weight: 30, long_term: "1, 10"}}
licence: CC0-1.0
"""


def test_a_look_is_read_and_written_as_it_is() -> None:
    look = parse_look(VALID, FILE)
    assert look.weights is None
    assert look.optimise is not None
    settings = look.optimise.settings()
    assert (settings.style_weight, settings.offsets, settings.history) == (30, (1, 10), 100)
    assert [style.share for style in look.optimise.styles] == [1.0, 0.5]
    assert parse_look(look_text(look), FILE) == look


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("preset: ruder", "preset: rubens"), "optimise.preset: expected stillbrush"),
        (("style_weight: 30", "style_weight: -3"), "optimise.style_weight: expected 0"),
        (("style_weight: 30", "strokes: 30"), "optimise.strokes: no such knob"),
        (("share: 0.5", "share: .nan"), "optimise.styles.share: expected a number"),
        (("starry.jpg", "starry.exe"), "optimise.styles.file: expected a .jpg"),
        (("starry.jpg", "starry.pth"), "optimise.styles.file: expected a .jpg"),
        (("vgg19.safetensors", "vgg19.pth"), "optimise.loss_network.file: expected a .safetensors"),
        (("ab" * 32, "ab"), "optimise.styles.sha256: expected 64"),
        (("stylizer: optimise", "stylizer: prior"), "optimise: expected none"),
        (("optimise:\n", "optimize:\n"), "optimize: no such key"),
        (("  preset: ruder\n", "  pictures: []\n"), "optimise.pictures: no such key"),
        (("licence:", "weights: {file: a.safetensors}\nlicence:"), "weights: expected none"),
    ],
)
def test_what_is_wrong_is_named(change: tuple[str, str], told: str) -> None:
    assert change[0] in VALID
    with pytest.raises(BadInput) as caught:
        parse_look(VALID.replace(*change), FILE)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_style_is_no_look() -> None:
    head, _, tail = VALID.partition("  styles:")
    rest = tail[tail.index("  loss_network") :]
    for styles in ("", "  styles: []\n", "  styles: starry.jpg\n", "  styles: [starry.jpg]\n"):
        with pytest.raises(BadInput, match=r"optimise\.styles: expected"):
            parse_look(head + styles + rest, FILE)


def pointing(look: Look, file: str) -> Look:
    assert look.optimise is not None
    (style,) = look.optimise.styles
    return replace(look, optimise=replace(look.optimise, styles=(replace(style, file=file),)))


def test_a_picture_outside_the_folder_is_refused(tmp_path: Path) -> None:
    look = optimise_look(tmp_path / "looks")
    cv2.imwrite(str(tmp_path / "outside.png"), painting(1))
    (tmp_path / "looks/link.png").symlink_to(tmp_path / "outside.png")
    for file in ("../outside.png", str(tmp_path / "outside.png"), "link.png"):
        with pytest.raises(BadInput, match="look's own folder"):
            load_painter(pointing(look, file))
    with pytest.raises(MissingFrame, match="Copy it beside"):
        load_painter(pointing(look, "absent.png"))


def test_a_picture_that_was_replaced_is_refused(tmp_path: Path) -> None:
    look = optimise_look(tmp_path)
    load_painter(look)
    cv2.imwrite(str(tmp_path / "strokes.png"), painting(9))
    with pytest.raises(UnreadableFile, match="damaged or replaced"):
        load_painter(look)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_what_is_no_picture_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "fake.png"
    file.write_bytes(content)
    with pytest.raises(StillbrushError, match="style picture"):
        save_new_look(NewLook("mine", ((file, 1.0),)), tmp_path / "looks")
    assert not (tmp_path / "looks").exists()


def test_a_derived_look_takes_its_pictures_along(tmp_path: Path) -> None:
    look = optimise_look(tmp_path / "one")
    (tmp_path / "two").mkdir()
    path = save_derived(derive(look, "mine", {"strength": 0.5}), tmp_path / "two")
    made = load_look(path)
    assert made.knobs == {"stylizer": {"strength": 0.5}}
    assert (tmp_path / "two/strokes.png").read_bytes() == (
        tmp_path / "one/strokes.png"
    ).read_bytes()
    assert isinstance(load_painter(made), OptimisePainter)


def test_a_look_without_a_network_is_not_exported(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"carries its paint.*got optimise"):
        two_frame(optimise_look(tmp_path))


def test_other_paintings_and_other_settings_are_another_look(tmp_path: Path) -> None:
    look = optimise_look(tmp_path)
    again = optimise_look(tmp_path)
    assert look.paint_digest == again.paint_digest
    assert optimise_look(tmp_path, style_weight=11.0).paint_digest != look.paint_digest
    network = tiny_look(tmp_path / "network")
    assert network.paint_digest == network.network.sha256


def test_torchvisions_weights_come_in_as_safetensors(tmp_path: Path) -> None:
    tensors = {"classifier.0.weight": torch.zeros(2, 2)}
    for place, inputs in ((0, 3), (2, 4), (5, 4), (7, 4)):
        tensors[f"features.{place}.weight"] = torch.randn(4, inputs, 3, 3)
        tensors[f"features.{place}.bias"] = torch.randn(4)
    torch.save(tensors, tmp_path / "vgg19.pth")
    out = tmp_path / "vgg19.safetensors"
    assert convert_vgg(tmp_path / "vgg19.pth", out) == 4
    assert load_loss_network(out).taps == ("relu1_1", "relu1_2", "relu2_1", "relu2_2")
    torch.save({"weight": torch.zeros(2)}, tmp_path / "other.pth")
    with pytest.raises(BadInput, match="expected torchvision's VGG"):
        convert_vgg(tmp_path / "other.pth", tmp_path / "other.safetensors")


class Trap:
    """What a pickle may hold."""

    def __init__(self, sign: Path) -> None:
        self.sign = sign

    def __reduce__(self) -> tuple:
        return (self.sign.touch, ())


def test_a_pickle_that_would_run_something_runs_nothing(tmp_path: Path) -> None:
    torch.save({"features.0.weight": Trap(tmp_path / "sign")}, tmp_path / "trap.pth")
    with pytest.raises(UnreadableFile, match="expected a file of weights"):
        convert_vgg(tmp_path / "trap.pth", tmp_path / "trap.safetensors")
    assert not (tmp_path / "sign").exists()


def test_the_commands_make_check_show_and_use_a_look(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(look_optimise, "user_looks", lambda: tmp_path / "looks")
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["stillbrush", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    picture = tmp_path / "strokes.png"
    cv2.imwrite(str(picture), painting(1))
    network = tmp_path / "looks/networks/small.safetensors"
    network.parent.mkdir(parents=True)
    save_encoder(tiny_encoder().network.float(), network, {})
    knobs = ("--iterations", "2", "--later-iterations", "1", "--scales", "1", "--width", "96")
    more = ("--style", f"{picture}=2", "--loss-network", "small", "--json", *knobs)
    code, out, err = run("looks", "new-optimise", "mine", *more)
    assert code == 0, err
    file = json.loads(out)["file"]
    look = load_look(Path(file))
    assert look.optimise is not None
    assert look.optimise.knobs["iterations"] == 2
    assert look.optimise.loss_network is not None
    code, out, _ = run("looks", "check", file)
    assert (code, out.split()[0]) == (0, "ok")
    code, out, _ = run("looks", "show", file)
    assert code == 0
    assert "optimise.preset" in out
    shot = tiny_shot(tmp_path / "shot", 2, 96, 64)
    live = tmp_path / "live.png"
    target = str(tmp_path / "out/plate.####.exr")
    code, out, err = run(
        "stylize", shot, "-o", target, "--look", file, "--live", str(live), "--json"
    )
    assert code == 0, err
    events = [json.loads(line)["event"] for line in out.splitlines()]
    assert events.count("frame") == 2
    assert "iterate" in events
    seen = cv2.imread(str(live))
    assert seen.shape == (64, 96, 3)
    assert np.ptp(seen) > 20
    told = json.loads((tmp_path / "out/plate.exr.report.json").read_text())
    assert told["settings"]["look"]["seen_by"]["loss_network"].startswith("Stillbrush encoder")

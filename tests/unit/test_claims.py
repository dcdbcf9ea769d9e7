"""The benchmark of the papers' claims: what it reads, and what its tables say."""

from __future__ import annotations

import argparse
import importlib
import math
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import cv2
import pytest
import torch
from support.material import ROOT, tiny_look, tiny_shot
from support.training import picture

from stillbrush.core.metrics.gupta import Curve
from stillbrush.core.metrics.judge import Judge
from stillbrush.core.metrics.structure import psnr
from stillbrush.core.networks.layouts import Architecture
from stillbrush.core.networks.loss_network import load_loss_network, shipped_encoder
from stillbrush.core.yardstick.cell import Measured, Method, Pair
from stillbrush.core.yardstick.sweep import Cell, Line, Plan, Prediction

OWN, ALONE = Method.OWN, Method.PER_FRAME


@pytest.fixture(scope="module")
def claims() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        yield importlib.import_module("claims")


@pytest.fixture(scope="module")
def given(claims: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> argparse.Namespace:
    """A command line with two looks whose files are not called like them, and one clip."""
    tmp_path, looks = tmp_path_factory.mktemp("given"), []
    for name in ("plain", "noise"):
        path = tiny_look(tmp_path / name).path
        text = path.read_text().replace("name: tiny", f"name: {name}")
        looks.append(path.with_name(f"my-{name}.yaml"))
        looks[-1].write_text(text)
    clip = Path(tiny_shot(tmp_path / "clip", 3)).parent
    words = [str(clip), "--look", str(looks[0]), "--look", str(looks[1]), "--frames", "3"]
    return claims.read(["noise", *words, "-o", str(tmp_path / "out")])


def cells(text: str) -> list[list[str]]:
    """Return a Markdown table's cells, its rule left out."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    assert set(rows[1]) == {"---"}
    assert len({len(row) for row in rows}) == 1
    return [rows[0], *rows[2:]]


def line(look: str, method: Method, clip: str = "clip", **numbers: float) -> Line:
    return Line(clip, look, method, numbers, {})


# --- the command line ----------------------------------------------------------------------------


def documented() -> list[list[str]]:
    """Return the command lines that the documentation shows."""
    text = (ROOT / "docs/claims.md").read_text()
    found = re.findall(r"`claims\.py ([^`]+)`", text)
    return [shlex.split(re.sub(r"\[[^]]*\]", "", words)) for words in found]


def test_every_documented_command_is_read_and_every_claim_is_documented(claims) -> None:
    read = [claims.read(words) for words in documented()]
    assert {one.claim for one in read} == set(claims.CLAIMS)
    peer = next(one for one in read if one.claim == "peer")
    assert (peer.look, peer.style) == (["any-style.yaml"], ["picture.jpg"])
    assert peer.encoders == Path("e.safetensors")


def test_looks_stay_in_the_order_in_which_they_are_named(claims) -> None:
    read = claims.read(["patches", "a.mp4", "b.mp4", "--look", "z", "--look", "a"])
    assert (read.clips, read.look) == (["a.mp4", "b.mp4"], ["z", "a"])
    assert (read.frames, read.width, read.output) == (16, 512, Path("claims"))


@pytest.mark.parametrize("words", [[], ["nonsense"], ["noise", "--frames", "many"]])
def test_what_is_no_claim_is_refused(claims, words, capsys) -> None:
    with pytest.raises(SystemExit):
        claims.read(words)
    assert "error" in capsys.readouterr().err


def test_a_plan_measures_what_was_asked_for(claims, given) -> None:
    plan = claims.plan(given)
    assert [look.name for look in plan.looks] == ["plain", "noise"]
    assert [clip.name for clip in plan.clips] == ["clip"]
    assert (plan.methods, plan.extent.frames, plan.folder) == ((OWN,), 3, given.output)
    alone = claims.plan(given, distortions=True, only_alone=True)
    assert alone.methods == (ALONE,)
    assert alone.extent.distortions


# --- tables --------------------------------------------------------------------------------------


def test_a_table_has_four_digits_and_a_rule(claims) -> None:
    made = claims.markdown(("look", "a"), [["x", 0.123456], ["y", 1234.56], ["z", 7]])
    assert made == "| look | a |\n| --- | --- |\n| x | 0.1235 |\n| y | 1235 |\n| z | 7 |"


def test_a_mean_is_of_what_is_known(claims) -> None:
    assert claims.mean([1.0, math.nan, 3.0, math.inf]) == 2.0
    assert math.isnan(claims.mean([math.nan]))
    assert math.isnan(claims.mean([]))


def test_a_share_of_nothing_is_not_told(claims) -> None:
    assert claims.beside(1.0, 4.0) == "1 (25 %)"
    assert claims.beside(1.0, 0.0) == "1"


def test_every_look_is_compared_with_the_first_one_frame_by_frame(
    claims, given, monkeypatch, capsys
) -> None:
    names = claims.COLUMNS["noise"]
    values = {
        ("plain", ALONE): 4.0,
        ("plain", OWN): 1.0,
        ("noise", ALONE): 2.0,
        ("noise", OWN): 3.0,
    }
    table = [  # as a sweep gives them: those frame by frame last
        line(look, way, clip, **dict.fromkeys(names, value + more))
        for clip, more in (("one", -0.5), ("two", 0.5))
        for look in ("noise", "plain")
        for way in (OWN, ALONE)
        for value in (values[look, way],)
    ]
    asked: list[Plan] = []
    monkeypatch.setattr(claims, "measured", lambda plan: (asked.append(plan), table))
    claims.compare(given)
    head, *rows = cells(capsys.readouterr().out)
    assert head == ["look", "way", *names]
    assert [row[:3] for row in rows] == [
        ["plain", ALONE.value, "4 (100 %)"],
        ["plain", OWN.value, "1 (25 %)"],
        ["noise", ALONE.value, "2 (50 %)"],
        ["noise", OWN.value, "3 (75 %)"],
    ]
    assert all(len(set(row[2:])) == 1 for row in rows)
    assert asked[0].methods == (OWN,)


def test_a_trace_is_told_by_look_and_layer(claims, given, monkeypatch, capsys) -> None:
    monkeypatch.setattr(claims, "measured", lambda plan: ([], []))
    claims.trace(given)
    assert "expected three looks" in capsys.readouterr().out
    found = Prediction(
        ("a", "b"), {"relu1": (1.0, 2.0), "relu2": (4.0, 3.0)}, (0.5, 0.25),
        {"relu1": -1.0, "relu2": 1.0},
    )  # fmt: skip
    monkeypatch.setattr(claims, "predict", lambda plan, table: found)
    claims.trace(given)
    assert cells(capsys.readouterr().out) == [
        ["look", "instability", "trace relu1", "trace relu2"],
        ["a", "0.5", "1", "4"],
        ["b", "0.25", "2", "3"],
        ["rank correlation", "", "-1", "1"],
    ]


def test_distortions_are_means_over_clips(claims, given, monkeypatch, capsys) -> None:
    def cell(clip: str, look: str, painted: float) -> Cell:
        curves = {
            kind: Curve((0.0, 1.0), (1.0, 1.0), (painted * by, painted * by))
            for kind, by in (("shift", 1.0), ("blur", 0.5))
        }
        return Cell(clip, look, ALONE, Measured(distortions=curves))

    made = [
        cell("one", "a", 1.0),
        cell("one", "b", 0.5),
        cell("two", "a", 0.5),
        cell("two", "b", 0),
    ]
    monkeypatch.setattr(claims, "measured", lambda plan: (made, []))
    claims.distortions(given)
    assert cells(capsys.readouterr().out) == [
        ["look", "shift", "blur"],
        ["a", "0.75", "0.375"],
        ["b", "0.25", "0.125"],
    ]


def test_shifts_are_told_of_every_layout_and_the_dilated_one_is_flattest(
    claims, tmp_path, capsys
) -> None:
    cv2.imwrite(str(tmp_path / "photograph.png"), picture(4, 150, 160))
    words = ["shifts", str(tmp_path / "photograph.png"), "--width", "280", "--most", "2"]
    claims.shifts(claims.read(words))
    head, *rows = cells(capsys.readouterr().out)
    assert head[1:] == ["1", "2"]
    found = {row[0]: [float(value) for value in row[1:]] for row in rows}
    assert list(found) == [f"{kind.value}, untrained" for kind in Architecture]
    flat = found.pop("dilated, untrained")
    for others in found.values():
        assert all(value + 5 < best for value, best in zip(others, flat, strict=True))


def test_speed_is_told_beside_the_first_system(claims, tmp_path, capsys) -> None:
    cv2.imwrite(str(tmp_path / "style.png"), picture(4))
    words = ["speed", "--style", str(tmp_path / "style.png"), "--width", "96", "--rounds", "2"]
    claims.speed(claims.read(words))
    *table, load = capsys.readouterr().out.splitlines()
    head, first, *others = cells("\n".join(table))
    assert head[0] == "system, 96x54, one thread"
    assert first[2] == "1.00"
    assert len(others) == 7
    assert all(float(row[2]) > 0 for row in others)
    assert load.startswith("load ")


def test_the_border_of_a_shifted_picture_counts_for_nothing(claims) -> None:
    x = torch.rand(1, 3, 120, 130)
    other = x.clone()
    other[..., : claims.MARGIN, :] = other[..., -claims.MARGIN :] = 0
    assert claims.inner(x).shape == (1, 24, 34, 3)
    assert psnr(claims.inner(x), claims.inner(other)) == psnr(claims.inner(x), claims.inner(x))


def test_a_peer_is_judged_from_its_second_frame_on_and_its_first_is_not_timed(claims) -> None:
    peer = importlib.import_module("peer")
    judge = Judge(load_loss_network(shipped_encoder()))
    plates = torch.rand(3, 1, 48, 64, 3, generator=torch.Generator().manual_seed(1))
    still = plates[:1].expand(3, -1, -1, -1, -1)

    def frames(paint: torch.Tensor):
        return lambda: [(Pair(still[n], paint[n]), float(n)) for n in range(3)]

    calm, boiling = peer.judged(frames(still), judge), peer.judged(frames(plates), judge)
    assert calm.seconds == [1.0, 2.0]
    assert "temporal" not in calm.rows[0]
    assert [row["temporal"] for row in calm.rows[1:]] == pytest.approx([0, 0], abs=1e-6)
    assert all(row["temporal"] > 0.01 for row in boiling.rows[1:])
    assert calm.rows[0]["content"] == pytest.approx(0, abs=1e-6)

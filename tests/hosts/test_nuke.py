"""The packs: contract-tested against a record of the hosts' API, with the real worker behind."""

from __future__ import annotations

import ast
import importlib
import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
import threading
import time
import tkinter
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest
from support import nuke_record
from support.fake_nuke import RECORD, FakeKnob, FakeNode, FakeNuke, Module
from support.material import overscan_frame, tiny_look, tiny_shot
from support.rendering import assert_untouched, channels, paint
from support.tcl import parsed

import stillbrush
from stillbrush import graph
from stillbrush.core.look import Look
from stillbrush.core.looks import load_look
from stillbrush.core.new_looks import flat_knobs
from stillbrush.core.spec import REGISTRY
from stillbrush.host_adapters.graph.knob import plain
from stillbrush.host_adapters.natron import pack as natron_pack
from stillbrush.host_adapters.nuke import pack as nuke_pack
from stillbrush.host_adapters.nuke.gizmo import gizmo
from stillbrush.host_adapters.worker.client import JobFailed, Queue, Worker

HOSTS = Path(stillbrush.__file__).parent / "host_adapters"
IN_NUKE = [HOSTS / f"nuke/{name}.py" for name in ("panel", "plate", "looks", "selftest")]
INSIDE = [*sorted((HOSTS / "worker").glob("*.py")), *IN_NUKE, HOSTS / "natron/stillbrush_plug.py"]


@pytest.fixture(scope="module")
def look(tmp_path_factory: pytest.TempPathFactory) -> Look:
    return tiny_look(tmp_path_factory.mktemp("look"))


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_shot(tmp_path_factory.mktemp("in"), 4, 64, 48)


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The panel as Nuke has it: imported from the pack, which lies alone."""
    folder = tmp_path_factory.mktemp("pack")
    nuke_pack.write_pack(folder)
    sys.path.insert(0, str(folder))
    sys.modules["nuke"] = Module("nuke")
    try:
        yield importlib.import_module("stillbrush_pack.nuke.panel")
    finally:
        sys.path.remove(str(folder))
        del sys.modules["nuke"]
        for name in [name for name in sys.modules if name.startswith("stillbrush_pack")]:
            del sys.modules[name]


def stillbrush_node(fake: FakeNuke, look: Look, folder: Path, name: str) -> FakeNode:
    knobs = {k.name: plain(k.default) for k in REGISTRY["stylize_shot"].knobs}
    own = {"folder": str(folder), "limit": False, "first": 1, "last": 1, "look": str(look.path),
           "result": "", "stillbrush": ""}  # fmt: skip
    return FakeNode(fake, "Stillbrush", name, knobs | own | {"stroke_size": 4.0})


def host(plate: str, look: Look, folder: Path, *, gui: bool = False) -> tuple[FakeNuke, FakeNode]:
    fake = FakeNuke(gui=gui)
    sys.modules["nuke"].fake = fake
    source = FakeNode(fake, "Read", "Plate", {"file": plate})
    source.plate, source.frames = plate, (1001, 1004)
    node = stillbrush_node(fake, look, folder, "Stillbrush1")
    fake.nodes_made += [source, node]
    node.wires[0] = fake.wrapped(source)
    return fake, node


def ended(worker: Worker) -> str:
    """Wait for a job; say how it ended."""
    assert worker is not None
    for _ in range(1200):
        if worker.state != "running" and not any(t.is_alive() for t in worker.threads):
            break
        time.sleep(0.1)
    return worker.state


@pytest.mark.parametrize("path", INSIDE, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_what_runs_inside_a_host_needs_nothing_but_python_3_9(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
    allowed = sys.stdlib_module_names | ({"nuke"} if path in IN_NUKE else set())
    for part in ast.walk(tree):
        if isinstance(part, ast.Import):
            assert all(a.name.partition(".")[0] in allowed for a in part.names)
        elif isinstance(part, ast.ImportFrom) and part.level == 0:
            assert str(part.module).partition(".")[0] in sys.stdlib_module_names
        elif isinstance(part, ast.ImportFrom):
            assert part.level == 1 or str(part.module).startswith("worker.")
            assert not {"pack", "gizmo", "cat"} & {alias.name for alias in part.names}
        assert not isinstance(part, ast.Match)


def test_the_pack_loads_alone_without_torch(tmp_path) -> None:
    nuke_pack.write_pack(tmp_path / "nuke")
    natron_pack.write_pack(tmp_path / "natron")
    for folder, module in (("nuke", "nuke.panel"), ("natron", "natron.stillbrush_plug")):
        code = (f"import sys, types; sys.path.insert(0, {str(tmp_path / folder)!r}); "
                "sys.modules['nuke'] = types.ModuleType('nuke'); "
                f"import stillbrush_pack.{module}; "
                "assert not {'torch', 'numpy', 'stillbrush'} & set(sys.modules)")  # fmt: skip
        subprocess.run([sys.executable, "-I", "-c", code], check=True)


def test_every_name_of_nukes_api_is_in_the_record() -> None:
    known = {*RECORD["functions"], *RECORD["constants"], *RECORD["classes"]}
    called = 0
    for path in IN_NUKE:
        for part in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            owner = part.value if isinstance(part, ast.Attribute) else None
            if isinstance(owner, ast.Name) and owner.id == "nuke":
                called += 1
                assert part.attr in known, f"{path.name}:{part.lineno} nuke.{part.attr}"
    assert called > 20


@pytest.mark.skipif(not nuke_record.stubs(), reason="types-nuke is not installed")
def test_the_record_is_what_the_stubs_of_nuke_say() -> None:
    assert nuke_record.record() == RECORD


PLANTED = {
    "nuke.executeInBackground(print)": "executeInBackground",
    "node.setInputs(0, None)": "setInputs",
    "node.setInput(0)": 'missing for parameter "node"',
    "node['mix'].valuesAt(1001)": "valuesAt",
    "nuke.toNode('a').name()": "None",
}


@pytest.mark.skipif(not nuke_record.stubs(), reason="types-nuke is not installed")
def test_the_adapter_is_type_checked_against_nukes_stubs_and_the_check_bites(tmp_path) -> None:
    """The same check runs over the whole repository; this one shows that it sees Nuke's API."""
    shutil.copytree(HOSTS / "nuke", tmp_path / "pack/nuke")
    shutil.copytree(HOSTS / "worker", tmp_path / "pack/worker")
    for name in ("pack", "gizmo", "cat"):
        (tmp_path / f"pack/nuke/{name}.py").unlink()
    (tmp_path / "pack/__init__.py").touch()
    wrong = "".join(f"    {line}\n" for line in PLANTED)
    planted = tmp_path / "pack/nuke/planted.py"
    planted.write_text(f"import nuke\n\n\ndef f(node: nuke.Node) -> None:\n{wrong}")
    settings = {"include": ["pack"], "typeCheckingMode": "standard", "pythonVersion": "3.9"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    line = ["basedpyright", "--outputjson", "--level", "error", "--pythonpath", sys.executable]
    done = subprocess.run([*line, "-p", "."], cwd=tmp_path, capture_output=True, check=False)
    found = json.loads(done.stdout)["generalDiagnostics"]
    assert {Path(error["file"]).name for error in found} == {"planted.py"}
    lines = {error["range"]["start"]["line"]: error["message"] for error in found}
    for number, part in enumerate(PLANTED.values(), start=4):
        assert part in lines[number]


def test_the_gizmo_is_valid_tcl_and_shows_what_is_declared() -> None:
    words = parsed(gizmo(["starry-night", "great-wave"]))
    assert words[0] == "Gizmo"
    tcl = tkinter.Tcl()
    body = tcl.splitlist(words[1])
    shown = {}
    for place, word in enumerate(body):
        if word == "addUserKnob":
            kind, name, *rest = tcl.splitlist(body[place + 1])
            shown[name] = (int(kind), dict(zip(rest[::2], rest[1::2], strict=False)), body, place)
    for field in REGISTRY["stylize_shot"].knobs:
        kind, facts, _, place = shown[field.name]
        assert facts["t"].startswith(field.knob.tip)
        assert facts["l"] == field.label
        value = body[place + 3]
        assert body[place + 2] == field.name
        if field.choices:
            assert (kind, tcl.splitlist(facts["M"])) == (4, field.choices)
        elif field.type is bool:
            assert (kind, value) == (6, str(field.default).lower())
        else:
            assert kind == (3 if field.type is int else 7)
            assert float(value) == field.default
            lo, hi = rest_range(tcl.splitlist(body[place + 1]))
            assert (lo, hi) == pytest.approx((field.knob.lo, field.knob.hi), rel=1e-5)


def rest_range(words: tuple[str, ...]) -> tuple[float, float]:
    place = words.index("R")
    return float(words[place + 1]), float(words[place + 2])


def test_an_unbalanced_gizmo_would_be_noticed() -> None:
    with pytest.raises(tkinter.TclError):
        parsed(gizmo(["a"]) + "{")


def test_the_packs_are_in_step_with_the_declarations(tmp_path) -> None:
    nuke_pack.write_pack(tmp_path / "nuke")
    natron_pack.write_pack(tmp_path / "natron")
    for name in ("nuke", "natron"):
        facts = json.loads((tmp_path / name / f"stillbrush_pack/{name}/knobs.json").read_text())
        for known, field in zip(facts["knobs"], REGISTRY["stylize_shot"].knobs, strict=True):
            assert (known["name"], known["default"]) == (field.name, plain(field.default))
            assert known["animatable"] == field.knob.animatable
            assert known["choices"] == list(field.choices)


def test_a_render_from_nuke_gives_the_bits_of_the_command_line(
    tmp_path, plate, look, panel
) -> None:
    fake, node = host(plate, look, tmp_path / "out")
    worker = panel.render(fake.wrapped(node))
    assert worker.state == "done", worker.message
    assert fake.proxy_while_writing == [False]
    assert fake.rootnode.knobs["proxy"].held is True
    paint(plate, look, f"{tmp_path}/line/painted.####.exr")
    for frame in range(1001, 1005):
        ours, theirs = (channels(tmp_path / where / f"painted.{frame}.exr")
                        for where in ("out/v001", "line"))  # fmt: skip
        for name, bits in theirs.items():
            np.testing.assert_array_equal(ours[name], bits)
    read = next(n for n in fake.nodes_made if n.kind == "Read" and n.called != "Plate")
    assert read.knobs["file"].held.endswith("v001/painted.####.exr")
    assert (read.knobs["first"].held, read.knobs["last"].held) == (1001, 1004)
    assert read.knobs["raw"].held is True
    # nothing has changed: nothing is rendered, the same Read is used
    assert panel.render(fake.wrapped(node)) is None
    assert fake.made == ["Write", "Read"]
    # another knob: a version of its own, the plate is not written again, the same Read
    node.knobs["mix"].keys = {1001: 0.0, 1002: 1.0}
    node.knobs["limit"].held, node.knobs["first"].held, node.knobs["last"].held = True, 1001, 1002
    assert panel.render(fake.wrapped(node)).state == "done"
    assert fake.made == ["Write", "Read"]
    assert read.knobs["file"].held.endswith("v002/painted.####.exr")
    first, second = (channels(tmp_path / f"out/v002/painted.{f}.exr") for f in (1001, 1002))
    source = channels(Path(plate.replace("####", "1001")))
    np.testing.assert_array_equal(first["0:R"], source["0:R"])
    full = channels(tmp_path / "line/painted.1002.exr")
    np.testing.assert_array_equal(second["0:R"], full["0:R"])


def test_a_render_in_the_interface_does_not_wait_and_can_be_cancelled(tmp_path, plate, look, panel):
    fake, node = host(plate, look, tmp_path / "out", gui=True)
    fake.cancel = True  # pressed at the first frame
    begun = time.monotonic()
    worker = panel.render(fake.wrapped(node))
    assert time.monotonic() - begun < 2, "the interface waits for nothing"
    for thread in worker.threads:
        thread.join(120)
    assert worker.state in ("stopped", "done")
    if worker.state == "stopped":
        assert len(list((tmp_path / "out/v001").glob("painted.*.exr"))) < 4
    fake.cancel = False
    again = panel.render(fake.wrapped(node))
    if again is not None:
        for thread in again.threads:
            thread.join(120)
    assert len(list((tmp_path / "out/v001").glob("painted.*.exr"))) == 4
    assert any("frame 10" in text for text in fake.said)


def test_a_preview_paints_up_to_the_frame_that_is_looked_at(tmp_path, plate, look, panel) -> None:
    fake, node = host(plate, look, tmp_path / "out")
    assert panel.preview(fake.wrapped(node)).state == "done"
    paint(plate, look, f"{tmp_path}/line/painted.####.exr")
    made = sorted(path.name for path in (tmp_path / "out/v001").glob("painted.*.exr"))
    assert made == ["painted.1001.exr", "painted.1002.exr"], "nuke.frame() is 1002"
    ours, theirs = (channels(tmp_path / f"{d}/painted.1002.exr") for d in ("out/v001", "line"))
    np.testing.assert_array_equal(ours["0:R"], theirs["0:R"])


def test_a_look_is_saved_from_nuke_and_stands_in_the_menu(
    tmp_path, plate, look, panel, monkeypatch
) -> None:
    looks = importlib.import_module("stillbrush_pack.nuke.looks")
    facts = panel.declared()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(looks, "declared", lambda: facts | {"looks_folder": folder})
    folder = str(tmp_path / "data/stillbrush/looks")
    fake, node = host(plate, look, tmp_path / "out", gui=True)
    node.knobs["strength"].held, node.knobs["detect_cuts"].held = 0.5, False
    assert ended(looks.save_look(fake.wrapped(node))) == "done"
    assert fake.said == ["look dusk: saved"]
    saved = load_look(tmp_path / "data/stillbrush/looks/dusk.yaml")
    assert flat_knobs(saved) == {"strength": 0.5, "stroke_size": 4.0, "detect_cuts": False}
    assert node.knobs["look"].held == "dusk"
    assert {"dusk", "great-wave", "starry-night"} <= set(node.knobs["look"].menu)


def test_a_missing_program_and_a_missing_plate_are_told(tmp_path, plate, look, panel) -> None:
    fake, node = host(plate, look, tmp_path / "out", gui=True)
    node.knobs["stillbrush"] = FakeKnob("/nowhere/stillbrush")
    worker = panel.render(fake.wrapped(node))
    assert worker.state == "failed"
    assert "expected a program at /nowhere/stillbrush" in fake.said[-1]
    node.wires.clear()
    assert panel.render(fake.wrapped(node)) is None
    assert "expected a plate" in fake.said[-1]


def test_a_look_that_is_not_there_is_told_in_the_words_of_stillbrush(tmp_path, plate, look, panel):
    fake, node = host(plate, look, tmp_path / "out")
    node.knobs["look"].held = "no-such-look"
    worker = panel.render(fake.wrapped(node))
    assert worker.state == "failed"
    assert "there is no such look" in fake.said[-1]


def test_a_worker_that_was_killed_while_it_painted_is_told_and_the_next_render_goes_on(
    tmp_path, plate, look, panel
) -> None:
    fake, node = host(plate, look, tmp_path / "out", gui=True)
    worker = panel.render(fake.wrapped(node))
    while not list((tmp_path / "out").glob("v001/painted.*.exr")):
        assert worker.state == "running"
        time.sleep(0.02)
    os.killpg(worker.process.pid, signal.SIGKILL)
    if ended(worker) == "failed":
        assert "code -9" in fake.said[-1]
    made = {p.name: p.read_bytes() for p in (tmp_path / "out/v001").glob("painted.*.exr")}
    again = panel.render(fake.wrapped(node))
    assert again is None or ended(again) == "done"
    after = {p.name: p.read_bytes() for p in (tmp_path / "out/v001").glob("painted.*.exr")}
    assert len(after) == 4
    assert {name: after[name] for name in made} == made, "what was finished is as it was"


SLEEPER = 'import time, sys; print(\'{"event": "up"}\', flush=True); time.sleep(60)'


def test_a_worker_that_is_killed_is_told_and_a_stubborn_one_is_ended() -> None:
    up = threading.Event()
    worker = Worker([sys.executable, "-c", SLEEPER], lambda event: up.set()).start()
    assert up.wait(30)
    worker.process.kill()
    with pytest.raises(JobFailed):
        worker.wait(30)
    assert worker.state == "failed"
    up.clear()
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPER
    worker = Worker([sys.executable, "-c", deaf], lambda event: up.set()).start()
    assert up.wait(30)
    worker.cancel()
    assert worker.process.poll() is None
    worker.kill()
    with pytest.raises(JobFailed, match="goes on"):
        worker.wait(30)
    assert worker.state == "stopped"


def test_jobs_are_done_one_after_the_other() -> None:
    queue, told, over = Queue(), [], threading.Event()

    def job(name: str) -> Worker:
        code = f'print(\'{{"event": "{name}"}}\', flush=True)'
        return Worker([sys.executable, "-c", code], lambda event: note(name, event))

    def note(name: str, event: dict[str, Any]) -> None:
        told.append((name, event["event"]))
        if name == "b" and event["event"] == "ended":
            over.set()

    one, two, three = job("a"), job("b"), job("c")
    for worker in (one, two):
        queue.add(worker)
    queue.add(three)
    queue.cancel(three)
    assert over.wait(60)
    assert [step for step in told if step[0] != "c"] == [
        ("a", "a"), ("a", "ended"), ("b", "b"), ("b", "ended")
    ]  # fmt: skip
    assert three.process is None or three.state == "stopped"


def test_a_job_is_a_script_of_the_graph(tmp_path, panel) -> None:
    jobs = sys.modules["stillbrush_pack.worker.jobs"]
    job = jobs.Job("p.####.exr", 1001, 1002, "great-wave", {"detect_cuts": False},
                   {"mix": [0.0, 0.5]}, "m.exr")  # fmt: skip
    (tmp_path / "job.sb.yaml").write_text(job.text("o.####.exr"))
    assert graph.loadScript(tmp_path / "job.sb.yaml") == []
    node = graph.toNode("StylizeShot1")
    assert (node["mix"].valueAt(1002), node["detect_cuts"].value()) == (0.5, False)
    assert node.input("mask").name() == "Matte1"


def test_overscan_pixel_aspect_layers_and_half_come_back_as_they_were(
    tmp_path, look, panel
) -> None:
    """What the plate carries beside its picture survives the way through the worker."""
    folder = tmp_path / "in"
    folder.mkdir()
    for frame in (1001, 1002):
        overscan_frame(folder / f"plate.{frame}.exr", frame)
    fake, node = host(f"{folder}/plate.####.exr", look, tmp_path / "out")
    fake.nodes_made[0].frames = (1001, 1002)
    assert panel.render(fake.wrapped(node)).state == "done"
    for frame in (1001, 1002):
        name = f"{frame}.exr"
        source, made = folder / f"plate.{name}", tmp_path / f"out/v001/painted.{name}"
        assert_untouched(source, made, but={"0:R", "0:G", "0:B"})
        spec = oiio.ImageInput.open(str(made)).spec()
        assert (spec.x, spec.y, spec.width, spec.height) == (-4, -2, 72, 52)
        assert (spec.full_width, spec.full_height) == (64, 48)
        assert spec["PixelAspectRatio"] == 2.0
        assert {"depth.Z", "forward.u"} <= set(spec.channelnames)
        painted, plate = channels(made), channels(source)
        assert (painted["0:R"] != plate["0:R"]).mean() > 0.9
        assert np.isfinite(painted["0:R"]).all()


def test_several_renders_of_one_node_wait_in_turn_each_with_its_own_plate(
    tmp_path, plate, look, panel
) -> None:
    fake, node = host(plate, look, tmp_path / "out", gui=True)
    first = panel.render(fake.wrapped(node))
    source = fake.nodes_made[0]
    source.text = "multiply 2"  # the input changes while the first render is at work
    second = panel.render(fake.wrapped(node))
    node.knobs["strength"].held = 0.5
    third = panel.render(fake.wrapped(node))
    plates = list((tmp_path / "out").glob("plate-*"))
    assert len(plates) == 2, "the plate of a job at work is not touched"
    panel.QUEUE.cancel(third)
    assert [ended(worker) for worker in (first, second)] == ["done", "done"]
    assert third.state == "stopped"
    for name in ("v001", "v002"):
        assert len(list((tmp_path / "out" / name).glob("painted.*.exr"))) == 4
    assert panel.AT_WORK["Stillbrush1"] == []
    panel.write_inputs(fake.wrapped(node), *panel.job_of(fake.wrapped(node), 1001, 1004))
    assert len(list((tmp_path / "out").glob("plate-*"))) == 1, "what nobody waits for is cleared"


def test_an_input_has_another_stamp_where_anything_that_it_rests_on_changes(
    tmp_path, plate, look, panel
) -> None:
    stamp_of = sys.modules["stillbrush_pack.nuke.plate"].stamp_of
    fake, _ = host(plate, look, tmp_path)
    source, linked, group = (
        fake.nodes_made[0],
        *(
            FakeNode(fake, kind, name, {})
            for kind, name in (("NoOp", "Linked"), ("Group", "Group1"))
        ),
    )
    inside = FakeNode(fake, "Blur", "Group1.Blur1", {})
    group.children = [inside]
    before = stamp_of(fake.wrapped(source))
    source.setXYpos(100, 200)
    assert stamp_of(fake.wrapped(source)) == before, "moving a node changes no pixel"
    for change in (
        lambda: setattr(source, "text", "gain 2"),
        lambda: source.expressions.append(linked),
        lambda: setattr(linked, "text", "value 3"),
        lambda: source.setInput(0, fake.wrapped(group)),
        lambda: setattr(inside, "text", "size 9"),
        lambda: Path(plate.replace("####", "1003")).touch(),
    ):
        change()
        after = stamp_of(fake.wrapped(source))
        assert after != before
        before = after
    assert stamp_of(fake.wrapped(source)) == before


def test_an_expression_on_a_knob_is_sent_frame_by_frame(tmp_path, plate, look, panel) -> None:
    fake, node = host(plate, look, tmp_path / "[shot]")
    node.knobs["mix"].formula = lambda frame: (frame - 1001) / 4
    job, place = panel.job_of(fake.wrapped(node), 1001, 1004)
    assert place.folder == str(tmp_path / "sh010"), "Nuke works the folder out"
    assert job.moving == {"mix": [0.0, 0.25, 0.5, 0.75]}


def test_the_self_test_runs_the_whole_way_and_notices_what_is_wrong(
    tmp_path, look, panel, monkeypatch
) -> None:
    drawn = tiny_shot(tmp_path / "in", 2, 64, 48)
    for frame in (1, 2):  # what Nuke would draw
        old, new = (drawn.replace("####", f"{n:04d}") for n in (1000 + frame, frame))
        Path(old).rename(new)
    fake, _ = host(drawn, look, tmp_path)
    selftest = importlib.import_module("stillbrush_pack.nuke.selftest")
    fake.create_gizmo = lambda: stillbrush_node(fake, look, tmp_path, "Test")
    create = fake.createNode

    def created(kind: str, *more: Any) -> Any:
        made = create(kind, *more)
        made.inner.plate = drawn
        return made

    monkeypatch.setattr(fake, "createNode", created)
    assert "two frames painted, read back, and not painted twice" in selftest.run()
    monkeypatch.setenv("STILLBRUSH_PYTHON", "/nowhere/python")
    with pytest.raises(panel.JobFailed, match=r"expected two painted frames; got: .*/nowhere"):
        selftest.run()


def test_init_and_menu_run_in_nuke_as_they_stand(tmp_path, plate, look, panel) -> None:
    fake, _ = host(plate, look, tmp_path)
    nuke_pack.write_pack(tmp_path / "pack")
    runpy.run_path(str(tmp_path / "pack/init.py"))
    assert fake.paths == ["./stillbrush_pack/gizmos"]
    assert fake.on_create == [("refresh_looks", "Stillbrush")]
    assert (tmp_path / "pack/stillbrush_selftest.py").is_file()

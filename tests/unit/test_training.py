"""`stillbrush train`: a killed run ends like one that was never killed, and nothing is lost."""

from __future__ import annotations

import builtins
import json
import shutil
import sys
import types
from dataclasses import replace
from pathlib import Path

import cv2
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file
from support.training import (
    Crash,
    Onlooker,
    picture,
    tiny_request,
    write_loss_network,
    write_pictures,
)

from stillbrush import nodes  # noqa: F401 - declares the knobs
from stillbrush.core.errors import (
    BadInput,
    Cancelled,
    MissingFrame,
    StillbrushError,
    UnreadableFile,
    WriteRefused,
)
from stillbrush.core.looks import find_look, load_look
from stillbrush.core.networks.layouts import Architecture, Shape
from stillbrush.core.networks.loss_network import shipped_encoder
from stillbrush.core.networks.style_network import StyleNetwork
from stillbrush.core.networks.weights import save_weights
from stillbrush.core.stylizers.load import load_painter
from stillbrush.core.training import budget, record, session
from stillbrush.core.training.checkpoints import list_checkpoints
from stillbrush.core.training.loop import Losses
from stillbrush.core.training.plan import LICENCE, Request
from stillbrush.core.training.recipe import Recipe, recipe_knobs
from stillbrush.core.training.session import Session
from stillbrush.core.training.start import Start, begin
from stillbrush.core.training.trainer import Trainer
from stillbrush.host_adapters.cli.commands import cli
from stillbrush.host_adapters.cli.train import starts_from


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train two tiny looks without a stop."""
    folder = tmp_path_factory.mktemp("whole")
    Session(tiny_request(folder, 2)).train(Onlooker())
    return folder


@pytest.fixture
def folder(tmp_path: Path, uninterrupted: Path) -> Path:
    """Return a folder with material and nothing trained."""
    shutil.copytree(uninterrupted / "material", tmp_path / "material")
    return tmp_path


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "looks" / "red-fuji.safetensors")


def log_of(folder: Path, name: str = "red-fuji") -> list[dict[str, float]]:
    """Return the log of the losses without the times."""
    text = (folder / "looks" / f"{name}.training" / "log.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    return [{k: v for k, v in line.items() if k != "seconds"} for line in lines]


def assert_same_result(one: Path, other: Path) -> None:
    found, wanted = weights(one), weights(other)
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)
    assert log_of(one) == log_of(other)


def test_the_looks_are_accepted_everywhere(uninterrupted):
    looks = uninterrupted / "looks"
    for index, (name, title) in enumerate((("red-fuji", "Red Fuji"), ("ink-wash", "Ink wash"))):
        look = load_look(looks / f"{name}.yaml")
        assert find_look(name, looks) == look
        assert (look.title, look.licence, look.weights.style) == (title, LICENCE, index)
        assert look.trained.steps == 12
        assert look.trained.device == "cpu"
        painter = load_painter(look)
        assert painter.style.tolist() == [float(index == n) for n in range(2)]
        assert {v.dtype for v in load_file(look.weights_path()).values()} == {torch.float16}
    assert load_look(looks / "ink-wash.yaml").trained.on == (
        "photographs: 10 pictures of content",
        "judged by: loss",
        "style: ink_wash.png",
    )


def test_a_run_leaves_log_sheets_and_two_checkpoints(uninterrupted):
    work = uninterrupted / "looks" / "red-fuji.training"
    assert [line["step"] for line in log_of(uninterrupted)] == list(range(1, 13))
    assert {p.name for p in work.glob("sheet-*.png")} == {
        "sheet-0000006.png",
        "sheet-0000012.png",
    }
    sheet = cv2.imread(str(work / "sheet-0000012.png"))
    assert sheet is not None
    assert sheet.shape[1] == 4 * 144  # nothing is enlarged
    assert sheet[:, 150:].std() > 30  # something is painted
    assert [p.name for p in list_checkpoints(work)] == [
        "checkpoint-0000012.safetensors",
        "checkpoint-0000008.safetensors",
    ]
    assert not list(work.glob(".*"))


@pytest.mark.parametrize("after", [1, 6, 8, 11])
def test_a_crash_costs_nothing(folder, uninterrupted, after):
    with pytest.raises(Crash):
        Session(tiny_request(folder, 2)).train(Onlooker(crash_after=after))
    watcher = Onlooker()
    Session(tiny_request(folder, 2)).train(watcher)
    assert watcher.steps == list(range(after // 4 * 4 + 1, 13))
    assert_same_result(folder, uninterrupted)


def test_a_stop_leaves_a_checkpoint_of_that_very_iteration(folder, uninterrupted):
    with pytest.raises(Cancelled, match="iteration 5 of 12"):
        Session(tiny_request(folder, 2)).train(Onlooker(stop_after=5))
    watcher = Onlooker()
    Session(tiny_request(folder, 2)).train(watcher)
    assert watcher.steps == list(range(6, 13))
    assert "goes on at iteration 5 of 12" in watcher.said
    assert_same_result(folder, uninterrupted)


def test_a_damaged_checkpoint_falls_back_on_the_one_before(folder, uninterrupted):
    with pytest.raises(Crash):
        Session(tiny_request(folder, 2)).train(Onlooker(crash_after=9))
    newest = list_checkpoints(folder / "looks" / "red-fuji.training")[0]
    newest.write_bytes(newest.read_bytes()[:1000])
    watcher = Onlooker()
    Session(tiny_request(folder, 2)).train(watcher)
    assert watcher.steps[0] == 5
    assert any("checkpoint-0000008" in text for text in watcher.said)
    assert_same_result(folder, uninterrupted)


def test_only_damaged_checkpoints_are_an_error(folder):
    work = folder / "looks" / "red-fuji.training"
    work.mkdir(parents=True)
    (work / "checkpoint-0000004.safetensors").write_bytes(b"x")
    with pytest.raises(UnreadableFile, match="nor any before it"):
        Session(tiny_request(folder, 2))


def test_a_finished_run_may_be_run_again(folder, uninterrupted):
    shutil.copytree(uninterrupted / "looks", folder / "looks")
    before = {p.name: p.read_bytes() for p in (folder / "looks").glob("*.*") if p.is_file()}
    watcher = Onlooker()
    Session(tiny_request(folder, 2)).train(watcher)
    after = {p.name: p.read_bytes() for p in (folder / "looks").glob("*.*") if p.is_file()}
    assert (watcher.steps, after) == ([], before)


def test_a_crash_between_the_looks_costs_nothing(folder, uninterrupted):
    shutil.copytree(uninterrupted / "looks", folder / "looks")
    (folder / "looks" / "ink-wash.yaml").unlink()
    Session(tiny_request(folder, 2)).train(Onlooker())
    written = (folder / "looks" / "ink-wash.yaml").read_bytes()
    assert written == (uninterrupted / "looks" / "ink-wash.yaml").read_bytes()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"knobs": {"size": 72, "style_side": 64}}, "another size; got 72, not 64"),
        ({"knobs": {"size": 64, "style_side": 64, "style_weight": 6.0}}, "another style weight"),
        ({"iterations": 13}, "another iterations; got 13, not 12"),
    ],
)
def test_another_recipe_is_refused_by_name(folder, uninterrupted, changes, named):
    shutil.copytree(uninterrupted / "looks", folder / "looks")
    with pytest.raises(BadInput, match=named):
        Session(tiny_request(folder, 2, **changes))


def test_other_pictures_are_refused(folder, uninterrupted):
    shutil.copytree(uninterrupted / "looks", folder / "looks")
    cv2.imwrite(str(folder / "material" / "ink_wash.png"), picture(77))
    with pytest.raises(BadInput, match="another style; got other pictures"):
        Session(tiny_request(folder, 2))
    shutil.copy(uninterrupted / "material" / "ink_wash.png", folder / "material")
    write_pictures(folder / "material" / "content", 14)
    with pytest.raises(BadInput, match="another content; got other pictures"):
        Session(tiny_request(folder, 2))


@pytest.mark.parametrize("name", ["red-fuji.yaml", "red-fuji.safetensors"])
def test_an_existing_look_is_kept(folder, name):
    (folder / "looks").mkdir()
    (folder / "looks" / name).write_text("mine")
    with pytest.raises(WriteRefused, match=name):
        Session(tiny_request(folder))
    assert [p.name for p in (folder / "looks").iterdir()] == [name]
    assert (folder / "looks" / name).read_text() == "mine"


def test_overwriting_must_be_asked_for(folder):
    (folder / "looks").mkdir()
    (folder / "looks" / "red-fuji.yaml").write_text("mine")
    Session(tiny_request(folder, iterations=2, overwrite=True)).train(Onlooker())
    first = load_look(folder / "looks" / "red-fuji.yaml")
    assert first.trained.steps == 2
    shutil.rmtree(folder / "looks" / "red-fuji.training")
    shutil.copy(folder / "material" / "ink_wash.png", folder / "material" / "Red Fuji.png")
    Session(tiny_request(folder, iterations=2, overwrite=True)).train(Onlooker())
    second = load_look(folder / "looks" / "red-fuji.yaml")
    assert second.verified_manner()
    assert second.manner != first.manner


def test_a_look_that_appears_meanwhile_is_kept(folder):
    made = Session(tiny_request(folder, iterations=2))
    (folder / "looks").mkdir()
    (folder / "looks" / "red-fuji.yaml").write_text("mine")
    with pytest.raises(WriteRefused):
        made.train(Onlooker())
    assert (folder / "looks" / "red-fuji.yaml").read_text() == "mine"


PACES = (budget.Pace(2.9, 2.9), budget.Pace(1.0, 1.0))


def test_minutes_are_turned_into_iterations_once(folder, monkeypatch):
    measured = []
    monkeypatch.setattr(
        session, "measure_pace", lambda *_: measured.append(1) or PACES[len(measured) - 1]
    )
    asked = tiny_request(folder, iterations=None, minutes=1.0)
    with pytest.raises(Crash):
        Session(asked).train(Onlooker(crash_after=3))
    monkeypatch.setattr(session, "measure_pace", lambda *_: pytest.fail("again"))
    watcher = Onlooker()
    Session(asked).train(watcher)
    assert watcher.steps[-1] == budget.iterations_within(1.0, PACES[0])


def test_measuring_leaves_no_trace_and_can_be_stopped(folder, monkeypatch):
    asked = tiny_request(folder, iterations=None, minutes=0.01)
    with pytest.raises(Cancelled, match="nothing is trained"):
        Session(asked).train(Onlooker(stop_after=0))
    Session(asked).train(Onlooker())
    counted = len(log_of(folder))
    other = tiny_request(folder, iterations=counted, name="other")
    Session(other).train(Onlooker())
    one, two = weights(folder), load_file(folder / "looks" / "other.safetensors")
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_the_budget_leaves_room_for_the_sheets():
    assert budget.iterations_within(10, budget.Pace(0.5, 0.5)) == 1152
    assert budget.iterations_within(0.001, budget.Pace(5, 5)) == budget.FEWEST


def test_the_budget_counts_the_measuring_of_motion():
    footage = budget.Pace(usual=0.5, first=1.0, motion=76.0)
    assert budget.iterations_within(10, footage) == (576 - 76) / 0.5  # measured to the end
    assert budget.iterations_within(2, footage) == 115  # over before; 78 if it had to wait


def test_losses_beyond_all_numbers_end_the_run(folder, monkeypatch):
    made = Session(tiny_request(folder, iterations=3))

    def blow_up(self: Trainer) -> Losses:
        self.step += 1
        return Losses(float("nan"), 0, 0, 0, 0, 0)

    monkeypatch.setattr(Trainer, "iterate", blow_up)
    with pytest.raises(BadInput, match="losses are nan"):
        made.train(Onlooker())


def test_unreadable_pictures_are_skipped_and_named(folder):
    (folder / "material" / "content" / "broken.jpg").write_bytes(b"no picture")
    made = Session(tiny_request(folder, iterations=1))
    assert any("broken.jpg" in text for text in made.remarks())
    assert len(made.photographs) == 10


def test_own_samples_do_not_change_the_training(folder, uninterrupted):
    own = write_pictures(folder / "own", 2, seed=90)
    made = Session(tiny_request(folder, 2, samples=own))
    assert [sample.name for sample in made.samples] == ["photo00.png", "photo01.png"]
    made.train(Onlooker())
    assert_same_result(folder, uninterrupted)


def bad_requests(folder: Path) -> dict[str, Request]:
    """Return requests with one thing wrong each."""
    material = folder / "material"
    (material / "broken.png").write_bytes(b"no picture")
    cv2.imwrite(str(material / "small.png"), picture(1, 40, 90))
    (material / "empty").mkdir()
    save_file({"fc.weight": torch.ones(2)}, str(material / "other.safetensors"))
    (material / "broken.safetensors").write_bytes(b"nothing")
    whole = load_file(write_loss_network(material / "copy.safetensors"))
    cut = {name: tensor for name, tensor in whole.items() if not name.startswith("conv3")}
    save_file(cut, str(material / "short.safetensors"))
    twisted = whole | {"conv2_1.weight": torch.ones(6, 5, 3, 3)}
    save_file(twisted, str(material / "twisted.safetensors"))

    def losses(name: str) -> Request:
        return tiny_request(folder, loss_network=material / name)

    return {
        "style picture .*absent": tiny_request(folder, styles=(material / "absent.png",)),
        "style picture .*broken.png: expected": tiny_request(
            folder, styles=(material / "broken.png",)
        ),
        "64 px or more each way; got 90x40": tiny_request(folder, styles=(material / "small.png",)),
        "a folder; .*nowhere": tiny_request(folder, content=material / "nowhere"),
        "at least one picture": tiny_request(folder, content=material / "empty"),
        "loss network .*absent": losses("absent.safetensors"),
        "got fc.weight": losses("other.safetensors"),
        "loss network .*broken.*cannot be read": losses("broken.safetensors"),
        "its layers do not fit": losses("twisted.safetensors"),
        "up to conv3_1 or further; it ends at relu2_2": losses("short.safetensors"),
        "lies in the folder of the training": replace(
            tiny_request(folder), folder=material / "content"
        ),
        "samples: expected pictures": tiny_request(folder, samples=material / "empty"),
    }


def test_bad_input_is_one_clear_line_and_leaves_nothing(folder):
    for pattern, asked in bad_requests(folder).items():
        with pytest.raises(StillbrushError, match=pattern) as caught:
            Session(asked)
        assert "\n" not in str(caught.value)
    assert not (folder / "looks").exists()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"minutes": 3.0}, "minutes or iterations"),
        ({"iterations": 0}, "train.iterations"),
        ({"styles": ()}, "at least one style"),
        ({"knobs": {"size": 7}}, "train.size: expected 64 to 512; got 7"),
        ({"knobs": {"sise": 7}}, "no such knob"),
        ({"licence": " "}, "train.licence"),
    ],
)
def test_bad_arguments_are_refused_at_once(folder, changes, named):
    with pytest.raises(BadInput, match=named):
        tiny_request(folder, **changes)


def test_names_of_looks(folder):
    assert tiny_request(folder, 2).look_names == ("red-fuji", "ink-wash")
    assert tiny_request(folder, 2, name="mine").look_names == ("mine-red-fuji", "mine-ink-wash")
    assert tiny_request(folder, name="mine").look_names == ("mine",)
    for changes in (
        {"name": "../up"},
        {"styles": (Path("浮世絵.png"),)},
        {"styles": (Path("a/x.png"), Path("b/X.jpg"))},
    ):
        with pytest.raises(BadInput):
            _ = tiny_request(folder, **changes).looks


def test_every_knob_has_a_tip_and_a_sound_default():
    for knob in recipe_knobs():
        assert knob.knob.tip
        assert knob.check(knob.default, "train") == knob.default


def test_a_recipe_counts_its_styles():
    with pytest.raises(BadInput, match="2 styles"):
        Recipe((Path("a"), Path("b")), Path("c"), Path("l"))


def test_without_matplotlib_there_is_no_plot_and_a_word(folder, monkeypatch):
    real = builtins.__import__

    def absent(name: str, *rest: object) -> object:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", absent)
    watcher = Onlooker()
    Session(tiny_request(folder, iterations=2)).train(watcher)
    assert sum("stillbrush[plot]" in text for text in watcher.said) == 1
    assert not (folder / "looks" / "red-fuji.training" / "losses.png").exists()


def test_the_losses_are_plotted(uninterrupted, tmp_path):
    pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")
    log = uninterrupted / "looks" / "red-fuji.training" / "log.jsonl"
    assert record.save_plot(log, tmp_path / "losses.png")
    assert cv2.imread(str(tmp_path / "losses.png")) is not None


def arguments(folder: Path, *more: str) -> list[str]:
    material = folder / "material"
    return [
        "train", "--style", str(material / "Red Fuji.png"), "--content", str(material / "content"),
        "--loss-network", str(material / "loss.safetensors"), "-o", str(folder / "looks"),
        "--iterations", "1", "--size", "64", "--style-side", "64", "--device", "cpu", *more,
    ]  # fmt: skip


def test_the_command_line_trains(folder):
    run = CliRunner().invoke(cli, arguments(folder, "--json", "--licence", "CC0-1.0"))
    assert run.exception is None, run.output
    events = [json.loads(line) for line in run.stdout.splitlines()]
    assert [e["event"] for e in events if e["event"] != "remark"] == ["iteration", "done"]
    assert events[-1]["looks"] == [str(folder / "looks" / "red-fuji.yaml")]
    assert load_look(Path(events[-1]["looks"][0])).licence == "CC0-1.0"


def test_without_a_loss_network_our_own_judges(folder):
    given = arguments(folder)
    at = given.index("--loss-network")
    run = CliRunner().invoke(cli, [*given[:at], *given[at + 2 :]])
    assert run.exception is None, run.output
    look = load_look(folder / "looks" / "red-fuji.yaml")
    assert "judged by: Stillbrush encoder 1" in look.trained.on
    assert tiny_request(folder).loss_network != shipped_encoder()  # what the other tests use


def test_a_dry_run_writes_nothing(folder):
    run = CliRunner().invoke(cli, arguments(folder, "--dry-run"))
    assert run.exception is None, run.output
    assert "10 pictures of content" in run.stdout
    assert LICENCE in run.stdout
    assert not (folder / "looks").exists()


def test_the_command_line_has_every_knob(folder):
    text = CliRunner().invoke(cli, ["train", "--help"]).stdout
    for knob in recipe_knobs():
        assert f"--{knob.name.replace('_', '-')}" in text


def only(path: Path) -> dict[str, torch.Tensor]:
    """Return what one iteration leaves of weights that it hardly moves."""
    return {name: value.float() for name, value in load_file(path).items()}


def test_a_run_begins_with_the_weights_of_another(folder, uninterrupted):
    begun = uninterrupted / "looks" / "red-fuji.safetensors"
    request = tiny_request(folder, name="more", iterations=1, start=Start(begun))
    Session(request).train(Onlooker())
    before, after = only(begun), only(request.weights)
    for name, value in before.items():
        assert (after[name] - value).abs().max() < 0.02, name


def test_every_new_style_begins_as_the_one_that_is_named(folder, uninterrupted):
    begun = uninterrupted / "looks" / "red-fuji.safetensors"
    request = tiny_request(folder, 2, name="pair", iterations=1, start=Start(begun, 0))
    Session(request).train(Onlooker())
    scale = only(request.weights)["stages.0.scale"]
    assert scale.shape[0] == 2
    torch.testing.assert_close(scale[0], scale[1], atol=0.02, rtol=0)


@pytest.mark.parametrize(("style", "named"), [(7, "no style 7"), (-1, "no style -1")])
def test_a_start_without_such_a_style_is_refused(folder, uninterrupted, style, named):
    begun = uninterrupted / "looks" / "red-fuji.safetensors"
    with pytest.raises(BadInput, match=named):
        Session(tiny_request(folder, name="no", start=Start(begun, style)))


def test_a_start_of_another_architecture_is_refused(folder, uninterrupted):
    begun = uninterrupted / "looks" / "red-fuji.safetensors"
    wider = replace(tiny_request(folder).shape, width=12)
    with pytest.raises(BadInput, match="another architecture"):
        Session(tiny_request(folder, name="no", start=Start(begun), shape=wider))


def test_a_style_begins_with_the_balance_of_the_one_it_is_begun_with(tmp_path):
    shape = Shape(8, 8, 1, (8, 8), styles=2, keeps=True)
    begun, network = StyleNetwork(shape), StyleNetwork(replace(shape, styles=3))
    begun.balance.data.copy_(torch.tensor([[0.1], [-0.3]]))
    save_weights(begun, tmp_path / "begun.safetensors", half=False)
    with torch.no_grad():
        begin(network, Start(tmp_path / "begun.safetensors", 1))
        assert network.balance.flatten().tolist() == pytest.approx([-0.3] * 3)
        begin(network, Start(tmp_path / "begun.safetensors"))
        assert network.balance.flatten().tolist() == pytest.approx([0.1, -0.3, -0.1])


def alone(begun: StyleNetwork, network: StyleNetwork, folder: Path) -> list[torch.Tensor]:
    """Begin a network with another one; return what both paint of a frame with nothing before."""
    save_weights(begun, folder / "begun.safetensors", half=False)
    with torch.no_grad():
        begin(network, Start(folder / "begun.safetensors"))
        x = torch.rand((1, 7, 32, 32), generator=torch.Generator().manual_seed(1))
        x[:, 3:] = 0
        return [each(x, torch.ones(1, 1))[0] for each in (begun, network)]


@pytest.mark.parametrize(("before", "after"), [(3, 6), (7, 3), (6, 7)])
def test_a_network_that_sees_more_or_less_begins_as_the_other_one_paints(tmp_path, before, after):
    shape = Shape.of_papers(Architecture.JOHNSON, before, 0.2)
    begun = StyleNetwork(shape)
    painted = alone(begun, StyleNetwork(replace(shape, inputs=after)), tmp_path)
    torch.testing.assert_close(painted[1], painted[0])
    assert painted[0].std() > 0


@pytest.mark.parametrize("before", [True, False])
def test_a_network_that_keeps_the_prior_begins_with_one_that_does_not(tmp_path, before):
    shape = Shape(8, 8, 1, (8, 8), keeps=before)
    begun, network = StyleNetwork(shape), StyleNetwork(replace(shape, keeps=not before))
    painted = alone(begun, network, tmp_path)
    torch.testing.assert_close(painted[1], painted[0])


def test_a_run_never_replaces_what_it_begins_with(folder, uninterrupted):
    looks = folder / "looks"
    looks.mkdir()
    begun = shutil.copy(uninterrupted / "looks" / "red-fuji.safetensors", looks)
    start = Start(looks / ".." / "looks" / Path(begun).name)
    with pytest.raises(BadInput, match="what the run starts from"):
        Session(tiny_request(folder, start=start, overwrite=True))


def test_a_dry_run_says_what_it_begins_with_and_the_precision(folder):
    start = Start(Path("begun.safetensors"))
    assert starts_from(None) == "random weights"
    assert starts_from(start) == "begun.safetensors"
    assert starts_from(replace(start, style=2)) == "begun.safetensors, style 2"
    told = CliRunner().invoke(cli, arguments(folder, "--precision", "bfloat16", "--dry-run"))
    assert told.exit_code == 0, told.output
    assert "starts from  random weights" in told.stdout
    assert "precision  bfloat16" in told.stdout


def test_a_resumed_run_must_begin_with_the_same_weights(folder, uninterrupted):
    begun = uninterrupted / "looks" / "red-fuji.safetensors"
    with pytest.raises(Cancelled):
        Session(tiny_request(folder, name="again", start=Start(begun))).train(Onlooker(2))
    with pytest.raises(BadInput, match="start"):
        Session(tiny_request(folder, name="again"))


def test_the_command_line_begins_with_a_look(folder, uninterrupted):
    begun = uninterrupted / "looks" / "red-fuji.yaml"
    told = CliRunner().invoke(cli, arguments(folder, "--start-from", str(begun), "--dry-run"))
    assert "another architecture" in str(told.exception)  # found; the material's is a tiny one
    missing = CliRunner().invoke(cli, arguments(folder, "--start-from", "no-such-look"))
    assert isinstance(missing.exception, MissingFrame)


def test_training_for_stills_never_paints_over_paint(folder):
    request = tiny_request(
        folder, name="stills", knobs={"size": 64, "style_side": 64, "prior_share": 0.0}
    )
    Session(request).train(Onlooker())
    assert all(
        entry["temporal"] == 0 and entry["vigour"] == 0 for entry in log_of(folder, "stills")
    )


def test_bfloat16_trains_on_the_processor(folder):
    run = CliRunner().invoke(cli, arguments(folder, "--precision", "bfloat16"))
    assert run.exit_code == 0, run.output


def test_a_missing_picture_is_one_line(folder):
    run = CliRunner().invoke(cli, arguments(folder, "--style", "nowhere.png"))
    assert isinstance(run.exception, MissingFrame)
    assert "nowhere.png" in str(run.exception)


def test_losses_go_to_tensorboard_where_it_is_installed(tmp_path, monkeypatch):
    written: list[tuple] = []
    fake = types.SimpleNamespace(
        SummaryWriter=lambda folder, purge_step: types.SimpleNamespace(
            add_scalar=lambda *what: written.append((folder, purge_step, *what)), close=lambda: None
        )
    )
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    board = record.Board(tmp_path, 7)
    board.add(8, Losses(6.0, 1.0, 2.0, 3.0, 0.0, 0.0), 0.5)
    board.close()
    assert (str(tmp_path), 8, "total", 6.0, 8) in written
    assert (str(tmp_path), 8, "seconds", 0.5, 8) in written
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    absent = record.Board(tmp_path, 7)
    absent.add(8, Losses(6.0, 1.0, 2.0, 3.0, 0.0, 0.0), 0.5)
    assert absent.writer is None

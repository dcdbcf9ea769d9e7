from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
from support.material import tiny_look
from support.training import picture

from stillbrush.core import looks as core_looks
from stillbrush.core.hashing import file_sha256
from stillbrush.core.looks import load_look
from stillbrush.host_adapters import cli
from stillbrush.host_adapters.cli import looks

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own folder; one look, `tiny`, ships."""
    monkeypatch.setattr(core_looks, "SHIPPED", tmp_path / "shipped")
    monkeypatch.setattr(looks, "user_looks", lambda: tmp_path / "user")
    tiny_look(tmp_path / "shipped")
    return tmp_path / "user"


@pytest.fixture
def run(user: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `stillbrush looks ...`: exit code, standard output, standard error."""
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["stillbrush", "looks", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


def test_the_list_shows_shipped_and_own_looks(run: Run, user: Path) -> None:
    assert run("new", "mine", "--from", "tiny", "--title", "[b]Mine :fire:")[0] == 0
    (user / "broken.yaml").write_text("look: 1\nname: broken\n")
    code, out, err = run()
    assert code == 0
    assert out.splitlines()[0].split() == ["name", "title", "stylizer", "where", "licence"]
    assert out.splitlines()[1].split() == ["tiny", "Tiny", "prior", "shipped", "CC0-1.0"]
    assert "[b]Mine :fire:" in out
    assert "broken.yaml: title" in err
    told = json.loads(run("--json")[1])
    assert {row["name"]: row["where"] for row in told["looks"]} == {
        "tiny": "shipped", "mine": "user", "broken": "user",
    }  # fmt: skip
    assert [row["name"] for row in told["looks"] if row["problem"]] == ["broken"]


def test_no_looks_are_said_plainly(run: Run, user: Path) -> None:
    for path in core_looks.SHIPPED.iterdir():
        path.unlink()
    assert "no looks; your own are in" in run()[1]
    assert run("check")[0] == 0


def test_show_tells_provenance_files_and_changed_knobs(run: Run, user: Path) -> None:
    tiny = core_looks.SHIPPED / "tiny.yaml"
    trained = "trained: {on: [a.jpg, b.jpg], steps: 12000, device: cpu, minutes: 110}\n"
    tiny.write_text(tiny.read_text() + trained + "knobs: {stylizer: {mix: 0.25, strength: 1}}\n")
    code, out, _ = run("show", "tiny")
    assert code == 0
    told = {line.split("  ")[0]: line.split("  ", 1)[1].strip() for line in out.splitlines()}
    assert told["trained.on"] == "a.jpg, b.jpg"
    assert (told["trained.steps"], told["trained.minutes"]) == ("12000", "110.0")
    assert told["knobs.stylizer.mix"] == "0.25  (default 1.0)"
    assert "knobs.stylizer.strength" not in told
    assert told["files.look"] == str(tiny)
    assert told["files.weights"] == str(tiny.with_suffix(".safetensors"))
    same = json.loads(run("show", tiny, "--json")[1])
    assert same["knobs"] == {"stylizer": {"mix": {"value": 0.25, "default": 1.0}}}


def test_new_sets_knobs_in_the_user_s_folder_only(run: Run, user: Path) -> None:
    shipped = {path: path.read_bytes() for path in core_looks.SHIPPED.iterdir()}
    code, out, _ = run(
        "new", "mine", "--from", "tiny", "--strength", "0.5", "--no-detect-cuts",
        "--fill", "noise", "--quality", "fine", "--dilate", "3", "--exposure", "-1.5",
    )  # fmt: skip
    assert code == 0
    assert str(user / "mine.yaml") in out
    look = load_look(user / "mine.yaml")
    assert look.knobs == {
        "flow_estimator": {"quality": "fine", "detect_cuts": False},
        "occlusion_mask": {"dilate": 3},
        "prior_warper": {"fill": "noise"},
        "stylizer": {"strength": 0.5},
    }
    assert (look.title, look.exposure, look.licence) == ("Tiny (mine)", -1.5, "CC0-1.0")
    assert look.verified_weights() == user / "tiny.safetensors"
    assert {path: path.read_bytes() for path in core_looks.SHIPPED.iterdir()} == shipped
    assert run("check", "mine")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("tiny", "--from", "tiny"), "ships with Stillbrush"),
        (("Mine!", "--from", "tiny"), "expected a name"),
        (("mine", "--from", "gone"), "There are: tiny"),
        (("mine", "--from", "tiny", "--strength", "7"), "strength: expected 0 to 1; got 7.0"),
        (("mine", "--from", "tiny", "--exposure", "99"), "exposure: expected a number, -10 to 10"),
    ],
)
def test_a_new_look_that_cannot_be_is_one_line_and_no_file(
    arguments: tuple[str, ...], expected: str, run: Run, user: Path
) -> None:
    code, _, err = run("new", *arguments)
    assert code == 1
    assert expected in err
    assert len(err.splitlines()) == 1
    assert not user.exists()


def test_check_names_every_look_that_cannot_be_used(run: Run, user: Path) -> None:
    for name in ("good", "damaged", "renamed"):
        run("new", name, "--from", "tiny")
    assert run("check") == (0, "".join(
        f"ok     {path}\n" for path in core_looks.list_looks(user)
    ), "")  # fmt: skip
    (user / "renamed.yaml").rename(user / "other.yaml")
    text = (user / "damaged.yaml").read_text()
    (user / "damaged.yaml").write_text(text.replace("sha256: ", "sha256: 0").replace("0" * 64, ""))
    (user / "tiny.yaml").write_text((user / "good.yaml").read_text().replace("good", "tiny"))
    code, out, _ = run("check")
    assert code == 1
    wrong = [line for line in out.splitlines() if line.startswith("wrong")]
    assert len(wrong) == 3
    assert "weights.sha256: expected 64 hexadecimal" in wrong[0]
    assert "other.yaml: name: expected other, as its file is called; got renamed" in wrong[1]
    assert "ships with Stillbrush and hides it" in wrong[2]
    assert run("check", user / "good.yaml", "tiny")[0] == 0
    told = json.loads(run("check", "good", "gone", "--json")[1])["looks"]
    assert told[0] == {"look": "good", "problem": None}
    assert "there is no such look" in told[1]["problem"]


def test_check_loads_the_weights(run: Run, user: Path) -> None:
    run("new", "mine", "--from", "tiny")
    path = user / "mine.yaml"
    path.write_text(path.read_text().replace("style: 1", "style: 9"))
    code, out, _ = run("check", "mine")
    assert code == 1
    assert "weights.style: expected 0 to 1; got 9" in out
    (user / "tiny.safetensors").unlink()
    assert "Copy it beside the look" in run("check", path)[1]
    assert "Copy it beside the look" in run("show", path)[1]


def test_check_reads_the_manner(run: Run, user: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "style.png"), picture(3))
    tiny = core_looks.SHIPPED / "tiny.yaml"
    assert run("manner", tiny, "--style", tmp_path / "style.png")[0] == 0
    assert run("check", "tiny")[0] == 0
    path = tiny.with_name("tiny.manner.safetensors")
    sound = file_sha256(path)
    path.write_bytes(b"no safetensors")
    tiny.write_text(tiny.read_text().replace(sound, file_sha256(path)))
    code, out, _ = run("check", "tiny")
    assert code == 1
    assert "manner" in out
    assert "cannot be read" in out


def test_another_painting_replaces_the_manner(run: Run, user: Path, tmp_path: Path) -> None:
    tiny = core_looks.SHIPPED / "tiny.yaml"
    found = []
    for seed in (3, 4, 4):
        cv2.imwrite(str(tmp_path / "style.png"), picture(seed))
        assert run("manner", "tiny", "--style", tmp_path / "style.png")[0] == 0
        assert load_look(tiny).verified_manner()
        found.append(load_look(tiny).manner)
    assert found[0] != found[1] == found[2]


def test_diff_shows_what_differs_and_counts_defaults(run: Run, user: Path) -> None:
    run("new", "mine", "--from", "tiny", "--strength", "1.0", "--mix", "0.5", "--title", "Tiny")
    code, out, _ = run("diff", "tiny", "mine")
    assert code == 0
    assert [line.split() for line in out.splitlines()] == [
        ["key", "tiny", "mine"],
        ["name", "tiny", "mine"],
        ["knobs.stylizer.mix", "1.0", "0.5"],
    ]
    told = json.loads(run("diff", "tiny", "mine", "--json")[1])
    assert told["differing"]["knobs.stylizer.mix"] == ["1.0", "0.5"]
    assert "say the same" in run("diff", "mine", "mine")[1]


def test_json_before_a_command_is_refused_not_ignored(run: Run) -> None:
    code, _, err = run("--json", "check")
    assert code == 2
    assert "write --json after check" in err

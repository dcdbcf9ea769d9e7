"""Wedges and thumbnails: looks to choose by."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.material import any_style, tiny_look, tiny_shot

from stillbrush.core import looks as core_looks
from stillbrush.core.errors import BadInput
from stillbrush.core.knobs import ShotKnobs
from stillbrush.core.look import LARGEST_THUMBNAIL, Look
from stillbrush.core.looks import load_look
from stillbrush.core.media.source import open_shot
from stillbrush.core.render import wedge
from stillbrush.core.render.painting import Settings
from stillbrush.core.render.request import Request
from stillbrush.core.render.thumbnail import LARGEST, save_thumbnail
from stillbrush.core.render.watching import Progress
from stillbrush.host_adapters import cli
from stillbrush.host_adapters.cli import look_companions, looks
from stillbrush.host_adapters.cli import stylize as stylize_command
from stillbrush.host_adapters.cli import wedge as wedge_command

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_shot(tmp_path_factory.mktemp("shot"), 4, 80, 48)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `stillbrush ...` with one shipped look, `tiny`."""
    monkeypatch.setattr(core_looks, "SHIPPED", tmp_path / "shipped")
    for module in (looks, look_companions, stylize_command, wedge_command):
        monkeypatch.setattr(module, "user_looks", lambda: tmp_path / "user")
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    tiny_look(tmp_path / "shipped")

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["stillbrush", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


def test_a_wedge_is_looks_by_strengths(run: Run, shot: str, tmp_path: Path) -> None:
    sheet = tmp_path / "wedge.png"
    options = ("--stroke-size", "4", "-o", sheet, "--json")
    code, out, err = run("wedge", shot, "--strength", "0", "--strength", "1", *options)
    assert code == 0, err
    done = json.loads(out.splitlines()[-1])
    assert (done["pictures"], done["frames"]) == (2, [1003])
    with Image.open(sheet) as picture:
        plate, painted = np.split(np.asarray(picture.convert("RGB"), np.float32), 2, 1)
    assert np.abs(plate - painted).mean() > 5  # strength 0 is the plate
    assert run("wedge", shot, *options)[0] == 1  # it is there
    assert "--overwrite" in run("wedge", shot, *options)[2]


def test_strengths_share_one_painting_and_give_what_each_alone_gives(
    run: Run, shot: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    short = wedge.short_painting
    monkeypatch.setattr(wedge, "short_painting", lambda *a: made.append(1) or short(*a))
    alone = [wedge_cells(shot, tmp_path, (s,)) for s in (0.3, 1.0)]
    assert len(made) == 2
    together = wedge_cells(shot, tmp_path, (0.3, 1.0))
    assert len(made) == 3
    for one, two in zip((a[0] for a in alone), together, strict=True):
        np.testing.assert_array_equal(one.picture, two.picture)


def wedge_cells(shot: str, folder: Path, strengths: tuple[float, ...]) -> list[wedge.Cell]:
    look = load_look(folder / "shipped" / "tiny.yaml")
    knobs = [ShotKnobs(strength=s, stroke_size=4.0) for s in strengths]
    return painted([setting(shot, look, each) for each in knobs], shot)


def setting(shot: str, look: Look, knobs: ShotKnobs) -> wedge.Setting:
    return wedge.Setting(Request(shot, look, settings=Settings(knobs)), look.name)


def painted(settings: list[wedge.Setting], shot: str) -> list[wedge.Cell]:
    return wedge.paint_wedge(settings, open_shot(shot), (1002,), 1, Watching())


class Watching:
    """Remembers how much was done."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def progress(self, progress: Progress) -> None:
        self.seen.append((progress.done, progress.total))

    def is_cancelled(self) -> bool:
        return False


def test_looks_of_one_name_are_two_pictures(shot: str, tmp_path: Path) -> None:
    one, other = tiny_look(tmp_path / "one", 3), tiny_look(tmp_path / "other", 4)
    settings = [setting(shot, look, ShotKnobs(stroke_size=4.0)) for look in (one, other)]
    watcher = Watching()
    first, second = wedge.paint_wedge(settings, open_shot(shot), (1002,), 1, watcher)
    assert np.abs(first.picture.astype(float) - second.picture).mean() > 1
    assert watcher.seen == [(1, 2), (2, 2)]


def test_what_is_painted_alike_is_painted_once_and_keeps_its_place(
    shot: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    short = wedge.short_painting
    monkeypatch.setattr(wedge, "short_painting", lambda *a: made.append(1) or short(*a))
    look = tiny_look(tmp_path)
    steps = [(strength, size) for strength in (0.3, 1.0) for size in (2.0, 4.0)]
    settings = [setting(shot, look, ShotKnobs(strength=s, stroke_size=w)) for s, w in steps]
    together = painted(settings, shot)
    assert len(made) == 2
    for each, cell in zip(settings, together, strict=True):
        np.testing.assert_array_equal(painted([each], shot)[0].picture, cell.picture)


def test_repeated_looks_and_strengths_are_shown_once(run: Run, shot: str, tmp_path: Path) -> None:
    arguments = [*("--look", "tiny") * 2, *("--strength", "0.30", "--strength", "0.3")]
    sheet = tmp_path / "wedge.png"
    code, out, err = run("wedge", shot, *arguments, "--stroke-size", "4", "-o", sheet, "--json")
    assert code == 0, err
    assert json.loads(out.splitlines()[-1])["pictures"] == 1


def test_no_two_values_are_written_alike() -> None:
    values = [1.0, 0.3, 0.3000001, 1.0000001]
    assert [wedge_command.shown(v) for v in values] == ["1", "0.3", "0.3000001", "1.0000001"]


@pytest.mark.parametrize("command", ["wedge", "preview"])
@pytest.mark.parametrize("read", ["plate", "matte"])
def test_a_file_that_is_read_is_never_replaced(
    command: str, read: str, run: Run, shot: str, tmp_path: Path
) -> None:
    file = tmp_path / "still.png"
    Image.new("RGB", (80, 48), (90, 60, 30)).save(file)
    before = file.read_bytes()
    plate = file if read == "plate" else shot
    given = () if read == "plate" else ("--matte", file)
    code, _, err = run(command, plate, "--look", "tiny", *given, "-o", file, "--overwrite")
    assert (code, len(err.splitlines())) == (1, 1)
    assert "is the plate itself" in err
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("across", "expected"), [(1, (1, 1)), (8, (1, 8)), (9, (2, 5)), (12, (2, 6)), (120, (15, 8))]
)
def test_a_long_row_is_broken_into_even_ones(across: int, expected: tuple[int, int]) -> None:
    assert wedge.laid_out(across) == expected
    assert wedge.sheet_width(expected[1]) <= wedge.MOST_COLUMNS * wedge.CELL


def test_every_look_begins_a_row_of_its_own() -> None:
    colours = [(200, 20, 20)] * 9 + [(20, 20, 200)] * 9
    cells = [wedge.Cell("x", 1, np.full((30, 40, 3), c, np.uint8)) for c in colours]
    sheet = wedge.wedge_sheet(cells, 9, "two looks").astype(int)
    strip = sheet[:, wedge.CELL // 4]
    reds, blues = (strip[:, a] - strip[:, b] > 100 for a, b in ((0, 2), (2, 0)))
    assert [np.diff(hit.astype(int), prepend=0).clip(0).sum() for hit in (reds, blues)] == [2, 2]


def test_a_jpeg_too_tall_is_refused_before_anything_is_painted(shot: str) -> None:
    found = open_shot(shot)
    tall = replace(found, display=replace(found.display, width=8, height=8 * 12))
    wedge.check_height(Path("x.jpg"), tall, 12, 2)
    wedge.check_height(Path("x.png"), tall, 120, 2)
    with pytest.raises(BadInput, match=r"65535 pixels .* Write a \.png"):
        wedge.check_height(Path("x.jpg"), tall, 120, 2)


def test_a_look_without_weights_is_left_out(run: Run, shot: str, tmp_path: Path) -> None:
    look = tiny_look(tmp_path / "user" / "gone")
    bare = replace(look, name="bare", weights=replace(look.weights, file="bare.safetensors"))
    core_looks.save_look(bare, tmp_path / "user")
    sheet = tmp_path / "wedge.png"
    code, out, err = run("wedge", shot, "--stroke-size", "4", "-o", sheet, "--json")
    assert code == 0, err
    assert "left out: look" in err
    assert json.loads(out.splitlines()[-1])["pictures"] == 1
    sheet.unlink()
    code, out, err = run("wedge", shot, "--look", "tiny", "--look", "bare", "-o", sheet, "--json")
    assert (code, "there is no such file" in err, out) == (1, True, "")


def test_a_range_and_any_knob(run: Run, shot: str, tmp_path: Path) -> None:
    sheet = tmp_path / "wedge.jpg"
    steps = ("--wedge", "stroke-size=2,4", "--wedge", "detect_cuts=on,off")
    code, out, err = run("wedge", shot, *steps, "--frames", "1001-1002", "-o", sheet, "--json")
    assert code == 0, err
    assert json.loads(out.splitlines()[-1])["pictures"] == 8
    with Image.open(sheet) as picture:
        assert picture.format == "JPEG"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--wedge", "mood=1,2"), "no such knob"),
        (("--wedge", "mix="), "expected values"),
        (("--wedge", "mix=much"), "expected a number"),
        (("--wedge", "mix=7"), "mix: expected 0 to 1"),
        (("--wedge", "fill=pink"), "fill: expected"),
        (("--wedge", "detect_cuts=7"), "expected on or off"),
        (("--strength", "1", "--wedge", "strength=0.5"), "every knob once"),
        (("--strength", "7"), "Error: --strength: expected 0 to 1"),
        (("--wedge", "follow_look=on,off"), "no such knob"),
        (
            ("--stroke-size", "2", "--wedge", "stroke_size=1,2"),
            "--stroke-size, --wedge stroke_size",
        ),
        (("--frame", "7"), "there is no frame 7"),
        (("--frame", "1001", "--frames", "1001"), "one of the two"),
        (("--look", "gone"), "There are: tiny"),
        (("-o", "x.exr"), "expected a .png or .jpg"),
        (("--wedge", "seed=" + ",".join(map(str, range(130)))), "at most 120 pictures"),
    ],
)
def test_bad_input_is_one_line_before_anything_is_painted(
    arguments: tuple[str, ...], expected: str, run: Run, shot: str, tmp_path: Path
) -> None:
    output = () if "-o" in arguments else ("-o", str(tmp_path / "wedge.png"))
    code, _, err = run("wedge", shot, *output, *arguments)
    assert code == 1
    assert expected in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "wedge.png").exists()


def test_a_folder_is_no_output(run: Run, shot: str, tmp_path: Path) -> None:
    folder = tmp_path / "wedge.png"
    folder.mkdir()
    for command in (("wedge", shot), ("preview", shot, "--look", "tiny")):
        code, _, err = run(*command, "-o", folder, "--overwrite")
        assert (code, "it is a folder" in err, len(err.splitlines())) == (1, True, 1)


def test_what_is_always_refused_is_not_offered() -> None:
    assert "follow_look" not in {option.name for option in wedge_command.command.params}
    assert "follow_look" not in wedge_command.knobs()


def test_a_thumbnail_lies_beside_the_look_and_is_shown(run: Run, tmp_path: Path) -> None:
    code, out, err = run("looks", "thumbnail", "tiny", "--json")
    assert code == 0, err
    path = tmp_path / "shipped" / "tiny.thumbnail.jpg"
    assert json.loads(out)["thumbnail"] == str(path)
    with Image.open(path) as picture:
        assert picture.size == (400, 225)
    assert path.stat().st_size <= LARGEST
    assert json.loads(run("looks", "show", "tiny", "--json")[1])["files"]["thumbnail"] == str(path)
    code, _, err = run("looks", "thumbnail", "tiny")
    assert (code, "--overwrite" in err) == (1, True)


def test_a_look_for_any_style_is_painted_like_the_picture_that_is_given(
    run: Run, shot: str, tmp_path: Path
) -> None:
    any_style(tmp_path / "shipped")
    style = tmp_path / "style.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (96, 96, 3), np.uint8)).save(style)
    assert run("looks", "thumbnail", "--json")[0] == 0  # of all but that one
    assert not (tmp_path / "shipped" / "any.thumbnail.jpg").exists()
    code, _, err = run("looks", "thumbnail", "any")
    assert (code, "--style-image" in err) == (1, True)
    code, _, err = run("looks", "thumbnail", "any", "--style-image", style)
    assert code == 0, err
    assert (tmp_path / "shipped" / "any.thumbnail.jpg").is_file()
    done = run("looks", "thumbnail", "--style-image", style, "--overwrite", "--json")[1]
    assert [json.loads(line)["look"] for line in done.splitlines()] == ["any"]
    options = ("--stroke-size", "4", "-o", tmp_path / "wedge.png", "--json", "--overwrite")
    code, out, err = run("wedge", shot, *options)
    assert (code, json.loads(out.splitlines()[-1])["pictures"]) == (0, 1)
    assert "left out: look any" in err
    code, out, err = run("wedge", shot, "--style-image", style, *options)
    assert (code, json.loads(out.splitlines()[-1])["pictures"]) == (0, 1), err
    assert not err  # of looks with a style of their own nothing is said
    (tmp_path / "shipped" / "any.yaml").unlink()
    assert "no look that takes style" in run("wedge", shot, "--style-image", style, *options)[2]


def test_the_busiest_thumbnail_stays_small(tmp_path: Path) -> None:
    look = tiny_look(tmp_path)
    noise = np.random.default_rng(1).integers(0, 255, (225, 400, 3), np.uint8)
    smooth = noise // 4 + 96
    assert save_thumbnail(look, smooth, overwrite=True).stat().st_size <= LARGEST
    assert look.thumbnail == tmp_path / "tiny.thumbnail.jpg"


def test_the_artists_own_picture_is_no_thumbnail(run: Run, tmp_path: Path) -> None:
    painting = tmp_path / "shipped" / "tiny.jpg"
    painting.write_bytes(b"the painting")
    assert load_look(tmp_path / "shipped" / "tiny.yaml").thumbnail is None
    code, _, err = run("looks", "thumbnail", "tiny", "--overwrite")
    assert code == 0, err
    assert painting.read_bytes() == b"the painting"


def test_a_thumbnail_is_small_and_in_the_looks_own_folder(tmp_path: Path) -> None:
    look = tiny_look(tmp_path / "looks")
    picture = tmp_path / "looks" / "tiny.thumbnail.jpg"
    picture.write_bytes(bytes(LARGEST_THUMBNAIL))
    assert look.thumbnail == picture
    picture.write_bytes(bytes(LARGEST_THUMBNAIL + 1))
    assert look.thumbnail is None
    picture.rename(tmp_path / "secret.jpg")
    picture.symlink_to(tmp_path / "secret.jpg")
    (tmp_path / "secret.jpg").write_bytes(b"outside")
    assert look.thumbnail is None
    picture.unlink()
    picture.symlink_to(picture)
    assert look.thumbnail is None

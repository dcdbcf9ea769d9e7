"""Frame ranges as text, and the files that a pattern, a folder or a name means."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillbrush.core.errors import BadInput, MissingFrame, StillbrushError
from stillbrush.core.media.sequences import (
    Sequence,
    find_sequence,
    format_frames,
    is_video,
    output_sequence,
    parse_frames,
)


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    """Frames 1001-1003 and 1006, beside another padding, another version and a half-written one."""
    touch(tmp_path, *(f"plate.{n}.exr" for n in (1001, 1002, 1003, 1006)))
    touch(tmp_path, "plate.01001.exr", "plate_v002.1001.exr", ".plate.1007.exr.9.partial.exr")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("1001-1004", (1001, 1002, 1003, 1004)),
        ("1005,1010-1012", (1005, 1010, 1011, 1012)),
        ("1001-1007x2", (1001, 1003, 1005, 1007)),
        (" 3, 1-4 ", (1, 2, 3, 4)),
        ("-2-1", (-2, -1, 0, 1)),
        ("-3--1", (-3, -2, -1)),
        ("3-1", (1, 2, 3)),
        ("7", (7,)),
    ],
)
def test_a_range_is_read_sorted_and_once(text: str, frames: tuple[int, ...]) -> None:
    assert parse_frames(text) == frames


@pytest.mark.parametrize(
    "text", ["", "a", "1-", "1-5x0", "1.5", "1,,2", "1-5x", "1e3", "٣", "1-9999999"]
)
def test_a_bad_range_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(BadInput, match="frames: expected") as caught:
        parse_frames(text)
    assert "\n" not in str(caught.value)


@given(st.sets(st.integers(-2000, 200_000), max_size=60))
def test_written_frames_read_back(frames: set[int]) -> None:
    text = format_frames(frames)
    assert text == "" if not frames else parse_frames(text) == tuple(sorted(frames))


def test_frames_are_written_short() -> None:
    assert format_frames([1012, 1005, 1010, 1011]) == "1005,1010-1012"


@pytest.mark.parametrize("token", ["####", "%04d", "@@@@", "$F4", "<F4>"])
def test_every_notation_finds_the_same_frames_of_that_padding(shot: Path, token: str) -> None:
    found = find_sequence(shot / f"plate.{token}.exr")
    assert found.template == str(shot / "plate.####.exr")
    assert found.frames == (1001, 1002, 1003, 1006)
    assert found.missing() == (1004, 1005)
    assert found.path(1002) == shot / "plate.1002.exr"


def test_a_range_in_brackets_says_which_frames_are_wanted(shot: Path) -> None:
    found = find_sequence(str(shot / "plate.[1002-1007].exr"))
    assert found.template == str(shot / "plate.####.exr")
    assert found.frames == (1002, 1003, 1006)
    assert found.missing() == (1004, 1005, 1007)


def test_five_hashes_are_another_sequence(shot: Path) -> None:
    assert find_sequence(shot / "plate.#####.exr").frames == (1001,)
    assert find_sequence(shot / "plate.#####.exr").path(1001).name == "plate.01001.exr"


def test_frames_may_outgrow_their_padding(tmp_path: Path) -> None:
    touch(tmp_path, "a.0998.exr", "a.9999.exr", "a.10000.exr")
    assert find_sequence(tmp_path / "a.####.exr").frames == (998, 9999, 10000)
    assert find_sequence(tmp_path).frames == (998, 9999, 10000)


def test_unpadded_and_negative_frames(tmp_path: Path) -> None:
    touch(tmp_path / "a", "f.9.png", "f.10.png", "f.11.png", "f.08.png")
    assert find_sequence(tmp_path / "a/f.#.png").frames == (9, 10, 11)
    assert find_sequence(tmp_path / "a/f.%d.png").frames == (9, 10, 11)
    touch(tmp_path / "b", "f.-002.png", "f.-001.png", "f.0000.png", "f.0001.png")
    found = find_sequence(tmp_path / "b")
    assert found.frames == (-2, -1, 0, 1)
    assert found.path(-2).name == "f.-002.png"


def test_one_frame_named_plainly_is_that_still_only(shot: Path) -> None:
    found = find_sequence(shot / "plate.1002.exr")
    assert found.frames == (1002,)
    assert found.path(1002) == found.path(5) == shot / "plate.1002.exr"
    assert found.missing() == ()


@pytest.mark.parametrize(
    "name", ["mañana ひ.exr", "odd [1-2].exr", "a%04d.png", "b#.png", "me@x.png"]
)
def test_a_real_file_with_an_odd_name_is_itself(tmp_path: Path, name: str) -> None:
    touch(tmp_path, name)
    found = find_sequence(tmp_path / name)
    assert found.frames == (1,)
    assert found.path(1) == tmp_path / name


def test_a_version_is_not_a_frame(tmp_path: Path) -> None:
    touch(tmp_path, "sh010_v001.exr", "sh010_v002.exr")
    assert find_sequence(tmp_path / "sh010_v002.exr").frames == (1,)
    with pytest.raises(BadInput, match=r"got 2: sh010_v001\.exr; sh010_v002\.exr"):
        find_sequence(tmp_path)


def test_a_folder_with_one_sequence_is_that_sequence(tmp_path: Path) -> None:
    touch(tmp_path, "p.1001.dpx", "p.1002.dpx", "thumbnail.jpg", "notes.txt", ".hidden.1003.dpx")
    assert find_sequence(str(tmp_path) + "/") == Sequence(
        str(tmp_path / "p.####.dpx"), (1001, 1002)
    )


def test_a_folder_with_several_sequences_lists_them(shot: Path) -> None:
    touch(shot, "plate.01002.exr")
    with pytest.raises(BadInput, match="got 2") as caught:
        find_sequence(shot)
    assert "plate.####.exr 1001-1003,1006" in str(caught.value)
    assert "plate.#####.exr 1001-1002" in str(caught.value)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no pictures"):
        find_sequence(tmp_path)


def test_what_is_missing_is_told_with_what_is_near(shot: Path) -> None:
    with pytest.raises(MissingFrame, match=r"nearest: .*plate\.####\.exr 1001-1003,1006"):
        find_sequence(shot / "plate.######.exr")
    with pytest.raises(MissingFrame, match="nearest"):
        find_sequence(shot / "plate.1004.exr")
    with pytest.raises(MissingFrame, match="does not exist"):
        find_sequence(shot / "nowhere/plate.####.exr")


def test_two_tokens_are_refused(shot: Path) -> None:
    with pytest.raises(BadInput, match="one frame token"):
        find_sequence(shot / "plate.####.%04d.exr")


def test_an_output_pattern_names_its_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out = output_sequence("out/x.%03d.exr", [1002, 1001])
    assert (out.template, out.frames) == ("out/x.###.exr", (1001, 1002))
    assert out.path(7) == Path("out/x.007.exr")
    assert not list(tmp_path.iterdir())


def test_an_output_folder_takes_the_name_of_the_plate(tmp_path: Path) -> None:
    for text in (tmp_path, f"{tmp_path}/new/"):
        out = output_sequence(text, [1, 2], "plate.####.exr")
        assert out.path(2) == Path(text) / "plate.0002.exr"
    with pytest.raises(BadInput, match="got a folder"):
        output_sequence(tmp_path, [1])


def test_several_frames_need_a_token_one_does_not(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="add ####"):
        output_sequence(tmp_path / "out.exr", [1, 2])
    assert output_sequence(tmp_path / "out.exr", [7]).path(7) == tmp_path / "out.exr"


def test_videos_are_told_by_their_name() -> None:
    assert is_video("A.MOV")
    assert is_video(Path("b.webm"))
    assert not is_video("c.exr")


NASTY = st.text(st.sampled_from("ab/.#@%$F4<>[]-0159x,\0 d\ud800é\n"), max_size=24) | st.text(
    max_size=300
)


@given(NASTY)
@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_only_our_errors_escape_any_text(shot: Path, text: str) -> None:
    for ask in (
        parse_frames,
        find_sequence,
        lambda t: find_sequence(f"{shot}/{t}"),
        lambda t: output_sequence(f"{shot}/{t}", [1, 2], "p.####.exr"),
    ):
        with contextlib.suppress(StillbrushError):
            ask(text)

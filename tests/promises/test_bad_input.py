"""Whatever is wrong with what goes in is one clear line; never a traceback or a lost file."""

from __future__ import annotations

import errno
import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest
from support.commands import run
from support.material import tiny_look, tiny_shot
from support.rendering import frames_in, paint

from stillbrush.core.errors import WriteRefused
from stillbrush.core.looks import SHIPPED
from stillbrush.core.media.images import read_plate, write_picture
from stillbrush.host_adapters.cli.console import console, write_json

LENGTH = 4
COARSE = ("--stroke-size", "4")


@pytest.fixture
def plates(tmp_path: Path) -> Path:
    """Return the folder of a short shot of its own, to be damaged."""
    return Path(tiny_shot(tmp_path / "in", LENGTH, 64, 48)).parent


def refused(said: tuple[int, str, str], *expected: str) -> str:
    """Demand exit code 1 and one line that tells, without a traceback."""
    code, _, err = said
    assert code == 1, err
    assert err.startswith("Error: ")
    assert err.count("\n") == 1, err
    for text in expected:
        assert text in err
    return err


def picture(path: Path, width: int, height: int) -> None:
    write_picture(path, np.full((height, width, 3), 0.2, np.float32), None, overwrite=True)


def cut(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("I am no picture\n" * 50),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "a larger size": lambda path: picture(path, 80, 48),
    "cut in the magic number": lambda path: path.write_bytes(path.read_bytes()[:3]),
    "cut in the header": lambda path: path.write_bytes(path.read_bytes()[:120]),
    "cut in the table of offsets": lambda path: cut(path, 0.03),
    "cut by half": lambda path: cut(path, 0.5),
    "cut by a tenth": lambda path: cut(path, 0.9),
    "cut by one byte": lambda path: path.write_bytes(path.read_bytes()[:-1]),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_frame_is_named_and_every_other_file_is_sound(
    damage, plates, look, tmp_path, stillbrush
) -> None:
    third = plates / "plate.1003.exr"
    DAMAGES[damage](third)
    before = {path.name: path.read_bytes() for path in plates.iterdir() if path.is_file()}
    output = tmp_path / "out/plate.####.exr"
    said = stillbrush(
        "stylize", plates / "plate.####.exr", "-o", output, "--look", look.path, *COARSE, "--json"
    )
    refused(said, "plate.1003.exr")
    assert {p.name: p.read_bytes() for p in plates.iterdir() if p.is_file()} == before
    made = frames_in(output.parent) if output.parent.is_dir() else {}
    assert set(made) <= {"plate.1001.exr", "plate.1002.exr"}
    for name in made:
        assert np.isfinite(read_plate(output.parent / name, 1).rgb).all()
    assert not list(output.parent.glob(".*.partial*"))


def test_a_render_that_met_a_damaged_frame_goes_on_when_it_is_mended(
    plates, look, tmp_path, stillbrush
) -> None:
    whole = tmp_path / "whole/plate.####.exr"
    paint(plates / "plate.####.exr", look, whole)
    third, output = plates / "plate.1003.exr", tmp_path / "out/plate.####.exr"
    sound, times = third.read_bytes(), third.stat()
    cut(third, 0.6)
    command = ("stylize", plates / "plate.####.exr", "-o", output, "--look", look.path, *COARSE)
    refused(stillbrush(*command, "--json"), "plate.1003.exr")
    kept = frames_in(output.parent)
    third.write_bytes(sound)
    os.utime(third, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert stillbrush(*command, "--overwrite")[0] == 0
    made = frames_in(output.parent)
    assert {name: made[name] for name in kept} == kept
    assert made == frames_in(whole.parent)


@pytest.mark.parametrize("policy", ["error", "hold", "black", "skip"])
def test_a_missing_frame_follows_the_policy(policy, plates, look, tmp_path, stillbrush) -> None:
    (plates / "plate.1002.exr").unlink()
    output = tmp_path / "out/plate.####.exr"
    said = stillbrush(
        "stylize", plates / "plate.####.exr", "-o", output, "--look", look.path, *COARSE,
        "--missing", policy,
    )  # fmt: skip
    if policy == "error":
        refused(said, "missing 1002", "--missing hold, black or skip")
        assert not output.parent.exists()
        return
    assert said[0] == 0, said
    numbers = [1001, 1003, 1004] if policy == "skip" else [1001, 1002, 1003, 1004]
    assert list(frames_in(output.parent)) == [f"plate.{number}.exr" for number in numbers]
    if policy == "black":
        assert not read_plate(output.parent / "plate.1002.exr", 1).rgb.any()
    if policy == "hold":
        assert read_plate(output.parent / "plate.1002.exr", 1).rgb.any()


def test_a_frame_that_vanishes_while_it_is_rendered_is_named(plates, look, tmp_path) -> None:
    from stillbrush.core.errors import MissingFrame
    from stillbrush.core.media.source import open_shot

    opened = open_shot(plates / "plate.####.exr")
    (plates / "plate.1003.exr").unlink()
    with pytest.raises(MissingFrame, match="1003"):
        opened.read(1003)


def without_rights() -> tuple[str, ...]:
    """Return a command that starts another as nobody, without root's powers over files."""
    found = shutil.which("setpriv")
    if found is None or os.geteuid() != 0:
        pytest.skip("needs root and setpriv, to start a process that has no rights")
    return (found, "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all")


@pytest.fixture
def common() -> Iterator[Path]:
    """Lend a folder that all users may enter; pytest's own is shut again by every new session."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize("what", ["plate", "folder", "look", "output"])
def test_no_permission_is_told(what, common) -> None:
    starter = without_rights()
    plates, own = Path(tiny_shot(common / "in", LENGTH, 64, 48)).parent, tiny_look(common / "look")
    output = common / "out"
    output.mkdir()
    output.chmod(0o555 if what == "output" else 0o777)
    shut = {"plate": plates / "plate.1002.exr", "folder": plates, "look": own.path}.get(what)
    if shut is not None:
        shut.chmod(0o000)
    try:
        said = run(
            "stylize", plates / "plate.####.exr", "-o", output / "p.####.exr", "--look", own.path,
            *COARSE, prefix=starter,
        )  # fmt: skip
    finally:
        if shut is not None:
            shut.chmod(0o755)
    if what == "output":
        refused(said, str(output))
    else:
        refused(said, str(shut))
    assert not frames_in(output)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 320 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", "size=320k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(["mount", *options], capture_output=True).returncode:
        pytest.skip("needs the right to mount a tiny tmpfs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_and_finished_frames_are_whole(tiny_disk, look, tmp_path, stillbrush):
    source = tiny_shot(tmp_path / "in", 12, 128, 96)
    wanted = tmp_path / "whole"
    paint(source, look, wanted / "plate.####.exr")
    command = (
        "stylize", source, "-o", tiny_disk / "plate.####.exr", "--look", look.path, *COARSE
    )  # fmt: skip
    err = refused(stillbrush(*command, "--json"))
    assert "full" in err or os.strerror(errno.ENOSPC) in err
    whole, made = frames_in(wanted), frames_in(tiny_disk)
    assert made == {name: whole[name] for name in made}
    assert len(made) < len(whole)
    subprocess.run(["mount", "-o", "remount,size=64m", str(tiny_disk)], check=True)
    assert stillbrush(*command)[0] == 0  # goes on
    assert frames_in(tiny_disk) == whole


def test_output_equal_to_input_is_refused(plates, look, stillbrush) -> None:
    before = frames_in(plates)
    pattern = plates / "plate.####.exr"
    said = stillbrush("stylize", pattern, "-o", pattern, "--look", look.path, "--overwrite")
    refused(said, "plate itself")
    assert frames_in(plates) == before


LOOKS = {
    "unknown": ("no-such-look", "there is no such look. There are:"),
    "not there": ("{folder}/none.yaml", "there is no such"),
    "out of the shipped looks": ("../presets/starry-night", "no"),
    "a folder": ("{folder}/", "no such file"),
}


@pytest.mark.parametrize("case", LOOKS)
def test_a_look_that_cannot_be_found_is_told(case, plates, tmp_path, stillbrush) -> None:
    name, expected = LOOKS[case]
    named = name.format(folder=tmp_path)
    said = stillbrush(
        "stylize", plates / "plate.####.exr", "-o", tmp_path / "o/p.####.exr", "--look", named
    )
    refused(said, expected)


DAMAGED_LOOKS = {
    "unclosed": ("weights:", "weights: {", "yaml"),
    "no YAML": ("look: 1", "look: 1\n\t- }", "yaml"),
    "two looks": ("look: 1", "look: 1\n---\nlook: 1", "yaml"),
    "another version": ("look: 1", "look: 99", "look"),
    "unknown key": ("look: 1", "look: 1\nexec: rm", "exec"),
    "wrong hash": ("sha256: ", "sha256: 0", "sha256"),
    "absolute path": ("file: tiny", "file: /etc/tiny", "weights.file"),
    "parent's path": ("file: tiny", "file: ../tiny", "weights"),
    "a pickle": (".safetensors", ".pth", "safetensors"),
    "a knob out of range": ("colour:", "knobs: {stylizer: {mix: 7}}\ncolour:", "mix"),
}


@pytest.mark.parametrize("case", DAMAGED_LOOKS)
def test_a_damaged_look_is_told(case, plates, tmp_path, stillbrush) -> None:
    old, new, expected = DAMAGED_LOOKS[case]
    path = tiny_look(tmp_path / "look").path
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    said = stillbrush(
        "stylize", plates / "plate.####.exr", "-o", tmp_path / "o/p.####.exr", "--look", path
    )
    refused(said, expected, "tiny.yaml")
    assert not (tmp_path / "o").exists()


def test_every_look_that_ships_is_sound(stillbrush) -> None:
    code, _, err = stillbrush("looks", "check", *sorted(SHIPPED.glob("*.yaml")))
    assert code == 0, err


@pytest.mark.parametrize("name", ["video.mp4", "video.mov"])
def test_a_video_that_is_none_is_told(name, look, tmp_path, stillbrush) -> None:
    for content in (b"", b"no video at all" * 99):
        (tmp_path / name).write_bytes(content)
        said = stillbrush("stylize", tmp_path / name, "-o", tmp_path / "o.mp4", "--look", look.path)
        refused(said, name)


def test_a_read_only_disk_is_told(tmp_path, plates, look) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", "ro", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(["mount", *options], capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        with pytest.raises(WriteRefused, match=str(folder)) as raised:
            paint(plates / "plate.####.exr", look, folder / "out/plate.####.exr")
        assert "\n" not in str(raised.value)
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("channels", [("R", "G"), ("Z",)])
def test_a_plate_without_a_picture_is_told(channels, look, tmp_path, stillbrush) -> None:
    path = tmp_path / "a.0001.exr"
    spec = oiio.ImageSpec(16, 16, len(channels), oiio.HALF)
    spec.channelnames = channels
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec)
    assert out.write_image(np.zeros((16, 16, len(channels)), np.float32))
    assert out.close()
    said = stillbrush("stylize", path, "-o", tmp_path / "o.exr", "--look", look.path)
    refused(said, "a.0001.exr", "channels")


FAR = {
    "a display window of a million by a million": {"full_width": 10**6, "full_height": 10**6},
    "a data window far below": {"y": 2**28},
    "a data window far to the left": {"x": -(2**20), "y": -(2**10)},
}


@pytest.mark.parametrize("case", FAR)
def test_windows_that_no_memory_holds_are_told(case, look, tmp_path, stillbrush) -> None:
    path = tmp_path / "far.0001.exr"
    spec = oiio.ImageSpec(16, 16, 3, oiio.HALF)
    for name, value in {"full_width": 16, "full_height": 16, **FAR[case]}.items():
        setattr(spec, name, value)
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec)
    assert out.write_image(np.zeros((16, 16, 3), np.float32))
    assert out.close()
    said = stillbrush("stylize", path, "-o", tmp_path / "o.exr", "--look", look.path)
    refused(said, "far.0001.exr", "million pixels")


@pytest.mark.parametrize("side", ["plate", "output", "matte"])
def test_a_name_that_is_not_utf8_is_told(side, plates, look, tmp_path, stillbrush) -> None:
    odd = os.fsdecode(bytes(tmp_path) + b"/caf\xe9")
    Path(odd).mkdir()
    shutil.copy(plates / "plate.1001.exr", f"{odd}/plate.1001.exr")
    named = {"plate": plates / "plate.####.exr", "output": tmp_path / "o/p.####.exr"}
    named[side] = f"{odd}/plate.####.exr"
    more = ("--matte", named["matte"]) if side == "matte" else ()
    said = stillbrush(
        "stylize", named["plate"], "-o", named["output"], "--look", look.path, *COARSE, *more
    )
    refused(said, "UTF-8")


ENTRY = '{"frame": %s, "file": "p", "size": 1, "sha256": "x", "numbers": %s}'
EDITS = {
    "a frame in words": ENTRY % ('"a"', "{}"),
    "numbers in a list": ENTRY % (1001, "[1]"),
    "words for numbers": ENTRY % (1001, '{"a": []}'),
    "brackets without end": "[" * 100_000,
    "a number of 5,000 digits": '{"claim": 1' + "0" * 5000 + ', "file": "x"}',
    "no mapping": "7",
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_journal_that_somebody_edited_costs_no_more_than_its_frame(
    edit, plates, look, tmp_path
) -> None:
    output = tmp_path / "out/plate.####.exr"
    paint(plates / "plate.####.exr", look, output)
    wanted = frames_in(output.parent)
    with (output.parent / ".stillbrush/plate.exr/journal.jsonl").open("a") as journal:
        journal.write(EDITS[edit] + "\n")
    (output.parent / "plate.1004.exr").unlink()
    paint(plates / "plate.####.exr", look, output)
    assert frames_in(output.parent) == wanted


def test_a_link_to_nowhere_is_not_replaced(plates, look, tmp_path, stillbrush) -> None:
    link = tmp_path / "out/plate.1002.exr"
    link.parent.mkdir()
    link.symlink_to(tmp_path / "a disk that is not mounted")
    said = stillbrush(
        "stylize", plates / "plate.####.exr", "-o", link.with_name("plate.####.exr"), "--look",
        look.path, *COARSE,
    )  # fmt: skip
    refused(said, "1002", "--overwrite")
    assert link.is_symlink()
    assert len(list(link.parent.iterdir())) == 2  # and the folder of the journal


def test_a_standard_output_that_is_closed_is_told(monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", None)  # what Python makes of `>&-`
        with pytest.raises(WriteRefused, match="standard output is closed"):
            write_json(event="done")


def test_a_name_that_the_terminal_cannot_show_is_spelt_out(stillbrush, monkeypatch) -> None:
    written = io.BytesIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
        assert stillbrush("--version")[0] == 0
        console.print("out/caf\u00e9.png")
        sys.stdout.flush()
        told = written.getvalue()
    assert told.endswith(b"out/caf\\xe9.png\n")


@pytest.mark.parametrize(
    "command",
    [
        ("pack", "nuke", "{file}"),
        ("pack", "natron", "{file}/below"),
        ("export-torchscript", "{look}", "{file}"),
        ("preview", "{plate}", "--look", "{look}", *COARSE, "-o", "{file}/p.png"),
    ],
)
def test_a_file_where_a_folder_should_be_is_told(command, plates, look, tmp_path, stillbrush):
    file = tmp_path / "file"
    file.write_text("somebody's")
    known = {"file": file, "look": look.path, "plate": plates / "plate.####.exr"}
    refused(stillbrush(*(word.format(**known) for word in command)), str(file))
    assert file.read_text() == "somebody's"

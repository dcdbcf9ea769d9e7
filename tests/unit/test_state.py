"""States on disk: exact, checked, and never half-written."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from stillbrush.core.errors import UnreadableFile, WriteRefused
from stillbrush.core.media import atomic
from stillbrush.core.networks.weights import save_aside
from stillbrush.core.state import load_state, save_state


@dataclass(frozen=True)
class Sample:
    picture: Tensor | None = None
    other: Tensor | None = None
    age: int = 0


@dataclass(frozen=True)
class Other:
    picture: Tensor | None = None


def save_sample(path: Path) -> None:
    save_state(Sample(picture()), path)


def save_tensor(path: Path) -> None:
    save_aside({"a": picture()}, path, {})


BOTH = pytest.mark.parametrize("save", [save_sample, save_tensor])


def picture() -> Tensor:
    made = torch.randn(1, 5, 7, 3, generator=torch.Generator().manual_seed(1))
    made[0, 0, 0] = torch.tensor([float("nan"), float("inf"), 1e-42])
    return made


def test_a_state_comes_back_bit_by_bit(tmp_path: Path) -> None:
    state = Sample(picture().permute(0, 2, 1, 3), None, 7)
    save_state(state, tmp_path / "deep/er/s.safetensors")
    loaded = load_state(Sample, tmp_path / "deep/er/s.safetensors")
    assert loaded.age == 7
    assert loaded.other is None
    assert torch.equal(
        loaded.picture.view(torch.int32), state.picture.contiguous().view(torch.int32)
    )


def test_nothing_at_all_comes_back_too(tmp_path: Path) -> None:
    save_state(Sample(), tmp_path / "s.safetensors")
    assert load_state(Sample, tmp_path / "s.safetensors") == Sample()


def test_a_state_replaces_an_older_one_and_nothing_lies_beside(tmp_path: Path) -> None:
    for age in (1, 2):
        save_state(Sample(picture(), None, age), tmp_path / "s")
    assert load_state(Sample, tmp_path / "s").age == 2
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_any_changed_byte_is_noticed(tmp_path: Path) -> None:
    save_state(Sample(picture(), picture() * 2, 3), tmp_path / "s")
    whole = (tmp_path / "s").read_bytes()
    for place in range(0, len(whole), 3):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        (tmp_path / "s").write_bytes(damaged)
        try:
            loaded = load_state(Sample, tmp_path / "s")
        except UnreadableFile:
            continue
        assert loaded.age == 3  # a byte of the header that means nothing, such as its padding
        assert torch.equal(loaded.other.view(torch.int32), (picture() * 2).view(torch.int32))


@pytest.mark.parametrize("keep", [0, 4, 40, -1])
def test_a_file_that_was_cut_is_refused(keep: int, tmp_path: Path) -> None:
    save_state(Sample(picture()), tmp_path / "s")
    whole = (tmp_path / "s").read_bytes()
    (tmp_path / "s").write_bytes(whole[:keep])
    with pytest.raises(UnreadableFile):
        load_state(Sample, tmp_path / "s")


def test_the_state_of_something_else_is_refused(tmp_path: Path) -> None:
    save_state(Other(picture()), tmp_path / "s")
    with pytest.raises(UnreadableFile, match="expected a Sample"):
        load_state(Sample, tmp_path / "s")
    with pytest.raises(UnreadableFile, match="cannot be read"):
        load_state(Sample, tmp_path / "none")


@BOTH
def test_a_full_disk_is_one_line_and_keeps_what_was_there(save, tmp_path: Path) -> None:
    (tmp_path / "s.safetensors").write_bytes(b"older")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(WriteRefused, match=r"s\.safetensors: cannot be written") as caught:
            save(tmp_path / "s.safetensors")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["s.safetensors"]
    assert (tmp_path / "s.safetensors").read_bytes() == b"older"


@BOTH
def test_a_folder_that_is_a_file_is_refused(save, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WriteRefused, match="cannot be written, File exists"):
        save(tmp_path / "file/s.safetensors")


@BOTH
def test_files_are_on_disk_before_they_are_named_and_have_the_usual_mode(
    save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(
        atomic.os,
        "fsync",
        lambda number: synced.append((tmp_path / "s").exists()) or fsync(number),
    )
    before = os.umask(0o022)
    try:
        save(tmp_path / "s")
    finally:
        os.umask(before)
    assert synced[0] is False
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o644

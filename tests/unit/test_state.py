"""States on disk: exact, checked, and never half-written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from stillbrush.core.errors import UnreadableFile
from stillbrush.core.state import load_state, save_state


@dataclass(frozen=True)
class Sample:
    picture: Tensor | None = None
    other: Tensor | None = None
    age: int = 0


@dataclass(frozen=True)
class Other:
    picture: Tensor | None = None


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

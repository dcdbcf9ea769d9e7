"""Training checkpoints: whole or not there, and exact to go on from."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file
from support.training import tiny_request

from stillbrush.core.errors import BadInput, UnreadableFile, WriteRefused
from stillbrush.core.training.checkpoints import (
    checkpoint_path,
    drop_old_checkpoints,
    list_checkpoints,
    load_checkpoint,
    read_notes,
    save_checkpoint,
)
from stillbrush.core.training.photographs import Photographs
from stillbrush.core.training.plan import Request
from stillbrush.core.training.start import keeping
from stillbrush.core.training.trainer import Trainer

NOTES = {"run": {"step": 3}}


@pytest.fixture(scope="module")
def request_(tmp_path_factory: pytest.TempPathFactory) -> Request:
    return tiny_request(tmp_path_factory.mktemp("checkpoints"), 2)


@pytest.fixture(scope="module")
def photographs(request_: Request) -> Photographs:
    return Photographs(request_.content, 100)


def everything(trainer: Trainer) -> dict[str, torch.Tensor]:
    """Return all that the next iteration depends on."""
    found = {f"network.{k}": v for k, v in trainer.network.state_dict().items()}
    found |= {f"average.{k}": v for k, v in trainer.average.state_dict().items()}
    for index, moments in trainer.optimiser.state_dict()["state"].items():
        found |= {f"adam.{index}.{k}": torch.as_tensor(v) for k, v in moments.items()}
    found |= trainer.slots.tensors()
    return {name: value.clone() for name, value in found.items()}


def assert_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(value.nan_to_num(7e9), other[name].nan_to_num(7e9)), name


def test_a_run_goes_on_bit_for_bit(tmp_path, request_, photographs):
    whole = Trainer(request_.recipe(10), photographs)
    for _ in range(10):
        whole.iterate()
        if whole.step == 5:
            save_checkpoint(whole, tmp_path / "c.safetensors", NOTES)
    resumed = Trainer(request_.recipe(10), photographs)
    torch.manual_seed(999)  # what the host has drawn in between is of no account
    assert load_checkpoint(resumed, tmp_path / "c.safetensors") == NOTES
    assert resumed.step == 5
    for _ in range(5):
        resumed.iterate()
    assert_same(everything(resumed), everything(whole))


def test_training_moves_every_weight(request_, photographs):
    trainer = Trainer(request_.recipe(10), photographs)
    before = everything(trainer)
    for _ in range(8):
        trainer.iterate()
    still = [
        name
        for name, value in trainer.network.state_dict().items()
        if torch.equal(value, before[f"network.{name}"])
    ]
    assert still == []


def test_a_run_leaves_the_random_numbers_of_the_host_alone(request_, photographs):
    torch.manual_seed(4)
    expected = torch.rand(3)
    torch.manual_seed(4)
    Trainer(request_.recipe(10), photographs).iterate()
    assert torch.equal(torch.rand(3), expected)


def test_the_newest_two_are_kept(tmp_path):
    for step in (5, 10, 100, 1000):
        checkpoint_path(tmp_path, step).write_bytes(b"")
    (tmp_path / "checkpoint-mine.safetensors").write_bytes(b"")
    drop_old_checkpoints(tmp_path)
    assert list_checkpoints(tmp_path) == [checkpoint_path(tmp_path, s) for s in (1000, 100)]
    assert (tmp_path / "checkpoint-mine.safetensors").exists()


def test_no_folder_holds_no_checkpoints(tmp_path):
    assert list_checkpoints(tmp_path / "absent") == []


def test_a_damaged_checkpoint_is_refused(tmp_path, request_, photographs):
    trainer = Trainer(request_.recipe(10), photographs)
    path = tmp_path / "c.safetensors"
    save_checkpoint(trainer, path, NOTES)
    assert read_notes(path) == NOTES
    path.write_bytes(path.read_bytes()[:-100])
    for read in (read_notes, lambda p: load_checkpoint(trainer, p)):
        with pytest.raises(UnreadableFile, match="cannot be read"):
            read(path)


def test_another_file_is_no_checkpoint(tmp_path):
    save_file({"a": torch.ones(1)}, str(tmp_path / "c.safetensors"))
    with pytest.raises(UnreadableFile, match="cannot be read"):
        read_notes(tmp_path / "c.safetensors")


def test_a_checkpoint_of_another_shape_changes_nothing_but_says_so(tmp_path, photographs):
    two, one = tiny_request(tmp_path, 2), tiny_request(tmp_path, 1)
    save_checkpoint(Trainer(two.recipe(10), photographs), tmp_path / "c.safetensors", NOTES)
    other = Trainer(one.recipe(10), photographs)
    with pytest.raises(BadInput, match="same styles and sizes") as caught:
        load_checkpoint(other, tmp_path / "c.safetensors")
    assert "\n" not in str(caught.value)
    assert other.step == 0


def test_a_folder_that_is_a_file_is_refused(tmp_path, request_, photographs):
    (tmp_path / "file").write_bytes(b"")
    trainer = Trainer(request_.recipe(10), photographs)
    with pytest.raises(WriteRefused):
        save_checkpoint(trainer, tmp_path / "file" / "c.safetensors", NOTES)
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_bfloat16_keeps_weights_and_losses_in_float32(request_, photographs):
    exact = Trainer(request_.recipe(10), photographs)
    rounded = Trainer(request_.recipe(10), photographs, precision=torch.bfloat16)
    wanted, found = exact.iterate(), rounded.iterate()
    assert found.total != wanted.total
    assert found.total == pytest.approx(wanted.total, rel=0.05)
    assert {p.dtype for p in rounded.network.parameters()} == {torch.float32}


@pytest.mark.cuda
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_the_gpu_learns_what_the_processor_learns(tmp_path, request_, photographs, precision):
    cuda = torch.device("cuda")
    there = Trainer(request_.recipe(10), photographs, cuda, precision)
    here = Trainer(request_.recipe(10), photographs)
    for _ in range(4):
        found, wanted = there.iterate(), here.iterate()
    assert found.total == pytest.approx(wanted.total, rel=0.1)
    save_checkpoint(there, tmp_path / "c.safetensors", NOTES)
    again = Trainer(request_.recipe(10), photographs, cuda, precision)
    load_checkpoint(again, tmp_path / "c.safetensors")
    assert_same(everything(again), everything(there))
    again.iterate()


def test_weights_from_a_file_come_to_where_the_network_is():
    more = torch.empty(4, 2, device="meta")
    assert keeping(torch.ones(3, 2), more).device == more.device
    fewer = keeping(torch.arange(8.0).view(4, 2), torch.zeros(3, 2))
    assert torch.equal(fewer, torch.arange(6.0).view(3, 2))

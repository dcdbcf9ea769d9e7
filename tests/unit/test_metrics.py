"""The measures against what can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from support.material import tiny_look
from support.training import write_loss_network

from stillbrush.core.errors import BadInput, UnreadableFile, WriteRefused
from stillbrush.core.hashing import file_sha256
from stillbrush.core.look import MannerFile
from stillbrush.core.metrics.encoder import appoint
from stillbrush.core.metrics.judge import Judge, encoder_digest
from stillbrush.core.metrics.manners import (
    load_manners,
    manner_beside,
    measure_manners,
    save_manners,
)
from stillbrush.core.metrics.temporal import (
    Followed,
    carried_change,
    follow,
    sharpness,
    temporal_error,
)
from stillbrush.core.motion.flow import Flow
from stillbrush.core.motion.torch_flow import TorchFlow
from stillbrush.core.networks.encoder import Encoder, EncoderShape
from stillbrush.core.networks.loss_network import (
    LossNetwork,
    load_loss_network,
    shipped_encoder,
)
from stillbrush.core.training.losses import style_loss


def moved(right: int, height: int = 6, width: int = 9) -> Followed:
    """Everything moved to the right by whole pixels; what came in is not followed."""
    backward = torch.zeros((1, height, width, 2))
    backward[..., 0] = -right
    mask = torch.ones((1, height, width, 1))
    mask[:, :, :right] = 0
    return Followed(Flow(backward, -backward), mask)


def test_paint_that_moves_with_the_plate_has_no_error() -> None:
    before = torch.rand((1, 6, 9, 3), generator=torch.Generator().manual_seed(1))
    painted = before.roll(2, 2)
    followed = moved(2)
    assert temporal_error(carried_change(before, painted, followed), followed.mask) == 0.0
    assert temporal_error(carried_change(before, before, followed), followed.mask) > 0.01


def test_the_error_of_a_known_change_is_its_square_over_what_is_followed() -> None:
    followed = moved(3)  # two thirds of nine columns
    before = torch.full((1, 6, 9, 3), 0.25)
    painted = before + torch.tensor((0.1, 0.2, 0.0))
    change = carried_change(before, painted, followed)
    by_hand = (0.1**2 + 0.2**2) / 3
    assert torch.allclose(change[:, :, 3:], torch.tensor(by_hand), atol=1e-6)
    assert not change[:, :, :3].any()
    assert temporal_error(change, followed.mask) == pytest.approx(by_hand, rel=1e-5)


def test_nothing_that_can_be_followed_is_no_error_and_no_division_by_nought() -> None:
    followed = moved(9)
    change = carried_change(torch.zeros((1, 6, 9, 3)), torch.ones((1, 6, 9, 3)), followed)
    assert temporal_error(change, followed.mask) == 0.0


def test_sharpness_is_the_mean_gradient() -> None:
    assert sharpness(torch.full((1, 5, 7, 3), 0.4)) == 0.0
    ramp = (torch.arange(7.0) * 0.1).reshape(1, 1, 7, 1).expand(1, 5, 7, 3)
    assert sharpness(ramp) == pytest.approx(0.1, rel=1e-5)
    steps = torch.zeros((1, 5, 7, 3))
    steps[:, ::2] = 1
    assert sharpness(steps) == pytest.approx(1.0)


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_a_known_motion_is_found_at_full_and_at_half_size(share: float) -> None:
    rng = torch.Generator().manual_seed(4)
    coarse = torch.rand((1, 3, 16, 24), generator=rng)
    wide = torch.nn.functional.interpolate(coarse, (96, 144), mode="bicubic").clamp(0, 1)
    wide = wide.permute(0, 2, 3, 1)
    followed = follow(wide[:, :, 4:132], wide[:, :, :128], TorchFlow("fast"), share)
    inner = followed.flow.backward[:, 16:-16, 16:-16]
    assert inner.shape[-1] == 2
    assert float((inner - torch.tensor((-4.0, 0.0))).norm(dim=-1).median()) < 0.3
    assert float(followed.mask[:, 16:-16, 16:-16].mean()) > 0.9


def test_style_and_content_are_nought_for_the_thing_itself(tmp_path: Path) -> None:
    encoder = load_loss_network(write_loss_network(tmp_path / "loss.safetensors"))
    picture = torch.rand((1, 40, 48, 3), generator=torch.Generator().manual_seed(2))
    manner = measure_manners(encoder, picture.permute(0, 3, 1, 2))
    judge = Judge(encoder, manner)
    same = judge.still(picture, judge.see(picture))
    assert same["content"] == 0.0
    assert same["style"] == pytest.approx(0.0, abs=1e-6)
    other = judge.still(1 - picture, judge.see(picture))
    assert other["style"] > 0.01
    assert other["content"] >= 0.0
    assert set(Judge().still(picture, {})) == {"sharpness"}
    assert set(Judge(encoder).still(picture, judge.see(picture))) == {"sharpness", "content"}


def test_a_manner_read_back_judges_as_the_painting_does(tmp_path: Path) -> None:
    encoder = load_loss_network(write_loss_network(tmp_path / "loss.safetensors"))
    rng = torch.Generator().manual_seed(6)
    painting, painted = (torch.rand((1, 3, 40, 48), generator=rng) * s for s in (1.0, 0.6))
    measured = measure_manners(encoder, painting)
    save_manners(measured, encoder, tmp_path / "a.safetensors")
    save_manners(measured, encoder, tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    seen_by, read = load_manners(tmp_path / "a.safetensors")
    assert seen_by == encoder_digest(encoder)
    for tap, manner in measured.items():  # against the covariance worked out the slow way
        flat = encoder(painting)[tap][0].flatten(1)
        centred = flat - flat.mean(1, keepdim=True)
        slow = torch.einsum("ip,jp->ij", centred, centred) / flat.shape[1]
        largest = float(slow.abs().max())
        assert torch.allclose(read[tap].covariance, slow, atol=1e-3 * largest)
        assert torch.equal(read[tap].covariance, read[tap].covariance.T)
        assert manner.mean.shape == read[tap].mean.shape
    errors = [float(style_loss(encoder(painted), m)) for m in (measured, read)]
    assert errors[0] == pytest.approx(errors[1], rel=2e-3)


@pytest.mark.parametrize("content", [b"", b"no safetensors", None])
def test_a_damaged_manner_is_one_clear_error(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "x.manner.safetensors"
    if content is None:
        write_loss_network(path)  # sound, but something else
    else:
        path.write_bytes(content)
    with pytest.raises(UnreadableFile, match="manner"):
        load_manners(path)


def test_encoders_with_other_weights_have_other_digests() -> None:
    shape = EncoderShape((4, 6, 8, 8, 8), (0, 1, 0, 0, 0))
    one, other = (LossNetwork("ours", Encoder(shape)) for _ in range(2))
    assert encoder_digest(one) != encoder_digest(other)
    other.load_state_dict(one.state_dict())
    assert encoder_digest(one) == encoder_digest(other)


def test_a_picture_of_another_device_is_seen_in_main_memory(tmp_path: Path) -> None:
    encoder = load_loss_network(write_loss_network(tmp_path / "loss.safetensors"))
    picture = torch.rand((1, 40, 48, 3), generator=torch.Generator().manual_seed(2))
    elsewhere = cast(Any, SimpleNamespace(cpu=lambda: picture))  # all that may be asked of it
    seen = Judge(encoder).see(elsewhere)
    assert {value.device for value in seen.values()} == {torch.device("cpu")}
    assert Judge().follow(elsewhere, elsewhere).mask.shape == (1, 40, 48, 1)


def test_another_painting_has_another_manner_and_the_same_one_is_left_alone(tmp_path: Path) -> None:
    encoder = load_loss_network(write_loss_network(tmp_path / "loss.safetensors"))
    rng = torch.Generator().manual_seed(6)
    first, second = (torch.rand((1, 3, 40, 48), generator=rng) * s for s in (1.0, 0.6))
    look = tmp_path / "a.yaml"
    told = manner_beside(look, first, encoder)
    path = tmp_path / told.file
    before = path.stat()
    assert manner_beside(look, first, encoder, overwrite=False) == told
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    with pytest.raises(WriteRefused):
        manner_beside(look, second, encoder, overwrite=False)
    assert file_sha256(path) == told.sha256
    assert manner_beside(look, second, encoder).sha256 == file_sha256(path) != told.sha256


def layer(tap: str, width: int) -> dict[str, torch.Tensor]:
    """Return the tensors of one layer of a manner."""
    sizes = {"mean": width, "cov": width * (width + 1) // 2}
    ones = {f"{tap}.{name}": torch.ones(size).half() for name, size in sizes.items()}
    return ones | {f"{name}.scale": torch.ones(1) for name in ones}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (layer("relu9_9", 4), "relu9_9.*too many"),
        ({"extra": torch.ones(1)}, "extra.*too many"),
        ({"relu1_1.cov": None}, "relu1_1.cov.*missing"),
        ({"relu1_1.mean": torch.ones((2, 2))}, r"\[2, 2\]"),
        ({"relu1_1.mean": torch.ones(60_000).half()}, "60000"),
        ({"relu1_1.mean": torch.ones(0)}, r"\[0\]"),
        ({"relu1_1.cov": torch.ones(9)}, r"\[9\], not \[10\]"),
        ({"relu1_1.mean.scale": torch.ones(4)}, r"scale.*\[4\]"),
        ({"relu1_1.mean": torch.ones(4, dtype=torch.int64)}, "I64"),
        ({"relu1_1.mean": torch.full((4,), torch.nan).half()}, "NaN"),
        ({"relu1_1.cov.scale": torch.full((1,), torch.inf)}, "infinity"),
        ({"relu1_1.cov.scale": torch.full((1,), 3e38)}, "beyond"),
        (dict.fromkeys(layer("relu1_1", 4)), "missing"),
    ],
)
def test_a_forged_manner_is_refused_in_one_line(
    changes: dict[str, torch.Tensor | None], named: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.manner.safetensors"
    sound = layer("relu1_1", 4)
    save_file(sound, str(path), metadata={"stillbrush-manner": "1 abc"})
    assert load_manners(path)[0] == "abc"
    forged = {name: value for name, value in (sound | changes).items() if value is not None}
    save_file(forged, str(path), metadata={"stillbrush-manner": "1 abc"})
    with pytest.raises(UnreadableFile, match=named) as caught:
        load_manners(path)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(("tap", "given"), [("relu1_1", 4), ("relu5_1", 0)])
def test_a_manner_of_other_widths_than_its_encoder_is_refused(
    tap: str, given: int, tmp_path: Path
) -> None:
    network = write_loss_network(tmp_path / "loss.safetensors")
    encoder = load_loss_network(network)
    style = torch.rand((1, 3, 40, 48), generator=torch.Generator().manual_seed(6))
    look = tiny_look(tmp_path)
    told = manner_beside(look.own_path(), style, encoder)
    sound = appoint(replace(look, manner=told), network)
    assert (sound.lacking, len(sound.judge.manner or {})) == ({}, 3)
    path = tmp_path / told.file
    with safe_open(path, framework="pt") as file:
        marks = file.metadata()
    save_file(load_file(path) | layer(tap, 5), str(path), metadata=marks)
    forged = replace(look, manner=MannerFile(path.name, file_sha256(path)))
    with pytest.raises(UnreadableFile, match=f"{tap}: expected {given} channels.*got 5"):
        appoint(forged, network)


def test_a_picture_that_is_too_small_to_be_judged_is_refused() -> None:
    judge = Judge(load_loss_network(shipped_encoder()))
    assert judge.see(torch.rand(1, 32, 32, 3))
    with pytest.raises(BadInput, match="32 pixels a side or more; got 80x16"):
        judge.see(torch.rand(1, 16, 80, 3))

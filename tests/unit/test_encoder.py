"""Our own loss network: what ships is small, sound, and refused when it is not what it says."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from support.training import picture

from stillbrush.core.errors import MissingFrame, UnreadableFile
from stillbrush.core.looks import SHIPPED, list_looks
from stillbrush.core.networks.encoder import CHANNELS, TAPS, Encoder, EncoderShape, save_encoder
from stillbrush.core.networks.loss_network import LossNetwork, load_loss_network, shipped_encoder
from stillbrush.core.training.agreement import correlate
from stillbrush.core.training.distil_run import HELD_PHOTOGRAPHS, SHORT_SIDE
from stillbrush.core.training.losses import content_loss, manners, style_loss
from stillbrush.core.training.photographs import Photographs

SMALL = EncoderShape((4, 6, 8, 8, 8), (0, 1, 0, 0, 0))
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
DISTILLED = DATA / "weights" / "vgg19_distilled16x_encoders.safetensors"

FLOORS = (0.95, 0.8, 0.7, 0.7, 0.5)
"""Correlation with the compressed VGG-19; docs/encoder.md has the figures."""


@pytest.fixture(scope="module")
def shipped() -> LossNetwork:
    return load_loss_network(shipped_encoder())


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Write a small encoder."""
    torch.manual_seed(1)
    save_encoder(Encoder(SMALL), tmp_path / "small.safetensors", {"licence": "CC0-1.0"})
    return tmp_path / "small.safetensors"


def pictures(count: int, side: int = 64) -> torch.Tensor:
    made = [torch.from_numpy(picture(n, side, side)).permute(2, 0, 1) for n in range(count)]
    return torch.stack(made).float() / 255


def test_what_ships_is_small_half_precision_and_says_what_it_is():
    assert shipped_encoder().stat().st_size <= 2_000_000
    with safe_open(shipped_encoder(), framework="pt") as file:
        told = file.metadata()
        kinds = {file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
    assert kinds == {"F16"}
    assert told["stillbrush-encoder"] == "1"
    assert told["licence"] == "CC0-1.0"
    assert {"title", "widths", "depths", "distilled_from", "distilled_on"} <= told.keys()


def test_taps_have_the_places_and_widths_of_vgg(shipped):
    taps = shipped(torch.zeros(2, 3, 64, 96))
    assert tuple(taps) == TAPS
    for level, (tap, channels) in enumerate(zip(TAPS, CHANNELS, strict=True)):
        assert taps[tap].shape == (2, channels, 64 >> level, 96 >> level)
        assert torch.isfinite(taps[tap]).all()
        assert (taps[tap] >= 0).all()


def test_only_the_taps_that_are_wanted_are_made(shipped):
    frames = pictures(1)
    whole, part = shipped(frames), shipped(frames, ("relu2_1", "relu4_1"))
    assert list(part) == ["relu2_1", "relu4_1"]
    assert all(torch.equal(part[tap], whole[tap]) for tap in part)


def test_the_same_picture_has_the_same_features(shipped):
    frames = pictures(2)
    one, again = shipped(frames), load_loss_network(shipped_encoder())(frames)
    assert all(torch.equal(one[tap], again[tap]) for tap in TAPS)


def test_odd_and_small_frames_are_seen(shipped):
    assert shipped(torch.zeros(1, 3, 37, 51))["relu5_1"].shape[2:] == (2, 3)
    assert shipped(torch.zeros(1, 3, 32, 32))["relu5_1"].shape[2:] == (2, 2)


def test_the_gradient_of_the_losses_reaches_every_pixel(shipped):
    plate, style = pictures(2).split(1)
    frame = plate.clone().requires_grad_()
    targets = manners(shipped(style))
    taps = shipped(frame)
    total = style_loss(taps, targets) + content_loss(taps, shipped(1 - plate)).mean()
    total.backward()
    assert frame.grad is not None
    assert torch.isfinite(frame.grad).all()
    assert (frame.grad.abs().sum(1) > 0).float().mean() > 0.99
    better = (frame - 0.01 * frame.grad / frame.grad.abs().max()).detach()
    assert style_loss(shipped(better), targets) < style_loss(shipped(plate), targets)
    assert not any(value.requires_grad for value in shipped.parameters())


def test_the_gradient_has_no_lattice(shipped):
    """Averaged over many pictures, no position within a stride is favoured much."""
    frames = pictures(8, 96).requires_grad_()
    noise = torch.rand(frames.shape, generator=torch.Generator().manual_seed(2))
    style_loss(shipped(frames), manners(shipped(noise))).backward()
    assert frames.grad is not None
    strength = frames.grad[..., 16:80, 16:80].square().mean((0, 1))
    folded = strength.reshape(16, 4, 16, 4).mean((0, 2))
    assert folded.max() / folded.min() < 2.0


def test_the_shape_is_in_the_header(small):
    network = load_loss_network(small)
    assert isinstance(network.network, Encoder)
    assert network.network.shape == SMALL
    assert [taps.shape[1] for taps in network(torch.zeros(1, 3, 64, 64)).values()] == [*CHANNELS]


def forged(small: Path, **header: str) -> Path:
    """Write the same tensors under another header."""
    with safe_open(small, framework="pt") as file:
        told = file.metadata()
    save_file(load_file(small), str(small), metadata=told | header)
    return small


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ({"stillbrush-encoder": "2"}, "expected an encoder of version 1; got '2'"),
        ({"widths": "4,6,8,8"}, "widths: expected 5 numbers"),
        ({"widths": "4,6,8,8,99999"}, "widths: expected 5 numbers from 1 to 512"),
        ({"widths": "4,6,8,8,-8"}, "widths: expected"),
        ({"depths": "0,1,0,0,500"}, "depths: expected"),
        ({"widths": "512,512,512,512,512"}, "is .* not"),
        ({"depths": "0,1,0,0,1"}, "is missing"),
        ({"depths": "0,0,0,0,0"}, "is too many"),
    ],
)
def test_a_forged_header_is_refused_in_one_line(small, header, named):
    with pytest.raises(UnreadableFile, match=named) as caught:
        load_loss_network(forged(small, **header))
    assert "\n" not in str(caught.value)
    assert str(small) in str(caught.value)


def test_a_damaged_file_is_refused_in_one_line(small):
    whole = small.read_bytes()
    for data in (b"", whole[:100], whole[:-100], b"\xff" * 4000):
        small.write_bytes(data)
        with pytest.raises(UnreadableFile, match="cannot be read") as caught:
            load_loss_network(small)
        assert "\n" not in str(caught.value)
    with pytest.raises(MissingFrame):
        load_loss_network(small.with_name("absent.safetensors"))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nan_among_the_weights_is_refused(small, value):
    tensors = load_file(small)
    tensors["basis.bias"][0] = value
    with safe_open(small, framework="pt") as file:
        told = file.metadata()
    save_file(tensors, str(small), metadata=told)
    with pytest.raises(UnreadableFile, match=r"basis.bias.*NaN or infinity"):
        load_loss_network(small)


def test_a_vgg_is_checked_as_strictly(tmp_path):
    path = tmp_path / "vgg.safetensors"
    plain = {"conv1_1.weight": torch.ones(4, 3, 3, 3), "conv1_1.bias": torch.zeros(4)}
    for key, wrong, named in (
        ("conv1_1.bias", torch.full((4,), float("nan")), "NaN"),
        ("conv1_1.weight", torch.ones(4, 3, 3), "as in no VGG"),
        ("conv1_2.weight", torch.ones(512, 513, 3, 3, dtype=torch.float16), "as in no VGG"),
    ):
        save_file(plain | {key: wrong}, str(path))
        with pytest.raises(UnreadableFile, match=named):
            load_loss_network(path)


def test_the_encoder_is_not_taken_for_a_look(tmp_path):
    assert shipped_encoder().parent == SHIPPED
    assert "encoder" not in {path.stem for path in list_looks(tmp_path)}


@pytest.mark.skipif(not DISTILLED.is_file(), reason=f"no teachers in {DATA}")
def test_features_agree_with_the_teacher_on_photographs(shipped):
    held = Photographs(DATA / "content", SHORT_SIDE).hold_out(HELD_PHOTOGRAPHS)[::10]
    frames = [frame[None, :, :192, :192].float() / 255 for _, frame in held]
    found = correlate(shipped, load_loss_network(DISTILLED), frames)
    for tap, least in zip(TAPS, FLOORS, strict=True):
        own, control = found[tap]
        assert own > least, tap
        assert own > control + 0.2, tap

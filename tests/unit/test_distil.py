"""Distillation: the same recipe gives the same encoder, stopped or not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.training import write_loss_network, write_pictures

from stillbrush.core.errors import BadInput
from stillbrush.core.networks.encoder import TAPS, Encoder, EncoderShape, padded, save_encoder
from stillbrush.core.networks.loss_network import load_loss_network
from stillbrush.core.training import distil as distil_core
from stillbrush.core.training import distil_run
from stillbrush.core.training.agreement import correlate, pearson, spearman
from stillbrush.core.training.distil import Distiller, Errors, Lesson, Teachers, whiten
from stillbrush.core.training.distil_run import Material, distil, finish
from stillbrush.core.training.patches import Patches

SMALL = EncoderShape((4, 6, 8, 8, 8), (0, 1, 0, 0, 0))
LESSON = Lesson(iterations=6, size=64, batch=2, shape=SMALL)


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """Write pictures, and a small encoder that is the teacher of both halves."""
    folder = tmp_path_factory.mktemp("distil")
    torch.manual_seed(7)
    save_encoder(Encoder(SMALL), folder / "teacher.safetensors", {})
    write_pictures(folder / "photographs", 6)
    write_pictures(folder / "paintings", 4, seed=20)
    teacher = folder / "teacher.safetensors"
    return Material(folder / "photographs", (folder / "paintings",), teacher, teacher, LESSON)


@pytest.fixture(autouse=True)
def few_and_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distil_run, "SHORT_SIDE", 96)
    monkeypatch.setattr(distil_run, "CHECKPOINT_EVERY", 2)
    monkeypatch.setattr(distil_core, "MEASURED", 2)


class Stop(Exception):
    """What ends a run at once."""


def nothing(_: Distiller, __: Errors) -> None:
    """Watch and do nothing."""


def weights(distiller: Distiller) -> list[torch.Tensor]:
    return list(distiller.average.state_dict().values())


def patches(size: int = 64) -> Patches:
    frames = [torch.randint(0, 256, (3, 90, 110), dtype=torch.uint8) for _ in range(3)]
    return Patches(frames, frames[:1], size)


def test_the_same_recipe_gives_the_same_weights_stopped_or_not(material, tmp_path):
    def stop(distiller: Distiller, _: Errors) -> None:
        if distiller.step == 5:
            raise Stop

    whole = distil(material, tmp_path / "whole", nothing)
    with pytest.raises(Stop):
        distil(material, tmp_path / "stopped", stop)
    again = distil(material, tmp_path / "stopped", nothing)
    assert whole.step == again.step == 6
    assert all(map(torch.equal, weights(whole), weights(again)))


def test_another_recipe_in_the_same_folder_is_refused(material, tmp_path):
    distil(replace(material, lesson=replace(LESSON, iterations=2)), tmp_path, nothing)
    for changed in (
        replace(material, lesson=replace(LESSON, iterations=2, rate=1e-3)),
        replace(material, lesson=replace(LESSON, iterations=3)),
    ):
        with pytest.raises(BadInput, match="begun with another"):
            distil(changed, tmp_path, nothing)


def test_a_damaged_checkpoint_falls_back_on_the_one_before(material, tmp_path):
    whole = distil(material, tmp_path, nothing)
    (tmp_path / "checkpoint-0000006.safetensors").write_bytes(b"x")
    again = distil(material, tmp_path, nothing)
    assert all(map(torch.equal, weights(whole), weights(again)))


def test_what_was_learnt_is_an_encoder(material, tmp_path):
    distiller = distil(material, tmp_path / "work", nothing)
    finish(distiller, material, tmp_path / "encoder.safetensors")
    made = load_loss_network(tmp_path / "encoder.safetensors")
    frames = torch.rand(1, 3, 64, 64)
    for tap, values in distiller.average(frames).items():
        torch.testing.assert_close(made(frames)[tap], values, rtol=0.05, atol=0.05)


@pytest.mark.heavy
def test_an_encoder_learns_to_agree(material, tmp_path):
    lesson = replace(LESSON, iterations=300, batch=4)
    distiller = distil(replace(material, lesson=lesson), tmp_path, nothing)
    frames = distiller.patches.batch(8, np.random.default_rng(99)).split(1)
    found = correlate(distiller.average, distiller.teachers, frames)
    assert all(own > 0.8 for own, _ in found.values()), found


def test_a_teacher_that_lacks_a_tap_is_refused(material, tmp_path):
    vgg = load_loss_network(write_loss_network(tmp_path / "vgg.safetensors"))
    with pytest.raises(BadInput, match="lack relu4_1, relu5_1"):
        Teachers(vgg, vgg)(torch.zeros(1, 3, 64, 64))


def test_channels_of_the_teachers_are_scaled_to_a_mean_of_one(material):
    teachers = material.teachers()
    batches = [patches().batch(2, np.random.default_rng(n)) for n in range(3)]
    teachers.measure(batches)
    scaled = [teachers.scaled(teachers(batch)) for batch in batches]
    for tap in TAPS:
        means = torch.stack([each[tap].mean((0, 2, 3)) for each in scaled]).mean(0)
        assert (means <= 1.001).all()  # below it: as good as dead
        assert (means > 0.999).float().mean() > 0.5


def test_a_whitened_basis_answers_without_correlation():
    network, frames = Encoder(SMALL), torch.rand(4, 3, 40, 40)
    whiten(network, frames)
    found = network.enter(frames, 0).transpose(0, 1).flatten(1)
    torch.testing.assert_close(torch.cov(found), torch.eye(27), atol=0.02, rtol=0)
    assert padded(frames).shape[-1] == 42


def test_patches_are_drawn_from_their_seed_and_in_range():
    made = patches()
    one, again = (made.batch(12, np.random.default_rng(3)) for _ in range(2))
    assert one.shape == (12, 3, 64, 64)
    assert torch.equal(one, again)
    assert not torch.equal(one, made.batch(12, np.random.default_rng(4)))
    assert one.min() >= 0
    assert one.max() <= 1
    assert (one.std((1, 2, 3)) > 0.005).all()


def test_a_picture_smaller_than_a_patch_is_enlarged():
    assert patches(128).batch(6, np.random.default_rng(1)).shape == (6, 3, 128, 128)


def test_correlation_is_pearsons_of_each_channel():
    frames = [torch.rand(1, 3, 8, 8) for _ in range(4)]

    def one(frame: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"tap": frame}

    def other(frame: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"tap": 2 * frame + 1, "unknown": frame}

    own, control = correlate(one, other, frames)["tap"]
    assert own == pytest.approx(1)
    assert abs(control) < 0.3
    assert pearson([1, 2, 4], [2, 4, 8]) == pytest.approx(1)
    assert spearman([1, 2, 4], [1, 10, 11]) == pytest.approx(1)
    assert spearman([1, 2, 4], [3, 2, 1]) == pytest.approx(-1)

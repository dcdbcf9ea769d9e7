"""Rendered motion, from EXR layers and .flo files, against the demo shot's own truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from support.material import tiny_look

from stillbrush.core.demo import DemoShot, write_demo_shot
from stillbrush.core.errors import BadInput, MissingFrame
from stillbrush.core.media.source import ReadSettings
from stillbrush.core.motion.flow_files import write_flo
from stillbrush.core.render.assembly import assemble
from stillbrush.core.render.given_motion import VectorSettings
from stillbrush.core.render.request import Request

SHOT = DemoShot(width=320, height=180, frames=4)


@pytest.fixture(scope="module")
def plates(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_demo_shot(tmp_path_factory.mktemp("plates"), SHOT)


@pytest.fixture(scope="module")
def look(tmp_path_factory: pytest.TempPathFactory):
    return tiny_look(tmp_path_factory.mktemp("look"))


def test_layers_give_back_the_motion_that_was_rendered(plates, look):
    made = assemble(Request(plates, look, vectors=VectorSettings())).painting()
    ready = made.ready(1003)
    assert ready.flow is not None
    truth = SHOT.frame(1003)
    np.testing.assert_allclose(ready.flow.backward[0].numpy(), truth.backward, atol=1e-4)
    np.testing.assert_allclose(ready.flow.forward[0].numpy(), SHOT.frame(1002).forward, atol=1e-4)


def test_what_was_uncovered_is_not_trusted(plates, look):
    made = assemble(Request(plates, look, vectors=VectorSettings())).painting()
    for frame in (1002, 1003, 1004):
        ready = made.ready(frame)
        assert ready.prior is not None
        hidden = SHOT.frame(frame).disoccluded
        trusted = ready.prior.mask[0, ..., 0].numpy() > 0
        assert (~trusted[hidden]).mean() > 0.97
        assert trusted[~hidden].mean() > 0.75


def test_estimated_motion_is_close_to_the_rendered(plates, look):
    made = assemble(Request(plates, look)).painting()
    ready = made.ready(1003)
    assert ready.flow is not None
    truth = SHOT.frame(1003)
    error = np.linalg.norm(ready.flow.backward[0].numpy() - truth.backward, axis=-1)
    assert np.median(error[~truth.disoccluded]) < 0.5


def test_flo_files_stand_in_for_the_estimator(plates, look, tmp_path):
    for frame in SHOT.frames:
        flow = torch.from_numpy(SHOT.frame(frame).backward)[None]
        write_flo(tmp_path / f"motion.{frame:04d}.flo", flow)
    settings = VectorSettings(files=str(tmp_path / "motion.####.flo"))
    made = assemble(Request(plates, look, vectors=settings)).painting()
    ready = made.ready(1003)
    assert ready.flow is not None
    np.testing.assert_allclose(ready.flow.backward[0].numpy(), SHOT.frame(1003).backward, atol=1e-5)
    assert "flo" in made.motion.name


def test_named_channels_and_a_scale_turn_other_vectors_into_ours(plates, look):
    settings = VectorSettings(channels="backward.u,backward.v", scale=(2.0, 2.0))
    made = assemble(Request(plates, look, vectors=settings)).painting()
    ready = made.ready(1002)
    assert ready.flow is not None
    np.testing.assert_allclose(
        ready.flow.backward[0].numpy(), 2 * SHOT.frame(1002).backward, atol=1e-3
    )


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (VectorSettings(convention="maya"), "expected auto"),
        (VectorSettings(convention="blender"), "motion layers"),
        (VectorSettings(channels="u"), "two names"),
        (VectorSettings(channels="nope.u,nope.v"), "nope.u"),
    ],
)
def test_wrong_settings_are_one_clear_line(plates, look, settings, told):
    with pytest.raises(BadInput, match=told):
        assemble(Request(plates, look, vectors=settings)).painting().ready(1002)


def test_a_missing_motion_file_names_its_frame(plates, look, tmp_path: Path):
    flow = torch.from_numpy(SHOT.frame(1001).backward)[None]
    write_flo(tmp_path / "motion.1001.flo", flow)
    write_flo(tmp_path / "motion.1002.flo", flow)
    settings = VectorSettings(files=str(tmp_path / "motion.####.flo"))
    with pytest.raises(MissingFrame, match="1003"):
        assemble(Request(plates, look, vectors=settings))


def test_vectors_and_a_proxy_exclude_each_other_before_anything_is_painted(plates, look):
    with pytest.raises(BadInput, match="full plate"):
        assemble(Request(plates, look, ReadSettings(proxy=2), vectors=VectorSettings()))


def test_a_scale_that_is_no_number_is_refused(plates, look):
    settings = VectorSettings(scale=(float("nan"), 1.0))
    with pytest.raises(BadInput, match="two numbers"):
        assemble(Request(plates, look, vectors=settings))

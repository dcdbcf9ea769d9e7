"""Promise 2: any order gives the same pixels, and any part agrees with the whole."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from support.material import tiny_look, tiny_shot

from stillbrush.core.knobs import ShotKnobs
from stillbrush.core.render.assembly import assemble
from stillbrush.core.render.given_motion import VectorSettings
from stillbrush.core.render.painting import Settings, ShotPainting
from stillbrush.core.render.request import Request
from stillbrush.core.stylizers.shot_statistics import Normalise

FRAMES = 20  # more than one checkpoint


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_shot(tmp_path_factory.mktemp("shot"), FRAMES, 80, 48)


def painting(shot: str, folder: Path, normalise: Normalise = Normalise.FRAME) -> ShotPainting:
    settings = Settings(ShotKnobs(normalise=normalise, stroke_size=4.0))
    made = assemble(Request(shot, tiny_look(folder), settings=settings)).painting()
    made.freeze_if_asked()
    return made


@pytest.mark.parametrize("normalise", list(Normalise))
def test_frames_pulled_in_random_order_equal_those_pulled_in_order(shot, tmp_path, normalise):
    ordered = painting(shot, tmp_path, normalise)
    expected = {frame: ordered.frame(frame) for frame in ordered.frames}
    scrubbed = painting(shot, tmp_path, normalise)
    rng = random.Random(4)
    pulls = [rng.choice(scrubbed.frames) for _ in range(12)] + [1020, 1001, 1020]
    for frame in pulls:
        np.testing.assert_array_equal(scrubbed.frame(frame), expected[frame], err_msg=str(frame))


def test_paint_depends_on_what_was_painted_before(shot, tmp_path):
    whole = painting(shot, tmp_path)
    request = Request(shot, tiny_look(tmp_path), settings=whole.settings, frames="1010", cold=True)
    cold = assemble(request).painting()
    assert not np.array_equal(whole.frame(1010), cold.frame(1010))


def test_per_frame_depends_on_nothing_else(shot, tmp_path):
    settings = Settings(ShotKnobs(stroke_size=4.0), per_frame=True)
    look = tiny_look(tmp_path)
    whole = assemble(Request(shot, look, settings=settings)).painting()
    alone = assemble(Request(shot, look, settings=settings, frames="1010", cold=True)).painting()
    np.testing.assert_array_equal(whole.frame(1010), alone.frame(1010))


def test_temporal_zero_equals_no_trust_at_all(shot, tmp_path):
    look = tiny_look(tmp_path)
    settings = Settings(ShotKnobs(stroke_size=4.0, temporal=0.0))
    made = assemble(Request(shot, look, settings=settings)).painting()
    ready = made.ready(1005)
    assert ready.prior is not None
    assert not ready.prior.mask.any()


def test_a_given_cut_begins_afresh(shot, tmp_path):
    look = tiny_look(tmp_path)
    knobs = ShotKnobs(stroke_size=4.0)
    cut = assemble(Request(shot, look, settings=Settings(knobs, cuts=(1010,)))).painting()
    cold = assemble(
        Request(shot, look, settings=Settings(knobs), frames="1010-1012", cold=True)
    ).painting()
    for frame in (1012, 1010):
        np.testing.assert_array_equal(cut.frame(frame), cold.frame(frame))


def test_rendered_vectors_paint_steadily_too(shot, tmp_path):
    request = Request(shot, tiny_look(tmp_path), vectors=VectorSettings())
    made = assemble(request).painting()
    ready = made.ready(1002)
    assert ready.prior is not None
    trusted = float(ready.prior.mask.mean())
    assert 0.5 < trusted < 1.0
    assert "nuke" in made.motion.name

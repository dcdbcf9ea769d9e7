"""A request that contradicts itself, or would harm what it reads, is refused at once."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from support.material import tiny_look, tiny_shot

from stillbrush.core.errors import BadInput
from stillbrush.core.knobs import ShotKnobs
from stillbrush.core.media.images import probe, read_plate
from stillbrush.core.media.source import ReadSettings, open_shot
from stillbrush.core.render.assembly import assemble
from stillbrush.core.render.output import plan_output
from stillbrush.core.render.painting import Settings
from stillbrush.core.render.request import Request
from stillbrush.core.stylizers.shot_statistics import Normalise


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_shot(tmp_path_factory.mktemp("shot"), 3, 64, 48)


@pytest.fixture(scope="module")
def look(tmp_path_factory: pytest.TempPathFactory):
    return tiny_look(tmp_path_factory.mktemp("look"))


def test_no_output_replaces_the_matte(shot, look, tmp_path):
    matte = tmp_path / "matte.1001.png"
    cv2.imwrite(str(matte), np.full((48, 64), 255, np.uint8))
    made = assemble(Request(shot, look, frames="1001", matte=str(matte)))
    with pytest.raises(BadInput, match="read"):
        made.job(str(tmp_path / "matte.####.png"), overwrite=True)


@pytest.mark.parametrize("exposure", [float("nan"), float("inf"), 1000.0, -200.0])
def test_an_exposure_that_leaves_nothing_to_see_is_refused(shot, look, exposure):
    with pytest.raises(BadInput, match="exposure"):
        assemble(Request(shot, look, settings=Settings(exposure=exposure))).painting()


def test_frozen_statistics_need_the_knob_that_uses_them(shot, look, tmp_path):
    with pytest.raises(BadInput, match="normalise shot"):
        assemble(Request(shot, look, statistics=tmp_path / "some.safetensors"))
    frozen = Settings(ShotKnobs(normalise=Normalise.SHOT))
    assemble(Request(shot, look, settings=frozen, statistics=tmp_path / "some.safetensors"))


def test_a_flow_cache_is_a_folder(shot, look, tmp_path):
    file = tmp_path / "cache"
    file.write_text("not a folder")
    with pytest.raises(BadInput, match="folder"):
        assemble(Request(shot, look, flow_cache=file))


def test_a_proxy_has_its_limit(shot):
    with pytest.raises(BadInput, match="1/16"):
        open_shot(shot, ReadSettings(proxy=1000))


@pytest.fixture
def log_plate(tmp_path: Path) -> str:
    path = tmp_path / "log.1001.dpx"
    ramp = np.linspace(0, 1023, 64).astype(np.uint16) << 6
    cv2.imwrite(str(path.with_suffix(".png")), np.dstack([np.tile(ramp, (48, 1))] * 3))
    return str(path.with_suffix(".png"))


def test_a_log_plate_is_scene_referred_whatever_its_samples(log_plate, look):
    made = open_shot(log_plate, ReadSettings(colour="ARRI LogC4"))
    assert made.is_scene_referred
    assert not open_shot(log_plate).is_scene_referred
    painting = assemble(Request(log_plate, look, ReadSettings(colour="ARRI LogC4"))).painting()
    encoded = painting.prepared.get(1001).encoded
    bright = encoded[0, 0, -16:, 0]
    assert (bright.diff() > 0).sum() >= 8  # highlights differ up to 128


def test_a_float_plate_stays_itself_in_a_float_tiff(shot, look, tmp_path):
    made = assemble(Request(shot, look, frames="1001"))
    output = plan_output(str(tmp_path / "out.####.tif"), made.shot, (1001,))
    placed = made.shot.read(1001)
    path = output.write(placed, placed.rgb, made.shot, layers={}, metadata={})
    assert probe(path).channel_format == "float"
    np.testing.assert_array_equal(read_plate(path, 1001).rgb, placed.rgb)

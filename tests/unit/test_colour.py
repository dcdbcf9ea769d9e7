"""Colour spaces: what a plate is in, there and back, and what a network sees of it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest
import torch

from stillbrush.core.errors import BadInput
from stillbrush.core.media.colour import (
    PINNED,
    PlateColour,
    config,
    plate_space,
    sanitise,
)
from stillbrush.core.media.encoding import KNEE, Encoding

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "../shared/data/exr_dev"
REC709, SRGB = "Linear Rec.709 (sRGB)", "sRGB - Texture"


@pytest.fixture(autouse=True)
def _pinned() -> None:
    if config().configname() != PINNED:
        pytest.skip("$OCIO is set: these numbers are those of the pinned config")


@dataclass(frozen=True)
class Tags:
    """A header that says what a test wants."""

    channel_format: str = "half"
    interop_id: str | None = None
    colour_space: str | None = None
    chromaticities: tuple[float, ...] | None = None
    path: Path = Path("plate.1001.exr")


def picture(name: str) -> np.ndarray:
    path = PICTURES / name
    if not path.exists():
        pytest.skip("no shared pictures on this machine")
    return np.asarray(oiio.ImageBuf(str(path)).get_pixels(oiio.FLOAT), np.float32)[..., :3]


def scene(low: float, high: float, seed: int = 0) -> np.ndarray:
    """Linear Rec.709 colours spread evenly over stops."""
    rng = np.random.default_rng(seed)
    return np.exp2(rng.uniform(low, high, (48, 64, 3))).astype(np.float32)


def relative(a: np.ndarray, b: np.ndarray) -> float:
    return float((np.abs(a - b) / np.maximum(np.abs(b), 1)).max())


AP1 = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)
AP0 = (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767)


@pytest.mark.parametrize(
    ("tags", "choice", "space"),
    [
        (Tags(interop_id="lin_ap0_scene", colour_space="ACEScg"), "ACEScct", "ACEScct"),
        (Tags(interop_id="lin_ap0_scene", colour_space="ACEScg"), None, "ACES2065-1"),
        (Tags(colour_space="ACEScg", chromaticities=AP0), None, "ACEScg"),
        (Tags(interop_id="unknown", chromaticities=AP1), None, "ACEScg"),
        (Tags(chromaticities=AP0), None, "ACES2065-1"),
        (Tags(), None, REC709),
        (Tags(channel_format="float"), None, REC709),
        (Tags(channel_format="uint8"), None, SRGB),
        (
            Tags(channel_format="uint10", interop_id="pq_rec2020_display"),
            None,
            "Rec.2100-PQ - Display",
        ),
        (None, None, SRGB),
        (None, "scene_linear", "ACEScg"),
        (Tags(), "LIN_AP1_scene", "ACEScg"),
        (Tags(), "g22_rec709_scene", "Gamma 2.2 Rec.709 - Texture"),
        (Tags(), "arri_logc4", "ARRI LogC4"),
    ],
)
def test_which_space_a_plate_is_in(tags: Tags | None, choice: str | None, space: str) -> None:
    assert plate_space(tags, choice=choice) == space


def test_unknown_spaces_are_refused_with_near_ones() -> None:
    with pytest.raises(BadInput, match="near to it: ACEScg"):
        plate_space(None, choice="ACESgc")
    with pytest.raises(BadInput, match=r"plate\.1001\.exr: .*my_house_log"):
        plate_space(Tags(colour_space="my_house_log"))
    with pytest.raises(BadInput, match=r"plate\.1001\.exr: chromaticities"):
        plate_space(Tags(chromaticities=(0.8, 0.3, 0.1, 0.9, 0.1, 0.0, 0.31, 0.33)))
    with pytest.raises(BadInput):
        PlateColour("")


# Stops that a space holds, any colour: film density ends where its dyes do.
STOPS = {"ADX10": (-4, 1), "ADX16": (-4, 1)}


@pytest.mark.parametrize("space", config().getColorSpaceNames())
def test_every_space_comes_back(space: str) -> None:
    colour = PlateColour(space)
    plate = colour.from_linear(scene(*STOPS.get(space, (-8, 3))))
    again = colour.from_linear(colour.to_linear(plate))
    assert relative(again, plate) < 1e-4


@pytest.mark.parametrize(
    "space", [n for n in config().getColorSpaceNames() if config().isColorSpaceLinear(n)]
)
def test_linear_spaces_keep_every_value(space: str) -> None:
    plate = scene(-8, 10) * np.where(scene(-1, 1, seed=1) > 1, 1, -1).astype(np.float32)
    colour = PlateColour(space)
    linear = colour.to_linear(plate)
    assert linear.dtype == np.float32
    worst = np.abs(plate).max(axis=2, keepdims=True)  # a matrix mixes the channels of a pixel
    assert (np.abs(colour.from_linear(linear) - plate) / np.maximum(worst, 1)).max() < 1e-6


def test_identity_touches_nothing() -> None:
    plate = scene(-8, 8)
    for name in (REC709, "lin_rec709_scene", "Raw"):
        assert PlateColour(name).is_identity
        assert PlateColour(name).to_linear(plate) is plate
        assert PlateColour(name).from_linear(plate) is plate
    assert not PlateColour("ACEScg").is_identity


def test_known_numbers() -> None:
    """18 % grey in ACES is 18 % grey; sRGB 0.5 is 0.21404; ARRI puts 18 % at LogC3 0.391."""
    grey = np.full((2, 2, 3), 0.18, np.float32)
    assert np.abs(PlateColour("ACEScg").to_linear(grey) - 0.18).max() < 1e-5
    half = np.full((2, 2, 3), 0.5, np.float32)
    assert np.abs(PlateColour(SRGB).to_linear(half) - 0.21404).max() < 1e-4
    assert np.abs(PlateColour("arri_logc3_ei800").from_linear(grey) - 0.391).max() < 1e-3


def test_two_files_of_one_picture_agree() -> None:
    """OpenEXR's XYZ.exr is its Rec709.exr in another space, and says so by chromaticities."""
    rec709, xyz = picture("Rec709.exr"), picture("XYZ.exr")
    tags = Tags(chromaticities=(1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1 / 3, 1 / 3))
    assert relative(PlateColour(plate_space(tags)).to_linear(xyz), rec709) < 3e-3  # half floats


def test_bands_and_threads_give_the_same_bits() -> None:
    plate = PlateColour("arri_logc4").from_linear(scene(-6, 4))
    colour = PlateColour("arri_logc4")
    whole = colour.to_linear(plate)
    parts = np.concatenate([colour.to_linear(plate[:17]), colour.to_linear(plate[17:])])
    assert np.array_equal(parts, whole)
    results: list[np.ndarray] = []
    workers = [
        threading.Thread(target=lambda: results.append(colour.to_linear(plate))) for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(results) == 4
    assert all(np.array_equal(result, whole) for result in results)


STUDIO = """ocio_profile_version: 2
roles: {default: ap0, aces_interchange: ap0, scene_linear: house}
file_rules: [!<Rule> {name: Default, colorspace: default}]
displays: {d: [!<View> {name: v, colorspace: ap0}]}
colorspaces:
  - !<ColorSpace> {name: ap0}
  - !<ColorSpace>
    name: house
    to_scene_reference: !<MatrixTransform>
      matrix: [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1]
"""
ASK = """
import sys; sys.path.insert(0, "tests"); import conftest, numpy as np
from stillbrush.core.errors import BadInput
from stillbrush.core.media.colour import PlateColour, config, find_space
try:
    c = PlateColour("scene_linear")
    x = c.to_linear(np.full((1, 1, 3), 0.25, np.float32))
    back = c.from_linear(x)
    print(c.space, c.is_identity, abs(x - 0.5).max() < 1e-3, abs(back - 0.25).max() < 1e-6)
    find_space("ACEScg")
except BadInput as error:
    print(error)
"""


def ask(ocio: str) -> list[str]:
    """Run ASK in its own process: OpenImageIO looks at $OCIO once."""
    env = {**os.environ, "OCIO": ocio}
    told = subprocess.run(
        [sys.executable, "-c", ASK], env=env, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return told.stdout.splitlines()


def test_a_studio_config_comes_first(tmp_path: Path) -> None:
    (tmp_path / "studio.ocio").write_text(STUDIO)
    first, second = ask(str(tmp_path / "studio.ocio"))
    assert first == "house False True True"
    assert "studio.ocio" in second
    assert "ACEScg" in second


def test_a_studio_config_that_does_not_load_is_named(tmp_path: Path) -> None:
    (line,) = ask(str(tmp_path / "gone.ocio"))
    assert line.startswith("$OCIO: expected a config that loads")
    assert "gone.ocio" in line


def test_sanitise_fills_from_the_neighbourhood() -> None:
    plate = np.full((40, 40, 3), 0.5, np.float32)
    plate[:, 20:] = 4.0
    whole = plate.copy()
    plate[5, 5, 0], plate[30, 35], plate[10, 20:24, 1] = np.nan, np.inf, -np.inf
    clean, bad = sanitise(plate)
    assert np.isfinite(clean).all()
    assert bad.sum() == 6
    assert np.array_equal(clean[~bad], plate[~bad])
    assert np.abs(clean[5, 5] - whole[5, 5]).max() < 1e-5
    assert np.abs(clean[30, 35] - whole[30, 35]).max() < 1e-5
    same, none = sanitise(whole)
    assert same is whole
    assert not none.any()
    nothing, all_bad = sanitise(np.full((3, 5, 3), np.nan, np.float32))
    assert all_bad.all()
    assert not nothing.any()


def test_sanitise_survives_a_real_broken_picture() -> None:
    broken, whole = picture("BrightRingsNanInf.exr"), picture("BrightRings.exr")
    clean, bad = sanitise(broken)
    assert bad.any()
    assert np.isfinite(clean).all()
    assert clean.max() <= whole.max()
    assert np.array_equal(clean[~bad], broken[~bad])


def test_the_shoulder_meets_the_knee_without_a_corner() -> None:
    step = 1e-6
    x = torch.tensor([KNEE - step, KNEE, KNEE + step], dtype=torch.float64)
    below, above = Encoding().encode(x).diff() / step
    assert abs(above / below - 1) < 1e-3
    codes = Encoding().encode(torch.tensor([-1.0, 0.0, 0.18, 1.0, 10.0, 100.0, 128.0, 1000.0]))
    want = torch.tensor([0.0, 0.0, 0.461, 0.86, 0.939, 0.994, 1.0, 1.0])
    assert torch.allclose(codes, want, rtol=0, atol=6e-4)
    ramp = Encoding().encode(torch.linspace(0, 128, 20001))
    assert (ramp.diff() > 0).all()


@pytest.mark.parametrize("exposure", [0.0, 1.5, -2.0])
@pytest.mark.parametrize("has_shoulder", [True, False])
def test_an_unpainted_pixel_comes_back(exposure: float, has_shoulder: bool) -> None:
    x = torch.from_numpy(scene(-14, 10))
    way = Encoding(exposure, has_shoulder)
    assert ((way.decode(way.encode(x), x) - x).abs() / x.clamp(min=1e-3)).max() < 1e-5


@pytest.mark.parametrize("name", ["BrightRings.exr", "Desk.exr", "GammaChart.exr"])
def test_real_pictures_come_back(name: str) -> None:
    x = torch.from_numpy(picture(name)).clamp(min=0)
    back = Encoding().decode(Encoding().encode(x), x)
    assert ((back - x).abs() / x.clamp(min=1)).max() < 1e-4


def test_painted_highlights_stay_bright() -> None:
    plate = torch.tensor([0.5, 1.0, 10.0, 128.0, 1000.0])
    white = Encoding().decode(torch.ones(5), plate)
    assert (white.diff() >= 0).all()
    assert white[-1] >= 128
    dark = Encoding().decode(torch.full((5,), 0.2), plate)
    assert (dark < white).all()
    near = torch.tensor([0.6, 0.6001])
    assert Encoding().decode(torch.full((2,), 0.5), near).diff().abs() < 1e-4


def test_encoding_a_band_gives_the_bits_of_the_whole() -> None:
    x = torch.from_numpy(scene(-10, 8))
    assert torch.equal(Encoding().encode(x[5:12]), Encoding().encode(x)[5:12])

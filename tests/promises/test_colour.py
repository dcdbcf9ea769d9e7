"""Colour survives: every working space, highlights, soft edges, and what a file says of itself."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest
import torch
from support.commands import ENVIRONMENT, LOAD, ROOT
from support.material import SHARED
from support.rendering import paint

from stillbrush.core.errors import BadInput, StillbrushError
from stillbrush.core.knobs import ShotKnobs
from stillbrush.core.looks import SHIPPED, load_look
from stillbrush.core.media.colour import PlateColour
from stillbrush.core.media.encoding import BRIGHTEST, Encoding
from stillbrush.core.media.images import read_plate, write_picture
from stillbrush.core.media.placing import Placed
from stillbrush.core.media.source import ReadSettings, open_shot
from stillbrush.core.render.compose import compose
from stillbrush.core.render.prepare import prepare

EXR_DEV = SHARED / "data/exr_dev"
BUILT_IN = ["ocio://default", "ocio://cg-config-latest", "ocio://studio-config-latest"]
AP0 = (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767)


@pytest.mark.parametrize(
    "name", [BUILT_IN[0], *(pytest.param(n, marks=pytest.mark.heavy) for n in BUILT_IN[1:])]
)
def test_every_space_of_a_built_in_config_comes_back_unpainted(name: str) -> None:
    """All codes of log and camera spaces, and light from -0.5 to 1,000 of linear ones."""
    script = LOAD + "from support.round_trip import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, str(ROOT / "__init__.py")],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | ENVIRONMENT | {"OCIO": name, "PYTHONPATH": str(ROOT / "tests")},
    )
    spaces = json.loads(done.stdout)["spaces"]
    assert len(spaces) > 20
    for space, (_, unpainted, repainted) in spaces.items():
        assert unpainted < 1e-6, space
        assert repainted < 1e-4, space


def write_log(folder: Path, values: np.ndarray, frames: int = 3) -> Path:
    for number in range(1001, 1001 + frames):
        write_picture(folder / f"log.{number}.exr", values, None, overwrite=False)
    return folder / "log.####.exr"


@pytest.mark.parametrize(("odd", "warnings"), [(0.5, 0), (-2.0, 1), (7.0, 1)])
def test_values_out_of_a_spaces_range_are_warned_of_once_and_stay_where_unpainted(
    odd, warnings, look, tmp_path, caplog
) -> None:
    values = np.random.default_rng(2).uniform(0.3, 0.6, (48, 64, 3)).astype(np.float16)
    values[10:14, 5:9] = odd
    values = values.astype(np.float32)
    matte = np.zeros((48, 64, 3), np.float32)
    matte[:, 32:] = 1
    write_picture(tmp_path / "matte.exr", matte, None, overwrite=False)
    request = {
        "read": ReadSettings(colour="ACEScc"), "matte": str(tmp_path / "matte.exr")
    }  # fmt: skip
    with caplog.at_level(logging.WARNING):
        paint(write_log(tmp_path / "in", values), look, tmp_path / "o.####.exr", request=request)
    told = [record for record in caplog.records if "beyond the range" in record.getMessage()]
    assert len(told) == warnings
    for number in (1001, 1003):
        painted = read_plate(tmp_path / f"o.{number}.exr", 1).rgb
        np.testing.assert_array_equal(painted[:, :32], values[:, :32])
        assert np.abs(painted[:, 32:] - values[:, 32:]).max() > 0.01


def real(name: str) -> np.ndarray:
    path = EXR_DEV / f"{name}.exr"
    if not path.is_file():
        pytest.skip(f"no {path}: the project's data is not on this machine")
    return np.maximum(read_plate(path, 1).rgb, 0)


@pytest.mark.parametrize(("name", "most"), [("BrightRings", 1000), ("Desk", 200)])
def test_highlights_that_no_network_carries_are_restored(name, most) -> None:
    """As if the network gave back what it saw, which ends at 128."""
    plate, colour, way = real(name), PlateColour("lin_rec709_scene"), Encoding()
    assert plate.max() > most > BRIGHTEST
    whole = (slice(0, plate.shape[0]), slice(0, plate.shape[1]))
    ready = prepare(Placed(1, plate, None, None, whole), colour, way, torch.device("cpu"))
    assert ready.encoded.max() <= 1
    back = compose(ready, ready.encoded, ShotKnobs(detail=0.0), colour, way)
    assert (np.abs(back - plate) / np.maximum(plate, 1)).max() < 1e-4


def test_paint_on_a_highlight_shines_like_the_highlight(tmp_path) -> None:
    plate = real("BrightRings")
    write_picture(tmp_path / "rings.exr", plate, None, overwrite=False)
    look = load_look(SHIPPED / "starry-night.yaml")
    paint(tmp_path / "rings.exr", look, tmp_path / "painted.exr", stroke_size=2.0)
    painted = read_plate(tmp_path / "painted.exr", 1).rgb
    bright, paper = plate.min(-1) > 500, plate.max(-1) < 1
    assert bright.sum() > 1000
    assert np.median(painted[bright].max(-1) / plate[bright].max(-1)) > 0.05
    assert np.median(painted[bright].max(-1)) > 50
    assert painted[paper].max() < 1.01


def edges(folder: Path, look, seed: int, *, covered: bool) -> tuple[float, float]:
    """Paint noise under a soft matte; return the mean paint at its edge and far inside."""
    rng = np.random.default_rng(seed)
    height, width = 192, 256
    noise = rng.uniform(0.2, 0.6, (height // 4, width // 4, 3)).repeat(4, 0).repeat(4, 1)
    y, x = np.mgrid[:height, :width]
    away = np.hypot(y - height / 2, x - width / 2)
    alpha = np.clip((70 - away) / 4, 0, 1).astype(np.float16).astype(np.float32)
    path = folder / f"cut{seed}{covered}.exr"
    cover = np.ones_like(alpha) if covered else alpha
    premultiplied = (noise * cover[..., None]).astype(np.float32)
    write_picture(path, premultiplied, None, overwrite=False, alpha=cover)
    paint(path, look, folder / f"painted{seed}{covered}.exr", stroke_size=3.0)
    painted = read_plate(folder / f"painted{seed}{covered}.exr", 1).rgb
    straight = painted / np.maximum(cover, 1e-3)[..., None]
    rim, inside = (alpha > 0.1) & (alpha < 0.95), away < 50
    return float(straight[rim].mean()), float(straight[inside].mean())


def test_premultiplied_edges_have_no_dark_or_bright_fringe(tmp_path) -> None:
    """Least so in the mean of several plates: where a swirl lies differs, and so does a single."""
    look = load_look(SHIPPED / "starry-night.yaml")
    fringes = []
    for seed in (6, 7, 8, 9):
        rim, inside = edges(tmp_path, look, seed, covered=False)
        solid_rim, solid_inside = edges(tmp_path, look, seed, covered=True)
        fringes.append(rim / inside - solid_rim / solid_inside)
    assert abs(np.mean(fringes)) < 0.1, fringes
    assert max(map(abs, fringes)) < 0.3, fringes


def tagged(path: Path, **attributes: object) -> Path:
    spec = oiio.ImageSpec(16, 16, 3, oiio.HALF)
    for name, value in attributes.items():
        key = {"interop": "colorInteropID", "space": "oiio:ColorSpace"}.get(name, name)
        if isinstance(value, tuple):
            spec.attribute(key, oiio.TypeDesc("float[8]"), value)
        else:
            spec.attribute(key, value)
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec)
    assert out.write_image(np.full((16, 16, 3), 0.25, np.float32))
    assert out.close()
    return path


@pytest.mark.parametrize(
    ("attributes", "choice", "space"),
    [
        ({"interop": "lin_ap1_scene", "chromaticities": AP0}, None, "ACEScg"),
        ({"space": "ACEScg", "chromaticities": AP0}, None, "ACEScg"),
        ({"interop": "lin_ap1_scene", "space": "ACES2065-1"}, None, "ACEScg"),
        ({"chromaticities": AP0}, None, "ACES2065-1"),
        ({}, None, "Linear Rec.709 (sRGB)"),
        ({"interop": "lin_ap1_scene", "chromaticities": AP0}, "ARRI LogC4", "ARRI LogC4"),
    ],
)
def test_a_file_says_its_colour_and_a_choice_comes_first(attributes, choice, space, tmp_path):
    path = tagged(tmp_path / "a.0001.exr", **attributes)
    assert open_shot(path, ReadSettings(colour=choice)).colour.space == space


def test_chromaticities_of_no_known_space_are_refused(tmp_path) -> None:
    odd = (0.8, 0.3, 0.1, 0.9, 0.1, 0.0, 0.31, 0.33)
    path = tagged(tmp_path / "a.0001.exr", chromaticities=odd)
    with pytest.raises(BadInput, match=r"a\.0001\.exr: chromaticities"):
        open_shot(path)


def files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        pytest.skip(f"no {folder}: the project's data is not on this machine")
    return sorted(folder.rglob("*.exr"))


@pytest.mark.heavy
def test_every_file_goes_in_and_comes_out_or_is_refused_in_one_line(
    look, tmp_path, record_property
) -> None:
    """Deep and subsampled ones, damaged ones, attributes that are not UTF-8."""
    came_out, refused = [], {}
    for number, path in enumerate(files(EXR_DEV)):
        output = tmp_path / f"{number}.exr"
        try:
            paint(path, look, output)
            came_out.append(path.stem)
            assert read_plate(output, 1).rgb.shape == read_plate(path, 1).rgb.shape
        except StillbrushError as error:
            refused[path.name] = str(error)
    for name, told in refused.items():
        assert "\n" not in told
        assert name in told
    assert {"Trunks.exr", "Flowers.exr"} <= set(refused)
    sound = [path.stem for path in files(EXR_DEV) if path.parent.name != "damaged"]
    assert set(sound) - set(came_out) == {"Trunks", "Flowers"}
    record_property("came out", len(came_out))
    record_property("refused", len(refused))

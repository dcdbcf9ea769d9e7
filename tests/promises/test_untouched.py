"""Promise 4: what it was not asked to touch, it does not touch."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest
from support.material import SHARED, tiny_shot
from support.rendering import Quiet, assert_untouched, channels, frames_in, header, paint

from stillbrush.core.knobs import ShotKnobs
from stillbrush.core.media.images import probe, read_plate, write_picture
from stillbrush.core.media.source import Missing, ReadSettings, open_shot
from stillbrush.core.media.video import VideoSource
from stillbrush.core.media.video_writer import write_video
from stillbrush.core.render.assembly import assemble
from stillbrush.core.render.painting import Settings
from stillbrush.core.render.renderer import render
from stillbrush.core.render.request import Request

EXR_DEV = SHARED / "data/exr_dev"
QUICK = ["AllHalfValues", "Rec709", "displaywindow/t03", "displaywindow/t08", "XYZ"]
MORE = [
    "BrightRings", "BrightRingsNanInf", "Carrots", "Desk", "GammaChart", "GrayRampsDiagonal",
    "GrayRampsHorizontal", "MirrorPattern", "WavyLinesLatLong", "WideColorGamut",
    "WideFloatRange", "displaywindow/t01", "displaywindow/t02", "displaywindow/t04",
    "displaywindow/t05", "displaywindow/t06", "displaywindow/t07",
]  # fmt: skip
RGB = {"0:R", "0:G", "0:B"}
WIDTH, HEIGHT = 44, 30  # of the data window: overscan of 4 and 3 around 36x24


def hard_pixels(number: int) -> np.ndarray:
    """Everything a plate may hold: 1e4, below 0, no number at all, soft edges, nothing."""
    rng = np.random.default_rng(number)
    pixels = rng.normal(0.5, 0.6, (HEIGHT, WIDTH, 14)).astype(np.float32)
    alpha = np.clip((np.arange(WIDTH) - 14) / 8, 0, 1).astype(np.float32)
    pixels[..., 3] = alpha
    pixels[..., :3] *= alpha[:, None]
    pixels[3:6, 30:33, :3] = 1e4
    pixels[7, 25, :3] = np.nan, 0.5, np.inf
    pixels[8, 9, :3], pixels[22, 35, :3] = -np.inf, -np.inf
    pixels[10:14, 2:5, :3] = 0.25  # light without coverage: a glow under alpha 0
    pixels[20, 30, 3] = np.nan
    return pixels


def write_hard(folder: Path, frames: tuple[int, ...] = (1001, 1002, 1003)) -> str:
    """Write an anamorphic EXR shot with overscan, timecode and ten further channels."""
    names = (
        "R",
        "G",
        "B",
        "A",
        "Z",
        "id",
        "N.X",
        "N.Y",
        "N.Z",
        "forward.u",
        "forward.v",
        "AO.Y",
        "crypto00",
        "crypto01",
    )
    kinds = [
        *[oiio.HALF] * 4,
        oiio.FLOAT,
        oiio.UINT32,
        *[oiio.HALF] * 3,
        *[oiio.FLOAT] * 2,
        oiio.HALF,
        *[oiio.FLOAT] * 2,
    ]
    folder.mkdir(parents=True)
    for number in frames:
        spec = oiio.ImageSpec(WIDTH, HEIGHT, len(names), oiio.FLOAT)
        spec.channelnames, spec.channelformats = names, tuple(map(oiio.TypeDesc, kinds))
        spec.x, spec.y, spec.full_width, spec.full_height = -4, -3, 36, 24
        spec.full_x = spec.full_y = 0
        spec.attribute("compression", "zips")
        spec.attribute("PixelAspectRatio", 2.0)
        spec.attribute("FramesPerSecond", oiio.TypeDesc("rational2i"), (24000, 1001))
        spec.attribute("smpte:TimeCode", oiio.TypeDesc("timecode"), (number, 7))
        spec.attribute("nuke/input/filename", f"/shots/a/plate.{number}.exr")
        path = folder / f"plate.{number}.exr"
        out = oiio.ImageOutput.create(str(path))
        assert out.open(str(path), spec)
        assert out.write_image(hard_pixels(number))
        assert out.close()
    return str(folder / "plate.####.exr")


def real(name: str) -> Path:
    path = EXR_DEV / f"{name}.exr"
    if not path.is_file():
        pytest.skip(f"no {path}: the project's data is not on this machine")
    return path


def test_mix_zero_gives_every_bit_of_the_plate_back(tmp_path, look) -> None:
    source = write_hard(tmp_path / "in")
    paint(source, look, tmp_path / "out/plate.####.exr", mix=0.0)
    for number in (1001, 1002, 1003):
        name = f"plate.{number}.exr"
        assert_untouched(tmp_path / "in" / name, tmp_path / "out" / name)


@pytest.mark.parametrize(
    "name", [*QUICK, *(pytest.param(name, marks=pytest.mark.heavy) for name in MORE)]
)
def test_mix_zero_gives_a_real_picture_back(name, tmp_path, look) -> None:
    target = tmp_path / f"{Path(name).name}.exr"
    paint(real(name), look, target, mix=0.0)
    assert_untouched(real(name), target)


@pytest.mark.parametrize(
    "name", ["displaywindow/t03", *(pytest.param(n, marks=pytest.mark.heavy) for n in MORE)]
)
def test_a_painted_real_picture_keeps_its_windows_and_what_is_no_number(name, tmp_path, look):
    target = tmp_path / f"{Path(name).name}.exr"
    paint(real(name), look, target)
    plate, painted = read_plate(real(name), 1), read_plate(target, 1)
    old, new = header(real(name))[0], header(target)[0]
    assert new["windows"] == old["windows"]
    odd = ~np.isfinite(plate.rgb)
    np.testing.assert_array_equal(painted.rgb[odd], plate.rgb[odd])
    assert np.isfinite(painted.rgb[~odd]).all()
    covered = plate.alpha is None or bool((plate.alpha > 0).any())  # Carrots: nowhere
    assert np.array_equal(painted.rgb[~odd], plate.rgb[~odd]) != covered


@pytest.mark.parametrize(
    ("mix", "last"), [(0.0, 2), *(pytest.param(mix, 4, marks=pytest.mark.heavy) for mix in (0, 1))]
)
def test_a_shot_whose_data_window_wanders_keeps_each_one(mix, last, tmp_path, look) -> None:
    real("singlepart.0001")
    source = EXR_DEV / f"singlepart.[0001-{last:04d}].exr"
    paint(source, look, tmp_path / "ball.####.exr", mix=mix)
    for number in range(1, last + 1):
        plate, painted = (
            EXR_DEV / f"singlepart.{number:04d}.exr",
            tmp_path / f"ball.{number:04d}.exr",
        )
        assert_untouched(plate, painted, but=RGB if mix else None)
        if mix:
            empty = read_plate(plate, 1).alpha == 0
            before, after = channels(plate), channels(painted)
            for name in RGB:
                np.testing.assert_array_equal(after[name][empty], before[name][empty])
                assert (after[name] != before[name]).any()


def test_outside_a_matte_every_bit_is_the_plates(tmp_path, look) -> None:
    source = write_hard(tmp_path / "in")
    matte = np.zeros((24, 36, 3), np.float32)  # over the display window
    matte[6:18, 20:30] = 1.0
    matte[6:18, 18:20] = 0.5
    write_picture(tmp_path / "matte.exr", matte, None, overwrite=False)
    request = {"matte": str(tmp_path / "matte.exr")}
    paint(source, look, tmp_path / "out/plate.####.exr", request=request)
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[9:21, 22:34] = True
    for number in (1001, 1002, 1003):
        plate, painted = tmp_path / f"in/plate.{number}.exr", tmp_path / f"out/plate.{number}.exr"
        assert_untouched(plate, painted, but=RGB)
        before, after = channels(plate), channels(painted)
        for name in RGB:
            np.testing.assert_array_equal(after[name][~inside], before[name][~inside])
            assert (after[name] != before[name])[inside].mean() > 0.9


def test_an_inverted_matte_paints_the_rest(tmp_path, look) -> None:
    source = write_hard(tmp_path / "in", (1001,))
    matte = np.zeros((24, 36, 3), np.float32)
    matte[:, 20:] = 1.0
    write_picture(tmp_path / "matte.exr", matte, None, overwrite=False)
    request = {"matte": str(tmp_path / "matte.exr"), "invert_matte": True}
    paint(source, look, tmp_path / "out.exr", request=request)
    before, after = channels(Path(source.replace("####", "1001"))), channels(tmp_path / "out.exr")
    np.testing.assert_array_equal(after["0:R"][3:27, 24:40], before["0:R"][3:27, 24:40])
    assert (after["0:R"] != before["0:R"])[3:27, 15:24].any()


def test_a_painted_plate_keeps_layers_alpha_header_and_what_lies_under_alpha_zero(tmp_path, look):
    source = write_hard(tmp_path / "in")
    paint(source, look, tmp_path / "out/plate.####.exr")
    for number in (1001, 1002, 1003):
        plate, painted = tmp_path / f"in/plate.{number}.exr", tmp_path / f"out/plate.{number}.exr"
        assert_untouched(plate, painted, but=RGB)
        old, new = read_plate(plate, 1), read_plate(painted, 1)
        keep = (old.alpha == 0) | np.isnan(old.alpha)
        before, after = channels(plate), channels(painted)
        odd = ~np.isfinite(old.rgb)
        for c, name in enumerate("RGB"):
            same = keep | odd[..., c]
            np.testing.assert_array_equal(after[f"0:{name}"][same], before[f"0:{name}"][same])
            assert (after[f"0:{name}"] != before[f"0:{name}"])[~same].mean() > 0.9
        assert np.isfinite(new.rgb[~odd]).all()


def test_paint_under_an_alpha_is_that_of_the_solid_picture_times_the_plates_alpha(tmp_path, look):
    solid = np.random.default_rng(5).uniform(0.1, 0.9, (48, 64, 3)).astype(np.float16)
    solid = solid.astype(np.float32)
    alpha = np.full((48, 64), 0.5, np.float32)
    write_picture(tmp_path / "half.exr", solid / 2, None, overwrite=False, alpha=alpha)
    write_picture(tmp_path / "solid.exr", solid, None, overwrite=False)
    for name in ("half", "solid"):
        paint(tmp_path / f"{name}.exr", look, tmp_path / f"{name}.painted.exr")
    half, whole = (read_plate(tmp_path / f"{n}.painted.exr", 1).rgb for n in ("half", "solid"))
    np.testing.assert_allclose(half, whole / 2, atol=1e-4)
    assert np.abs(whole - solid).max() > 0.1


def test_other_formats_keep_light_without_coverage(tmp_path, look) -> None:
    rgb = np.full((32, 48, 3), 0.25, np.float32)
    alpha = np.zeros((32, 48), np.float32)
    write_picture(tmp_path / "glow.exr", rgb, None, overwrite=False, alpha=alpha)
    paint(tmp_path / "glow.exr", look, tmp_path / "glow.png", mix=0.0)
    shown = 1.055 * 0.25 ** (1 / 2.4) - 0.055
    np.testing.assert_allclose(read_plate(tmp_path / "glow.png", 1).rgb, shown, atol=1e-3)


@pytest.mark.parametrize(
    ("suffix", "depth"), [(".png", 8), (".png", 16), (".tif", 8), (".tif", 16)]
)
def test_integers_come_back_where_nothing_was_painted(suffix, depth, tmp_path, look) -> None:
    rng = np.random.default_rng(depth)
    kind = {8: oiio.UINT8, 16: oiio.UINT16}[depth]
    for number in (1, 2):
        pixels = rng.integers(0, 2**depth, (32, 48, 3)).astype({8: np.uint8, 16: np.uint16}[depth])
        path = tmp_path / f"in/a.{number:04d}{suffix}"
        path.parent.mkdir(exist_ok=True)
        out = oiio.ImageOutput.create(str(path))
        assert out.open(str(path), oiio.ImageSpec(48, 32, 3, kind))
        assert out.write_image(pixels)
        assert out.close()
    matte = np.zeros((32, 48, 3), np.float32)
    matte[:, 24:] = 1.0
    write_picture(tmp_path / "matte.png", matte, None, overwrite=False)
    request = {"matte": str(tmp_path / "matte.png")}
    paint(tmp_path / f"in/a.####{suffix}", look, tmp_path / f"out/a.####{suffix}", request=request)
    for number in (1, 2):
        name = f"a.{number:04d}{suffix}"
        plate, painted = (read_plate(tmp_path / where / name, number) for where in ("in", "out"))
        np.testing.assert_array_equal(painted.rgb[:, :24], plate.rgb[:, :24])
        assert not np.array_equal(painted.rgb[:, 24:], plate.rgb[:, 24:])


@pytest.mark.parametrize(("suffix", "premultiplied"), [(".png", False), (".tif", True)])
def test_alpha_of_pictures_is_kept(suffix, premultiplied, tmp_path, look) -> None:
    rng = np.random.default_rng(2)
    spec = oiio.ImageSpec(40, 32, 4, oiio.UINT16)
    spec.attribute("oiio:UnassociatedAlpha", 0 if premultiplied else 1)
    pixels = rng.integers(0, 2**16, (32, 40, 4)).astype(np.uint16)
    pixels[:8, :, 3] = 0
    pixels[8:, :, 3] = 2**16 - 1 - (np.arange(40) * 800)
    if premultiplied:
        pixels[..., :3] = np.minimum(pixels[..., :3], pixels[..., 3:])
    path = tmp_path / f"a{suffix}"
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec)
    assert out.write_image(pixels)
    assert out.close()
    paint(path, look, tmp_path / f"out{suffix}")
    plate, painted = read_plate(path, 1), read_plate(tmp_path / f"out{suffix}", 1)
    np.testing.assert_array_equal(painted.alpha, plate.alpha)
    np.testing.assert_array_equal(painted.rgb[:8], plate.rgb[:8])
    assert not np.array_equal(painted.rgb[8:], plate.rgb[8:])


def test_values_beyond_0_to_1_survive_half_a_mix(tmp_path, look) -> None:
    source = tmp_path / "hdr.exr"
    rgb = np.full((40, 48, 3), 0.2, np.float32)
    rgb[4:8, 4:8], rgb[20:24, 20:24] = 50.0, -0.25
    write_picture(source, rgb, None, overwrite=False)
    paint(source, look, tmp_path / "out.exr", strength=0.0)
    made = read_plate(tmp_path / "out.exr", 1).rgb
    np.testing.assert_allclose(made, rgb, rtol=2e-3, atol=1e-4)


def test_a_video_becomes_linear_half_zip_exr(tmp_path, look) -> None:
    ramp = np.tile(np.linspace(0, 1, 48, dtype=np.float32)[None, :, None], (32, 1, 3))
    write_video(tmp_path / "in.mp4", [ramp, ramp * 0.5, ramp * 0.25], Fraction(25))
    paint(tmp_path / "in.mp4", look, tmp_path / "out/f.####.exr", mix=0.0)
    assert sorted(frames_in(tmp_path / "out")) == [f"f.{n:04d}.exr" for n in (1, 2, 3)]
    told = probe(tmp_path / "out/f.0001.exr")
    assert (told.channel_format, told.width, told.height) == ("half", 48, 32)
    spec = read_plate(tmp_path / "out/f.0001.exr", 1).original.picture.spec
    assert spec.getattribute("compression").startswith("zip")
    shown = VideoSource(tmp_path / "in.mp4").read(1)
    linear = np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)
    got = read_plate(tmp_path / "out/f.0001.exr", 1).rgb
    np.testing.assert_allclose(got, linear, rtol=2e-3, atol=2e-4)


def test_an_exr_shot_becomes_a_video_of_its_length_and_rate(tmp_path, look) -> None:
    source = write_hard(tmp_path / "in", (1001, 1002, 1003, 1004))
    paint(source, look, tmp_path / "out.mp4")
    video = VideoSource(tmp_path / "out.mp4")
    assert len(video.frames) == 4
    assert video.fps == Fraction(24000, 1001)
    assert (video.width, video.height) == (36, 24)
    assert video.pixel_aspect == 2
    assert not (tmp_path / ".stillbrush/out.mp4/frames").exists()


def test_a_video_shows_soft_edges_over_black(tmp_path, look) -> None:
    alpha = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (32, 1))
    rgb = np.repeat(alpha[..., None], 3, -1)  # white, premultiplied
    write_picture(tmp_path / "a.0001.exr", rgb, None, overwrite=False, alpha=alpha)
    paint(tmp_path / "a.0001.exr", look, tmp_path / "out.mp4", mix=0.0)
    shown = VideoSource(tmp_path / "out.mp4").read(1)
    np.testing.assert_allclose(shown[16, :, 1], alpha[16], atol=0.03)


@pytest.mark.parametrize("missing", [Missing.BLACK, Missing.HOLD])
def test_a_frame_that_stands_in_has_the_windows_and_channels_of_the_others(
    missing, tmp_path, look
) -> None:
    source = write_hard(tmp_path / "in", (1001, 1003))
    request = {"read": ReadSettings(missing=missing)}
    paint(source, look, tmp_path / "out/p.####.exr", request=request)
    beside, made = header(tmp_path / "out/p.1001.exr")[0], header(tmp_path / "out/p.1002.exr")[0]
    assert made["windows"] == beside["windows"]
    if missing is Missing.BLACK:
        assert not any(bits.any() for bits in channels(tmp_path / "out/p.1002.exr").values())


def test_a_missing_frame_is_skipped_where_that_was_asked(tmp_path, look) -> None:
    source = write_hard(tmp_path / "in", (1001, 1003))
    paint(
        source,
        look,
        tmp_path / "out/p.####.exr",
        request={"read": ReadSettings(missing=Missing.SKIP)},
    )
    assert list(frames_in(tmp_path / "out")) == ["p.1001.exr", "p.1003.exr"]


def test_debug_layers_come_beside_the_picture(tmp_path, look) -> None:
    source = tiny_shot(tmp_path / "in", 2, 64, 48)
    made = assemble(Request(source, look, settings=Settings(ShotKnobs(stroke_size=4.0))))
    render(made.job(str(tmp_path / "out/plate.####.exr"), layers=True), Quiet())
    told = probe(tmp_path / "out/plate.1002.exr").channels
    for name in ("mask.trust", "backward.u", "forward.v", "prior.R"):
        assert f"stillbrush.{name}" in told
    assert set(probe(tmp_path / "in/plate.1002.exr").channels) <= set(told)


def test_the_shot_that_is_read_lists_every_file(tmp_path) -> None:
    shot = open_shot(write_hard(tmp_path / "in"))
    assert [path.name for path in shot.files] == [f"plate.{n}.exr" for n in (1001, 1002, 1003)]

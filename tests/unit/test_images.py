"""Pictures in and out: what is not painted comes back bit for bit; half a file bears no name."""

from __future__ import annotations

import logging
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest

from stillbrush.core.errors import BadInput, MissingFrame, UnreadableFile, WriteRefused
from stillbrush.core.media import exr
from stillbrush.core.media.images import (
    Plate,
    probe,
    read_channels,
    read_plate,
    write_picture,
    write_text_atomic,
)

EXR_DEV = Path(__file__).resolve().parents[2] / "../shared/data/exr_dev"
REAL = [
    "AllHalfValues", "BrightRingsNanInf", "Carrots", "Desk", "GammaChart", "GrayRampsDiagonal",
    "MirrorPattern", "Rec709", "WavyLinesLatLong", "WideColorGamut", "WideFloatRange", "XYZ",
    "displaywindow/t03", "displaywindow/t06", "displaywindow/t08", "singlepart.0001",
]  # fmt: skip
# Smaller levels of a tiled texture are not kept, so what counts them goes; a chunk count follows
# from the compression.
DERIVED = {"oiio:miplevels", "openexr:roundingmode", "openexr:levelmode", "openexr:chunkCount"}


def real(name: str) -> Path:
    path = EXR_DEV / f"{name}.exr"
    if not path.is_file():
        pytest.skip(f"no {path}: the project's data is not on this machine")
    return path


def write(path: Path, spec: oiio.ImageSpec, *pages: np.ndarray) -> Path:
    """Write a file as some other program would: one spec for one page, or a list of them."""
    specs = spec if isinstance(spec, list) else [spec]
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), specs[0] if len(specs) == 1 else tuple(specs))
    for index, (each, pixels) in enumerate(zip(specs, pages, strict=True)):
        assert not index or out.open(str(path), each, "AppendSubimage")
        assert out.write_image(pixels), out.geterror()
    assert out.close()
    return path


def bits(plate: Plate) -> list[tuple[str, bytes]]:
    """Give every channel of every part, in its own type, as bytes."""
    return [
        (f"{i}:{name}:{part.channel(c).dtype}", part.channel(c).tobytes())
        for i, part in enumerate(plate.original.parts)
        for c, name in enumerate(part.spec.channelnames)
    ]


def attributes(plate: Plate, *, but: set[str] = DERIVED) -> list[dict[str, object]]:
    parts = [part.spec for part in plate.original.parts]
    return [
        {a.name: (str(a.type), a.value) for a in s.extra_attribs if a.name not in but}
        | {"windows": (str(s.roi), str(s.roi_full)), "tiles": (s.tile_width, s.tile_height)}
        for s in parts
    ]


@pytest.fixture
def rich(tmp_path: Path) -> Path:
    """Anamorphic, offset window, timecode, half RGBA, float and integer channels, odd values."""
    names = ("R", "G", "B", "A", "Z", "forward.u", "forward.v", "id", "N.X", "N.Y", "N.Z", "crypto")
    kinds = [*[oiio.HALF] * 4, *[oiio.FLOAT] * 3, oiio.UINT32, *[oiio.HALF] * 3, oiio.FLOAT]
    spec = oiio.ImageSpec(9, 7, len(names), oiio.FLOAT)
    spec.channelnames, spec.channelformats = names, tuple(oiio.TypeDesc(k) for k in kinds)
    spec.x, spec.y, spec.full_x, spec.full_y = -2, 3, 0, 0
    spec.full_width, spec.full_height = 16, 12
    spec.attribute("compression", "zips")
    spec.attribute("PixelAspectRatio", 2.0)
    spec.attribute("FramesPerSecond", oiio.TypeDesc("rational2i"), (24000, 1001))
    spec.attribute("smpte:TimeCode", oiio.TypeDesc("timecode"), (0x01020304, 7))
    spec.attribute(
        "chromaticities", oiio.TypeDesc("float[8]"), (0.7, 0.2, 0.1, 0.8, 0, 0, 0.3, 0.3)
    )
    spec.attribute("nuke/version", "15.1v3")
    pixels = np.random.default_rng(1).normal(0, 3, (7, 9, len(names))).astype(np.float32)
    pixels[..., 7] = 0.5
    pixels[0, 0, :3] = np.nan, np.inf, -np.inf
    return write(tmp_path / "rich.exr", spec, pixels)


@pytest.mark.parametrize("name", REAL)
def test_an_untouched_real_frame_comes_back_bit_for_bit(name: str, tmp_path: Path) -> None:
    plate = read_plate(real(name), 1)
    write_picture(tmp_path / "out.exr", plate.rgb.copy(), plate, overwrite=False)
    again = read_plate(tmp_path / "out.exr", 1)
    assert bits(again) == bits(plate)
    but = DERIVED | ({"textureformat"} if name == "MirrorPattern" else set())
    assert attributes(again, but=but) == attributes(plate, but=but)


def test_only_painted_values_change(rich: Path, tmp_path: Path) -> None:
    plate = read_plate(rich, 1001)
    assert plate.rgb.dtype == plate.alpha.dtype == np.float32
    rgb = plate.rgb.copy()
    rgb[2, 3] = 0.1, 1e6, -1e6
    write_picture(tmp_path / "out.exr", rgb, plate, overwrite=False)
    again = read_plate(tmp_path / "out.exr", 1001)
    expected = plate.rgb.copy()
    expected[2, 3] = np.float16(0.1), 65504, -65504
    assert again.rgb.tobytes() == expected.tobytes()
    assert bits(again)[3:] == bits(plate)[3:]
    assert attributes(again) == attributes(plate)


def test_a_header_is_told_without_reading_pixels(rich: Path) -> None:
    header = probe(rich)
    assert (header.width, header.height) == (9, 7)
    assert header.data_window == (-2, 3, 9, 7)
    assert header.display_window == (0, 0, 16, 12)
    assert header.pixel_aspect == 2.0
    assert header.fps == pytest.approx(23.976, abs=1e-3)
    assert header.fps.denominator == 1001
    assert header.compression == "zips"
    assert header.chromaticities[:2] == pytest.approx((0.7, 0.2))
    assert {"R", "A", "forward.u", "id"} < set(header.channels)


def test_32_bit_identifiers_stay_exact_beside_half_and_float(rich: Path, tmp_path: Path) -> None:
    numbers = np.arange(63, dtype=np.uint32).reshape(7, 9) * 66_000_001 + 4_000_000_001
    plate = read_plate(rich, 1)
    part = plate.original.picture
    index = part.spec.channelnames.index("id")
    part.pixels[..., index] = numbers.view(np.float32)
    for compression in ("zips", "piz", "pxr24", "none"):
        part.spec.attribute("compression", compression)
        write_picture(tmp_path / "id.exr", plate.rgb, plate, overwrite=True)
        again = read_plate(tmp_path / "id.exr", 1)
        assert again.original.picture.channel(index).dtype == np.uint32
        assert np.array_equal(again.original.picture.channel(index), numbers)
    assert read_channels(tmp_path / "id.exr", ["id"])[0, 0, 0] == np.float32(numbers[0, 0])


def test_a_part_of_identifiers_only_stays_exact(tmp_path: Path) -> None:
    rgb, ids = oiio.ImageSpec(4, 3, 3, oiio.HALF), oiio.ImageSpec(4, 3, 1, oiio.UINT32)
    ids.channelnames = ("object",)
    rgb.attribute("oiio:subimagename", "rgb")
    ids.attribute("oiio:subimagename", "ids")
    numbers = np.full((3, 4, 1), 4_123_456_789, np.uint32)
    write(tmp_path / "a.exr", [rgb, ids], np.zeros((3, 4, 3), np.float16), numbers)
    plate = read_plate(tmp_path / "a.exr", 1)
    write_picture(tmp_path / "b.exr", plate.rgb + 1, plate, overwrite=False)
    again = read_plate(tmp_path / "b.exr", 1)
    assert np.array_equal(again.original.parts[1].pixels, numbers)
    assert (again.rgb == 1).all()


def multipart(folder: Path) -> Path:
    specs, pages = [], []
    for name, channels, size in (
        ("AO", ("AO.R", "AO.G", "AO.B"), (8, 6)),
        ("Combined", ("Combined.R", "Combined.G", "Combined.B", "Combined.A"), (8, 6)),
        ("depth", ("Z",), (5, 4)),
    ):
        spec = oiio.ImageSpec(*size, len(channels), oiio.FLOAT if name == "depth" else oiio.HALF)
        spec.channelnames = channels
        spec.full_width, spec.full_height = 8, 6
        spec.attribute("oiio:subimagename", name)
        spec.attribute("compression", "piz" if name == "AO" else "zip")
        specs.append(spec)
        values = np.random.default_rng(len(specs)).normal(size=(size[1], size[0], len(channels)))
        pages.append(values.astype(np.float32))
    return write(folder / "parts.exr", specs, *pages)


def test_of_several_parts_the_beauty_is_painted_and_the_rest_kept(tmp_path: Path) -> None:
    plate = read_plate(multipart(tmp_path), 1)
    assert plate.original.layout.layer == "Combined"
    write_picture(tmp_path / "out.exr", plate.rgb * 2, plate, overwrite=False)
    again = read_plate(tmp_path / "out.exr", 1)
    assert np.array_equal(again.rgb, plate.rgb * 2)
    kept = [pair for pair in bits(plate) if not pair[0].startswith("1:Combined.")]
    assert [p for p in bits(again) if p in kept] == kept
    assert bits(again)[6] == bits(plate)[6]
    assert attributes(again) == attributes(plate)


def test_another_layer_can_be_painted(tmp_path: Path) -> None:
    path = multipart(tmp_path)
    plate = read_plate(path, 1, layer="AO")
    assert np.array_equal(plate.rgb, read_channels(path, ["AO.R", "AO.G", "AO.B"]))
    write_picture(tmp_path / "out.exr", plate.rgb + 1, plate, overwrite=False)
    assert bits(read_plate(tmp_path / "out.exr", 1))[3:] == bits(plate)[3:]
    with pytest.raises(BadInput, match=r"layer 'nope'.*AO\.R.*Combined\.R"):
        read_plate(path, 1, layer="nope")


def test_channels_are_read_by_name_in_the_order_asked(rich: Path) -> None:
    found = read_channels(rich, ["forward.v", "Z"])
    assert (found.shape, found.dtype) == ((7, 9, 2), np.float32)
    part = read_plate(rich, 1).original.picture
    assert np.array_equal(found[..., 1], part.channel(part.spec.channelnames.index("Z")))
    with pytest.raises(BadInput, match=r"backward\.u; got .*forward\.u"):
        read_channels(rich, ["backward.u"])


def test_a_grey_plate_stays_grey_until_it_is_painted_in_colour(tmp_path: Path) -> None:
    spec = oiio.ImageSpec(4, 3, 2, oiio.HALF)
    spec.channelnames = ("Y", "A")
    values = np.random.default_rng(0).random((3, 4, 2)).astype(np.float16)
    plate = read_plate(write(tmp_path / "y.exr", spec, values), 1)
    assert (plate.rgb[..., 0] == plate.rgb[..., 2]).all()
    write_picture(
        tmp_path / "grey.exr", np.full((3, 4, 3), 0.5, np.float32), plate, overwrite=False
    )
    assert (read_channels(tmp_path / "grey.exr", ["Y"]) == 0.5).all()
    rgb = plate.rgb.copy()
    rgb[0, 0] = 1, 2, 3
    write_picture(tmp_path / "colour.exr", rgb, plate, overwrite=False)
    again = read_plate(tmp_path / "colour.exr", 1)
    assert probe(tmp_path / "colour.exr").channels == ("R", "G", "B", "A")
    assert again.rgb.tobytes() == rgb.tobytes()
    assert again.alpha.tobytes() == plate.alpha.tobytes()


@pytest.mark.parametrize("compression", ["dwaa", "b44"])
def test_lossy_compression_gives_way_where_something_must_stay_exact(
    compression: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spec = oiio.ImageSpec(32, 32, 3, oiio.HALF)
    spec.attribute("compression", compression)
    values = np.random.default_rng(0).random((32, 32, 3)).astype(np.float32)
    plate = read_plate(write(tmp_path / "lossy.exr", spec, values), 1)
    exr._say_once.cache_clear()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            write_picture(tmp_path / "kept.exr", plate.rgb, plate, overwrite=True)
    assert bits(read_plate(tmp_path / "kept.exr", 1)) == bits(plate)
    assert probe(tmp_path / "kept.exr").compression == "zip"
    assert len(caplog.records) == 1
    write_picture(tmp_path / "painted.exr", plate.rgb + 1, plate, overwrite=False)
    assert probe(tmp_path / "painted.exr").compression == compression


def test_extra_channels_and_metadata_are_added_and_replaced(rich: Path, tmp_path: Path) -> None:
    plate = read_plate(rich, 1)
    mask = np.random.default_rng(3).random((7, 9)).astype(np.float32)
    for factor in (1, 2):
        write_picture(
            tmp_path / "out.exr",
            plate.rgb,
            plate,
            overwrite=True,
            extra={"stillbrush.mask": mask * factor},
            metadata={"look": "starry", "stillbrush/version": "0.1.0"},
        )
        again = read_plate(tmp_path / "out.exr", 1)
        assert np.array_equal(
            read_channels(tmp_path / "out.exr", ["stillbrush.mask"])[..., 0], mask * factor
        )
        kept = [pair for pair in bits(plate) if "stillbrush.mask" not in pair[0]]
        assert [pair for pair in bits(again) if "stillbrush.mask" not in pair[0]] == kept
        spec = again.original.picture.spec
        assert spec.getattribute("stillbrush/look") == "starry"
        assert spec.getattribute("stillbrush/version") == "0.1.0"
        plate = again


def test_an_alpha_can_be_replaced_or_added(rich: Path, tmp_path: Path) -> None:
    plate = read_plate(rich, 1)
    alpha = np.linspace(0, 1, 63, dtype=np.float32).reshape(7, 9)
    write_picture(tmp_path / "a.exr", plate.rgb, plate, overwrite=False, alpha=alpha)
    again = read_plate(tmp_path / "a.exr", 1)
    assert np.array_equal(again.alpha, alpha.astype(np.float16).astype(np.float32))
    assert again.rgb.tobytes() == plate.rgb.tobytes()
    write_picture(tmp_path / "rgb.exr", plate.rgb[..., :3], None, overwrite=False)
    bare = read_plate(tmp_path / "rgb.exr", 1)
    write_picture(tmp_path / "rgba.exr", bare.rgb, bare, overwrite=False, alpha=alpha)
    assert probe(tmp_path / "rgba.exr").channels == ("R", "G", "B", "A")


def small(folder: Path, suffix: str, kind: oiio.BASETYPE = oiio.UINT16, channels: int = 3) -> Path:
    spec = oiio.ImageSpec(16, 8, channels, kind)
    spec.attribute("oiio:UnassociatedAlpha", 1)
    top = {oiio.UINT8: 255, oiio.UINT16: 65535}.get(kind, 1)
    values = np.random.default_rng(5).random((8, 16, channels)) * top
    dtype = {oiio.UINT8: np.uint8, oiio.UINT16: np.uint16}.get(kind, np.float32)
    return write(folder / f"plate{suffix}", spec, values.astype(dtype))


@pytest.mark.parametrize("kind", [oiio.UINT8, oiio.UINT16])
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_integers_come_back_exactly(
    suffix: str, channels: int, kind: oiio.BASETYPE, tmp_path: Path
) -> None:
    plate = read_plate(small(tmp_path, suffix, kind, channels), 1)
    assert plate.rgb.max() <= 1
    assert plate.is_premultiplied is (channels == 3)
    write_picture(tmp_path / f"out{suffix}", plate.rgb, plate, overwrite=False)
    again = read_plate(tmp_path / f"out{suffix}", 1)
    assert again.original.picture.pixels.dtype == np.uint16
    assert np.array_equal(again.rgb, plate.rgb)
    assert (plate.alpha is None) == (channels == 3)
    assert plate.alpha is None or np.array_equal(again.alpha, plate.alpha)


@pytest.mark.parametrize("depth", [10, 16])
def test_dpx_keeps_its_depth_and_timecode(depth: int, tmp_path: Path) -> None:
    spec = oiio.ImageSpec(16, 8, 3, oiio.UINT16)
    spec.attribute("oiio:BitsPerSample", depth)
    spec.attribute("smpte:TimeCode", oiio.TypeDesc("timecode"), (0x01020304, 0))
    values = np.random.default_rng(0).integers(0, 65536, (8, 16, 3)).astype(np.uint16)
    plate = read_plate(write(tmp_path / "a.dpx", spec, values), 1)
    write_picture(tmp_path / "b.dpx", plate.rgb, plate, overwrite=False)
    again = read_plate(tmp_path / "b.dpx", 1)
    assert np.array_equal(again.original.picture.pixels, plate.original.picture.pixels)
    spec = again.original.picture.spec
    assert spec.get_int_attribute("oiio:BitsPerSample") == depth
    assert spec.getattribute("smpte:TimeCode") == (0x01020304, 0)


def test_a_float_plate_gives_a_float_tiff_and_png_clips_and_rounds(
    rich: Path, tmp_path: Path
) -> None:
    plate = read_plate(rich, 1)
    write_picture(tmp_path / "a.tif", plate.rgb, plate, overwrite=False)
    assert probe(tmp_path / "a.tif").channel_format == "float"
    rgb = np.array([[[-1, 0.5, 2], [np.nan, np.inf, 1 / 3]]], np.float32)
    write_picture(tmp_path / "a.png", rgb, None, overwrite=False)
    found = read_plate(tmp_path / "a.png", 1).original.picture.pixels
    assert found.tolist() == [[[0, 32768, 65535], [0, 65535, 21845]]]


def test_other_formats_hold_the_display_window(rich: Path, tmp_path: Path) -> None:
    plate = read_plate(rich, 1)
    write_picture(tmp_path / "a.tif", plate.rgb, plate, overwrite=False)
    shown = read_plate(tmp_path / "a.tif", 1).rgb
    assert shown.shape == (12, 16, 3)
    assert shown[3:10, :7].tobytes() == plate.rgb[:, 2:].tobytes()
    assert not shown[:3].any()
    assert not shown[:, 7:].any()


def test_an_exr_of_another_source_is_half_and_premultiplied(tmp_path: Path) -> None:
    plate = read_plate(small(tmp_path, ".png", channels=4), 1)
    write_picture(tmp_path / "a.exr", plate.rgb, plate, overwrite=False)
    header, again = probe(tmp_path / "a.exr"), read_plate(tmp_path / "a.exr", 1)
    assert (header.channels, header.compression) == (("R", "G", "B", "A"), "zip")
    assert again.original.picture.pixels.dtype == np.float16
    assert np.allclose(again.rgb, plate.rgb * plate.alpha[..., None], atol=1e-3)


def test_a_photograph_is_turned_upright(tmp_path: Path) -> None:
    upright = np.zeros((8, 16, 3), np.uint8)
    upright[:4, :8] = 255
    spec = oiio.ImageSpec(8, 16, 3, oiio.UINT8)
    spec.attribute("Orientation", 6)  # to be shown turned clockwise
    path = write(tmp_path / "phone.jpg", spec, np.ascontiguousarray(np.rot90(upright)))
    plate = read_plate(path, 1)
    assert (probe(path).width, probe(path).height) == (16, 8)
    assert np.abs(plate.rgb - upright / 255).mean() < 0.1
    assert np.array_equal(read_channels(path, ["R", "G", "B"]), plate.rgb)
    write_picture(tmp_path / "out.jpg", plate.rgb, plate, overwrite=False)
    assert np.abs(read_plate(tmp_path / "out.jpg", 1).rgb - plate.rgb).mean() < 0.02


def test_the_same_inputs_give_the_same_bytes_later(rich: Path, tmp_path: Path) -> None:
    plate = read_plate(rich, 1)
    sources = {".exr": plate, ".png": plate, ".tif": plate, ".jpg": None, ".dpx": plate}
    written = []
    for folder in ("a", "b"):
        for suffix, source in sources.items():
            path = tmp_path / folder / f"out.1001{suffix}"
            write_picture(path, plate.rgb, source, overwrite=False, metadata={"look": "x"})
        written.append({s: (tmp_path / folder / f"out.1001{s}").read_bytes() for s in sources})
        time.sleep(1.05 if folder == "a" else 0)  # the clocks in such headers count seconds
    assert written[0] == written[1]
    assert b"partial" not in b"".join(written[0].values())


def test_an_existing_file_is_kept_unless_told(rich: Path, tmp_path: Path) -> None:
    plate = read_plate(rich, 1)
    path = tmp_path / "deep/er/out.exr"
    write_picture(path, plate.rgb, plate, overwrite=False)
    before = path.read_bytes()
    with pytest.raises(WriteRefused, match="exists and is kept"):
        write_picture(path, plate.rgb * 2, plate, overwrite=False)
    assert path.read_bytes() == before
    write_picture(path, plate.rgb * 2, plate, overwrite=True)
    assert path.read_bytes() != before
    assert [p.name for p in path.parent.iterdir()] == ["out.exr"]


def test_a_name_taken_meanwhile_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, rgb = tmp_path / "out.png", np.zeros((2, 2, 3), np.float32)
    monkeypatch.setattr("stillbrush.core.media.raster.check_whole", lambda *_: path.touch())
    with pytest.raises(WriteRefused, match="is kept"):
        write_picture(path, rgb, None, overwrite=False)
    assert path.read_bytes() == b""
    assert [p.name for p in tmp_path.iterdir()] == ["out.png"]


@pytest.mark.parametrize("suffix", [".exr", ".png", ".tif", ".dpx"])
def test_a_full_disk_leaves_nothing(suffix: str, tmp_path: Path) -> None:
    rgb = np.random.default_rng(0).random((64, 64, 3)).astype(np.float32)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
    try:
        with pytest.raises(WriteRefused, match=rf"out{suffix}: "):
            write_picture(tmp_path / f"out{suffix}", rgb, None, overwrite=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())


def test_a_jpeg_is_not_begun_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = os.statvfs_result((4096, 4096, 100, 0, 0, 100, 100, 100, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _: full)
    with pytest.raises(WriteRefused, match=r"out\.jpg: .*the disk is full"):
        write_picture(tmp_path / "out.jpg", np.zeros((9, 9, 3), np.float32), None, overwrite=False)
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    rgb = np.zeros((2, 2, 3), np.float32)
    write_picture(tmp_path / "out.1.exr", rgb, None, overwrite=False)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    child = ended.pid
    host = os.uname().nodename
    owner = "".join(c for c in host if c.isascii() and c.isalnum())[:32]
    dead = tmp_path / f".out.1.exr.{owner}-{child}-1.partial.exr"
    alive = tmp_path / f".out.1.exr.{owner}-{os.getpid()}-1.partial.exr"
    other = tmp_path / f".out.2.exr.{owner}-{child}-1.partial.exr"
    for path in (dead, alive, other):
        path.touch()
    write_picture(tmp_path / "out.1.exr", rgb, None, overwrite=True)
    assert (dead.exists(), alive.exists(), other.exists()) == (False, True, True)


def test_a_file_in_the_way_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WriteRefused, match="cannot be written"):
        write_picture(
            tmp_path / "file/out.png", np.zeros((2, 2, 3), np.float32), None, overwrite=True
        )
    with pytest.raises(WriteRefused, match="got a folder"):
        write_text_atomic(tmp_path, "text")


def test_text_is_written_whole(tmp_path: Path) -> None:
    write_text_atomic(tmp_path / "new/report.json", "é\n")
    write_text_atomic(tmp_path / "new/report.json", "b\n")
    assert (tmp_path / "new/report.json").read_bytes() == b"b\n"
    with pytest.raises(WriteRefused):
        write_text_atomic(tmp_path / "new/report.json", "c", overwrite=False)


def test_wrong_requests_are_told(tmp_path: Path, rich: Path) -> None:
    plate, rgb = read_plate(rich, 1), np.zeros((2, 2, 3), np.float32)
    with pytest.raises(BadInput, match=r"\(7, 9, 3\); got \(2, 2, 3\)"):
        write_picture(tmp_path / "a.exr", rgb, plate, overwrite=False)
    with pytest.raises(BadInput, match="mask of shape"):
        write_picture(tmp_path / "a.exr", rgb, None, overwrite=False, extra={"mask": rgb[..., :2]})
    with pytest.raises(BadInput, match=r"expected \.exr"):
        write_picture(tmp_path / "a.png", rgb, None, overwrite=False, extra={"m": rgb[..., 0]})
    with pytest.raises(BadInput, match=r"got \.gif"):
        write_picture(tmp_path / "a.gif", rgb, None, overwrite=False)


def truncated(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


BROKEN: dict[str, Callable[[Path], Path]] = {
    "truncated.exr": lambda p: truncated(small(p, ".exr", oiio.HALF), 0.7),
    "truncated.png": lambda p: truncated(small(p, ".png"), 0.5),
    "truncated.jpg": lambda p: truncated(small(p, ".jpg", oiio.UINT8), 0.7),
    "truncated.dpx": lambda p: truncated(small(p, ".dpx"), 0.9),
    "empty.exr": lambda p: truncated(small(p, ".exr", oiio.HALF), 0),
    "folder": lambda p: p,
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_told_in_one_line(name: str, tmp_path: Path) -> None:
    path = BROKEN[name](tmp_path)
    with pytest.raises(UnreadableFile) as caught:
        read_plate(path, 1)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_text_named_exr_and_a_missing_file_are_told(tmp_path: Path) -> None:
    (tmp_path / "text.exr").write_text("not a picture")
    with pytest.raises(UnreadableFile, match="cannot be read as a picture"):
        probe(tmp_path / "text.exr")
    with pytest.raises(MissingFrame, match="no such file"):
        read_plate(tmp_path / "none.exr", 1)


def test_a_file_without_permission_is_told(rich: Path) -> None:
    rich.chmod(0)
    if os.access(rich, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(UnreadableFile, match="Permission denied"):
        read_plate(rich, 1)


@pytest.mark.parametrize(("name", "reason"), [("Flowers", "subsampled"), ("Trunks", "deep")])
def test_kinds_that_are_not_read_are_told(name: str, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        read_plate(real(name), 1)


def test_every_damaged_file_is_refused_in_one_line() -> None:
    damaged = sorted((real("Desk").parent / "damaged").glob("*.exr"))
    assert damaged
    for path in damaged:
        with pytest.raises((UnreadableFile, BadInput)) as caught:  # some name nonsense channels
            read_plate(path, 1)
        assert "\n" not in str(caught.value)


def test_text_that_is_not_utf8_passes_through(tmp_path: Path) -> None:
    spec = oiio.ImageSpec(4, 3, 3, oiio.HALF)
    spec.attribute("owner", "Muellerxx")
    path = write(tmp_path / "a.exr", spec, np.ones((3, 4, 3), np.float16))
    path.write_bytes(path.read_bytes().replace(b"Muellerxx", b"M\xfcllerx\xff\xfe"))
    plate = read_plate(path, 1)
    assert probe(path).width == 4
    write_picture(tmp_path / "b.exr", plate.rgb, plate, overwrite=False)
    assert b"M\xfcllerx\xff\xfe" in (tmp_path / "b.exr").read_bytes()

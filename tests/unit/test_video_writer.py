"""Writing videos: what was given comes back, whole files or none, the same bytes each time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from stillbrush.core.errors import BadInput, MissingFrame, WriteRefused
from stillbrush.core.media.video import Codec, VideoSource, write_video

PATCHES = np.array(
    [
        [0, 0, 0],
        [1, 1, 1],
        [0.5, 0.5, 0.5],
        [0.75, 0, 0],
        [0, 0.75, 0],
        [0, 0, 0.75],
        [0.9, 0.6, 0.3],
    ],
    np.float32,
)


def moving_clip(count: int = 12, size: tuple[int, int] = (72, 96)) -> list[np.ndarray]:
    """A smooth picture with a ball that moves four pixels a frame."""
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    clip = []
    for t in range(count):
        ball = np.exp(-((x - 10 - 4 * t) ** 2 + (y - 36) ** 2) / 80)
        clip.append(np.stack([x / size[1] * 0.8, y / size[0] * 0.7, ball], -1).astype(np.float32))
    return clip


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((a - b) ** 2) + 1e-12))


@pytest.mark.parametrize(("name", "least"), [("a.mp4", 38.0), ("a.mov", 44.0)])
def test_a_written_clip_comes_back(tmp_path: Path, name: str, least: float) -> None:
    clip = moving_clip()
    write_video(tmp_path / name, clip, Fraction(24000, 1001), pixel_aspect=2.0)
    with VideoSource(tmp_path / name) as video:
        assert video.frames == tuple(range(1, 13))
        assert (video.width, video.height, video.pixel_aspect) == (96, 72, 2.0)
        assert video.fps == Fraction(24000, 1001)
        assert video.colour.startswith("bt709 limited")
        for number, picture in zip(video.frames, clip, strict=True):
            got = video.read(number)
            assert got.shape == (72, 96, 3)
            assert got.dtype == np.float32
            assert psnr(got, picture) > least


@pytest.mark.parametrize("name", ["a.mp4", "a.mov"])
def test_the_same_pictures_give_the_same_bytes(tmp_path: Path, name: str) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        write_video(tmp_path / folder / name, moving_clip(6), Fraction(24))
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_ten_bits_stay_ten_bits(tmp_path: Path) -> None:
    ramp = np.linspace(0.2, 0.3, 512, dtype=np.float32)
    picture = np.broadcast_to(ramp[None, :, None], (64, 512, 3))
    for name in ("a.mp4", "a.mov"):
        write_video(tmp_path / name, [picture], Fraction(24))
    levels = {}
    for name in ("a.mp4", "a.mov"):
        with VideoSource(tmp_path / name) as video:
            got = video.read(1)
            levels[name] = len(np.unique(np.round(got[32, :, 1] * 1023)))
            if name == "a.mov":
                assert np.abs(got - picture).max() < 1.5 / 876
    assert levels["a.mp4"] <= 24
    assert levels["a.mov"] >= 80


def test_odd_sizes_keep_the_whole_picture(tmp_path: Path) -> None:
    picture = moving_clip(1, (49, 65))[0]
    for name in ("a.mp4", "a.mov"):
        write_video(tmp_path / name, [picture] * 2, Fraction(25))
        with VideoSource(tmp_path / name) as video:
            got = video.read(2)
        assert got.shape == (50, 66, 3)
        assert psnr(got[:49, :65], picture) > 36


def test_written_patches_match_another_decoder(tmp_path: Path) -> None:
    picture = np.repeat(np.repeat(PATCHES[None], 32, 0), 32, 1)
    write_video(tmp_path / "p.mp4", [picture], Fraction(24))
    with av.open(str(tmp_path / "p.mp4")) as other:
        frame = next(other.decode(video=0))
        assert {int(frame.colorspace), int(frame.color_primaries), int(frame.color_trc)} == {1}
        theirs = frame.to_ndarray(format="rgb24")[16, 16::32] / 255
    with VideoSource(tmp_path / "p.mp4") as video:
        ours = video.read(1)[16, 16::32]
    assert np.abs(ours - PATCHES).max() < 2 / 255
    assert np.abs(theirs - PATCHES).max() < 4 / 255


def test_nothing_is_half_written_or_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"

    def breaks() -> object:
        yield from moving_clip(3)
        raise MissingFrame("plate.1004.exr: no such file")

    with pytest.raises(MissingFrame, match="1004"):
        write_video(path, breaks(), Fraction(24))
    assert list(tmp_path.iterdir()) == []
    write_video(path, moving_clip(2), Fraction(24))
    kept = path.read_bytes()
    with pytest.raises(WriteRefused, match="exists"):
        write_video(path, moving_clip(3), Fraction(24))
    with pytest.raises(MissingFrame):
        write_video(path, breaks(), Fraction(24), overwrite=True)
    assert path.read_bytes() == kept
    assert list(tmp_path.iterdir()) == [path]
    write_video(path, moving_clip(3), Fraction(24), overwrite=True)
    assert path.read_bytes() != kept


def test_unfitting_requests_are_refused(tmp_path: Path) -> None:
    clip = moving_clip(2)
    cases = [
        (tmp_path / "a.webm", clip, 24, None),
        (tmp_path / "a.mp4", clip, 24, Codec.PRORES_HQ),
        (tmp_path / "a.mp4", clip, 0, None),
        (tmp_path / "a.mp4", [], 24, None),
        (tmp_path / "a.mp4", [clip[0], clip[1][:-8]], 24, None),
        (tmp_path / "a.mp4", [clip[0][..., 0]], 24, None),
    ]
    for path, frames, fps, codec in cases:
        with pytest.raises(BadInput):
            write_video(path, frames, Fraction(fps), codec=codec)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteRefused):
        write_video(tmp_path / "file" / "a.mp4", clip, Fraction(24))

"""Reading videos: exact frames in any order, true colours, clear refusals."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from stillbrush.core.errors import MissingFrame, UnreadableFile
from stillbrush.core.media.video import VideoSource, write_video

CLIPS = Path(__file__).resolve().parents[2] / "../shared/data/clips_dev"
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


def encode(path: Path, codec: str = "libx264", count: int = 30, **options: str) -> None:
    """A tiny clip by PyAV alone: grey steps, frame i has level 8 * i."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=24, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i in range(count):
            picture = np.full((48, 64, 3), 8 * i, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 24)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())


def patch_planes(matrix: tuple[float, float], full: bool) -> list[np.ndarray]:
    """8-bit 4:4:4 codes of PATCHES, straight from the text of BT.601 and BT.709."""
    red, blue = matrix
    luma = PATCHES @ np.array([red, 1 - red - blue, blue])
    cb, cr = (PATCHES[:, 2] - luma) / (2 - 2 * blue), (PATCHES[:, 0] - luma) / (2 - 2 * red)
    codes = [255 * luma, 128 + 255 * cb, 128 + 255 * cr]
    if not full:
        codes = [16 + 219 * luma, 128 + 224 * cb, 128 + 224 * cr]
    return [np.rint(np.repeat(np.tile(c, (16, 1)), 16, 1)).clip(0, 255).astype("u1") for c in codes]


def write_patches(path: Path, matrix: tuple[float, float], full: bool, code: int) -> None:
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=24, options={"qp": "0"})
        planes = patch_planes(matrix, full)
        stream.height, stream.width = planes[0].shape
        stream.pix_fmt = "yuv444p"
        stream.codec_context.colorspace = code
        stream.codec_context.color_range = 2 if full else 1
        frame = av.VideoFrame(stream.width, stream.height, "yuv444p")
        for plane, codes in zip(frame.planes, planes, strict=True):
            rows = np.zeros((plane.height, plane.line_size), np.uint8)
            rows[:, : codes.shape[1]] = codes
            plane.update(rows)
        frame.pts, frame.time_base = 0, Fraction(1, 24)
        out.mux(stream.encode(frame))
        out.mux(stream.encode())


@pytest.mark.parametrize(
    ("matrix", "code"), [((0.2126, 0.0722), 1), ((0.299, 0.114), 6), ((0.2627, 0.0593), 9)]
)
@pytest.mark.parametrize("full", [False, True])
def test_the_streams_own_matrix_and_range(
    tmp_path: Path, matrix: tuple[float, float], code: int, full: bool
) -> None:
    write_patches(tmp_path / "p.mp4", matrix, full, code)
    with VideoSource(tmp_path / "p.mp4") as video:
        got = video.read(1)[8, 8::16]
    assert np.abs(got - PATCHES).max() < 2 / 255


def test_unlabelled_is_bt709_only_above_standard_definition(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "hd.mp4"), "w") as out:
        stream = out.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 1280, 64, "yuv420p"
        out.mux(stream.encode(av.VideoFrame(1280, 64, "yuv420p")))
        out.mux(stream.encode())
    encode(tmp_path / "sd.avi", "mpeg4", count=2)
    with VideoSource(tmp_path / "hd.mp4") as hd, VideoSource(tmp_path / "sd.avi") as sd:
        assert (hd.colour, sd.colour) == ("bt709 limited 8-bit", "bt601 limited 8-bit")


CONTAINERS = [
    ("open.mkv", "libx264", {"g": "7", "x264-params": "open-gop=1:bframes=3"}),
    ("open.ts", "libx264", {"g": "7", "x264-params": "open-gop=1:bframes=3"}),
    ("closed.mp4", "libx264", {"g": "7"}),
    ("old.avi", "mpeg4", {"g": "7", "bf": "2", "b": "4M"}),
    ("raw.h264", "libx264", {"g": "7"}),
]


@pytest.mark.parametrize(("name", "codec", "options"), CONTAINERS)
def test_any_order_gives_the_same_pixels(
    tmp_path: Path, name: str, codec: str, options: dict[str, str]
) -> None:
    path = tmp_path / name
    encode(path, codec, **options)
    with VideoSource(path) as video:
        inorder = [video.read(number) for number in video.frames]
        assert len(inorder) == 30
        levels = [picture.mean() * 255 for picture in inorder]
        assert np.abs(np.array(levels) - 8 * np.arange(30)).max() < 4
    with VideoSource(path) as video:
        for number in (29, 3, 29, 8, 7, 22, 1, 30, 15, 14, 13, 12, 2):
            assert np.array_equal(video.read(number), inorder[number - 1]), number


def test_random_access_on_a_real_clip() -> None:
    path = CLIPS / "davis_car-shadow.mp4"
    if not path.exists():
        pytest.skip("no shared clips on this machine")
    with VideoSource(path) as video:
        assert (len(video.frames), video.width, video.height, video.fps) == (40, 854, 480, 24)
        inorder = [video.read(number) for number in video.frames]
        for number in (40, 3, 40):
            assert np.array_equal(video.read(number), inorder[number - 1])


def test_reading_in_order_seeks_never(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encode(tmp_path / "a.mp4", g="5")
    jumps: list[int] = []
    with VideoSource(tmp_path / "a.mp4") as video:
        restart = video._restart
        monkeypatch.setattr(video, "_restart", lambda key: (jumps.append(key), restart(key)))
        for number in (1, 2, 1, 2, 3, *range(4, 31)):
            video.read(number)
        assert jumps == []
        video.read(7)
        assert jumps == [1]


def test_threads_share_one_source(tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", g="5")
    with VideoSource(tmp_path / "a.mp4") as video:
        want = {number: video.read(number) for number in video.frames}
        wrong: list[int] = []

        def pull(seed: int) -> None:
            for number in np.random.default_rng(seed).permutation(30)[:10] + 1:
                if not np.array_equal(video.read(int(number)), want[int(number)]):
                    wrong.append(int(number))

        workers = [threading.Thread(target=pull, args=(seed,)) for seed in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert wrong == []


def test_a_variable_rate_loses_no_frame(tmp_path: Path) -> None:
    stamps = [0, 1, 2, 7, 8, 20, 21, 40]
    with av.open(str(tmp_path / "v.mkv"), "w") as out:
        stream = out.add_stream("libx264", rate=24, options={"g": "3"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i, stamp in enumerate(stamps):
            picture = np.full((48, 64, 3), 20 * i, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = stamp, Fraction(1, 24)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    with VideoSource(tmp_path / "v.mkv") as video:
        assert video.frames == tuple(range(1, 9))
        for number in (8, 1, 5, 4, 6):
            assert abs(video.read(number).mean() * 255 - 20 * (number - 1)) < 4


def test_rotation_is_applied(tmp_path: Path) -> None:
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:16, :16] = 255  # a white top left corner; angles turn counter-clockwise
    for angle, corner in ((90, (56, 8)), (180, (40, 56)), (-90, (8, 40))):
        with av.open(str(tmp_path / "r.mp4"), "w") as out:
            stream = out.add_stream("libx264", rate=24)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            stream.set_display_rotation(angle)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            out.mux(stream.encode())
        with VideoSource(tmp_path / "r.mp4") as video:
            got = video.read(1)
            assert got.shape == (video.height, video.width, 3)
            assert got.shape[:2] == ((48, 64) if angle == 180 else (64, 48))
            assert got[corner].min() > 0.9, angle
            assert got.mean() < 0.2


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    encode(tmp_path / "good.mp4")
    (tmp_path / "text.mp4").write_text("not a video\n" * 99)
    (tmp_path / "empty.mp4").write_bytes(b"")
    write_video(tmp_path / "whole.mp4", moving_clip(), Fraction(24))
    whole = (tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "cut_tail.mp4").write_bytes(whole[: len(whole) * 2 // 3])
    good = (tmp_path / "good.mp4").read_bytes()
    (tmp_path / "cut_index.mp4").write_bytes(good[: len(good) // 2])
    with av.open(str(tmp_path / "sound.mp4"), "w") as out:
        stream = out.add_stream("aac", rate=48000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        sound.sample_rate = 48000
        out.mux(stream.encode(sound))
        out.mux(stream.encode())
    cv2.imwrite(str(tmp_path / "still.png"), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(UnreadableFile, match="still picture"):
        VideoSource(tmp_path / "still.png")
    for name in ("text", "empty", "cut_tail", "cut_index", "sound"):
        with pytest.raises(UnreadableFile, match=f"{name}.mp4: .+") as caught:
            VideoSource(tmp_path / f"{name}.mp4")
        assert "\n" not in str(caught.value)
    with pytest.raises(MissingFrame, match=r"gone\.mp4"):
        VideoSource(tmp_path / "gone.mp4")
    with pytest.raises(UnreadableFile):
        VideoSource(tmp_path)
    video = VideoSource(tmp_path / "good.mp4")
    for frame in (0, 31):
        with pytest.raises(MissingFrame, match="1-30"):
            video.read(frame)
    video.close()
    video.close()
    with pytest.raises(UnreadableFile, match="close"):
        video.read(1)


@pytest.mark.parametrize(
    ("layout", "codec", "name", "colour"),
    [
        ("gray", "ffv1", "a.mkv", "bt601 full 8-bit"),
        ("bgra", "ffv1", "a.mkv", "rgb 8-bit"),
        ("rgb24", "png", "a.mov", "rgb 8-bit"),
        ("gbrp10le", "ffv1", "a.mkv", "rgb 10-bit"),
        ("yuv411p", "ffv1", "a.mkv", "bt601 limited 8-bit"),
        ("uyvy422", "rawvideo", "a.avi", "bt601 limited 8-bit"),
        ("nv12", "rawvideo", "a.mkv", "bt601 limited 8-bit"),
        ("yuv422p10le", "ffv1", "a.mkv", "bt601 limited 10-bit"),
    ],
)
def test_every_layout_of_samples(
    tmp_path: Path, layout: str, codec: str, name: str, colour: str
) -> None:
    picture = np.empty((48, 64, 3), np.uint8)
    picture[:] = (120, 120, 120) if layout == "gray" else (200, 120, 40)
    with av.open(str(tmp_path / name), "w") as out:
        stream = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, layout
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=layout)
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        out.mux(stream.encode(frame))
        out.mux(stream.encode())
    with VideoSource(tmp_path / name) as video:
        assert video.colour == colour
        assert np.abs(video.read(1) - picture / 255).max() < 1.5 / 255

"""Write a video: beside its name first, under its name only when whole."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

import av
import av.error
import cv2
import numpy as np

from ..errors import BadInput, WriteRefused
from .atomic import replacing
from .yuv import from_rgb

if TYPE_CHECKING:
    from collections.abc import Iterable

    from av.container import OutputContainer
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

_BT709, _LIMITED = 1, 1  # ITU-T H.273 codes
_CHANNELS = 3
# Frame-threaded x264 gives other bytes at another thread count, so the count is fixed.
_THREADS = 4


class Codec(Enum):
    """How a video is compressed."""

    H264 = "h264"  # 8-bit 4:2:0, constant quality 14; .mp4 or .mov; plays anywhere
    PRORES_HQ = "prores_hq"  # 10-bit 4:2:2; .mov; for going on with

    @classmethod
    def of(cls, path: str | Path) -> Codec:
        """The codec that a file name asks for.

        Raises:
            BadInput: the suffix is neither .mp4 nor .mov.
        """
        suffix = Path(path).suffix.lower()
        if suffix not in (".mp4", ".mov"):
            raise BadInput(f"{path}: expected a name ending in .mp4 or .mov; got {suffix!r}")
        return cls.H264 if suffix == ".mp4" else cls.PRORES_HQ


# The macroblock tree of x264 reads memory that nobody wrote: other bytes on every run.
_X264 = {"crf": "14", "preset": "medium", "profile": "high", "x264-params": "mbtree=0"}
_ENCODERS = {
    Codec.H264: ("libx264", "yuv420p", _X264),
    Codec.PRORES_HQ: ("prores_ks", "yuv422p10le", {"profile": "hq", "vendor": "apl0"}),
}


@dataclass(frozen=True)
class _Format:
    codec: Codec
    fps: Fraction
    pixel_aspect: Fraction


def _add_stream(out: OutputContainer, form: _Format, size: tuple[int, int]) -> VideoStream:
    encoder, layout, options = _ENCODERS[form.codec]
    options = {**options, "flags": "+bitexact"}
    stream = cast("VideoStream", out.add_stream(encoder, rate=form.fps, options=options))
    stream.height, stream.width = size
    stream.pix_fmt = layout
    context = stream.codec_context
    context.time_base = 1 / form.fps
    context.thread_count = _THREADS
    context.sample_aspect_ratio = form.pixel_aspect
    context.color_range = _LIMITED
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    return stream


def _to_frame(rgb: NDArray[np.float32], codec: Codec) -> av.VideoFrame:
    """Planes of one picture, padded to even sizes by repeating its last row and column."""
    height, width = rgb.shape[:2]
    rgb = np.nan_to_num(np.asarray(rgb, np.float32), posinf=1.0, neginf=0.0)
    even = cv2.copyMakeBorder(rgb, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    rgb = np.asarray(even, np.float32)
    eight = codec is Codec.H264
    planes = from_rgb(rgb, depth=8 if eight else 10, halve_rows=eight)
    frame = av.VideoFrame(rgb.shape[1], rgb.shape[0], _ENCODERS[codec][1])
    for plane, samples in zip(frame.planes, planes, strict=True):
        rows = np.zeros((plane.height, plane.line_size // samples.itemsize), samples.dtype)
        rows[:, : samples.shape[1]] = samples
        plane.update(rows.tobytes())
    frame.color_range = _LIMITED  # ProRes carries what the frames say, H.264 what the stream says
    frame.colorspace = frame.color_primaries = frame.color_trc = _BT709
    return frame


def _encode(
    out: OutputContainer,
    frames: Iterable[NDArray[np.float32]],
    form: _Format,
    path: Path,
) -> None:
    stream: VideoStream | None = None
    shape: tuple[int, ...] = ()
    for count, rgb in enumerate(frames, start=1):
        if rgb.ndim != _CHANNELS or rgb.shape[2] != _CHANNELS or (shape and rgb.shape != shape):
            want = shape or "(H, W, 3)"
            raise BadInput(f"{path}: frame {count}: expected a picture of {want}; got {rgb.shape}")
        frame = _to_frame(rgb, form.codec)
        if stream is None:
            shape = rgb.shape
            stream = _add_stream(out, form, (frame.height, frame.width))
        frame.pts, frame.time_base = count - 1, 1 / form.fps
        out.mux(stream.encode(frame))
    if stream is None:
        raise BadInput(f"{path}: expected at least one frame to write; got none")
    out.mux(stream.encode(None))


def write_video(
    path: str | Path,
    frames: Iterable[NDArray[np.float32]],
    fps: Fraction,
    *,
    codec: Codec | None = None,
    overwrite: bool = False,
    pixel_aspect: float = 1.0,
) -> None:
    """Write pictures as a BT.709 video of constant rate.

    The file appears under its name only when it is whole; whatever stops the writing - an error of
    the disk, of ``frames``, a cancel - leaves an older file untouched and nothing half-written
    behind. The same pictures give the same bytes. Both codecs halve chroma across, so a picture of
    odd width or height gains one column or row that repeats its last: cropping would lose picture,
    and 4:4:4 is what ordinary players refuse.

    Args:
        path: ``.mp4`` or ``.mov``.
        frames: ``(H, W, 3)`` float32 R'G'B', display-encoded; clipped to 0..1.
        fps: frames a second.
        codec: ``None``: what the suffix says.
        overwrite: whether an existing file may be replaced.
        pixel_aspect: width of a pixel over its height.

    Raises:
        BadInput: unfitting suffix, rate or picture, or no picture at all.
        WriteRefused: the file exists, or cannot be written.
    """
    path = Path(path)
    suited = Codec.of(path)
    codec = codec or suited
    if codec is Codec.PRORES_HQ and suited is not Codec.PRORES_HQ:
        raise BadInput(f"{path}: ProRes needs a name ending in .mov")
    if fps <= 0 or pixel_aspect <= 0:
        raise BadInput(
            f"{path}: expected a positive frame rate and pixel aspect; got {fps}, {pixel_aspect}"
        )
    aspect = Fraction(pixel_aspect).limit_denominator(1000)
    form = _Format(codec, Fraction(fps), aspect)
    container = path.suffix.lower().lstrip(".")
    flags = {"movflags": "+faststart+write_colr", "fflags": "+bitexact"}
    try:
        with (
            replacing(path, overwrite=overwrite) as partial,
            av.open(str(partial), "w", format=container, options=flags) as out,
        ):
            _encode(out, frames, form, path)
    except av.error.FFmpegError as error:
        raise WriteRefused(f"{path}: cannot be written, {error.strerror}") from error

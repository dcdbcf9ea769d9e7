"""Videos, through PyAV: exact random access to their frames, and writing them.

A video's frames are numbered from 1, as in Nuke, in the order in which they are shown. Decoding
keeps the depth of the file (:mod:`.yuv`); nothing is scaled, dropped or repeated.
"""

from __future__ import annotations

import bisect
import threading
from collections import OrderedDict
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import av.error
import numpy as np
from av.stream import Disposition

from ..errors import MissingFrame, UnreadableFile
from ..hashing import refuse_special
from .video_writer import Codec, write_video
from .yuv import Matrix, to_rgb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.container import InputContainer
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

__all__ = ["Codec", "VideoSource", "write_video"]

_FAILURES = (av.error.FFmpegError, OSError, ValueError)
# Codes of ITU-T H.273.
_MATRICES = {
    1: Matrix.BT709,
    4: Matrix.FCC,
    5: Matrix.BT601,
    6: Matrix.BT601,
    7: Matrix.SMPTE240M,
    9: Matrix.BT2020,
    10: Matrix.BT2020,
}
_BT2020, _PQ, _HLG, _FULL_RANGE = 9, 16, 18, 2
_RIGHT_ANGLE = 90
_COVER_ART = Disposition.attached_pic
_KEPT = 4  # a flow node reads t and t-1: without this every step back would decode a whole GOP


@dataclass(frozen=True)
class _Index:
    """Where each frame is, in the order shown."""

    pts: tuple[int, ...] | None  # of each frame, rising; None: the file has no time stamps
    count: int
    keys: tuple[tuple[int, int], ...]  # (pts, seek target) of the frames decoding may start at


def _reason(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).strip()


def _build_index(container: InputContainer, stream: VideoStream, path: Path) -> _Index:
    """Walk every packet once: containers promise frame counts that they do not hold."""
    size = path.stat().st_size
    entries = stream.index_entries
    last = max((entry.pos + entry.size for entry in entries), default=0) if entries else 0
    if last > size:
        raise UnreadableFile(
            f"{path}: truncated: its index expects {last} bytes; got {size}. Copy it again"
        )
    stamps: list[int | None] = []
    keys: list[tuple[int, int]] = []
    for packet in container.demux(stream):
        if not packet.size or packet.is_discard:
            continue
        stamps.append(packet.pts)
        if packet.is_keyframe and packet.pts is not None:
            keys.append((packet.pts, packet.pts if packet.dts is None else packet.dts))
    known = sorted(stamp for stamp in stamps if stamp is not None)
    if not stamps:
        raise UnreadableFile(f"{path}: the video holds no frame; it may be truncated")
    if len(known) < len(stamps) or len(set(known)) < len(known) or not keys:
        return _Index(None, len(stamps), ())
    first = min(keys)[0]  # what a clip cut out of a longer one opens with cannot be decoded
    pts = tuple(stamp for stamp in known if stamp >= first)
    return _Index(pts, len(pts), tuple(sorted(keys)))


class VideoSource:
    """One video file, its frames readable in any order with the same result.

    Safe to share between threads. Reading onwards decodes each frame once; any other jump starts
    at the last key frame before it. Frames of a variable-rate file keep their order and lose their
    times.

    Attributes:
        width, height: pixels of the picture as it is shown (rotation applied).
        fps: mean frame rate.
        frames: 1..N; N is counted, not read from the header.
        pixel_aspect: width of a pixel over its height.
        colour: matrix, range and depth, as words for a report.
        channel_format, interop_id, colour_space, chromaticities: what the file says of its colour,
            for :func:`.colour.plate_space`: only HDR curves say anything.

    Raises:
        MissingFrame: no such file.
        UnreadableFile: not a video, truncated, no video stream, or turned by no right angle.
    """

    colour_space: str | None = None
    chromaticities: tuple[float, ...] | None = None

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.exists():
            raise MissingFrame(f"{self.path}: expected a video; no such file")
        refuse_special(self.path, "a video")
        self._lock = threading.Lock()
        self._recent: OrderedDict[int, av.VideoFrame] = OrderedDict()
        self._next = 0  # position of the frame the decoder gives next
        self._decoder: Iterator[av.VideoFrame] | None = None
        self._container: InputContainer | None = None
        try:
            self._container, self._stream = self._open()
            self._index = _build_index(self._container, self._stream, self.path)
            self._probe(self._decode(0))
        except _FAILURES as error:
            self.close()
            if isinstance(error, UnreadableFile):
                raise
            raise UnreadableFile(
                f"{self.path}: expected a video that FFmpeg can read; got: {_reason(error)}"
            ) from error

    def _open(self) -> tuple[InputContainer, VideoStream]:
        container = av.open(str(self.path), mode="r")
        streams = [s for s in container.streams.video if not s.disposition & _COVER_ART]
        picture = container.format.name.endswith("_pipe") or container.format.name == "image2"
        if picture or not streams:
            got = "a still picture" if picture else "no video stream"
            container.close()
            raise UnreadableFile(f"{self.path}: expected a video; got {got}")
        streams[0].thread_type = "AUTO"
        return container, streams[0]

    def _probe(self, frame: av.VideoFrame) -> None:
        """Take format and colour from the stream and its first frame."""
        stream, form, context = self._stream, frame.format, self._stream.codec_context
        if frame.rotation % _RIGHT_ANGLE:
            raise UnreadableFile(
                f"{self.path}: expected a rotation by right angles; got {frame.rotation} degrees"
            )
        self._turns = frame.rotation // _RIGHT_ANGLE % 4
        aspect = Fraction(stream.sample_aspect_ratio or 1)
        upright = self._turns % 2 == 0
        self.width, self.height = (
            (frame.width, frame.height) if upright else (frame.height, frame.width)
        )
        self.pixel_aspect = float(aspect if upright else 1 / aspect)
        self.fps = Fraction(stream.average_rate or stream.guessed_rate or 24)
        self.frames = tuple(range(1, self._index.count + 1))
        # Unlabelled: above standard definition every broadcaster means BT.709.
        hd = frame.width >= 1280 or frame.height > 576
        told = _MATRICES.get(int(frame.colorspace)) or _MATRICES.get(int(context.colorspace))
        self._matrix = told or (Matrix.BT709 if hd else Matrix.BT601)
        ranges = (int(frame.color_range), int(context.color_range))
        grey = form.name.startswith("gray") and not any(ranges)  # FFmpeg's own reading of these
        self._full = _FULL_RANGE in ranges or grey or form.name.startswith("yuvj")
        bits = max(part.bits for part in form.components)
        coded = f"{self._matrix.name.lower()} {'full' if self._full else 'limited'}"
        self.colour = f"{'rgb' if form.is_rgb or form.has_palette else coded} {bits}-bit"
        wide = int(frame.color_primaries) == _BT2020
        curve = {_PQ: "pq_rec2020_display", _HLG: "hlg_rec2020_display"}.get(int(frame.color_trc))
        self.interop_id = curve if wide else None
        self.channel_format = f"uint{bits}"

    def _restart(self, key: int) -> None:
        """Point the decoder at a key frame; at 0, open the file anew."""
        pts = self._index.pts
        if self._container is not None and pts and key > 0:
            stamp, target = self._index.keys[key]
            self._container.seek(target, stream=self._stream, backward=True)
            self._decoder = self._container.decode(self._stream)
            frame = next((f for f in self._decoder if f.pts is not None and f.pts >= stamp), None)
            # Some files call a frame a key that is none (AVI), some land late (MPEG-TS).
            if frame is not None and frame.pts == stamp and frame.key_frame:
                self._next = bisect.bisect_left(pts, stamp)
                self._keep(frame)
                return
        if self._container is not None:
            self._container.close()
        self._container, self._stream = self._open()
        self._decoder, self._next = self._container.decode(self._stream), 0

    def _keep(self, frame: av.VideoFrame) -> None:
        self._recent[self._next] = frame
        self._recent.move_to_end(self._next)
        self._next += 1
        while len(self._recent) > _KEPT:
            self._recent.popitem(last=False)

    def _key(self, position: int) -> int:
        """Which key frame decoding of ``position`` starts at; 0 is the start of the file."""
        if self._index.pts is None:
            return 0
        stamp = self._index.pts[position]
        return max(bisect.bisect_right(self._index.keys, stamp, key=lambda key: key[0]) - 1, 0)

    def _advance(self, position: int) -> None:
        """Decode onwards until ``position`` is passed or the file ends."""
        pts = self._index.pts
        while self._decoder is not None and self._next <= position:
            frame = next(self._decoder, None)
            if frame is None:
                self._decoder = None
            elif pts is None:
                self._keep(frame)
            elif frame.pts is not None and frame.pts >= pts[0]:
                self._next = bisect.bisect_left(pts, frame.pts)
                self._keep(frame)

    def _decode(self, position: int) -> av.VideoFrame:
        if position not in self._recent:
            behind = position < self._next
            if self._decoder is None or behind or self._key(position) > self._key(self._next):
                self._restart(self._key(position))
            self._advance(position)
        if position not in self._recent:  # a seek that landed wrong: only the start is certain
            self._restart(0)
            self._advance(position)
        frame = self._recent.get(position)
        if frame is None or frame.is_corrupt:
            self._recent.pop(position, None)
            self._decoder = None
            raise UnreadableFile(f"{self.path}: frame {position + 1} is damaged")
        return frame

    def read(self, frame: int) -> NDArray[np.float32]:
        """Decode one frame.

        Args:
            frame: its number, from 1.

        Returns:
            ``(H, W, 3)`` float32 R'G'B', 0..1, in the file's own transfer curve.

        Raises:
            MissingFrame: the video has no such frame.
            UnreadableFile: the frame is damaged, or the video is closed.
        """
        if not 1 <= frame <= self._index.count:
            raise MissingFrame(
                f"{self.path}: expected a frame in 1-{self._index.count}; got {frame}"
            )
        with self._lock:
            if self._container is None:
                raise UnreadableFile(f"{self.path}: frame {frame} asked for after close()")
            try:
                rgb = to_rgb(self._decode(frame - 1), self._matrix, self._full)
            except UnreadableFile:
                raise
            except _FAILURES as error:
                self._decoder = None
                raise UnreadableFile(
                    f"{self.path}: frame {frame} does not decode: {_reason(error)}"
                ) from error
        return np.ascontiguousarray(np.rot90(rgb, self._turns)) if self._turns else rgb

    def close(self) -> None:
        """Let go of the file; reading afterwards is an error, closing twice is not."""
        with self._lock:
            self._recent.clear()
            self._decoder = None
            if self._container is not None:
                self._container.close()
            self._container = None

    def __enter__(self) -> VideoSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

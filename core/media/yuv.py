"""Video samples to R'G'B' and back in floating point, at the full depth of the file.

The scaler inside FFmpeg rounds and replicates chroma in ways that depend on the processor; here
the whole path is one affine map per pixel (ITU-R BT.601, BT.709, BT.2020) and a linear filter for
chroma that sits on the left luma sample (the position of MPEG-2, H.264, HEVC and ProRes when
nothing else is said).
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    import av
    from numpy.typing import NDArray

    Plane = NDArray[np.float32]


class Matrix(Enum):
    """Luma weights of red and blue."""

    BT709 = (0.2126, 0.0722)
    BT601 = (0.299, 0.114)
    BT2020 = (0.2627, 0.0593)
    SMPTE240M = (0.212, 0.087)
    FCC = (0.30, 0.11)


# Size of a luma plane over its chroma plane (across, down) -> FFmpeg's name of that layout.
_LAYOUTS = {
    (1, 1): "444",
    (2, 1): "422",
    (2, 2): "420",
    (4, 1): "411",
    (1, 2): "440",
    (4, 4): "410",
}


def _offsets(depth: int, full_range: bool) -> tuple[float, float, float, float]:
    """Code values of (black, luma span, neutral chroma, chroma span)."""
    unit = float(1 << (depth - 8))
    if full_range:
        top = float((1 << depth) - 1)
        return 0.0, top, 128.0 * unit, top
    return 16.0 * unit, 219.0 * unit, 128.0 * unit, 224.0 * unit


def _ycc_to_rgb(matrix: Matrix) -> NDArray[np.float64]:
    """3x3 from (Y', Cb, Cr), luma 0..1 and chroma -0.5..0.5, to (R', G', B')."""
    red, blue = matrix.value
    to_ycc = np.array(
        [
            [red, 1.0 - red - blue, blue],
            [-red / (2 * (1 - blue)), -(1 - red - blue) / (2 * (1 - blue)), 0.5],
            [0.5, -(1 - red - blue) / (2 * (1 - red)), -blue / (2 * (1 - red))],
        ]
    )
    return np.linalg.inv(to_ycc)


def _plane(frame: av.VideoFrame, index: int) -> Plane:
    """One plane of a planar frame as code values, float32."""
    plane = frame.planes[index]
    kind = np.uint8 if frame.format.components[index].bits <= 8 else np.uint16
    rows = np.frombuffer(memoryview(plane), dtype=kind).reshape(plane.height, -1)  # rows are padded
    return rows[:, : plane.width].astype(np.float32)


def _upsample(chroma: Plane, height: int, width: int) -> Plane:
    """Chroma at luma resolution; cosited with the left sample across, centred down."""
    across, down = -(-width // chroma.shape[1]), -(-height // chroma.shape[0])
    if down > 1:
        size = (chroma.shape[1], chroma.shape[0] * down)
        chroma = np.asarray(cv2.resize(chroma, size, interpolation=cv2.INTER_LINEAR), np.float32)
    if across > 1:
        wide = np.empty((chroma.shape[0], chroma.shape[1] * across), np.float32)
        following = np.concatenate([chroma[:, 1:], chroma[:, -1:]], axis=1)
        for step in range(across):
            wide[:, step::across] = chroma + (following - chroma) * np.float32(step / across)
        chroma = wide
    return chroma[:height, :width]


def _planar(frame: av.VideoFrame) -> av.VideoFrame:
    """The same samples as planes, at the same depth and subsampling."""
    form = frame.format
    bits = max(part.bits for part in form.components)
    if form.is_planar and not form.is_big_endian and form.name.startswith(("yuv", "gray", "gbrp")):
        return frame
    if form.name.startswith("gray"):
        return frame.reformat(format="gray" if bits <= 8 else f"gray{bits}le")
    if form.is_rgb or form.has_palette:
        return frame.reformat(format="gbrp" if bits <= 8 else "gbrp16le")
    across, down = 64 // form.chroma_width(64), 64 // form.chroma_height(64)
    name = f"yuv{_LAYOUTS[across, down]}p" + ("" if bits <= 8 else f"{bits}le")
    return frame.reformat(format=name)


def to_rgb(frame: av.VideoFrame, matrix: Matrix, full_range: bool) -> NDArray[np.float32]:
    """Decode one frame to gamma-encoded RGB.

    Args:
        frame: any layout FFmpeg decodes to, 8 to 16 bits.
        matrix: luma weights of the stream; unused for RGB and grey frames.
        full_range: whether luma spans all codes rather than 16..235 (in 8 bits).

    Returns:
        ``(H, W, 3)`` float32, clipped to 0..1.

    Raises:
        ValueError: the layout holds float samples or one that FFmpeg cannot unfold.
    """
    if "f32" in frame.format.name or "f16" in frame.format.name:
        raise ValueError(f"pixel format {frame.format.name} is not a video's")
    frame = _planar(frame)
    depth = max(part.bits for part in frame.format.components)
    if frame.format.name.startswith("gbrp"):
        green, blue, red = (_plane(frame, index) for index in range(3))
        stack = np.dstack([red, green, blue])
        return np.multiply(stack, 1.0 / ((1 << depth) - 1), dtype=np.float32)
    black, span, neutral, chroma_span = _offsets(depth, full_range)
    luma = _plane(frame, 0)
    if frame.format.name.startswith("gray"):
        grey = np.clip((luma - np.float32(black)) / np.float32(span), 0.0, 1.0)
        return np.repeat(grey[..., None], 3, axis=2).astype(np.float32, copy=False)
    height, width = luma.shape
    codes = cv2.merge([luma, *(_upsample(_plane(frame, i), height, width) for i in (1, 2))])
    scale = _ycc_to_rgb(matrix) / np.array([span, chroma_span, chroma_span])
    offset = -scale @ np.array([black, neutral, neutral])
    affine = np.column_stack([scale, offset]).astype(np.float32)
    rgb = np.asarray(cv2.transform(codes, affine), np.float32)
    return np.clip(rgb, 0.0, 1.0, out=rgb)


def _downsample(chroma: Plane, down: bool) -> Plane:
    """Halve across with (1 2 1)/4 on even columns and, if asked, down with a box of two."""
    left = np.concatenate([chroma[:, :1], chroma[:, 1:-1:2]], axis=1)
    half = np.float32(0.5) * chroma[:, 0::2] + np.float32(0.25) * (left + chroma[:, 1::2])
    return np.float32(0.5) * (half[0::2] + half[1::2]) if down else half


def from_rgb(rgb: NDArray[np.float32], *, depth: int, halve_rows: bool) -> list[NDArray]:
    """Encode gamma-encoded RGB as limited-range BT.709 planes (4:2:0 or 4:2:2).

    Args:
        rgb: ``(H, W, 3)`` float32; clipped to 0..1. H and W even.
        depth: bits of a sample, 8 or 10.
        halve_rows: 4:2:0 when true, 4:2:2 otherwise.

    Returns:
        Y', Cb and Cr planes, uint8 or uint16.
    """
    black, span, neutral, chroma_span = _offsets(depth, full_range=False)
    scale = np.linalg.inv(_ycc_to_rgb(Matrix.BT709)) * np.array(
        [[span], [chroma_span], [chroma_span]]
    )
    offset = np.array([black, neutral, neutral])
    affine = np.column_stack([scale, offset]).astype(np.float32)
    codes = np.asarray(cv2.transform(np.clip(rgb, 0.0, 1.0), affine), np.float32)
    kind = np.uint8 if depth == 8 else np.uint16
    planes = [codes[..., 0], *(_downsample(codes[..., i], halve_rows) for i in (1, 2))]
    return [np.rint(plane).astype(kind) for plane in planes]

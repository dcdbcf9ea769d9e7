"""Writing PNG, TIFF, JPEG and DPX: one RGB(A) picture, the display window, integers rounded."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813

from ..errors import WriteRefused
from .atomic import require_space
from .exr import CARRIED, Page, carry
from .headers import has_attribute
from .originals import Original, check_whole, writer

SUFFIXES = frozenset({".png", ".tif", ".tiff", ".jpg", ".jpeg", ".dpx"})
JPEG_QUALITY = "jpeg:95"

_FORMATS = {".tif": "tiff", ".tiff": "tiff", ".jpg": "jpeg", ".jpeg": "jpeg"}
_COPIES_HEADER = {"png", "jpeg", "dpx"}  # a TIFF's own header describes its old encoding
_STALE = (
    "Orientation",
    "compression",
    "oiio:BitsPerSample",
    "dpx:ImageDescriptor",
    "jpeg:subsampling",
)
_DPX_NAME = slice(36, 136)
_DPX_SHALLOW = 10


def build(
    path: Path,
    painted: np.ndarray,
    original: Original | None,
    *,
    alpha: np.ndarray | None,
    metadata: dict[str, str],
) -> list[Page]:
    """Make the one page of a raster file.

    PNG is 16-bit; TIFF too, or 32-bit float where the plate was half or float; JPEG is 8-bit,
    quality 95, without alpha; DPX is 10-bit for plates of up to 10 bits and for new pictures, else
    16-bit. Frame rate, timecode and ICC profile are kept, and the whole header where the format
    stays the same. PNG stores RGB not multiplied by alpha, so a premultiplied picture is divided.

    Args:
        path: Final name; its extension says the format.
        painted: (H, W, 3) float32 of the data window.
        original: The plate's, or None.
        alpha: (H, W) in place of the plate's alpha.
        metadata: Text; TIFF and JPEG hold it in the image description if that is free.
    """
    kind = _FORMATS.get(path.suffix.lower(), path.suffix.lower()[1:])
    if alpha is None and original is not None:
        alpha = original.alpha()
    premultiplied = original is None or original.is_premultiplied
    if kind == "jpeg":
        alpha = None
    if alpha is not None:
        alpha = np.asarray(alpha, np.float32)
    if kind == "png" and alpha is not None and premultiplied:
        safe = np.where(alpha > 0, alpha, 1.0)[..., None].astype(np.float32)
        painted, premultiplied = painted / safe, False
    planes = painted if alpha is None else np.concatenate([painted, alpha[..., None]], axis=-1)
    if original is not None and original.is_exr:
        planes = _display_window(planes, original.picture.spec)
    spec = _header(kind, planes.shape, original, metadata)
    if alpha is not None:
        spec.attribute("oiio:UnassociatedAlpha", 0 if premultiplied else 1)
    return [Page(spec, _encoded(kind, planes, original, spec))]


def write(partial: Path, path: Path, page: Page) -> None:
    """Write to `partial` and read it back; errors speak of `path`.

    Raises:
        WriteRefused: The disk is full, or OpenImageIO could not write.
    """
    if path.suffix.lower() in (".jpg", ".jpeg"):
        # On a full disk libjpeg ends the whole process, so this is asked beforehand.
        require_space(path, page.pixels.nbytes)
    out = writer(partial, path)
    done = out.open(str(partial), page.spec) and out.write_image(page.pixels)
    error = " ".join(out.geterror().split())[:200]
    if not (out.close() and done):
        raise WriteRefused(f"{path}: cannot be written ({error or 'disk full?'})")
    if path.suffix.lower() == ".dpx":
        _name_dpx(partial, path)
    check_whole(partial, path)


def _display_window(planes: np.ndarray, spec: oiio.ImageSpec) -> np.ndarray:
    """Crop overscan and fill what the data window lacks with zeros, as a viewer shows an EXR."""
    dx, dy = spec.x - spec.full_x, spec.y - spec.full_y
    height, width, channels = planes.shape
    if (dx, dy, width, height) == (0, 0, spec.full_width, spec.full_height):
        return planes
    shown = np.zeros((spec.full_height, spec.full_width, channels), np.float32)
    top, left = max(dy, 0), max(dx, 0)
    bottom, right = min(dy + height, spec.full_height), min(dx + width, spec.full_width)
    if bottom > top and right > left:
        shown[top:bottom, left:right] = planes[top - dy : bottom - dy, left - dx : right - dx]
    return shown


def _header(
    kind: str, shape: tuple[int, ...], original: Original | None, metadata: dict[str, str]
) -> oiio.ImageSpec:
    """Build the header: the plate's own if the format stays, else size, timing and profile."""
    height, width, channels = shape
    spec = oiio.ImageSpec(width, height, channels, oiio.UINT16)
    if original is not None and original.file_format == kind and kind in _COPIES_HEADER:
        fresh, spec = spec, oiio.ImageSpec(original.picture.spec)
        spec.copy_dimensions(fresh)
        for name in _STALE:
            spec.erase_attribute(name)
    elif original is not None:
        carry(original.picture.spec, spec, (*CARRIED, "ICCProfile"))
    if not has_attribute(spec, "DateTime"):
        spec.attribute("DateTime", "")  # absent, OpenImageIO would write the time of day
    if kind == "png":
        for key, value in metadata.items():
            spec.attribute(key, value)
    elif metadata and kind in ("tiff", "jpeg") and not has_attribute(spec, "ImageDescription"):
        spec.attribute("ImageDescription", "; ".join(f"{k}={v}" for k, v in metadata.items()))
    if kind == "jpeg":
        spec.attribute("Compression", JPEG_QUALITY)
        spec.attribute("jpeg:subsampling", "4:4:4")
    elif kind == "tiff":
        spec.attribute("compression", "zip")
    elif kind == "dpx":
        spec.attribute("oiio:BitsPerSample", _dpx_bits(original))
    return spec


def _dpx_bits(original: Original | None) -> int:
    if original is None:
        return _DPX_SHALLOW
    spec = original.picture.spec
    bits = spec.get_int_attribute("oiio:BitsPerSample", 0) or 8 * original.picture.pixels.itemsize
    return _DPX_SHALLOW if bits <= _DPX_SHALLOW else 16


def _encoded(
    kind: str, planes: np.ndarray, original: Original | None, spec: oiio.ImageSpec
) -> np.ndarray:
    """Convert (H, W, C) float32 to the numbers of the format, and say so in the header."""
    if kind == "tiff" and original is not None and original.is_float:
        spec.set_format(oiio.FLOAT)
        return np.ascontiguousarray(planes, np.float32)
    clipped = np.clip(np.nan_to_num(planes, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)
    if kind == "jpeg":
        spec.set_format(oiio.UINT8)
        return np.rint(clipped * 255.0).astype(np.uint8)
    spec.set_format(oiio.UINT16)
    if kind == "dpx" and spec.get_int_attribute("oiio:BitsPerSample", 0) == _DPX_SHALLOW:
        ten = np.rint(clipped * 1023.0).astype(np.uint16)
        return (ten << 6) | (ten >> 4)  # OpenImageIO keeps the upper ten bits
    return np.rint(clipped * 65535.0).astype(np.uint16)


def _name_dpx(partial: Path, path: Path) -> None:
    """Replace the file name that a DPX header holds; it would be the hidden one."""
    name = os.fsencode(path.name)[:99]
    with partial.open("r+b") as file:
        file.seek(_DPX_NAME.start)
        file.write(name.ljust(_DPX_NAME.stop - _DPX_NAME.start, b"\0"))

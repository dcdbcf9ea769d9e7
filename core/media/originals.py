"""Everything a picture file held, in its own bits, so that a writer can give it back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813

from ..errors import MissingFrame, UnreadableFile, WriteRefused
from .headers import Layout, opened, part_specs, unreadable


@dataclass(frozen=True)
class Part:
    """One part of a file: its header and all its channels.

    Attributes:
        spec: Copy of the header, with every attribute.
        pixels: (H, W, C). float16, float32, uint32, uint16 or uint8 as in the file. A part that
            mixes types is float32, which holds half and float exactly; a 32-bit integer channel
            in it lies there as raw bits: use `channel`.
    """

    spec: oiio.ImageSpec
    pixels: np.ndarray

    def channel(self, index: int) -> np.ndarray:
        """Give one channel, (H, W): float16, float32, or integers."""
        plane = self.pixels[..., index]
        if self.pixels.dtype == np.float32 and self.is_identifier(index):
            return plane.view(np.uint32)
        return plane

    def is_identifier(self, index: int) -> bool:
        """Say whether a channel holds 32-bit integers (object numbers), not brightness."""
        return self.spec.channelformat(index).basetype == oiio.UINT32

    def is_half(self, index: int) -> bool:
        """Say whether a channel is 16-bit float in the file."""
        return self.spec.channelformat(index).basetype == oiio.HALF


@dataclass(frozen=True)
class Original:
    """All parts of a file, and which of their channels are the picture."""

    parts: tuple[Part, ...]
    layout: Layout
    file_format: str

    @property
    def is_exr(self) -> bool:
        return self.file_format == "openexr"

    @property
    def is_premultiplied(self) -> bool:
        """Say whether RGB is stored multiplied by alpha; without an alpha it counts as that."""
        straight = self.picture.spec.get_int_attribute("oiio:UnassociatedAlpha", 0)
        return self.layout.alpha is None or not straight

    @property
    def is_float(self) -> bool:
        """Say whether the picture is half or float, so that it may exceed 0..1."""
        return self.picture.pixels.dtype.kind == "f"

    @property
    def picture(self) -> Part:
        """The part that holds the RGB."""
        return self.parts[self.layout.part]

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the picture."""
        height, width = self.picture.pixels.shape[:2]
        return height, width

    def rgb(self) -> np.ndarray:
        """Give (H, W, 3) float32, the same bits each time it is asked."""
        return np.stack([self.plane(index) for index in self.layout.rgb], axis=-1)

    def alpha(self) -> np.ndarray | None:
        """Give (H, W) float32, or None."""
        return None if self.layout.alpha is None else self.plane(self.layout.alpha)

    def plane(self, index: int) -> np.ndarray:
        """Give one channel of the picture as (H, W) float32; integers of non-EXR files in 0..1."""
        plane = self.picture.channel(index)
        return plane.astype(np.float32) if self.is_exr else scaled(plane)


def scaled(plane: np.ndarray) -> np.ndarray:
    """Bring integers to 0..1 and floats to float32."""
    if plane.dtype.kind == "u":
        return plane.astype(np.float32) / np.float32(np.iinfo(plane.dtype).max)
    return plane.astype(np.float32)


def read_part(inp: oiio.ImageInput, path: Path, index: int, spec: oiio.ImageSpec) -> Part:
    """Read every channel of one part, level 0, losing nothing.

    Raises:
        UnreadableFile: The pixels are truncated or damaged.
    """
    formats = [spec.channelformat(c).basetype for c in range(spec.nchannels)]
    native = {oiio.HALF, oiio.FLOAT, oiio.UINT32}
    if inp.format_name() != "openexr":
        native = {oiio.UINT8, oiio.UINT16}
    same = len(set(formats)) == 1 and formats[0] in native
    pixels = _read(inp, path, index, (0, spec.nchannels), formats[0] if same else oiio.FLOAT)
    if not same and oiio.UINT32 in formats and inp.format_name() == "openexr":
        # OpenImageIO would scale these to 0..1 and round; their bits are carried instead.
        for channel, kind in enumerate(formats):
            if kind == oiio.UINT32:
                bits = _read(inp, path, index, (channel, channel + 1), oiio.UINT32)
                pixels[..., channel] = bits[..., 0].view(np.float32)
    return Part(spec, pixels if inp.format_name() == "openexr" else upright(pixels, spec))


def _read(
    inp: oiio.ImageInput, path: Path, part: int, channels: tuple[int, int], kind: oiio.BASETYPE
) -> np.ndarray:
    pixels = inp.read_image(part, 0, channels[0], channels[1], kind)
    if pixels is None or inp.has_error:  # a truncated JPEG comes back grey, with an error pending
        raise unreadable(path, inp)
    return pixels if pixels.ndim == 3 else pixels[..., None]


def upright(pixels: np.ndarray, spec: oiio.ImageSpec) -> np.ndarray:
    """Turn a photograph the way its EXIF orientation says; values are untouched."""
    orientation = spec.get_int_attribute("Orientation", 1)
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def writer(partial: Path, path: Path) -> oiio.ImageOutput:
    """Make the writer that the extension of `partial` asks for; errors speak of `path`."""
    out = oiio.ImageOutput.create(str(partial))
    if out is None:
        raise WriteRefused(f"{path}: this OpenImageIO cannot write it ({oiio.geterror()[:200]})")
    return out


def check_whole(written: Path, path: Path) -> None:
    """Read a file back before it gets its name.

    Neither a full disk nor a dropped network share is always reported by the encoders: PNG and
    small EXR files "succeed" without a byte on disk.

    Raises:
        WriteRefused: The file is not whole.
    """
    try:
        with opened(written) as inp:
            for index, spec in enumerate(part_specs(inp, written)):
                read_part(inp, written, index, spec)
    except (UnreadableFile, MissingFrame):
        raise WriteRefused(
            f"{path}: what was written could not be read back; is the disk full?"
        ) from None

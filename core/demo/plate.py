"""Writes the demo shot as a plate: half RGBA and Nuke's motion channels in one EXR a frame."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import OpenImageIO as oiio  # noqa: N813

from ..errors import WriteRefused

if TYPE_CHECKING:
    from .scene import DemoFrame, DemoShot

CHANNELS = ("R", "G", "B", "A", "forward.u", "forward.v", "backward.u", "backward.v")
FPS = 24
FIXED_DATE = "2000:01:01 00:00:00"  # files carry no clock time; OpenImageIO would add today's


def write_demo_shot(folder: str | os.PathLike[str], shot: DemoShot) -> str:
    """Write `plate.####.exr`, one file a frame, into `folder` (made if absent).

    RGBA are half, premultiplied, scene-linear Rec.709; the motion channels are float32 in Nuke's
    convention: pixels, y up. A file appears under its name only when complete.

    Returns:
        The sequence as a path pattern, `folder/plate.####.exr`.

    Raises:
        WriteRefused: A frame's file exists already, or the folder cannot be written to.
    """
    target = Path(folder)
    paths = [target / f"plate.{number:04d}.exr" for number in shot.frames]
    existing = [path for path in paths if path.exists()]
    if existing:
        raise WriteRefused(
            f"{existing[0]}: expected no file yet; got one ({len(existing)} of {len(paths)} frames "
            "exist). Choose another folder or remove them."
        )
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteRefused(f"{target}: cannot make the folder; got: {error.strerror}") from error
    for number, path in zip(shot.frames, paths, strict=True):
        _write(path, number, shot.frame(number))
    return str(target / "plate.####.exr")


def _write(path: Path, number: int, frame: DemoFrame) -> None:
    y_up = np.array((1.0, -1.0), np.float32)
    planes = (frame.rgb, frame.alpha[..., None], frame.forward * y_up, frame.backward * y_up)
    pixels = np.ascontiguousarray(np.concatenate(planes, axis=-1), np.float32)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial.exr")
    try:
        out = oiio.ImageOutput.create(str(partial))
        if out is None:
            raise WriteRefused(f"{path}: OpenImageIO has no EXR writer; got: {oiio.geterror()}")
        written = out.open(str(partial), _spec(pixels.shape, number)) and out.write_image(pixels)
        if not (out.close() and written):
            raise WriteRefused(f"{path}: cannot write frame {number}; got: {out.geterror()}")
        os.replace(partial, path)
    except OSError as error:
        if isinstance(error, WriteRefused):
            raise
        raise WriteRefused(f"{path}: cannot write frame {number}; got: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def _spec(shape: tuple[int, ...], number: int) -> oiio.ImageSpec:
    height, width, channels = shape
    spec = oiio.ImageSpec(width, height, channels, oiio.FLOAT)
    spec.channelnames = CHANNELS
    spec.channelformats = (oiio.TypeHalf,) * 4 + (oiio.TypeFloat,) * 4
    spec.attribute("compression", "zip")
    spec.attribute("oiio:ColorSpace", "lin_rec709_scene")
    spec.attribute("PixelAspectRatio", 1.0)
    spec.attribute("FramesPerSecond", oiio.TypeDesc("rational"), (FPS, 1))
    spec.attribute("smpte:TimeCode", oiio.TypeDesc("timecode"), (timecode(number), 0))
    spec.attribute("DateTime", FIXED_DATE)
    return spec


def timecode(number: int) -> int:
    """The SMPTE time code of a frame counted at 24 fps from zero, packed as EXR stores it.

    >>> hex(timecode(1001))
    '0x4117'
    """
    seconds, frames = divmod(number, FPS)
    fields = (seconds // 3600 % 24, seconds // 60 % 60, seconds % 60, frames)
    packed = 0
    for field in fields:
        packed = packed << 8 | (field // 10) << 4 | field % 10
    return packed

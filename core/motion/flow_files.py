"""Flow on disk: Middlebury `.flo` and the 16-bit PNG of KITTI."""

from __future__ import annotations

import contextlib
import os
import struct
import uuid
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from ..errors import BadInput, MissingFrame, UnreadableFile, WriteRefused
from ..hashing import refuse_special
from .flow import UNKNOWN, is_known

MAGIC = b"PIEH"  # 202021.25 as a little-endian float32
LARGEST_SIDE = 65536  # no frame is larger; anything above is a damaged or foreign header


def read_flo(path: Path | str) -> Tensor:
    """Return the flow of a Middlebury file: (1, H, W, 2) float32 pixels, x right, y down.

    Vectors beyond 1e9, infinite or not a number become `UNKNOWN`.

    Raises:
        MissingFrame: there is no such file.
        UnreadableFile: it is not a flow file, or its length is not what its header says.
    """
    content = _content(path)
    if len(content) < 12 or content[:4] != MAGIC:
        raise UnreadableFile(f"{path}: expected a Middlebury .flo file (PIEH); got something else")
    width, height = struct.unpack("<ii", content[4:12])
    if not (0 < width <= LARGEST_SIDE and 0 < height <= LARGEST_SIDE):
        raise UnreadableFile(f"{path}: expected sizes of 1 to {LARGEST_SIDE}; got {width}x{height}")
    expected = 12 + 8 * width * height
    if len(content) != expected:
        raise UnreadableFile(
            f"{path}: expected {expected} bytes for {width}x{height}; got {len(content)}. "
            "Was the copy cut short?"
        )
    values = np.frombuffer(content, "<f4", offset=12).reshape(1, height, width, 2)
    return _tidied(torch.from_numpy(values.astype(np.float32)))


def write_flo(path: Path | str, flow: Tensor, *, overwrite: bool = False) -> None:
    """Write a (1, H, W, 2) flow in pixels as a Middlebury file, whole or not at all.

    Raises:
        BadInput: not one flow.
        WriteRefused: the file exists and `overwrite` is off, or the disk refuses.
    """
    if flow.ndim != 4 or flow.shape[0] != 1 or flow.shape[-1] != 2 or 0 in flow.shape:
        raise BadInput(f"{path}: expected one flow (1, H, W, 2); got {tuple(flow.shape)}")
    if max(flow.shape) > LARGEST_SIDE:
        raise BadInput(f"{path}: expected sizes up to {LARGEST_SIDE}; got {tuple(flow.shape)}")
    target = Path(path)
    if target.exists() and not overwrite:
        raise WriteRefused(f"{path}: exists already; remove it or allow overwriting")
    values = _tidied(flow.detach().cpu().float()).numpy().astype("<f4")
    height, width = values.shape[1:3]
    aside = target.with_name(f".{target.name}.{os.getpid()}.{uuid.uuid4().hex}.part")
    try:
        aside.write_bytes(MAGIC + struct.pack("<ii", width, height) + values.tobytes())
        os.replace(aside, target)
    except OSError as problem:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise WriteRefused(f"{path}: cannot write ({problem.strerror})") from problem


def read_kitti(path: Path | str) -> Tensor:
    """Return the flow of a KITTI 16-bit PNG: (1, H, W, 2) float32 pixels, in steps of 1/64.

    Vectors that the file marks invalid become `UNKNOWN`.

    Raises:
        MissingFrame: there is no such file.
        UnreadableFile: it is not a 16-bit colour PNG.
    """
    content = np.frombuffer(_content(path), np.uint8)
    try:
        picture = cv2.imdecode(content, cv2.IMREAD_UNCHANGED) if content.size else None
    except cv2.error:
        picture = None
    if picture is None or picture.dtype != np.uint16 or picture.shape[2:] != (3,):
        raise UnreadableFile(f"{path}: expected a 16-bit colour PNG of KITTI flow")
    valid, v, u = np.split(picture, 3, axis=2)  # OpenCV hands over blue first
    vectors = (np.concatenate((u, v), axis=2).astype(np.float32) - 32768.0) / 64.0
    return torch.from_numpy(np.where(valid > 0, vectors, np.float32(UNKNOWN)))[None]


def _content(path: Path | str) -> bytes:
    refuse_special(Path(path), "a flow file")
    try:
        return Path(path).read_bytes()
    except FileNotFoundError as problem:
        raise MissingFrame(f"{path}: no such flow file") from problem
    except OSError as problem:
        raise UnreadableFile(f"{path}: cannot read ({problem.strerror})") from problem


def _tidied(flow: Tensor) -> Tensor:
    return torch.where(is_known(flow), flow, UNKNOWN)

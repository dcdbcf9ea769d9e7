"""The one thing in an EXR header that OpenImageIO cannot be told from Python."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

_MULTIPART = 0x1000
_UINT = struct.pack("<i", 0)


def mark_identifiers(path: Path, identifiers: list[set[str]]) -> None:
    """Mark channels written as float32 bits for what they are: 32-bit integers.

    OpenImageIO's Python interface takes one number type for a whole image and would round integers
    on the way. The compressions allowed here treat both types alike, so that the type
    number in the channel list is all that differs.
    """
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as data:
        for part, start, end in _channel_lists(data):
            at = start
            while at < end - 1:
                stop = data.find(b"\0", at)
                if data[at:stop].decode() in identifiers[part]:
                    data[stop + 1 : stop + 5] = _UINT
                at = stop + 1 + 16  # type, pLinear and padding, x and y sampling
        data.flush()


def _channel_lists(data: mmap.mmap) -> Iterator[tuple[int, int, int]]:
    """Find the channel list of every part in an EXR file: (part, first byte, past the last)."""
    is_multipart = bool(struct.unpack_from("<I", data, 4)[0] & _MULTIPART)
    at, part = 8, 0
    while data[at]:
        while data[at]:
            after_name = data.find(b"\0", at) + 1
            after_type = data.find(b"\0", after_name) + 1
            size = struct.unpack_from("<i", data, after_type)[0]
            if data[at : after_name - 1] == b"channels":
                yield part, after_type + 4, after_type + 4 + size
            at = after_type + 4 + size
        at, part = at + 1, part + 1
        if not is_multipart:
            return

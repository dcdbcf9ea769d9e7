"""Too little memory: told in one line, with the smaller band height that may do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import OutOfMemory
from .bands import LEAST_ROWS, Bands

SIGNS = ("out of memory", "can't allocate memory", "not enough memory")
"""What torch says, in an error of no type of its own, on GPUs, on Linux and on Windows."""


def is_shortage(error: BaseException) -> bool:
    """Say whether an error means that memory ran out."""
    return isinstance(error, MemoryError) or any(sign in str(error) for sign in SIGNS)


@contextmanager
def told(bands: Bands, height: int, width: int) -> Iterator[None]:
    """Say what to do where a network finds too little memory for a picture.

    Raises:
        OutOfMemory: it did.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, OutOfMemory) or not is_shortage(error):
            raise
        remedy = "a larger --stroke-size or --proxy 1/2 paints fewer pixels"
        rows = bands.height(width)
        if rows > LEAST_ROWS:
            smaller = max(LEAST_ROWS, rows // 2 // 8 * 8)
            remedy = f"--band-rows {smaller} takes less (it is {rows}); {remedy}"
        raise OutOfMemory(
            f"network: expected memory for a painting of {width}x{height}; there is too little. "
            f"Of the remedies, {remedy}."
        ) from error

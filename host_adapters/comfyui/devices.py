"""Where to paint, and what to do when memory runs out: both are ComfyUI's to manage."""

# pyright: reportMissingImports=false

from __future__ import annotations

import ctypes
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import comfy.model_management as mm
import torch

from ...core.render.guided import Step
from ...core.render.painting import Painted, Ready, ShotPainting
from ...core.render.request import Device
from ...core.stylizers.paint_state import PaintState
from ...core.stylizers.painter import GuidedPainter

log = logging.getLogger(__name__)

FEWEST_ROWS = 8
BYTES_A_PIXEL = 1500  # at painting size: the widest layer in and out, and what stands beside


def device() -> Device:
    """Return the device that ComfyUI works on; the processor where it is none that we know."""
    kind = mm.get_torch_device().type
    return Device(kind) if kind in {known.value for known in Device} else Device.CPU


def make_room(painting: ShotPainting) -> None:
    """Ask ComfyUI to free what painting a frame takes."""
    height, width = painting.size
    if painting.device.type != "cpu":
        mm.free_memory(height * width * BYTES_A_PIXEL, torch.device(painting.device))


def patient(painting: ShotPainting) -> Step:
    """Return the painting's step; out of memory, it paints in ever lower bands of rows."""

    def step(x: Ready, state: PaintState) -> tuple[Painted, PaintState]:
        while True:
            try:
                return painting.step(x, state)
            except Exception as error:
                mm.raise_non_oom(error)
                if not lower_bands(painting):
                    raise
                mm.soft_empty_cache()

    return step


def lower_bands(painting: ShotPainting) -> bool:
    """Halve the bands; say whether that was possible."""
    painter = painting.painter
    if not isinstance(painter, GuidedPainter):
        return False
    bands = painter.bands
    rows = bands.height(painting.size[1]) // 2
    if rows < FEWEST_ROWS:
        return False
    log.warning("out of memory: painting goes on in bands of %s rows", rows)
    painting.painter = painter.banded(replace(bands, rows=rows))
    return True


LARGE = 4 << 20  # bytes: a picture of 720p has 11 MB
AS_GROWN = 32 << 20  # what the allocator's own threshold grows to in a server that is in use
MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1  # as glibc's mallopt names them


@contextmanager
def returning() -> Iterator[None]:
    """Give memory back to the system inside: large pictures at once, the rest at the end.

    Linux's allocator keeps what was freed, for each thread, in pieces that fit nothing later: at
    720p half of what a render takes. Large pictures that it maps one by one go back when freed.
    """
    thresholds(LARGE)
    try:
        yield
    finally:
        thresholds(AS_GROWN)
        let_go()


def thresholds(size: int) -> None:
    """Say from which size on memory is mapped, and at what size of what is free it goes back."""
    choose = allocator("mallopt")
    if choose is not None:
        choose(MMAP_THRESHOLD, size)
        choose(TRIM_THRESHOLD, 2 * size)


def let_go() -> None:
    """Give memory that is free back to the system."""
    trim = allocator("malloc_trim")
    if trim is not None:
        trim(0)


def allocator(name: str) -> Any:
    """Return a function of Linux's allocator; None where there is none."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None

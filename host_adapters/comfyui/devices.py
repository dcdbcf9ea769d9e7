"""Where to paint, and what to do when memory runs out: both are ComfyUI's to manage."""

# pyright: reportMissingImports=false

from __future__ import annotations

import ctypes
import logging
import sys
from dataclasses import replace

import comfy.model_management as mm
import torch

from ...core.render.assembly import Device
from ...core.render.guided import Step
from ...core.render.painting import Painted, Ready, ShotPainting
from ...core.stylizers.painter import GuidedPainter, PaintState

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


def let_go() -> None:
    """Give memory that is free back to the system.

    The allocator of Linux keeps what threads freed for each of them: half a GB at 720p.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


FEWEST_ARENAS = -8, 1  # glibc's M_ARENA_MAX


def share_arenas() -> None:
    """Keep threads from hoarding what they freed.

    Linux gives every new thread a heap of its own, from which large pictures seldom go back: a
    render at 720p took 1.2 GB, and half of that with one heap, in the same time.
    """
    if sys.platform == "linux":
        choose = getattr(ctypes.CDLL(None), "mallopt", None)
        if choose is not None:
            choose(*FEWEST_ARENAS)

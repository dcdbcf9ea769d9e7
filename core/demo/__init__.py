"""The demo shot: a small HDR plate with exact motion, made from nothing but a seed."""

from __future__ import annotations

from pathlib import Path

from ..media.source import open_shot
from .plate import write_demo_shot
from .scene import DemoFrame, DemoShot

__all__ = ["DemoFrame", "DemoShot", "make_demo_plates", "write_demo_shot"]


def make_demo_plates(folder: Path, width: int, length: int) -> str:
    """Write the demo's plates, unless they are there already; return their pattern."""
    shot = DemoShot(width=width, height=round(width * 9 / 16 / 2) * 2, frames=length)
    pattern = str(folder / "plate.####.exr")
    there = [frame for frame in shot.frames if (folder / f"plate.{frame:04d}.exr").exists()]
    if tuple(there) == shot.frames:
        header = open_shot(pattern)
        if (header.display.width, len(header.frames)) == (shot.width, len(shot.frames)):
            return pattern
    return write_demo_shot(folder, shot)

"""The demo shot: a small HDR plate with exact motion, made from nothing but a seed."""

from __future__ import annotations

from .plate import write_demo_shot
from .scene import DemoFrame, DemoShot

__all__ = ["DemoFrame", "DemoShot", "write_demo_shot"]

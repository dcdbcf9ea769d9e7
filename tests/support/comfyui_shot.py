"""The shot that ComfyUI paints in tests: painted by the command line too, and compared."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from support.rendering import channels

LENGTH, WIDTH, STROKE = 6, 192, 4.0


def stylize(plates: Path, folder: Path, *more: str) -> None:
    """Paint a shot by the command line."""
    options = ["-o", f"{folder}/plate.####.exr", "--look", "starry-night", "--device", "cpu"]
    command_line("stylize", str(plates), *options, *more)


def steady(plates: Path, painted: Path, folder: Path, *more: str) -> None:
    """Steady painted frames by the command line."""
    output = f"{folder}/plate.####.exr"
    command_line("steady", str(plates), "--painted", str(painted), "-o", output, *more)


def command_line(*arguments: str) -> None:
    """Run `stillbrush` in a process of its own."""
    program = "from stillbrush.host_adapters.cli import main; main()"
    subprocess.run([sys.executable, "-c", program, *arguments], check=True, capture_output=True)


def files(folder: Path) -> list[Path]:
    """Return the frames of a folder."""
    return sorted(folder.glob("*.exr"))


def assert_same_pixels(one: Path, other: Path) -> None:
    """Demand that two folders hold the same frames, bit by bit."""
    assert files(one), f"{one}: nothing was painted"
    assert [p.name for p in files(one)] == [p.name for p in files(other)]
    for a, b in zip(files(one), files(other), strict=True):
        first, second = channels(a), channels(b)
        assert list(first) == list(second)
        for name, values in first.items():
            np.testing.assert_array_equal(second[name], values, err_msg=f"{a.name} {name}")

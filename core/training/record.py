"""What a run leaves for its owner to read: a line of losses an iteration, and a plot of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TextIO

import numpy as np

from ..errors import WriteRefused
from ..media.atomic import replacing, write_text_atomic
from .loop import Losses

DRAWN = ("total", "style", "content", "temporal", "lattice", "vigour")


class LossLog:
    """A JSON line an iteration; lines that a crash left beyond the checkpoint are taken back.

    Raises:
        WriteRefused: the file cannot be written.
    """

    def __init__(self, path: Path, step: int) -> None:
        self.path = path
        kept = [line for line in read_lines(path) if json.loads(line)["step"] <= step]
        write_text_atomic(path, "".join(f"{line}\n" for line in kept))
        self.file: TextIO = path.open("a", encoding="utf-8", buffering=1)

    def add(self, step: int, losses: Losses, seconds: float) -> None:
        """Write one iteration down."""
        line = {"step": step} | vars(losses) | {"seconds": round(seconds, 4)}
        try:
            self.file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise WriteRefused(f"{self.path}: cannot be written, {error.strerror}") from error

    def close(self) -> None:
        """Close the file."""
        self.file.close()


class Board:
    """The same for TensorBoard, where its package is installed (the extra `tensorboard`).

    What a crash left beyond the checkpoint is hidden.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.writer = None
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        self.writer = SummaryWriter(str(folder), purge_step=step + 1)

    def add(self, step: int, losses: Losses, seconds: float) -> None:
        """Write one iteration down."""
        if self.writer is not None:
            for name, value in (vars(losses) | {"seconds": seconds}).items():
                self.writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Close the file."""
        if self.writer is not None:
            self.writer.close()


def read_lines(path: Path) -> list[str]:
    """Return the whole lines of a log; one that a crash cut off is none."""
    if not path.is_file():
        return []
    whole = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            json.loads(line)["step"]
        except (ValueError, KeyError, TypeError):
            continue
        whole.append(line)
    return whole


def save_plot(log: Path, path: Path) -> bool:
    """Draw the losses of a log, smoothed, as PNG.

    Returns:
        Whether it was drawn; it is not where matplotlib (the extra `plot`) is absent.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    lines = [json.loads(line) for line in read_lines(log)]
    if not lines:
        return True
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.add_subplot()
    steps = np.array([line["step"] for line in lines])
    width = max(1, len(lines) // 60)
    for name in DRAWN:
        values = np.array([line[name] for line in lines])
        if not (values > 0).any():  # a weight of nought
            continue
        smooth = np.convolve(values, np.ones(width) / width, mode="valid")
        axes.plot(steps[width - 1 :], smooth, label=name, linewidth=2 if name == "total" else 1)
    axes.set(xlabel="iteration", ylabel="loss, weighted", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend()
    with replacing(path, overwrite=True) as aside:
        figure.savefig(aside, format="png", dpi=110)
    return True

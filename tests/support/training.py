"""Small training material: photographs, styles and a loss network of our own, made from a seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from safetensors.torch import save_file

from stillbrush.core.networks.layouts import Shape
from stillbrush.core.training.plan import Request
from stillbrush.core.training.run import Progress

WIDTHS = {"1_1": 4, "1_2": 4, "2_1": 6, "2_2": 6, "3_1": 8}
TINY = Shape(stem=6, width=8, blocks=1, decoder=(6, 4))


def picture(seed: int, height: int = 120, width: int = 150) -> np.ndarray:
    """Make a smooth random picture (H, W, 3), 8 bits."""
    coarse = np.random.default_rng(seed).uniform(0, 255, (7, 9, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth, 0, 255).astype(np.uint8)


def write_pictures(folder: Path, count: int, seed: int = 0) -> Path:
    """Write some pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(count):
        cv2.imwrite(str(folder / f"photo{n:02d}.png"), picture(seed + n))
    return folder


def write_loss_network(path: Path) -> Path:
    """Write a narrow VGG-19 up to conv3_1 with random weights."""
    rng = torch.Generator().manual_seed(5)
    tensors, inputs = {}, 3
    for layer, width in WIDTHS.items():
        scale = (0.02 if layer == "1_1" else 1.0) / (9 * inputs) ** 0.5
        weight = torch.randn((width, inputs, 3, 3), generator=rng) * scale
        tensors[f"conv{layer}.weight"] = weight
        tensors[f"conv{layer}.bias"] = torch.full((width,), 0.1)
        inputs = width
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, str(path))
    return path


def tiny_request(folder: Path, count: int = 1, **changes: Any) -> Request:
    """Ask for a run of seconds; the material is written under the folder where it is absent."""
    material = folder / "material"
    if not material.is_dir():
        write_pictures(material / "content", 13)
        write_loss_network(material / "loss.safetensors")
        for n, name in enumerate(("Red Fuji", "ink_wash")):
            cv2.imwrite(str(material / f"{name}.png"), picture(50 + n))
    plain: dict[str, Any] = {
        "styles": tuple(material / f"{name}.png" for name in ("Red Fuji", "ink_wash"))[:count],
        "content": material / "content",
        "loss_network": material / "loss.safetensors",
        "folder": folder / "looks",
        "iterations": 12,
        "knobs": {"size": 64, "style_side": 64},
        "checkpoint_every": 4,
        "sheet_every": 6,
        "shape": TINY,
    }
    return Request(**plain | changes)


class Onlooker:
    """A watcher that remembers, and may stop or crash a run after an iteration."""

    def __init__(self, stop_after: int | None = None, crash_after: int | None = None) -> None:
        self.stop_after, self.crash_after = stop_after, crash_after
        self.steps: list[int] = []
        self.said: list[str] = []
        self.asked = 0

    def progress(self, progress: Progress) -> None:
        """Remember an iteration."""
        self.steps.append(progress.step)
        if progress.step == self.crash_after:
            raise Crash

    def remark(self, text: str) -> None:
        """Remember a remark."""
        self.said.append(text)

    def is_cancelled(self) -> bool:
        """Ask for a stop once enough is done."""
        self.asked += 1
        return self.stop_after is not None and len(self.steps) >= self.stop_after


class Crash(Exception):
    """What kills a run at once, as `kill -9` would: nothing is tidied up."""

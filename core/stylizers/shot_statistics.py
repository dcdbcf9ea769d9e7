"""Statistics of normalisation layers, frozen over a shot."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..errors import UnreadableFile
from ..hashing import refuse_special
from ..networks.style_network import Statistics
from ..networks.weights import save_aside
from ..state import digest
from .prior import Prior


class Normalise(enum.Enum):
    """Where the statistics of the normalisation layers come from."""

    FRAME = "frame"
    SHOT = "shot"


@dataclass(frozen=True)
class ShotStatistics:
    """Statistics frozen over a shot: with no prior, and with one."""

    unprimed: Statistics
    primed: Statistics

    def save(self, path: Path) -> None:
        """Write both sets as safetensors."""
        tensors = {}
        for kind, statistics in (("unprimed", self.unprimed), ("primed", self.primed)):
            for layer, (mean, variance) in enumerate(statistics):
                tensors[f"{kind}.{layer:02d}.mean"] = mean.cpu()
                tensors[f"{kind}.{layer:02d}.variance"] = variance.cpu()
        marks = {"stillbrush-statistics": "2", "sha256": digest(tensors, {})}
        save_aside(tensors, path, marks)

    @classmethod
    def load(cls, path: Path, device: torch.device) -> ShotStatistics:
        """Read both sets.

        Raises:
            UnreadableFile: missing, damaged, or something else.
        """
        refuse_special(path, "frozen statistics")
        try:
            with safe_open(path, framework="pt") as file:
                marks = file.metadata() or {}
                found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise UnreadableFile(f"statistics {path}: cannot be read ({error}).") from error
        if marks.get("sha256") != digest(found, {}):
            raise UnreadableFile(f"statistics {path}: are damaged, or something else.")

        def kind(name: str) -> Statistics:
            means = sorted(key for key in found if key.startswith(name) and key.endswith("mean"))
            pairs = ((found[key], found[key[:-4] + "variance"]) for key in means)
            return tuple((mean.to(device), variance.to(device)) for mean, variance in pairs)

        try:
            statistics = cls(kind("unprimed"), kind("primed"))
        except KeyError as error:
            raise UnreadableFile(f"statistics {path}: expected {error}.") from error
        if not statistics.primed or len(statistics.primed) != len(statistics.unprimed):
            raise UnreadableFile(f"statistics {path}: expected both sets of a shot's statistics.")
        return statistics


@dataclass(frozen=True)
class Sample:
    """One neighbouring pair of a shot, for measuring its statistics."""

    last: Tensor  # (1, H, W, 3), network encoding
    this: Tensor  # (1, H, W, 3)
    prior: Prior

"""What a report says, read from its JSON: frames, means, the worst frames."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

MEASURES = ("temporal", "style", "content", "sharpness")


@dataclass(frozen=True)
class Row:
    """One frame and its numbers."""

    frame: int
    file: str
    numbers: dict[str, float]

    def get(self, name: str) -> float:
        """Return a number; not-a-number where it was not measured."""
        value = self.numbers.get(name)
        return float(value) if isinstance(value, (int, float)) else math.nan

    @property
    def is_cut(self) -> bool:
        """Say whether a new shot begins here."""
        return self.get("cut") == 1.0


@dataclass(frozen=True)
class Compared:
    """The mean of one measure over the shot, beside the same look frame by frame."""

    name: str
    ours: float
    alone: float

    @property
    def share(self) -> float:
        """Ours as a share of frame by frame; not-a-number where that is 0."""
        return self.ours / self.alone if self.alone > 0 else math.nan


@dataclass(frozen=True)
class Shot:
    """A whole report."""

    settings: dict[str, Any]
    run: dict[str, Any]
    rows: tuple[Row, ...]

    @property
    def frames(self) -> list[int]:
        """Return the frames' numbers, in order."""
        return [row.frame for row in self.rows]

    def column(self, name: str) -> list[float]:
        """Return one number of every frame; not-a-number where it was not measured."""
        return [row.get(name) for row in self.rows]

    @property
    def compared(self) -> dict[str, Compared]:
        """Return the measures that there are, by name."""
        made = {}
        for name in MEASURES:
            pairs = list(zip(self.column(name), self.column(f"{name}_alone"), strict=True))
            known = [pair for pair in pairs if not any(map(math.isnan, pair))]
            if known:
                ours, alone = (sum(side) / len(known) for side in zip(*known, strict=True))
                made[name] = Compared(name, ours, alone)
        return made

    @property
    def is_per_frame(self) -> bool:
        """Say whether the render itself painted every frame by itself."""
        return bool(self.settings.get("settings", {}).get("per_frame"))

    def worst(self, among: list[int], count: int) -> list[Row]:
        """Return the frames that flicker most, the worst first, neighbours kept apart."""
        known = [row for row in self.rows if row.get("temporal") > 0 and row.frame in among]
        apart, chosen = max(1, len(self.rows) // 60), []
        for row in sorted(known, key=lambda row: (-row.get("temporal"), row.frame)):
            if len(chosen) < count and all(abs(row.frame - c.frame) > apart for c in chosen):
                chosen.append(row)
        return chosen


def read_report(plain: dict[str, Any]) -> Shot:
    """Read what `report_text` wrote."""
    own = {"frame", "file", "sha256"}
    rows = (
        Row(f["frame"], f["file"], {k: v for k, v in f.items() if k not in own})
        for f in plain["frames"]
    )
    ordered = tuple(sorted(rows, key=lambda row: row.frame))
    return Shot(plain["settings"], plain["run"], ordered)


def spread(frames: list[int], count: int) -> list[int]:
    """Return at most so many frames, spread evenly from the first to the last."""
    if len(frames) <= count:
        return list(frames)
    step = (len(frames) - 1) / (count - 1)
    return [frames[round(place * step)] for place in range(count)]

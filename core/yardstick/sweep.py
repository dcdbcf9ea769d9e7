"""A whole table: every clip with every look in every way, kept cell by cell, resumed where it was.

A cell is one JSON file in the folder `cells`, with a small archive of pictures beside it. It holds
everything that decided its numbers; one that was measured otherwise is measured again.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import StillbrushError
from ..look import Look
from ..media.atomic import replacing, write_text_atomic
from ..metrics.encoder import appoint
from ..metrics.gupta import Curve, rank_correlation, trace
from ..metrics.judge import Judge
from ..metrics.perceptual import is_installed
from .cell import AT_REST, LPIPS, Extent, Measured, Method, measure
from .clips import ClipFiles

VERSION = 1
SHARES = ("temporal", "style", "content", "sharpness")  # never one without the others
NUMBERS = (
    *SHARES,
    "temporal_all",
    "temporal_far",
    "true_temporal",
    "true_temporal_all",
    "instability",
    "swarnakar",
    "swarnakar_literal",
    "swarnakar_squared",
    "ssim",
    "patch_psnr",
    "patch_ssim",
    "followed",
    "speed",
)


@dataclass(frozen=True)
class Plan:
    """What is measured."""

    clips: tuple[ClipFiles, ...]
    looks: tuple[Look, ...]
    methods: tuple[Method, ...]
    folder: Path
    extent: Extent = field(default_factory=Extent)
    encoder: Path | None = None  # None: the one that ships

    def cells(self) -> list[tuple[ClipFiles, Look, Method]]:
        """Return every cell; frame by frame always, since the others are shares of it."""
        ways = dict.fromkeys((*self.methods, Method.PER_FRAME))
        return [(clip, look, way) for clip in self.clips for look in self.looks for way in ways]


@dataclass(frozen=True)
class Cell:
    """One measured cell."""

    clip: str
    look: str
    method: Method
    measured: Measured


def sweep(
    plan: Plan,
    begun: Callable[[ClipFiles, Look, Method], None] = lambda clip, look, way: None,
    passed: Callable[[int], None] = lambda frame: None,
    failed: Callable[[ClipFiles, StillbrushError], None] = lambda clip, error: None,
) -> list[Cell]:
    """Measure every cell that is not there yet; return all.

    Args:
        plan: what is measured.
        begun: told of a cell that is about to be measured.
        passed: told of every frame; may raise to stop, and nothing finished is lost.
        failed: told of a clip that cannot be read; the others go on.
    """
    judges: dict[str, Judge] = {}
    cells: list[Cell] = []
    broken: set[str] = set()
    for clip, look, way in plan.cells():
        if clip.name in broken:
            continue
        kept = plan.folder / "cells" / f"{clip.name}.{look.name}.{way.value}.json"
        try:
            identity = identify(plan, clip, look, way)
            measured = load_cell(kept, identity)
            if measured is None:
                begun(clip, look, way)
                if look.name not in judges:
                    judges[look.name] = appoint(look, plan.encoder).judge
                measured = measure(clip, look, way, judges[look.name], plan.extent, passed)
                save_cell(kept, identity, measured)
        except (FileNotFoundError, OSError, ValueError) as error:
            if not isinstance(error, StillbrushError):
                raise
            failed(clip, error)
            broken.add(clip.name)
            continue
        cells.append(Cell(clip.name, look.name, way, measured))
    return [cell for cell in cells if cell.clip not in broken]


def identify(plan: Plan, clip: ClipFiles, look: Look, way: Method) -> dict[str, Any]:
    """Return what decides a cell's numbers."""
    source = Path(clip.source)
    stamp = None
    if source.exists():
        facts = source.stat()
        stamp = [facts.st_size, facts.st_mtime_ns]
    more = {LPIPS: True} if is_installed() else {}
    return more | {
        "version": VERSION,
        "clip": str(source),
        "stamp": stamp,
        "look": look.name,
        "paint": look.paint_digest,
        "style": look.weights.style if look.weights else None,
        "pictures": [[one.sha256, one.share] for one in look.pictures],
        "knobs": {name: str(value) for name, value in sorted(look.knobs.items())},
        "method": way.value,
        "extent": asdict(plan.extent),
        "encoder": str(plan.encoder) if plan.encoder else None,
        "truth": len(clip.flows),
        "foregrounds": len(clip.foregrounds),
    }


def save_cell(path: Path, identity: dict[str, Any], measured: Measured) -> None:
    """Write a cell, pictures first: a cell that has its JSON is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = {
        name: value
        for name in ("heat", "plate", "paint")
        if (value := getattr(measured, name)) is not None
    }
    file = io.BytesIO()
    np.savez_compressed(file, **pictures)
    with replacing(path.with_suffix(".npz"), overwrite=True) as aside:
        aside.write_bytes(file.getvalue())
    curves = {kind: asdict(curve) for kind, curve in measured.distortions.items()}
    plain = {
        "identity": identity,
        "worst": measured.worst,
        "rows": measured.rows,
        "distortions": curves,
    }
    write_text_atomic(path, json.dumps(plain, indent=1, sort_keys=True) + "\n")


def load_cell(path: Path, identity: dict[str, Any]) -> Measured | None:
    """Read a cell; None where it is not there, damaged, or was measured otherwise."""
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        if plain["identity"] != identity:
            return None
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as pictures:
            found = {name: pictures[name] for name in pictures.files}
        curves = {
            kind: Curve(**{name: tuple(values) for name, values in plain_curve.items()})
            for kind, plain_curve in plain["distortions"].items()
        }
        return Measured(plain["rows"], **found, worst=plain["worst"], distortions=curves)
    except (OSError, ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True)
class Line:
    """One line of the table: a cell, and its numbers as a share of frame by frame."""

    clip: str
    look: str
    method: Method
    numbers: dict[str, float]
    shares: dict[str, float]

    @property
    def is_static(self) -> bool:
        """Say whether nothing moves in the clip."""
        return self.numbers["speed"] < AT_REST


def lines(cells: list[Cell]) -> list[Line]:
    """Return the table's lines, those frame by frame last of each clip and look."""
    alone = {(c.clip, c.look): c.measured for c in cells if c.method is Method.PER_FRAME}
    has_lpips = any(LPIPS in row for cell in cells for row in cell.measured.rows)
    names = (*NUMBERS, LPIPS) if has_lpips else NUMBERS
    made = []
    for cell in cells:
        numbers = {name: cell.measured.mean(name) for name in names}
        baseline = alone[cell.clip, cell.look]
        shares = {name: share(numbers[name], baseline.mean(name)) for name in names}
        made.append(Line(cell.clip, cell.look, cell.method, numbers, shares))
    return made


def share(ours: float, alone: float) -> float:
    """Return a number as a share of another; NaN where that is nothing."""
    return ours / alone if alone > 0 else math.nan


@dataclass(frozen=True)
class Prediction:
    """Whether the trace of a painting's Gram matrix predicts how a look flickers (Gupta, fig 3)."""

    looks: tuple[str, ...]
    traces: dict[str, tuple[float, ...]]  # by layer
    instability: tuple[float, ...]  # frame by frame, mean over the static clips
    correlation: dict[str, float]  # Spearman's, by layer


def predict(plan: Plan, table: list[Line]) -> Prediction | None:
    """Correlate traces with instability; None without static clips or with too few looks."""
    static: dict[str, list[float]] = {}
    for line in table:
        if line.method is Method.PER_FRAME and line.is_static:
            static.setdefault(line.look, []).append(line.numbers["instability"])
    manners = {
        look.name: judge.manner
        for look in plan.looks
        if look.name in static and (judge := appoint(look, plan.encoder).judge).manner
    }
    if len(manners) < 3:
        return None
    names = tuple(manners)
    found = tuple(float(np.mean(static[name])) for name in names)
    layers = sorted(set.intersection(*(set(manner or {}) for manner in manners.values())))
    traces = {
        layer: tuple(trace(manner[layer]) for manner in manners.values() if manner)
        for layer in layers
    }
    correlation = {layer: rank_correlation(traces[layer], found) for layer in layers}
    return Prediction(names, traces, found, correlation)


def as_csv(table: list[Line]) -> str:
    """Return the table as CSV: numbers, then shares of frame by frame."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    names = list(table[0].numbers) if table else NUMBERS
    writer.writerow(["clip", "look", "method", *names, *(f"{name}_share" for name in names)])
    for line in table:
        values = [*line.numbers.values(), *line.shares.values()]
        told = ["" if math.isnan(value) else f"{value:.6g}" for value in values]
        writer.writerow([line.clip, line.look, line.method.value, *told])
    return file.getvalue()


def as_json(plan: Plan, cells: list[Cell], table: list[Line]) -> str:
    """Return everything as JSON, frame by frame; what was not measured is null."""

    def known(numbers: dict[str, float]) -> dict[str, float | None]:
        return {name: value if math.isfinite(value) else None for name, value in numbers.items()}

    plain = {
        "extent": asdict(plan.extent),
        "cells": [
            {
                "clip": line.clip,
                "look": line.look,
                "method": line.method.value,
                "mean": known(line.numbers),
                "share": known(line.shares),
                "frames": [known(row) for row in cell.measured.rows],
                "distortions": {
                    kind: asdict(curve) | {"area": curve.area}
                    for kind, curve in cell.measured.distortions.items()
                },
            }
            for cell, line in zip(cells, table, strict=True)
        ],
    }
    return json.dumps(plain, indent=1) + "\n"

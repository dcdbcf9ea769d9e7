"""Reports in tests: made-up numbers and pictures of as many frames as are wanted."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from stillbrush.core.render.gallery import Gallery, Panel
from stillbrush.core.report.model import spread


def panel(seed: int, width: int = 64, height: int = 36) -> Panel:
    rng = np.random.default_rng(seed)
    plate, painted, alone = rng.integers(0, 255, (3, height, width, 3), np.uint8)
    change = rng.integers(0, 90, (height // 2, width // 2, 3), np.uint8)
    flow = rng.normal(0, 2, (height // 4, width // 4, 2)).astype(np.float16)
    flow[0, 0] = np.nan
    return Panel(plate, painted, alone, change, flow, change[..., 2])


def numbers(place: int) -> dict[str, Any]:
    wave = 1 + 0.4 * math.sin(place / 3)
    still = {"style": 1.1, "content": 1.2, "sharpness": 0.07}
    made = {"cut": float(place == 9), "judged_by": 1}
    made |= {k: v * wave for k, v in still.items()} | {f"{k}_alone": v for k, v in still.items()}
    if place not in (0, 9):
        temporal = {"temporal": 0.002 * wave, "temporal_alone": 0.006, "followed": 0.93}
        made |= temporal
    return made


def plain_report(frames: int, source: str = "plate.####.exr") -> dict[str, Any]:
    shot = {"frames": [1001, 1000 + frames, frames], "canvas": [0, 0, 64, 36], "colour": "lin"}
    settings = {"source": source, "version": "0.1.0", "shot": shot, "look": {"name": "x"}}
    settings |= {"settings": {"knobs": {"strength": 0.8}, "per_frame": False}}
    rows = [
        {"frame": 1001 + n, "file": source, "sha256": "0" * 64} | numbers(n) for n in range(frames)
    ]
    judge = {"encoder": source, "motion": "torch-fast", "not_judged": {"style": source}}
    run = {"seconds": 81.0, "stages": {"paint": 40.0, "read": 2.0}, "judge": judge}
    return {"stillbrush-report": 1, "settings": settings, "run": run, "frames": rows}


def write_all(folder: Path, frames: int, *, source: str = "plate.####.exr") -> tuple[Path, Gallery]:
    """Write a report and its gallery."""
    gallery = Gallery(folder / "page")
    gallery.begin({})
    told = plain_report(frames, source)
    chosen = frozenset(spread([row["frame"] for row in told["frames"]], 24))
    for row in told["frames"]:
        frame = row["frame"]
        one = panel(frame)
        gallery.keep_map(frame, one.change)
        if gallery.is_worth_it(frame, row.get("temporal", 0.0)) or frame in chosen:
            gallery.keep_panel(frame, one, chosen)
    report = folder / "report.json"
    report.write_text(json.dumps(told))
    return report, gallery

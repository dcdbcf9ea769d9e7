"""The report of a render, as JSON beside the frames: what was done, with what, and how it went."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .journal import Entry

VERSION = 1


@dataclass(frozen=True)
class Report:
    """What a render did."""

    identity: dict[str, Any]
    facts: dict[str, Any]
    stages: dict[str, float]  # seconds by stage over all threads, of this run
    seconds: float  # of this run
    entries: list[Entry]


def report_text(report: Report) -> str:
    """Write a report as JSON."""
    stages = {name: round(seconds, 3) for name, seconds in sorted(report.stages.items())}
    plain = {
        "stillbrush-report": VERSION,
        "settings": report.identity,
        "run": report.facts | {"seconds": round(report.seconds, 3), "stages": stages},
        "frames": [
            {"frame": entry.frame, "file": entry.file, "sha256": entry.sha256} | entry.numbers
            for entry in report.entries
        ],
    }
    return json.dumps(plain, indent=1, ensure_ascii=False, default=str) + "\n"

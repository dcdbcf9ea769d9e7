"""Settings, times, machine and numbers of a report, as the page tells them."""

from __future__ import annotations

import math
from typing import Any

from ..knobs import ShotKnobs
from ..render.assembly import plain
from .model import MEASURES, Shot
from .verdict import verdict

STAGES = {
    "read": "reading",
    "prepare": "to the network's colours",
    "motion": "motion",
    "paint": "painting",
    "finish": "over the plate",
    "judge": "measuring for this page",
    "write": "writing",
}
COLUMNS = {
    "frame": "frame",
    "temporal": "flicker × 1000",
    "temporal_alone": "frame by frame",
    "followed": "judged",
    "trusted": "trusted",
    "style": "style error",
    "style_alone": "frame by frame",
    "content": "content error",
    "content_alone": "frame by frame",
    "sharpness": "sharpness",
    "sharpness_alone": "frame by frame",
}


def facts(shot: Shot) -> dict[str, Any]:
    """Return everything on the page that is words and numbers."""
    settings, run = shot.settings, shot.run
    names = [name for name in COLUMNS if name == "frame" or has(shot, name)]
    judged = run.get("judge") or {}
    lacking = judged.get("not_judged") or {}
    reasons = {why: [n for n in lacking if lacking[n] == why] for why in lacking.values()}
    told = [f"{' and '.join(which)} not judged: {why}." for why, which in reasons.items()]
    return {
        "name": settings.get("source", ""),
        "span": span(shot),
        "version": settings.get("version", ""),
        "measured": measured(judged),
        "not_judged": " ".join(line[:1].upper() + line[1:] for line in told),
        "settings": list(settings_table(settings)),
        "machine": machine(settings, run),
        "stages": stages(run.get("stages", {})),
        "times": times(run),
        "columns": [COLUMNS[name] for name in names],
        "rows": [[number(row.get(name), name) for name in names] for row in shot.rows],
    }


def has(shot: Shot, name: str) -> bool:
    """Say whether any frame has a number, and it says something of its own."""
    repeats = shot.is_per_frame and name.endswith("_alone")
    return not repeats and not all(map(math.isnan, shot.column(name)))


def number(value: float, name: str) -> str:
    """Write a number of the table."""
    if name == "frame":
        return f"{value:.0f}"
    if math.isnan(value):
        return ""
    if name in ("followed", "trusted"):
        return f"{100 * value:.1f} %"
    return f"{1000 * value:.3f}" if name.startswith("temporal") else f"{value:.4f}"


def span(shot: Shot) -> str:
    """Say which frames the page is about."""
    if not shot.rows:
        return "no frames"
    first, last = shot.frames[0], shot.frames[-1]
    return f"{len(shot.rows)} frames, {first} to {last}" if first != last else f"frame {first}"


def measured(judged: dict[str, Any]) -> str:
    """Say who judged."""
    encoder = judged.get("encoder")
    seen = f"Style and content as {encoder} sees them; motion" if encoder else "Motion"
    return f"{seen} measured by {judged.get('motion', 'nobody')}."


def settings_table(settings: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what decides the pixels, in an artist's words."""
    shot, look, knobs = (settings.get(k) or {} for k in ("shot", "look", "settings"))
    canvas = shot.get("canvas") or [0, 0, 0, 0]
    changed = {
        knob: value
        for knob, value in (knobs.get("knobs") or {}).items()
        if value != plain(getattr(ShotKnobs, knob, None))
    }
    table = [
        ("look", f"{look.get('name')}, {look.get('title')}"),
        ("weights", f"style {look.get('style')} of {str(look.get('weights'))[:12]}…"),
        ("plate", settings.get("source")),
        ("size", f"{canvas[2]} × {canvas[3]}" + ratio(shot.get("proxy"))),
        ("colour", f"{shot.get('colour')}, written as {settings.get('output_colour')}"),
        ("motion", settings.get("motion")),
        ("painted", "each frame by itself" if knobs.get("per_frame") else "frame after frame"),
        ("exposure", f"{knobs.get('exposure', 0):+g} stops" if knobs.get("exposure") else ""),
        ("given cuts", ", ".join(map(str, knobs.get("cuts") or []))),
        ("matte", (settings.get("matte") or [""])[0]),
        *((knob.replace("_", " "), told(value)) for knob, value in changed.items()),
    ]
    if not changed:
        table.append(("knobs", "all at their defaults"))
    return [(key, str(value)) for key, value in table if value]


def told(value: Any) -> str:
    """Write a knob's value."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def ratio(proxy: Any) -> str:
    """Say that a shot was read at a fraction of its size."""
    return f", a proxy of 1/{proxy}" if proxy and proxy != 1 else ""


def machine(settings: dict[str, Any], run: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what it ran on."""
    names = ("platform", "threads", "python", "torch", "numpy", "opencv", "openimageio")
    table = [("stillbrush", settings.get("version")), ("device", settings.get("device"))]
    table += [("precision", settings.get("precision"))]
    table += [(name, run.get(name)) for name in names]
    return [(key, str(value)) for key, value in table if value]


def stages(seconds: dict[str, float]) -> list[dict[str, Any]]:
    """Return the time of each stage beside the longest."""
    longest = max(seconds.values(), default=0)
    known = [name for name in STAGES if name in seconds]
    others = [name for name in seconds if name not in STAGES]
    return [
        {
            "name": STAGES.get(name, name),
            "share": round(100 * seconds[name] / longest, 1) if longest > 0 else 0,
            "told": duration(seconds[name]),
        }
        for name in known + others
    ]


def times(run: dict[str, Any]) -> str:
    """Say how long the last run took."""
    return (
        f"The last run took {duration(run.get('seconds', 0))}. Stages overlap, so theirs add up to "
        "more."
    )


def duration(seconds: float) -> str:
    """Write a time."""
    if seconds < 90:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def in_words(shot: Shot) -> str:
    """Describe the curves to who cannot see them."""
    worst = shot.worst(shot.frames, 3)
    frames = ", ".join(str(row.frame) for row in worst)
    most = f" It flickers most at frames {frames}." if worst else ""
    shown = ", ".join(name for name in MEASURES if name in shot.compared)
    return f"Curves of {shown} over the frames. {verdict(shot)}{most}"

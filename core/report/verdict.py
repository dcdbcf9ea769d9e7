"""A report in plain words. Never a temporal number alone: blur and freezing win that one."""

from __future__ import annotations

import math

import numpy as np

from .model import Compared, Shot

ERRORS = {"style": "style error", "content": "content error", "sharpness": "sharpness"}
BLURRED = 0.8  # of the sharpness frame by frame
STRAYED = 1.25  # times the style error frame by frame


def percent(share: float) -> str:
    """Write a share."""
    return "not measurable" if math.isnan(share) else f"{100 * share:.0f} %"


def times(compared: Compared) -> str:
    """Say how much less paint changes than frame by frame."""
    if compared.ours <= 0 < compared.alone:
        return "does not change at all"
    if math.isnan(compared.share):
        return "stands still, as it does frame by frame"
    if 0.95 < compared.share < 1.05:
        return "changes as much as frame by frame"
    if compared.share < 1:
        return f"changes {1 / compared.share:.1f}× less than frame by frame"
    return f"changes {compared.share:.1f}× more than frame by frame"


def in_short(compared: Compared) -> str:
    """Say the same in two words, for large type."""
    if compared.ours <= 0 or math.isnan(compared.share):
        return "none"
    if 0.95 < compared.share < 1.05:
        return "the same"
    share = compared.share
    return f"{1 / share:.1f}× less" if share < 1 else f"{share:.1f}× more"


def verdict(shot: Shot) -> str:
    """Return the line that stands under the title."""
    compared = shot.compared
    others = [
        f"{told} {percent(compared[name].share)}"
        for name, told in ERRORS.items()
        if name in compared
    ]
    missing = [name for name in ("style", "content") if name not in compared]
    unknown = f"; {' and '.join(missing)} not judged" if missing and compared else ""
    if not compared:
        return "Nothing was measured."
    if shot.is_per_frame:
        return "Every frame was painted by itself: there is nothing steadier to compare it with."
    if "temporal" not in compared:
        return "There is no motion to judge: no frame goes on from another" + unknown + "."
    return f"Paint {times(compared['temporal'])}; {', '.join(others)}{unknown}."


def caution(shot: Shot) -> str:
    """Say what the steadiness cost, where it cost something; empty where it did not."""
    compared = shot.compared
    told = []
    if shot.is_per_frame:
        return ""
    if "sharpness" in compared and compared["sharpness"].share < BLURRED:
        told.append("part of the calm is blur: strokes are softer than frame by frame")
    if "style" in compared and compared["style"].share > STRAYED:
        told.append("the paint has strayed from the painting while it was carried along")
    if "content" in compared and compared["content"].share > STRAYED:
        told.append("the paint has strayed from the plate while it was carried along")
    line = "; ".join(told)
    return f"{line[:1].upper()}{line[1:]}." if told else ""


def place_in_words(change: np.ndarray) -> str:
    """Say where in a picture a map (h, w) is highest: one of nine parts."""
    if not change.any():
        return "nowhere"
    rows, columns = (np.array_split(np.arange(side), 3) for side in change.shape)
    energy = change.astype(np.float64) ** 2
    parts = np.array([[energy[np.ix_(r, c)].mean() for c in columns] for r in rows])
    if parts.max() < 1.6 * parts.mean():
        return "all over the frame"
    row, column = np.unravel_index(parts.argmax(), parts.shape)
    down, across = ("top", "middle", "bottom")[row], ("left", "centre", "right")[column]
    if (down, across) == ("middle", "centre"):
        return "in the centre"
    return f"{down} {across}" if down != "middle" else f"on the {across}"

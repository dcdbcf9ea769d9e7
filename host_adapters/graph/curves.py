"""Animation curves: keys that are held, joined by lines, or by smooth Bezier arcs.

Written as Nuke writes them: `x1001 0 x1020 1`, with `K` (constant), `L` (linear) or `C` (smooth)
before the keys that it is said of. An arc never leaves the span of its two keys.
"""

from __future__ import annotations

import bisect
import enum
import math
from dataclasses import dataclass

from ...core.errors import BadInput

MOST_KEYS = 100_000
FARTHEST = 100_000_000  # the frames that a curve may name, to either side of 0


class Interpolation(enum.Enum):
    """How a key leads to the next one."""

    CONSTANT = "K"
    LINEAR = "L"
    SMOOTH = "C"


@dataclass(frozen=True)
class Key:
    """A value at a frame."""

    frame: int
    value: float
    interpolation: Interpolation = Interpolation.SMOOTH


@dataclass(frozen=True)
class Curve:
    """Keys in order of frames; before the first and after the last it stands still."""

    keys: tuple[Key, ...]

    def with_key(self, key: Key) -> Curve:
        """Return the curve with a key set, in place of one on that frame."""
        others = [other for other in self.keys if other.frame != key.frame]
        return Curve(tuple(sorted((*others, key), key=lambda one: one.frame)))

    def without(self, frame: int) -> Curve:
        """Return the curve without the key on a frame."""
        return Curve(tuple(key for key in self.keys if key.frame != frame))

    def at(self, frame: float) -> float:
        """Return the value at a frame."""
        place = bisect.bisect_right([key.frame for key in self.keys], frame)
        if place == 0:
            return self.keys[0].value
        left = self.keys[place - 1]
        still = left.interpolation is Interpolation.CONSTANT or left.frame == frame
        if place == len(self.keys) or still:
            return left.value
        right = self.keys[place]
        t = (frame - left.frame) / (right.frame - left.frame)
        if left.interpolation is Interpolation.LINEAR:
            return left.value + t * (right.value - left.value)
        span = right.frame - left.frame
        first, last = self.slope(place - 1) * span / 3, self.slope(place) * span / 3
        return bezier((left.value, left.value + first, right.value - last, right.value), t)

    def slope(self, place: int) -> float:
        """Return the slope at a key: flat at ends and turning points, never so steep as to leave
        the span of the keys (Fritsch and Carlson's condition).
        """  # noqa: D205
        if place in (0, len(self.keys) - 1):
            return 0.0
        before, here, after = self.keys[place - 1 : place + 2]
        one = (here.value - before.value) / (here.frame - before.frame)
        two = (after.value - here.value) / (after.frame - here.frame)
        if one * two <= 0:
            return 0.0
        mean = (after.value - before.value) / (after.frame - before.frame)
        return math.copysign(min(abs(mean), 3 * abs(one), 3 * abs(two)), one)

    def text(self) -> str:
        """Return the curve as it is written."""
        parts, said = [], None
        for key in self.keys:
            if key.interpolation is not said:
                said = key.interpolation
                parts.append(said.value)
            parts.append(f"x{key.frame} {key.value!r}")
        return " ".join(parts)


def bezier(points: tuple[float, float, float, float], t: float) -> float:
    """Return a cubic Bezier arc at t, by de Casteljau; exact at both ends."""
    a, b, c, d = points
    if t in (0, 1):
        return d if t else a
    s = 1 - t
    value = s**3 * a + 3 * s * s * t * b + 3 * s * t * t * c + t**3 * d
    return min(max(value, min(a, d)), max(a, d))


def parse_curve(text: str, where: str) -> Curve:
    """Read a curve.

    Raises:
        BadInput: names what is not understood.
    """
    keys: dict[int, Key] = {}
    said, frame = Interpolation.SMOOTH, None
    for word in text.split():
        try:
            if frame is not None:
                value = float(word)
                if not math.isfinite(value):
                    raise ValueError
                keys[frame], frame = Key(frame, value, said), None
            elif word[0] == "x":
                frame = int(word[1:])
                if abs(frame) > FARTHEST:
                    raise ValueError
            else:
                said = Interpolation(word)
        except ValueError:
            raise BadInput(f"{where}: expected a curve, L x1001 0.0; got {word!r}.") from None
    if not keys or frame is not None or len(keys) > MOST_KEYS:
        raise BadInput(f"{where}: expected a curve, L x1001 0.0; got {text[:60]!r}.")
    return Curve(tuple(keys[number] for number in sorted(keys)))

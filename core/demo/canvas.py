"""Where a layer of the demo is painted: a window of the scene, noise, and polygons with soft edges.

Scene coordinates are in picture heights: y runs from 0 (top) to 1 (bottom) and x from 0 to the
picture's aspect. The same seed gives the same scene at every resolution of one aspect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Colour = tuple[float, float, float]
Point = tuple[float, float]

SUBPIXEL_BITS = 4  # cv2.fillPoly takes fixed-point corners


def triple(red: float, green: float, blue: float) -> Array:
    """A colour as an array (3,), to be added to or multiplied with pictures."""
    return np.array((red, green, blue), np.float32)


def resample(picture: Array, column: Array, row: Array, border: int) -> Array:
    """Look `picture` up bilinearly at texel positions; `border` is OpenCV's rule outside it."""
    column, row = column.astype(np.float32), row.astype(np.float32)
    found = cv2.remap(picture, column, row, cv2.INTER_LINEAR, borderMode=border)
    return found.astype(np.float32, copy=False)


def smoothstep(low: float | Array, high: float | Array, value: Array) -> Array:
    """Rise smoothly from 0 at `low` to 1 at `high`."""
    t = np.clip((value - low) / (np.asarray(high) - low), 0.0, 1.0).astype(np.float32)
    return t * t * (3.0 - 2.0 * t)


def mix(a: Array | Colour, b: Array | Colour, amount: Array | float) -> Array:
    """Blend colours: `a` where `amount` is 0, `b` where it is 1; `amount` is (h, w) or a number."""
    weight = np.asarray(amount, np.float32)[..., None]
    start = np.asarray(a, np.float32)
    return (start + (np.asarray(b, np.float32) - start) * weight).astype(np.float32)


def ramp(position: Array, stops: Sequence[tuple[float, Colour]]) -> Array:
    """Look `position` (h, w) up in a table of colour stops, linearly: (h, w, 3)."""
    at = [stop for stop, _ in stops]
    channels = [np.interp(position, at, [colour[c] for _, colour in stops]) for c in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)


@dataclass(frozen=True)
class Canvas:
    """A window of the scene, `res` texels to the picture height."""

    left: float
    top: float
    right: float
    bottom: float
    res: float
    seed: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of texels."""
        return (
            max(2, round((self.bottom - self.top) * self.res)),
            max(2, round((self.right - self.left) * self.res)),
        )

    @property
    def x(self) -> Array:
        """Scene x of every texel's centre, (h, w)."""
        row = self.left + (np.arange(self.shape[1], dtype=np.float32) + 0.5) / self.res
        return np.broadcast_to(row, self.shape)

    @property
    def y(self) -> Array:
        """Scene y of every texel's centre, (h, w)."""
        column = self.top + (np.arange(self.shape[0], dtype=np.float32) + 0.5) / self.res
        return np.broadcast_to(column[:, None], self.shape)

    def rng(self, tag: str) -> np.random.Generator:
        """A generator of its own for every use, so that adding one changes no other."""
        return np.random.default_rng([self.seed, *tag.encode()])

    def noise(
        self, tag: str, cell: float, octaves: int = 5, stretch: float = 1.0, gain: float = 0.5
    ) -> Array:
        """Fractal value noise about 0, standard deviation about 0.5.

        Args:
            cell: Height of the coarsest cell, picture heights; octaves finer than a texel are left
                out, so that a small picture does not shimmer.
            stretch: Width of a cell over its height.
        """
        h, w = self.shape
        total = np.zeros((h, w), np.float32)
        power, weight = 0.0, 1.0
        for octave in range(octaves):
            cells = cell / 2**octave
            power += weight * weight
            if cells * self.res * min(1.0, stretch) >= 1.2:
                total += weight * self._lattice(f"{tag}{octave}", cells, stretch)
            weight *= gain
        return total / np.float32(np.sqrt(power))

    def _lattice(self, tag: str, cell: float, stretch: float) -> Array:
        h, w = self.shape
        rows = int(np.ceil((self.bottom - self.top) / cell)) + 2
        columns = int(np.ceil((self.right - self.left) / (cell * stretch))) + 2
        grid = self.rng(tag).uniform(-1.0, 1.0, (rows, columns)).astype(np.float32)
        size = (
            max(w, round(columns * cell * stretch * self.res)),
            max(h, round(rows * cell * self.res)),
        )
        return cv2.resize(grid, size, interpolation=cv2.INTER_CUBIC)[:h, :w].astype(np.float32)

    def profile(self, tag: str, cell: float, octaves: int = 6, gain: float = 0.5) -> Array:
        """Noise along x only, (1, w)."""
        strip = Canvas(self.left, 0.0, self.right, 2.0 / self.res, self.res, self.seed)
        return strip.noise(tag, cell, octaves, gain=gain)[:1]

    def cells(self, tag: str, size: float) -> tuple[Array, Array, Array]:
        """Scatter round clumps: offset x and y from the nearest centre (in clumps), and its id.

        Returns:
            Three (h, w) arrays; the id is a random number in 0..1, one for each clump.
        """
        table = self.rng(tag).uniform(0.0, 1.0, (3, 128, 128)).astype(np.float32)
        gx, gy = (self.x - self.left) / size, (self.y - self.top) / (size * 0.8)
        ix, iy = np.floor(gx).astype(np.int32), np.floor(gy).astype(np.int32)
        nearest = np.full(self.shape, 1e9, np.float32)
        out = [np.zeros(self.shape, np.float32) for _ in range(3)]
        for oy in (-1, 0, 1):
            for ox in (-1, 0, 1):
                cx, cy = (ix + ox) & 127, (iy + oy) & 127
                dx = gx - (ix + ox + table[0, cy, cx])
                dy = gy - (iy + oy + table[1, cy, cx])
                distance = dx * dx + dy * dy
                closer = distance < nearest
                nearest = np.where(closer, distance, nearest)
                for kept, new in zip(out, (dx, dy, table[2, cy, cx]), strict=True):
                    np.copyto(kept, new, where=closer)
        return out[0], out[1], out[2]

    def texels(self, points: Sequence[Point]) -> Array:
        """Scene points as texel coordinates, centres at integers (OpenCV's drawing grid)."""
        scene = np.asarray(points, np.float32)
        return (scene - (self.left, self.top)).astype(np.float32) * np.float32(self.res) - 0.5


@dataclass(frozen=True)
class Paint:
    """A layer in the making: colour and matte, both drawn upon in place."""

    canvas: Canvas
    rgb: Array
    matte: Array

    @staticmethod
    def blank(canvas: Canvas, colour: Colour = (0.1, 0.1, 0.1)) -> Paint:
        """An empty layer, whose hidden colour keeps its soft edges free of fringes."""
        rgb = np.empty((*canvas.shape, 3), np.float32)
        rgb[:] = colour
        return Paint(canvas, rgb, np.zeros(canvas.shape, np.float32))

    def polygon(
        self, points: Sequence[Point], start: Colour, end: Colour | None = None, across: bool = True
    ) -> None:
        """Fill a polygon, shading from `start` to `end` from left to right (or top to bottom)."""
        corners = self.canvas.texels(points)
        low = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 2, 0)
        high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 3, self.canvas.shape[::-1])
        if np.any(high <= low):
            return
        area = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        fixed = np.rint((corners - low) * 2**SUBPIXEL_BITS).astype(np.int32)
        cv2.fillPoly(area, [fixed], 255, cv2.LINE_AA, SUBPIXEL_BITS)
        cover = area.astype(np.float32) / 255.0
        window = np.s_[low[1] : high[1], low[0] : high[0]]
        axis = np.linspace(0.0, 1.0, area.shape[1 if across else 0], dtype=np.float32)
        place = np.broadcast_to(axis if across else axis[:, None], area.shape)
        colour = mix(start, start if end is None else end, place)
        self.rgb[window] = np.where(
            self.matte[window][..., None] < 0.02,
            np.where(cover[..., None] > 0, colour, self.rgb[window]),
            mix(self.rgb[window], colour, cover),
        )
        self.matte[window] = np.maximum(self.matte[window], cover)

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """Draw a tapering stroke through `points`, `width` wide at its foot (picture heights)."""
        path = np.asarray(points, np.float32)
        along = np.gradient(path, axis=0)
        normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
        half = normal * np.linspace(0.5, 0.12, len(path), dtype=np.float32)[:, None] * width
        outline = np.concatenate([path + half, (path - half)[::-1]])
        self.polygon([(float(x), float(y)) for x, y in outline], colour)

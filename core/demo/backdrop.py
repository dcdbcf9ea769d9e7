"""The far half of the demo: an evening sky with its sun, two ranges of hills, and the bay."""

from __future__ import annotations

import cv2
import numpy as np

from .canvas import Array, Canvas, Colour, Paint, mix, ramp, smoothstep

HORIZON = 0.57  # picture heights from the top
SUN_Y = 0.385
SUN_SHARE = 0.335  # of the picture's width, from the left
SUN_RADIUS = 0.031
SUN_COLOUR: Colour = (52.0, 36.0, 19.0)  # scene-linear; a disc that clips any camera
GLINT_COLOUR: Colour = (46.0, 29.0, 13.0)

SKY_STOPS: tuple[tuple[float, Colour], ...] = (
    (0.00, (1.05, 0.50, 0.24)),
    (0.12, (0.86, 0.47, 0.29)),
    (0.32, (0.43, 0.38, 0.42)),
    (0.60, (0.135, 0.245, 0.40)),
    (1.00, (0.035, 0.105, 0.25)),
)


def sun_distance(canvas: Canvas, aspect: float) -> Array:
    """Distance of every texel from the sun's centre, picture heights."""
    return np.hypot(canvas.x - SUN_SHARE * aspect, canvas.y - SUN_Y)


def sun_glow(distance: Array) -> Array:
    """Light that the air scatters around the sun, (h, w, 3)."""
    near = np.exp(-distance / 0.05)[..., None] * np.float32((5.0, 2.7, 1.0))
    wide = np.exp(-distance / 0.30)[..., None] * np.float32((1.05, 0.50, 0.17))
    return near + wide


def sky(canvas: Canvas, aspect: float) -> Paint:
    """Paint the sky: gradient, glow, disc, and clouds lit from where the sun stands."""
    paint = Paint.blank(canvas)
    elevation = np.clip((HORIZON - canvas.y) / HORIZON, 0.0, 1.05)
    distance = sun_distance(canvas, aspect)
    glow = sun_glow(distance)
    clear = ramp(elevation, SKY_STOPS) + glow
    clear = mix(clear, SUN_COLOUR, smoothstep(SUN_RADIUS, SUN_RADIUS * 0.9, distance))
    density = _clouds(canvas, aspect, elevation)
    cover = smoothstep(0.02, 0.62, density)
    shade = _shadow(canvas, aspect, density)
    ambient = mix((0.40, 0.25, 0.26), (0.085, 0.125, 0.225), smoothstep(0.05, 0.8, elevation))
    warmth = np.exp(-distance / 0.75)
    lit = mix((0.85, 0.47, 0.40), (2.5, 1.25, 0.52), warmth)
    cloud = ambient + lit * shade[..., None] * (0.35 + 0.9 * warmth[..., None])
    # Thin edges towards the sun scatter it forward: the silver lining.
    lining = (cover * (1.0 - cover) * 4.0)[..., None] * glow * 0.9
    paint.rgb[:] = clear * (1.0 - 0.93 * cover[..., None]) + (cloud + lining) * cover[..., None]
    paint.matte[:] = 1.0
    return paint


def _clouds(canvas: Canvas, aspect: float, elevation: Array) -> Array:
    """Cloud density: fractal noise on a plane overhead, torn into streaks near the horizon."""
    billow = canvas.noise("cloud", 0.30, 7, stretch=1.9, gain=0.52)
    bend = canvas.noise("cloud-bend", 0.22, 3, stretch=1.5) * 0.10
    depth = 0.62 / (elevation + 0.28)
    x = (canvas.x - 0.5 * aspect) * depth + 0.5 * aspect + bend - canvas.left
    y = (HORIZON - canvas.top) * np.clip(1.25 - 0.95 * depth, 0.0, 1.0) + bend * 0.7
    maps = ((value * canvas.res).astype(np.float32) for value in (x, y))
    bent = cv2.remap(billow, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    streaks = canvas.noise("streak", 0.045, 4, stretch=8.0)
    low = smoothstep(0.42, 0.08, elevation)
    fine = canvas.noise("wisp", 0.05, 5, stretch=2.2)
    density = bent * (1.0 - 0.45 * low) + streaks * 0.65 * low + fine * 0.16
    return density + 0.02 - 0.30 * smoothstep(0.86, 1.05, elevation)


def _shadow(canvas: Canvas, aspect: float, density: Array) -> Array:
    """Light left after the cloud between a texel and the sun, 0..1, marched in four steps."""
    to_x, to_y = SUN_SHARE * aspect - canvas.x, SUN_Y + 0.10 - canvas.y
    length = np.hypot(to_x, to_y) + 0.12
    column = (canvas.x - canvas.left) * canvas.res - 0.5
    row = (canvas.y - canvas.top) * canvas.res - 0.5
    thickness = np.zeros_like(density)
    for step in (0.012, 0.03, 0.06, 0.10):
        reach = step * canvas.res / length
        maps = ((column + to_x * reach), (row + to_y * reach))
        sample = cv2.remap(density, *(m.astype(np.float32) for m in maps), cv2.INTER_LINEAR,
                           borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
        thickness += np.maximum(sample + 0.05, 0.0)
    return np.exp(-1.9 * thickness)


def hills(canvas: Canvas, aspect: float, near: bool) -> Paint:
    """Paint a range: far and snow-capped, or near and wooded, both veiled by the evening air."""
    name = "near" if near else "far"
    rough = canvas.profile(f"{name}-ridge", 0.34 if near else 0.42, 7, gain=0.47)
    x = canvas.x[:1] / aspect
    if near:
        crest = 0.505 + 0.055 * np.sin(x * 7.0 + 2.6) - 0.045 * rough
    else:
        bulk = 0.115 * np.exp(-(((x - 0.68) / 0.17) ** 2)) + 0.05 * np.exp(-(((x - 0.1) / 0.1) ** 2))
        crest = 0.478 - bulk - 0.085 * (0.5 - np.abs(rough)) + 0.012
    paint = Paint.blank(canvas)
    below = canvas.y - crest
    paint.matte[:] = np.clip(below * canvas.res + 0.5, 0.0, 1.0)
    surface = _woods(canvas, name) if near else _rock(canvas, below)
    distance = sun_distance(canvas, aspect)
    haze = (0.30, 0.27, 0.36) + 0.55 * sun_glow(distance + 0.06)
    foot = smoothstep(0.0, 0.17 if near else 0.24, below)
    paint.rgb[:] = mix(surface, haze, (0.26 if near else 0.50) + (0.34 if near else 0.36) * foot)
    return paint


def _relief(canvas: Canvas, tag: str, cell: float, strength: float) -> Array:
    """How much a rugged slope faces the sun, -1..1."""
    height = np.abs(canvas.noise(tag, cell, 7, stretch=0.75, gain=0.55))
    slope_y, slope_x = np.gradient(height * canvas.res * cell * strength)
    return np.tanh(slope_x * 0.9 + slope_y * 0.5).astype(np.float32)


def _rock(canvas: Canvas, below: Array) -> Array:
    relief = _relief(canvas, "rock", 0.13, 1.1)
    rock = mix((0.055, 0.065, 0.125), (0.62, 0.32, 0.24), smoothstep(-0.15, 0.9, relief))
    snow = mix((0.20, 0.24, 0.42), (1.25, 0.72, 0.52), smoothstep(-0.35, 0.7, relief))
    line = 0.055 + 0.05 * canvas.noise("snow", 0.09, 5)
    return mix(rock, snow, smoothstep(line, line - 0.02, below))


def _woods(canvas: Canvas, name: str) -> Array:
    dx, dy, which = canvas.cells(f"{name}-crowns", 0.013)
    lit = smoothstep(-0.5, 0.7, -0.8 * dx - 0.9 * dy + 0.35 * canvas.noise("wood-light", 0.1, 3))
    green = mix((0.022, 0.035, 0.035), (0.075, 0.075, 0.045), which)
    field = smoothstep(0.25, 0.42, canvas.noise("fields", 0.085, 3, stretch=2.6))
    wood = mix(green, (0.44, 0.27, 0.12), lit * (0.35 + 0.5 * which))
    return mix(wood, (0.36, 0.27, 0.11), field * 0.75)


def bay(canvas: Canvas, aspect: float) -> Paint:
    """Paint the water: ripples in perspective, the sky's colours upside down, the sun's path."""
    paint = Paint.blank(canvas)
    depth = np.maximum(canvas.y - HORIZON, 0.0)
    swell, chop = _ripples(canvas, aspect, depth)
    slope = 0.85 * swell + 0.55 * chop
    elevation = np.clip(depth * 1.25 + 0.24 * slope * smoothstep(0.0, 0.12, depth) + 0.03, 0.0, 1.0)
    mirrored = ramp(elevation, SKY_STOPS)
    offset = np.abs(canvas.x - SUN_SHARE * aspect + 0.05 * swell * depth)
    path = np.exp(-((offset / (0.045 + 0.26 * depth)) ** 2) * 0.8)
    mirrored += path[..., None] * np.float32((1.5, 0.72, 0.26)) * (0.75 + 0.5 * slope[..., None])
    deep = mix((0.035, 0.085, 0.105), (0.012, 0.045, 0.062), smoothstep(0.0, 0.4, depth))
    fresnel = np.clip(0.80 - 0.85 * depth + 0.42 * slope, 0.08, 0.95)
    water = mix(deep, mirrored, fresnel)
    shore = smoothstep(0.075, 0.0, depth + 0.035 * slope - 0.012)
    water = mix(water, (0.19, 0.145, 0.17), shore * 0.72 * (1.0 - 0.75 * path))
    sparkle = smoothstep(0.30, 0.62, chop + 0.35 * swell - 0.55 * (1.0 - path))
    glints = sparkle * path * smoothstep(-0.004, 0.02, depth)
    paint.rgb[:] = water + glints[..., None] * np.float32(GLINT_COLOUR)
    paint.matte[:] = np.clip((canvas.y - HORIZON) * canvas.res + 0.5, 0.0, 1.0)
    return paint


def _ripples(canvas: Canvas, aspect: float, depth: Array) -> tuple[Array, Array]:
    """Two scales of waves on a flat plane seen from above it, each about -1..1."""
    waves = []
    for tag, cell, stretch in (("swell", 0.040, 5.0), ("chop", 0.014, 4.2)):
        noise = canvas.noise(tag, cell, 4, stretch=stretch, gain=0.6)
        scale = 0.22 / (depth + 0.055)
        x = (canvas.x - 0.5 * aspect) * np.minimum(scale, 1.9) * 0.62 + 0.5 * aspect - canvas.left
        y = 0.5 - 0.115 * np.log(depth + 0.02)  # even steps of y to the eye: rows thin out far away
        y = y * (canvas.bottom - canvas.top) * 1.9
        maps = ((value * canvas.res).astype(np.float32) for value in (x, y))
        waves.append(cv2.remap(noise, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101))
    return waves[0] * 1.5, waves[1] * 1.5

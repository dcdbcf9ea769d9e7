"""The far half of the demo: an evening sky with its sun, two ranges of hills, and the bay."""

from __future__ import annotations

import cv2
import numpy as np

from .canvas import Array, Canvas, Colour, Paint, mix, ramp, resample, smoothstep, triple

HORIZON = 0.57  # picture heights from the top
SUN_Y = 0.385
SUN_SHARE = 0.335  # of the picture's width, from the left
SUN_RADIUS = 0.031
SUN_COLOUR: Colour = (52.0, 36.0, 19.0)  # scene-linear; a disc that clips any camera
GLINT_COLOUR: Colour = (46.0, 29.0, 13.0)

SKY_STOPS: tuple[tuple[float, Colour], ...] = (
    (0.00, (1.00, 0.40, 0.15)),
    (0.13, (0.84, 0.40, 0.20)),
    (0.32, (0.42, 0.33, 0.33)),
    (0.58, (0.095, 0.215, 0.36)),
    (1.00, (0.018, 0.078, 0.205)),
)


def sun_distance(canvas: Canvas, aspect: float) -> Array:
    """Distance of every texel from the sun's centre, picture heights."""
    return np.hypot(canvas.x - SUN_SHARE * aspect, canvas.y - SUN_Y)


def sun_glow(distance: Array) -> Array:
    """Light that the air scatters around the sun, (h, w, 3)."""
    near = np.exp(-distance / 0.05)[..., None] * triple(5.0, 2.7, 1.0)
    wide = np.exp(-distance / 0.30)[..., None] * triple(0.80, 0.34, 0.095)
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
    cover = smoothstep(0.08, 0.58, density)
    shade = _shadow(canvas, aspect, density)
    ambient = mix((0.27, 0.15, 0.18), (0.125, 0.100, 0.165), smoothstep(0.05, 0.8, elevation))
    warmth = np.exp(-distance / 0.75)
    lit = mix((1.05, 0.42, 0.30), (3.0, 1.25, 0.40), warmth)
    cloud = ambient + lit * shade[..., None] * (0.50 + 0.85 * warmth[..., None])
    # Thin edges towards the sun scatter it forward: the silver lining.
    lining = (cover * (1.0 - cover) * 4.0)[..., None] * glow * 0.9
    paint.rgb[:] = clear * (1.0 - 0.93 * cover[..., None]) + (cloud + lining) * cover[..., None]
    paint.matte[:] = 1.0
    return paint


def _clouds(canvas: Canvas, aspect: float, elevation: Array) -> Array:
    """Cloud density: fractal noise on a plane overhead, torn into streaks near the horizon."""
    billow = canvas.noise("cloud", 0.15, 7, stretch=2.1, gain=0.58)
    bend = canvas.noise("cloud-bend", 0.22, 3, stretch=1.5) * 0.10
    depth = 0.62 / (elevation + 0.28)
    x = (canvas.x - 0.5 * aspect) * depth + 0.5 * aspect + bend - canvas.left
    y = (HORIZON - canvas.top) * np.clip(1.25 - 0.95 * depth, 0.0, 1.0) + bend * 0.7
    bent = resample(billow, x * canvas.res, y * canvas.res, cv2.BORDER_REFLECT)
    streaks = canvas.noise("streak", 0.045, 4, stretch=8.0)
    low = smoothstep(0.42, 0.08, elevation)
    fine = canvas.noise("wisp", 0.05, 5, stretch=2.2)
    density = bent * (1.0 - 0.45 * low) + streaks * 0.65 * low + fine * 0.20
    clearing = np.exp(-((sun_distance(canvas, aspect) / 0.13) ** 2))
    return 1.2 * density + 0.26 - 0.12 * low - 0.75 * clearing


def _shadow(canvas: Canvas, aspect: float, density: Array) -> Array:
    """Light left after the cloud between a texel and the sun, 0..1, marched in four steps."""
    to_x, to_y = SUN_SHARE * aspect - canvas.x, SUN_Y + 0.10 - canvas.y
    length = np.hypot(to_x, to_y) + 0.12
    column = (canvas.x - canvas.left) * canvas.res - 0.5
    row = (canvas.y - canvas.top) * canvas.res - 0.5
    thickness = np.zeros_like(density)
    for step in (0.012, 0.03, 0.06, 0.10):
        reach = step * canvas.res / length
        towards = (column + to_x * reach, row + to_y * reach)
        sample = resample(density, *towards, cv2.BORDER_REPLICATE)
        thickness += np.clip(sample + 0.05, 0.0, 0.7)
    billows = np.tanh(
        9.0 * (density - sample) + 5.0 * canvas.noise("billows", 0.05, 5, stretch=1.8) * 0.12
    )
    return np.exp(-1.35 * thickness) * (1.0 + 0.5 * billows) + 0.10 * np.maximum(billows, 0.0)


def hills(canvas: Canvas, aspect: float, near: bool) -> Paint:
    """Paint a range: far and snow-capped, or near and wooded, both veiled by the evening air."""
    name = "near" if near else "far"
    rough = canvas.profile(f"{name}-ridge", 0.34 if near else 0.42, 7, gain=0.47)
    x = canvas.x[:1] / aspect
    if near:
        crest = 0.505 + 0.055 * np.sin(x * 7.0 + 2.6) - 0.045 * rough
    else:
        bulk = 0.115 * np.exp(-(((x - 0.68) / 0.17) ** 2)) + 0.05 * np.exp(
            -(((x - 0.1) / 0.1) ** 2)
        )
        crest = 0.478 - bulk - 0.085 * (0.5 - np.abs(rough)) + 0.012
    paint = Paint.blank(canvas)
    below = canvas.y - crest
    paint.matte[:] = np.clip(below * canvas.res + 0.5, 0.0, 1.0)
    surface = _woods(canvas, name) if near else _rock(canvas, below)
    distance = sun_distance(canvas, aspect)
    haze = (0.185, 0.205, 0.345) + 0.48 * sun_glow(distance + 0.05)
    foot = smoothstep(0.0, 0.17 if near else 0.24, below)
    paint.rgb[:] = mix(surface, haze, (0.22 if near else 0.48) + (0.42 if near else 0.40) * foot)
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
    dx, dy, which = canvas.cells(f"{name}-crowns", 0.0125)
    _, leaf, fleck = canvas.cells(f"{name}-leaves", 0.0052)
    folds = _relief(canvas, f"{name}-folds", 0.20, 0.9)
    light = -0.45 * dx - 0.55 * dy - 0.3 * leaf + 0.75 * folds + 0.3 * (fleck - 0.5)
    lit = smoothstep(-0.35, 0.95, light)
    green = mix((0.012, 0.024, 0.034), (0.060, 0.066, 0.040), which * fleck)
    wood = mix(green, mix((0.34, 0.26, 0.085), (0.62, 0.27, 0.10), which), lit)
    plots, _, hue = canvas.cells(f"{name}-plots", 0.060)
    crop = (
        mix((0.16, 0.19, 0.060), (0.56, 0.38, 0.13), hue)
        * (0.75 + 0.5 * folds + 0.2 * fleck)[..., None]
    )
    field = smoothstep(
        0.22, 0.28, canvas.noise("fields", 0.060, 3, stretch=2.6) - 0.04 * np.abs(plots)
    )
    return mix(wood, np.maximum(crop, 0.03), field * 0.85)


def bay(canvas: Canvas, aspect: float) -> Paint:
    """Paint the water: ripples in perspective, the sky's colours upside down, the sun's path."""
    paint = Paint.blank(canvas)
    depth = np.maximum(canvas.y - HORIZON, 0.0)
    swell, chop, glitter = _ripples(canvas, aspect, depth)
    calm = smoothstep(-0.02, 0.16, depth)  # far waves are too small to see one by one
    slope = (0.30 * swell + 0.66 * chop + 0.30 * glitter) * (0.35 + 0.65 * calm)
    elevation = np.clip(depth * 1.35 + 0.30 * slope * calm + 0.05, 0.0, 1.0)
    mirrored = ramp(elevation, SKY_STOPS)
    offset = np.abs(canvas.x - SUN_SHARE * aspect + 0.16 * swell * depth)
    path = np.exp(-((offset / (0.035 + 0.21 * depth)) ** 2) * 0.8)
    mirrored += path[..., None] * triple(0.95, 0.42, 0.14) * (0.7 + 0.8 * slope[..., None])
    deep = mix((0.030, 0.080, 0.105), (0.010, 0.058, 0.084), smoothstep(0.0, 0.4, depth))
    fresnel = np.clip(0.70 - 0.80 * depth + 0.62 * slope, 0.06, 0.95)
    water = mix(deep, mirrored, fresnel)
    shore = smoothstep(0.085, 0.0, depth + 0.05 * slope - 0.012)
    water = mix(water, (0.085, 0.080, 0.125), shore * 0.7 * (1.0 - 0.6 * path))
    facing = 0.62 * glitter + 0.55 * chop + 0.30 * swell - 0.95 * (1.0 - path)
    glints = smoothstep(0.34, 0.62, facing) * path * smoothstep(-0.004, 0.02, depth)
    paint.rgb[:] = water + glints[..., None] * triple(*GLINT_COLOUR)
    paint.matte[:] = np.clip((canvas.y - HORIZON) * canvas.res + 0.5, 0.0, 1.0)
    return paint


def _ripples(canvas: Canvas, aspect: float, depth: Array) -> list[Array]:
    """Three scales of waves on a flat plane seen from above it, each about -1..1."""
    waves = []
    for tag, cell, stretch in (
        ("swell", 0.090, 4.5),
        ("chop", 0.034, 4.0),
        ("glitter", 0.011, 3.2),
    ):
        noise = canvas.noise(tag, cell, 4, stretch=stretch, gain=0.6)
        scale = np.minimum(0.22 / (depth + 0.055), 2.4)
        x = (canvas.x - 0.5 * aspect) * scale * 1.35 + 0.5 * aspect - canvas.left
        y = (0.5 - 0.115 * np.log(depth + 0.02)) * 2.2  # rows crowd together far away
        wave = resample(noise, x * canvas.res, y * canvas.res, cv2.BORDER_REFLECT_101)
        waves.append(1.5 * wave)
    return waves

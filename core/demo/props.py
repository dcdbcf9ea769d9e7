"""What moves in the demo's air and on its water: a balloon and a sailing boat."""

from __future__ import annotations

import numpy as np

from .canvas import Array, Canvas, Colour, Paint, Point, mix, smoothstep, triple

GORES: tuple[Colour, ...] = ((0.62, 0.045, 0.03), (0.85, 0.52, 0.10), (0.055, 0.17, 0.27))


def balloon(canvas: Canvas, aspect: float) -> Paint:
    """Paint a striped hot-air balloon around the canvas's centre, lit by the low sun at left."""
    del aspect  # a sprite: placed by its motion, not by the picture
    paint = Paint.blank(canvas, (0.3, 0.12, 0.06))
    cx, top = (canvas.left + canvas.right) / 2, canvas.top + 0.014
    radius, tall = 0.078, 0.205
    down = np.clip((canvas.y - top) / tall, 0.0, 1.0)
    # The envelope's outline: a sphere above, drawn in to its mouth below.
    upper = np.sqrt(np.clip(1.0 - ((down - 0.40) / 0.40) ** 2, 0.0, 1.0))
    lower = 0.13 + 0.87 * np.cos(np.clip((down - 0.40) / 0.60, 0.0, 1.0) * 1.57) ** 0.85
    half = radius * np.where(down < 0.40, upper, lower) + 1e-4
    across = (canvas.x - cx) / half
    inside = np.clip((1.0 - np.abs(across)) * half * canvas.res + 0.5, 0.0, 1.0)
    inside *= (canvas.y > top) & (canvas.y < top + tall)
    longitude = np.arcsin(np.clip(across, -1.0, 1.0))
    gore = (longitude / np.pi + 0.5) * 9.0 + 0.35
    table = np.array([GORES[i % 3] for i in range(12)], np.float32)
    colour = table[np.clip(gore.astype(np.int32), 0, 11)]
    band = np.abs(down - 0.47 + 0.02 * np.cos(longitude * 9.0)) < 0.045
    colour = np.where(band[..., None], triple(0.86, 0.74, 0.52), colour)
    seam = 1.0 - 0.28 * np.exp(-(((np.abs(gore % 1.0 - 0.5) - 0.5) / 0.1) ** 2))
    light = _roundness(longitude, down) * seam * (1.0 + 0.12 * canvas.noise("silk", 0.02, 3))
    warm = smoothstep(0.25, 1.3, light)
    shade = mix((0.36, 0.44, 0.66), (1.9, 1.35, 0.86), warm) * light[..., None]
    paint.rgb[:] = np.where(inside[..., None] > 0, colour * shade, paint.rgb)
    paint.matte[:] = inside
    _basket(paint, cx, top + tall, radius)
    return paint


def _roundness(longitude: Array, down: Array) -> Array:
    side = -np.sin(longitude) * 0.62 + 0.18
    return np.clip(0.42 + side * 1.05 + 0.30 * (down - 0.35), 0.10, 1.6)


def _basket(paint: Paint, cx: float, mouth: float, radius: float) -> None:
    base = mouth + 0.026
    for side in (-1.0, -0.35, 0.35, 1.0):
        foot = (cx + side * 0.009, base)
        paint.line([(cx + side * radius * 0.13, mouth), foot], 0.0022, (0.07, 0.05, 0.04))
    glow = [(cx - 0.004, mouth - 0.002), (cx + 0.004, mouth - 0.002), (cx, mouth - 0.020)]
    paint.polygon(glow, (9.0, 4.2, 1.1))  # the burner
    left, right = cx - 0.0105, cx + 0.0105
    corners = [(left, base), (right, base), (right - 0.0015, base + 0.017)]
    paint.polygon(
        [*corners, (left + 0.0015, base + 0.017)], (0.42, 0.22, 0.085), (0.06, 0.035, 0.02)
    )


def boat(canvas: Canvas, aspect: float) -> Paint:
    """Paint a gaffer with tanned sails and its broken reflection; waterline at y = 0."""
    del aspect
    paint = Paint.blank(canvas, (0.10, 0.06, 0.05))
    _hull_and_rig(paint)
    weave = 1.0 + 0.16 * canvas.noise("weave", 0.012, 3, stretch=2.5)
    stain = 1.0 + 0.20 * canvas.noise("stain", 0.06, 4, stretch=0.7)
    paint.rgb[:] *= (weave * stain)[..., None]
    return _reflected(paint)


def _curve(start: Point, end: Point, belly: float, count: int = 12) -> list[Point]:
    """Points from `start` to `end`, bowed to the right of the way by `belly`."""
    t = np.linspace(0.0, 1.0, count)
    dx, dy = end[0] - start[0], end[1] - start[1]
    bow = belly * np.sin(np.pi * t)
    xs, ys = start[0] + dx * t - dy * bow, start[1] + dy * t + dx * bow
    return [(float(x), float(y)) for x, y in zip(xs, ys, strict=True)]


def _hull_and_rig(paint: Paint) -> None:
    glow, dusk = (1.75, 0.62, 0.17), (0.34, 0.085, 0.05)
    cream, blue = (1.45, 0.95, 0.55), (0.30, 0.27, 0.33)
    paint.line([(0.006, 0.0), (0.002, -0.335)], 0.009, (0.075, 0.045, 0.03))
    main = _curve((0.004, -0.052), (0.116, -0.058), -0.02)
    main += _curve((0.116, -0.058), (0.072, -0.292), -0.10) + _curve(
        (0.072, -0.292), (0.006, -0.225), 0.0
    )
    paint.polygon(main, glow, dusk)
    jib = _curve((-0.104, -0.052), (-0.002, -0.270), 0.06) + _curve(
        (-0.002, -0.270), (-0.012, -0.060), 0.08
    )
    paint.polygon(jib + _curve((-0.012, -0.060), (-0.104, -0.052), -0.05), cream, blue)
    top = [(0.009, -0.238), (0.066, -0.298), (0.004, -0.328)]
    paint.polygon(top, cream, blue)
    for share in (0.22, 0.42, 0.62, 0.82):  # seams of the mainsail
        left, right = (0.005, -0.052 - 0.175 * share), (0.114 - 0.04 * share, -0.058 - 0.23 * share)
        paint.line(_curve(left, right, -0.03), 0.0022, (0.30, 0.09, 0.05))
    paint.line([(-0.004, -0.048), (0.124, -0.052)], 0.0055, (0.10, 0.055, 0.03))
    paint.line([(0.004, -0.222), (0.078, -0.300)], 0.005, (0.10, 0.055, 0.03))
    paint.line([(-0.055, -0.034), (-0.118, -0.056)], 0.0055, (0.12, 0.065, 0.035))
    deck = _curve((-0.082, -0.044), (0.108, -0.036), 0.055)
    hull = [*deck, (0.096, -0.004), (0.07, 0.008), (-0.052, 0.008), (-0.07, -0.012)]
    paint.polygon(hull, (0.20, 0.17, 0.16), (0.022, 0.034, 0.05))
    rail = [*deck, *[(x, y + 0.0075) for x, y in reversed(deck)]]
    paint.polygon(rail, (1.25, 0.74, 0.40), (0.25, 0.16, 0.13))
    stripe = [(x * 0.955 + 0.001, y + 0.030) for x, y in deck]
    paint.polygon(
        [*stripe, *[(x, y + 0.006) for x, y in reversed(stripe)]],
        (0.55, 0.10, 0.05),
        (0.12, 0.02, 0.02),
    )
    for x in (0.048, 0.066):  # two in the cockpit
        paint.polygon(_ellipse(x, -0.056, 0.0075, 0.017), (0.32, 0.20, 0.15), (0.03, 0.03, 0.045))
        paint.polygon(
            _ellipse(x - 0.001, -0.076, 0.0052, 0.0065), (0.85, 0.45, 0.28), (0.10, 0.06, 0.05)
        )


def _ellipse(cx: float, cy: float, rx: float, ry: float, count: int = 18) -> list[Point]:
    angles = np.linspace(0.0, 2.0 * np.pi, count, endpoint=False)
    return [(cx + rx * float(np.cos(a)), cy + ry * float(np.sin(a))) for a in angles]


def _reflected(paint: Paint) -> Paint:
    """Mirror what stands above y = 0 into the water below, squeezed and torn into streaks."""
    canvas = paint.canvas
    drop = np.maximum(canvas.y, 0.0)
    wobble = canvas.noise("wobble", 0.016, 3, stretch=4.0)
    column = (canvas.x - canvas.left + wobble * (0.010 + 0.16 * drop)) * canvas.res
    row = (-1.9 * drop - 0.02 * wobble * (drop > 0) - canvas.top) * canvas.res
    reach = np.clip(np.rint(row).astype(int), 0, canvas.shape[0] - 1)
    across = np.clip(np.rint(column).astype(int), 0, canvas.shape[1] - 1)
    mirrored, cover = paint.rgb[reach, across], paint.matte[reach, across]
    tears = canvas.noise("tears", 0.010, 3, stretch=6.0) + 0.55 - 4.2 * drop
    wet = canvas.y >= 0.002
    cover = smoothstep(0.45, 0.55, cover * smoothstep(-0.05, 0.05, tears))
    tinted = mirrored * triple(0.42, 0.46, 0.52) + triple(0.02, 0.045, 0.055)
    rgb = np.where(wet[..., None], tinted, paint.rgb)
    return Paint(canvas, rgb, np.where(wet, cover, paint.matte))

"""The demo's foreground: a bank of grass and poppies, and the pine that sweeps across the lens."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas, Paint, mix, smoothstep, triple


def bank(canvas: Canvas, aspect: float) -> Paint:
    """Paint the near bank: earth and turf, thousands of blades lit from behind, and flowers."""
    paint = Paint.blank(canvas, (0.06, 0.055, 0.02))
    x = canvas.x[:1] / aspect
    crest = (
        0.925
        - 0.085 * np.exp(-(((x - 0.06) / 0.26) ** 2))
        - 0.035 * np.exp(-(((x - 1.0) / 0.2) ** 2))
    )
    crest = crest + 0.010 * canvas.profile("bank", 0.2, 4)
    turf = smoothstep(-0.8, 0.9, canvas.noise("turf", 0.05, 5, stretch=0.4))
    paint.rgb[:] = mix((0.006, 0.012, 0.007), (0.040, 0.048, 0.016), turf)
    paint.matte[:] = np.clip((canvas.y - crest) * canvas.res + 0.5, 0.0, 1.0)
    _blades(paint, crest[0], aspect)
    return paint


def _blades(paint: Paint, crest: np.ndarray, aspect: float) -> None:
    """Strokes from the crest down: each row of blades grows in front of the one before."""
    canvas, rng = paint.canvas, paint.canvas.rng("blades")
    width = canvas.right - canvas.left
    for depth in np.linspace(0.0, 1.0, 8):
        for root in rng.uniform(canvas.left, canvas.right, int(150 * width)):
            column = int(np.clip((root - canvas.left) * canvas.res, 0, len(crest) - 1))
            foot = (
                float(crest[column]) + 0.012 + 0.13 * float(depth) + float(rng.uniform(-0.01, 0.01))
            )
            if foot > canvas.bottom + 0.03:
                continue
            tall = float(rng.uniform(0.018, 0.062)) * (1.0 + 0.7 * float(depth))
            lean = float(rng.normal(0.010, 0.016))
            sun = float(np.exp(-abs(root / aspect - 0.36) / 0.42)) * (1.0 - 0.45 * float(depth))
            tone = sun * float(rng.uniform(0.1, 1.0)) ** 2.5
            colour = (0.014 + 0.95 * tone, 0.030 + 0.64 * tone, 0.012 + 0.10 * tone)
            path = [
                (root, foot),
                (root + lean * 0.35, foot - tall * 0.6),
                (root + lean, foot - tall),
            ]
            paint.line(path, 0.0042 * (1.0 + 0.5 * float(depth)), colour)
            if rng.random() < 0.045:
                _flower(paint, rng, (root + lean, foot - tall), sun)


def _flower(paint: Paint, rng: np.random.Generator, at: tuple[float, float], sun: float) -> None:
    x, y = at
    poppy = rng.random() < 0.7
    base = triple(0.95, 0.075, 0.03) if poppy else triple(0.80, 0.72, 0.78)
    base = base * (0.30 + 1.5 * sun)
    radius = float(rng.uniform(0.0055, 0.0105)) * (1.0 if poppy else 0.75)
    for turn in rng.uniform(0.0, 2.0 * np.pi) + np.arange(4) * (np.pi / 2):
        cx, cy = x + 0.45 * radius * np.cos(turn), y + 0.32 * radius * np.sin(turn)
        angles = np.linspace(0.0, 2.0 * np.pi, 9)[:-1]
        petal = [
            (float(cx + 0.62 * radius * np.cos(a)), float(cy + 0.5 * radius * np.sin(a)))
            for a in angles
        ]
        r, g, b = (float(c) for c in base * rng.uniform(0.75, 1.2))
        paint.polygon(petal, (r * 1.25, g * 1.25, b * 1.25), (r * 0.4, g * 0.4, b * 0.4))
    heart = [
        (x - 0.2 * radius, y),
        (x, y - 0.16 * radius),
        (x + 0.2 * radius, y),
        (x, y + 0.16 * radius),
    ]
    paint.polygon(heart, (0.02, 0.012, 0.012) if poppy else (0.9, 0.5, 0.05))


def pine(canvas: Canvas, aspect: float) -> Paint:
    """Paint the old pine whose trunk crosses the picture; the trunk stands at x = 0."""
    del aspect
    paint = Paint.blank(canvas, (0.022, 0.026, 0.012))
    lean = 0.045 * (0.6 - canvas.y) + 0.016 * np.sin(canvas.y * 5.0 + 0.6)
    flare = 0.050 * smoothstep(0.82, 1.08, canvas.y) - 0.011 * smoothstep(0.9, -0.1, canvas.y)
    half = 0.043 + flare + 0.0025 * canvas.noise("edge", 0.03, 3)
    across = (canvas.x - lean) / half
    paint.matte[:] = np.clip((1.0 - np.abs(across)) * half * canvas.res + 0.5, 0.0, 1.0)
    paint.rgb[:] = np.where((np.abs(across) < 1.15)[..., None], _bark(canvas, across), paint.rgb)
    rng = canvas.rng("boughs")
    for start, dx, dy, width in (
        (0.30, -0.33, -0.16, 0.021),
        (0.20, 0.36, -0.12, 0.023),
        (0.12, -0.24, -0.20, 0.018),
        (0.40, 0.22, -0.13, 0.012),
        (0.06, 0.22, -0.16, 0.017),
    ):
        root = 0.045 * (0.6 - start) + 0.016 * float(np.sin(start * 5.0 + 0.6))
        t = np.linspace(0.0, 1.0, 9)
        path = [(float(root + dx * s), float(start + dy * s**1.5)) for s in t]
        paint.line(path, width, (0.075, 0.042, 0.026))
        for at_x, at_y in path[3:]:
            _needles(paint, rng, at_x, at_y - 0.012)
    return paint


def _bark(canvas: Canvas, across: np.ndarray) -> np.ndarray:
    """Furrowed bark, rounded like a cylinder, with the sun raking along the left edge."""
    ridges = canvas.noise("furrow", 0.085, 4, stretch=0.20, gain=0.55)
    breaks = canvas.noise("break", 0.020, 3, stretch=1.6)
    plates = np.abs(ridges) + 0.10 * np.abs(breaks)
    gap = smoothstep(0.17, 0.03, plates)
    slope = np.gradient(plates, axis=1) * (canvas.res * 0.013)
    fibre = canvas.noise("fibre", 0.030, 4, stretch=0.16)
    tint = smoothstep(-0.5, 0.6, canvas.noise("tint", 0.12, 3, stretch=0.5))
    face = mix((0.070, 0.045, 0.036), (0.165, 0.085, 0.050), tint) * (1.0 + 0.5 * fibre)[..., None]
    body = mix(face, (0.010, 0.007, 0.008), gap)
    turn = np.clip(across, -1.0, 1.0)
    relief = np.clip(0.75 + 1.6 * slope + 0.4 * fibre, 0.0, 2.0)
    sky_light = ((0.22 + 0.50 * np.sqrt(1.0 - turn * turn)) * (0.5 + 0.5 * relief))[..., None]
    rim = (smoothstep(-0.38, -0.95, turn) * relief * (1.0 - 0.85 * gap))[..., None]
    cool = (smoothstep(0.40, 1.0, turn) * relief * (1.0 - gap))[..., None]
    warm_rim, cool_rim = triple(1.05, 0.42, 0.135), triple(0.040, 0.062, 0.115)
    return body * sky_light + rim * warm_rim + cool * cool_rim


def _needles(paint: Paint, rng: np.random.Generator, x: float, y: float) -> None:
    """Sprays of pine needles around a point, the last drawn bright with the sun behind them."""
    for turn in range(26):
        reach = np.clip(rng.normal(0.0, 1.0, 2), -1.7, 1.7)
        cx, cy = x + 0.034 * float(reach[0]), y - 0.006 + 0.015 * float(reach[1])
        axis = float(rng.uniform(np.pi * 1.05, np.pi * 1.95))
        for angle in axis + rng.normal(0.0, 0.50, 6):
            size = float(rng.uniform(0.010, 0.030))
            dx, dy = size * float(np.cos(angle)), size * float(np.sin(angle))
            glow = (turn / 25.0) ** 2 * float(rng.uniform(0.0, 1.0)) ** 1.5
            colour = (0.008 + 0.62 * glow, 0.018 + 0.42 * glow, 0.010 + 0.06 * glow)
            path = [(cx, cy), (cx + 0.55 * dx, cy + 0.5 * dy), (cx + dx, cy + dy)]
            paint.line(path, 0.0030, colour)

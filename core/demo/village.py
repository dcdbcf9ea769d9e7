"""The demo's middle ground: a wooded headland with a fishing village, doubled in the water."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas, Colour, Paint, Point, mix, smoothstep, triple

SHORE = 0.652  # the waterline, picture heights from the top
WALLS: tuple[Colour, ...] = (
    (1.0, 0.86, 0.68),
    (0.92, 0.62, 0.40),
    (0.80, 0.78, 0.74),
    (0.95, 0.72, 0.62),
)
ROOFS: tuple[Colour, ...] = ((0.50, 0.155, 0.075), (0.40, 0.12, 0.075), (0.24, 0.17, 0.17))
WARM: Colour = (1.55, 0.92, 0.50)  # light of the sun on what faces it
COOL: Colour = (0.135, 0.150, 0.225)  # light of the sky on what does not
LAMP: Colour = (5.2, 2.5, 0.62)


def _lit(colour: Colour, light: Colour) -> Colour:
    r, g, b = (c * k for c, k in zip(colour, light, strict=True))
    return (r, g, b)


def village(canvas: Canvas, aspect: float) -> Paint:
    """Paint the headland from x = 0.5 aspect to the right, its houses, quay and reflection."""
    paint = Paint.blank(canvas, (0.06, 0.05, 0.05))
    crest = _land(paint, aspect)
    _houses(paint, aspect, crest)
    grit = 1.0 + 0.22 * canvas.noise("grit", 0.012, 4) + 0.14 * canvas.noise("weather", 0.05, 3)
    dry = canvas.y < SHORE
    paint.rgb[:] = np.where(dry[..., None], paint.rgb * grit[..., None], paint.rgb)
    return _mirrored(paint, aspect)


def _land(paint: Paint, aspect: float) -> np.ndarray:
    """Paint the ground with its trees; return the crest's height by column."""
    canvas = paint.canvas
    x = canvas.x[:1] / aspect
    rise = smoothstep(0.50, 0.97, x)
    crest = (
        SHORE - 0.004 - 0.215 * rise**0.95 - 0.012 * canvas.profile("land", 0.12, 4) * (rise > 0)
    )
    dx, dy, which = canvas.cells("crowns", 0.027)
    fine_x, fine_y, fine = canvas.cells("leaves", 0.0075)
    # Crowns stand out of the crest: shift the outline by where in its clump a texel lies.
    bumps = 0.010 * (1.0 - dx * dx - dy * dy) * (0.4 + which) + 0.004 * (fine - 0.5)
    outline = canvas.y - crest + bumps * rise
    light = -0.85 * dx - 0.65 * dy - 0.35 * fine_x - 0.3 * fine_y
    lit = smoothstep(-0.25, 0.95, light + 0.3 * canvas.noise("dapple", 0.06, 3))
    dark = mix((0.016, 0.030, 0.030), (0.045, 0.055, 0.028), which)
    bright = mix((0.33, 0.26, 0.055), (0.58, 0.25, 0.060), fine * which)
    trees = mix(dark, bright, lit)
    terrace = smoothstep(0.30, 0.42, canvas.noise("terrace", 0.06, 3, stretch=3.0)) * (x < 1.2)
    field = mix(
        (0.25, 0.20, 0.055),
        (0.50, 0.32, 0.10),
        smoothstep(-0.6, 0.6, canvas.noise("sward", 0.01, 3)),
    )
    paint.rgb[:] = mix(trees, field, terrace * 0.8)
    paint.matte[:] = np.clip(outline * canvas.res + 0.5, 0.0, 1.0)
    paint.matte[:] *= np.clip((canvas.x - 0.515 * aspect) * canvas.res, 0.0, 1.0)
    paint.matte[canvas.y > SHORE] = 0.0
    return crest[0]


def _houses(paint: Paint, aspect: float, crest: np.ndarray) -> None:
    canvas, rng = paint.canvas, paint.canvas.rng("houses")
    rows = ((0.0, 0.575, 0.985, 22), (0.34, 0.66, 0.99, 13), (0.68, 0.74, 0.97, 8))
    for share, first, last, count in reversed(rows):
        for at in np.linspace(first, last, count) + rng.uniform(-0.007, 0.007, count):
            column = int(np.clip((at * aspect - canvas.left) * canvas.res, 0, len(crest) - 1))
            foot = SHORE - 0.012 + (float(crest[column]) - SHORE + 0.03) * share
            if share or rng.random() < 0.92:
                size = (0.040 - 0.012 * share) * float(rng.uniform(0.8, 1.25))
                _house(paint, rng, (float(at) * aspect, foot), size)
    column = int(np.clip((0.80 * aspect - canvas.left) * canvas.res, 0, len(crest) - 1))
    _church(paint, 0.80 * aspect, float(crest[column]) + 0.040)
    _quay(paint, aspect)


def _house(paint: Paint, rng: np.random.Generator, foot: Point, size: float) -> None:
    """One house in two faces: the gable turned to the sun at left, the long wall in shade."""
    x, y = foot
    wall, roof = WALLS[int(rng.integers(len(WALLS)))], ROOFS[int(rng.integers(len(ROOFS)))]
    gable, long = size * float(rng.uniform(0.55, 0.8)), size * float(rng.uniform(0.8, 1.3))
    tall, pitch = size * float(rng.uniform(0.75, 1.2)), size * 0.42
    eaves = y - tall
    peak = (x + gable / 2, eaves - pitch)
    face = [(x, y), (x, eaves), peak, (x + gable, eaves), (x + gable, y)]
    paint.polygon(face, _lit(wall, WARM), _lit(wall, (0.95, 0.56, 0.33)))
    right = x + gable + long
    side = [(x + gable, y), (x + gable, eaves), (right, eaves), (right, y)]
    paint.polygon(side, _lit(wall, (0.30, 0.27, 0.32)), _lit(wall, COOL))
    over = size * 0.05
    tiles = [
        peak,
        (peak[0] + long, peak[1]),
        (right + over, eaves + over),
        (x + gable - over, eaves + over),
    ]
    paint.polygon(tiles, _lit(roof, (0.95, 0.70, 0.62)), _lit(roof, (0.42, 0.42, 0.50)))
    paint.line([(x - over, eaves + over), (peak[0], peak[1] - over)], size * 0.1, _lit(roof, WARM))
    chimney = peak[0] + long * float(rng.uniform(0.2, 0.8))
    stack = [(chimney, peak[1] + over), (chimney, peak[1] - size * 0.2)]
    stack += [
        (chimney + size * 0.11, peak[1] - size * 0.2),
        (chimney + size * 0.11, peak[1] + over),
    ]
    paint.polygon(stack, _lit(roof, WARM), _lit(roof, COOL))
    for share in np.arange(0.12, 0.95, 0.27):
        pane = LAMP if rng.random() < 0.45 else (0.035, 0.045, 0.075)
        wx, wy = x + gable + long * float(share), eaves + tall * 0.30
        _pane(paint, (wx, wy), (size * 0.11, tall * 0.28), pane)
    _pane(
        paint,
        (x + gable * 0.42, eaves + tall * 0.22),
        (size * 0.10, tall * 0.26),
        (0.10, 0.07, 0.06),
    )


def _pane(paint: Paint, corner: Point, size: Point, colour: Colour) -> None:
    (x, y), (w, h) = corner, size
    paint.polygon([(x, y), (x + w, y), (x + w, y + h), (x, y + h)], colour)


def _church(paint: Paint, x: float, foot: float) -> None:
    stone, slate = (0.86, 0.74, 0.60), (0.20, 0.20, 0.25)
    side, top = 0.020, foot - 0.125
    nave = [
        (x + 0.015, foot),
        (x + 0.015, foot - 0.040),
        (x + 0.10, foot - 0.040),
        (x + 0.10, foot),
    ]
    paint.polygon(nave, _lit(stone, (0.34, 0.30, 0.34)), _lit(stone, COOL))
    ridge = [(x + 0.012, foot - 0.038), (x + 0.024, foot - 0.070), (x + 0.094, foot - 0.070)]
    paint.polygon(
        [*ridge, (x + 0.104, foot - 0.038)],
        _lit(slate, (1.1, 0.8, 0.75)),
        _lit(slate, (0.5, 0.5, 0.6)),
    )
    for window in np.arange(0.032, 0.095, 0.017):
        _pane(paint, (x + float(window), foot - 0.030), (0.0045, 0.017), LAMP)
    west = [(x - side, foot), (x - side, top), (x, top), (x, foot)]
    paint.polygon(west, _lit(stone, WARM), _lit(stone, (1.2, 0.72, 0.42)))
    south = [(x, foot), (x, top), (x + side * 0.85, top), (x + side * 0.85, foot)]
    paint.polygon(south, _lit(stone, (0.32, 0.29, 0.34)), _lit(stone, COOL))
    apex = (x - 0.001, top - 0.085)
    paint.polygon(
        [(x - side - 0.002, top), apex, (x + 0.001, top)],
        _lit(slate, WARM),
        _lit(slate, (1.3, 0.8, 0.5)),
    )
    paint.polygon([(x, top), apex, (x + side * 0.85 + 0.002, top)], _lit(slate, (0.5, 0.5, 0.62)))
    _pane(paint, (x - 0.0125, top + 0.014), (0.006, 0.020), (0.10, 0.065, 0.06))
    _pane(paint, (x + 0.006, top + 0.014), (0.005, 0.020), LAMP)


def _quay(paint: Paint, aspect: float) -> None:
    left, right = 0.555 * aspect, paint.canvas.right
    wall = [(left, SHORE - 0.014), (right, SHORE - 0.014), (right, SHORE), (left - 0.006, SHORE)]
    paint.polygon(wall, (0.42, 0.30, 0.22), (0.10, 0.10, 0.12))
    cap = [
        (left, SHORE - 0.015),
        (right, SHORE - 0.015),
        (right, SHORE - 0.012),
        (left, SHORE - 0.012),
    ]
    paint.polygon(cap, (1.1, 0.70, 0.42), (0.32, 0.24, 0.22))
    masts = paint.canvas.rng("masts")
    for at in masts.uniform(0.57, 0.96, 11):
        x, tall = float(at) * aspect, float(masts.uniform(0.05, 0.10))
        paint.line([(x, SHORE), (x + 0.001, SHORE - tall)], 0.0032, (0.10, 0.06, 0.045))
        keel = [
            (x - 0.020, SHORE - 0.010),
            (x + 0.022, SHORE - 0.010),
            (x + 0.016, SHORE),
            (x - 0.016, SHORE),
        ]
        paint.polygon(keel, WALLS[int(masts.integers(4))], (0.06, 0.07, 0.12))


def _mirrored(paint: Paint, aspect: float) -> Paint:
    """Double the shore in the water, torn into streaks and ending in ragged strokes."""
    canvas = paint.canvas
    drop = np.maximum(canvas.y - SHORE, 0.0)
    wobble = canvas.noise("shore-wobble", 0.012, 3, stretch=5.0)
    column = (canvas.x - canvas.left + wobble * (0.004 + 0.12 * drop)) * canvas.res
    row = (SHORE - 1.75 * drop + wobble * 0.12 * drop - canvas.top) * canvas.res
    reach = np.clip(np.rint(row).astype(int), 0, canvas.shape[0] - 1)
    across = np.clip(np.rint(column).astype(int), 0, canvas.shape[1] - 1)
    mirrored, cover = paint.rgb[reach, across], paint.matte[reach, across]
    tears = canvas.noise("shore-tears", 0.010, 3, stretch=7.0) + 0.62 - 6.0 * drop
    wet = canvas.y >= SHORE
    cover = smoothstep(0.46, 0.54, cover * smoothstep(-0.05, 0.05, tears))
    tinted = mirrored * triple(0.40, 0.42, 0.46) + triple(0.025, 0.045, 0.06)
    rgb = np.where(wet[..., None], tinted, paint.rgb)
    return Paint(
        canvas, rgb.astype(np.float32), np.where(wet, cover, paint.matte).astype(np.float32)
    )

"""The demo's layers from back to front: who paints each, and the affine motion it follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from . import backdrop, foreground, props, village
from .canvas import Canvas, Paint

Matrix = NDArray[np.float64]  # (3, 3), homogeneous

OVERSAMPLING = 1.5  # texels a pixel: sharp, with room for the zoom
SOFTNESS = 0.85  # Gaussian sigma in texels: a lens's softness; keeps moving texture from aliasing
ZOOM = 0.045  # the push in over the whole shot
PAD = 0.06  # picture heights of texture beyond what the motion needs


@dataclass(frozen=True)
class Move:
    """How a layer moves over the shot, `tau` running from 0 to 1; lengths in picture heights.

    `travel` is the whole way covered; `shear` adds travel in proportion to the depth below the
    horizon, which is how a plane of water passes a moving camera; `rock` is a swing in radians.
    """

    travel: tuple[float, float]
    place: tuple[float, float] = (0.0, 0.0)  # of the layer's origin, at the middle of the shot
    shear: float = 0.0
    rock: float = 0.0

    def matrix(self, tau: float) -> Matrix:
        """Layer coordinates to scene coordinates."""
        since = tau - 0.5
        angle = self.rock * np.sin(2.0 * np.pi * 1.15 * tau)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        slide = np.eye(3)
        slide[0, 1] = self.shear * since
        slide[0, 2] = self.place[0] + self.travel[0] * since - self.shear * since * backdrop.HORIZON
        slide[1, 2] = self.place[1] + self.travel[1] * since
        turned = np.eye(3)
        turned[:2, :2] = turn
        return slide @ turned


@dataclass(frozen=True)
class Layer:
    """A painted layer: colour (h, w, 3), matte (h, w), and its motion."""

    rgb: NDArray[np.float32]
    matte: NDArray[np.float32]
    canvas: Canvas
    move: Move

    def texel_to_pixel(self, tau: float, width: int, height: int) -> Matrix:
        """Where the layer lies in the picture: texel indices to pixel indices."""
        canvas = self.canvas
        from_texel = np.array(
            [
                [1.0 / canvas.res, 0.0, canvas.left + 0.5 / canvas.res],
                [0.0, 1.0 / canvas.res, canvas.top + 0.5 / canvas.res],
                [0.0, 0.0, 1.0],
            ]
        )
        zoom = 1.0 + ZOOM * tau
        centre = np.array([0.5 * width / height, 0.5])
        camera = np.eye(3)
        camera[:2, :2] *= zoom * height
        camera[:2, 2] = centre * (1.0 - zoom) * height - 0.5
        return camera @ self.move.matrix(tau) @ from_texel


def build_layers(width: int, height: int, seed: int) -> tuple[Layer, ...]:
    """Paint every layer once, far to near, for pictures of `width` x `height`."""
    aspect = width / height
    res = OVERSAMPLING * height

    def paint(
        painter: Callable[[Canvas, float], Paint],
        window: tuple[float, float, float, float],
        move: Move,
    ) -> Layer:
        picture = painter(Canvas(*window, res, seed), aspect)
        rgb = cv2.GaussianBlur(picture.rgb, (0, 0), SOFTNESS).astype(np.float32, copy=False)
        matte = np.clip(picture.matte, 0.0, 1.0).astype(np.float32)
        return Layer(rgb, matte, picture.canvas, move)

    def wide(
        painter: Callable[[Canvas, float], Paint], top: float, bottom: float, move: Move
    ) -> Layer:
        side = abs(move.travel[0]) * 0.56 + abs(move.shear) * 0.28 + PAD
        return paint(painter, (-side, top, aspect + side, bottom), move)

    def far(canvas: Canvas, picture: float) -> Paint:
        return backdrop.hills(canvas, picture, near=False)

    def near(canvas: Canvas, picture: float) -> Paint:
        return backdrop.hills(canvas, picture, near=True)

    return (
        wide(backdrop.sky, -PAD, 0.62, Move((-0.03, 0.0))),
        wide(far, 0.24, 0.64, Move((-0.055, 0.0))),
        wide(near, 0.38, 0.66, Move((-0.10, 0.0))),
        paint(
            props.balloon,
            (-0.10, 0.0, 0.10, 0.29),
            Move((-0.035, -0.07), (0.62 * aspect, 0.075), rock=0.05),
        ),
        wide(backdrop.bay, 0.55, 1.06, Move((-0.10, 0.0), shear=-0.85)),
        wide(village.village, 0.26, 0.80, Move((-0.17, 0.0))),
        paint(
            props.boat,
            (-0.16, -0.36, 0.16, 0.20),
            Move((0.16, 0.004), (0.47 * aspect, 0.775), rock=0.022),
        ),
        wide(foreground.bank, 0.74, 1.07, Move((-0.44, 0.0))),
        paint(
            foreground.pine, (-0.52, -0.07, 0.52, 1.08), Move((-1.02, 0.0), (0.66 * aspect, 0.0))
        ),
    )

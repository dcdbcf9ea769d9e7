"""The demo shot: an evening bay seen from a moving camera, with exact motion and occlusion.

Layers painted once (:mod:`.layers`) move by affine maps, so that the motion of every pixel is
known in closed form and what covers what is a question of layer order.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput
from .layers import Layer, Matrix, build_layers

Array = NDArray[np.float32]

NOMINAL_STEPS = 23  # a shorter shot moves at the speed of one of 24 frames, a longer one slower
SMALLEST, LARGEST = 16, 8192


@dataclass(frozen=True)
class DemoFrame:
    """One frame with its ground truth; motion is in pixels, x right and y down.

    `backward` is a point's position in frame t-1 minus its position in t, `forward` that in t+1
    minus that in t; both live on frame t, and continue beyond the shot's ends as the camera does.
    `disoccluded` marks what frame t-1 does not show: covered there, or outside the picture.
    """

    rgb: Array  # (H, W, 3) float32, scene-linear Rec.709
    alpha: Array  # (H, W) float32, 1 everywhere
    backward: Array  # (H, W, 2) float32
    forward: Array  # (H, W, 2) float32
    disoccluded: NDArray[np.bool_]  # (H, W)


class DemoShot:
    """A procedural HDR shot: the same arguments give the same pixels, in any order of frames."""

    def __init__(
        self,
        width: int = 640,
        height: int = 360,
        frames: int = 24,
        first: int = 1001,
        seed: int = 7,
        grain: float = 0.004,
    ) -> None:
        """Describe the shot; nothing is painted before the first frame is asked for.

        Args:
            grain: Film grain's standard deviation at scene-linear 1; it falls with the square root
                of the light. 0 leaves it out.

        Raises:
            BadInput: A size, count or number is out of range.
        """
        for name, value, low, high in (
            ("width", width, SMALLEST, LARGEST),
            ("height", height, SMALLEST, LARGEST),
            ("frames", frames, 1, 100_000),
            ("first", first, 0, 1_000_000),
            ("seed", seed, 0, 2**31),
            ("grain", grain, 0.0, 1.0),
        ):
            if not low <= value <= high:
                raise BadInput(f"demo shot, {name}: expected {low} to {high}; got {value}")
        self.width, self.height, self.seed, self.grain = width, height, seed, grain
        self.frames: tuple[int, ...] = tuple(range(first, first + frames))
        self._steps = max(NOMINAL_STEPS, frames - 1)

    @cached_property
    def _layers(self) -> tuple[Layer, ...]:
        return build_layers(self.width, self.height, self.seed)

    def frame(self, number: int) -> DemoFrame:
        """Render one frame, a pure function of its number.

        Raises:
            BadInput: The shot has no such frame.
        """
        if number not in self.frames:
            span = f"{self.frames[0]}-{self.frames[-1]}"
            raise BadInput(f"demo shot: expected a frame in {span}; got {number}")
        placed = self._placed(number)
        rgb, owner = self._composite(placed)
        backward = self._motion(owner, placed, self._placed(number - 1))
        forward = self._motion(owner, placed, self._placed(number + 1))
        return DemoFrame(
            rgb=self._grained(rgb, number),
            alpha=np.ones((self.height, self.width), np.float32),
            backward=backward,
            forward=forward,
            disoccluded=self._hidden(owner, backward, self._placed(number - 1)),
        )

    def _placed(self, number: int) -> list[Matrix]:
        tau = (number - self.frames[0]) / self._steps
        return [layer.texel_to_pixel(tau, self.width, self.height) for layer in self._layers]

    def _composite(self, placed: list[Matrix]) -> tuple[Array, NDArray[np.intp]]:
        """Lay the layers over each other; also say whose each pixel is (matte above one half)."""
        rgb = np.zeros((self.height, self.width, 3), np.float32)
        owner = np.zeros((self.height, self.width), np.intp)
        for index, (layer, matrix) in enumerate(zip(self._layers, placed, strict=True)):
            x0, y0, x1, y1 = self._bounds(layer, matrix)
            if x1 <= x0 or y1 <= y0:
                continue
            shift = np.array([[1.0, 0.0, x0], [0.0, 1.0, y0], [0.0, 0.0, 1.0]])
            back = (np.linalg.inv(matrix) @ shift)[:2]
            size, flags = (x1 - x0, y1 - y0), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            colour = cv2.warpAffine(
                layer.rgb, back, size, flags=flags, borderMode=cv2.BORDER_REPLICATE
            )
            window = np.s_[y0:y1, x0:x1]
            if index == 0:  # the sky fills the picture
                rgb[window] = colour
                continue
            matte = cv2.warpAffine(layer.matte, back, size, flags=flags)
            rgb[window] += (colour - rgb[window]) * matte[..., None]
            owner[window][matte > 0.5] = index
        return rgb, owner

    def _bounds(self, layer: Layer, matrix: Matrix) -> tuple[int, int, int, int]:
        """The part of the picture that a layer can reach: left, top, right, bottom."""
        h, w = layer.matte.shape
        corners = matrix @ np.array([[0, w, 0, w], [0, 0, h, h], [1, 1, 1, 1]], np.float64)
        low, high = np.floor(corners[:2].min(axis=1)) - 1, np.ceil(corners[:2].max(axis=1)) + 2
        x0, y0 = (int(v) for v in np.maximum(low, 0))
        x1, y1 = (int(v) for v in np.minimum(high, (self.width, self.height)))
        return x0, y0, x1, y1

    def _motion(self, owner: NDArray[np.intp], here: list[Matrix], there: list[Matrix]) -> Array:
        """Displacement of every pixel to where its layer puts it in another frame, pixels."""
        steps = np.stack(
            [b @ np.linalg.inv(a) - np.eye(3) for a, b in zip(here, there, strict=True)]
        )
        table = steps[:, :2].astype(np.float32)[owner]
        x = np.arange(self.width, dtype=np.float32)[None, :, None]
        y = np.arange(self.height, dtype=np.float32)[:, None, None]
        motion = table[..., 0] * x + table[..., 1] * y + table[..., 2]
        return motion.astype(np.float32, copy=False)

    def _hidden(
        self, owner: NDArray[np.intp], backward: Array, before: list[Matrix]
    ) -> NDArray[np.bool_]:
        """What the frame before does not show: out of picture, or under a nearer layer there."""
        x = backward[..., 0] + np.arange(self.width, dtype=np.float32)
        y = backward[..., 1] + np.arange(self.height, dtype=np.float32)[:, None]
        hidden = (x < -0.5) | (y < -0.5) | (x >= self.width - 0.5) | (y >= self.height - 0.5)
        for index, (layer, matrix) in enumerate(zip(self._layers, before, strict=True)):
            back = np.linalg.inv(matrix).astype(np.float32)
            column = back[0, 0] * x + back[0, 1] * y + back[0, 2]
            row = back[1, 0] * x + back[1, 1] * y + back[1, 2]
            matte = cv2.remap(layer.matte, column, row, cv2.INTER_LINEAR)
            hidden |= (matte > 0.5) & (owner < index)
        return hidden

    def _grained(self, rgb: Array, number: int) -> Array:
        if self.grain == 0:
            return rgb
        rng = np.random.default_rng([self.seed, number])
        noise = rng.standard_normal(rgb.shape, np.float32)
        noise = cv2.GaussianBlur(noise, (0, 0), 0.5)
        noise *= np.float32(self.grain) / noise.std()
        return np.maximum(rgb + noise * np.sqrt(np.clip(rgb, 0.02, 4.0)), 0.0)

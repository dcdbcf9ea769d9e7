"""Pictures in memory as a shot, so that everything that reads shots reads them too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType

import numpy as np

from ..errors import BadInput
from .colour import PlateColour
from .placing import Placed, Window
from .source import Shot

Pull = Callable[[int], np.ndarray]


def shot_of_pictures(
    pull: Pull,
    size: tuple[int, int],
    count: int,
    colour: PlateColour,
    *,
    first: int = 1001,
    fps: Fraction | None = None,
    alpha: Pull | None = None,
) -> Shot:
    """Return a shot of pictures that lie in no file.

    Args:
        pull: gives (H, W, 3) float32 in the colour space, by its place from 0.
        size: height and width.
        count: number of pictures.
        colour: their colour space; linear and log spaces are scene-referred.
        first: number of the first frame.
        alpha: gives (H, W) float32, by which the pictures are multiplied already; None: opaque.
    """
    height, width = size
    if not (height and width and count):
        raise BadInput(f"pictures: expected at least one; got {count} of {width}x{height}.")
    window = Window(0, 0, width, height)
    whole = (slice(0, height), slice(0, width))

    def read(frame: int) -> Placed:
        cover = None if alpha is None else alpha(frame - first)
        return Placed(frame, pull(frame - first), cover, None, whole)

    is_scene = colour.is_identity or colour.exceeds_display
    return Shot(
        name="picture.####.exr",
        frames=tuple(range(first, first + count)),
        canvas=window,
        display=window,
        pixel_aspect=1.0,
        fps=fps,
        colour=colour,
        is_exr=False,
        is_float=is_scene,
        is_scene_referred=is_scene,
        is_video=False,
        proxy=1,
        read=read,
        sequence=None,
        stands_in={},
        files=(),
    )


def with_pictures(
    shot: Shot,
    pull: Pull,
    size: tuple[int, int],
    count: int,
    known: Mapping[int, Placed] = MappingProxyType({}),
) -> Shot:
    """Return a shot with other pictures over its canvas; alpha and windows stay the plate's.

    Args:
        shot: the plate's.
        pull: gives a picture by its place.
        size: height and width of the pictures.
        count: how many there are.
        known: frames of which all but the picture is known: their files are not read again.

    Raises:
        BadInput: the pictures do not fit the shot.
    """
    canvas = shot.canvas
    if size != (canvas.height, canvas.width) or count != len(shot.frames):
        raise BadInput(
            f"plate {shot.name}: expected {len(shot.frames)} pictures of "
            f"{canvas.width}x{canvas.height} as the plate has; got {count} of {size[1]}x{size[0]}. "
            "Take the plate off, or wire the pictures that were read with it."
        )
    places = {frame: place for place, frame in enumerate(shot.frames)}

    def replaced(frame: int) -> Placed:
        under = known.get(frame) or shot.read(frame)
        return replace(under, rgb=pull(places[frame]))

    return replace(shot, read=replaced)


def renumber(shot: Shot, first: int) -> Shot:
    """Return a shot of pictures that lie in no file with other frame numbers."""
    back = dict(enumerate(shot.frames, start=first))
    read = shot.read
    return replace(
        shot, frames=tuple(back), read=lambda frame: replace(read(back[frame]), frame=frame)
    )

"""A shot as pictures to look at: PNG or JPEG frames, or a flipbook."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import BadInput, WriteRefused
from ..media.colour import PlateColour
from ..media.placing import Placed
from ..media.sequences import is_video, output_sequence
from ..media.source import Shot
from ..media.video_writer import write_video
from ..render.output import DEFAULT_RATE, display_colour
from ..render.sheet import save_picture_8bit
from ..render.space import in_space

LOOKED_AT = (".png", ".jpg", ".jpeg")


def shown(shot: Shot, number: int, exposure: float) -> np.ndarray:
    """Return a frame's display window (H, W, 3) as an sRGB display shows it, 0 to 1, over black."""
    placed = shot.read(number)
    display, canvas = shot.display, shot.canvas
    top, left = display.y - canvas.y, display.x - canvas.x
    rgb = exposed(placed, shot.colour, exposure) if exposure else placed.rgb
    rgb = in_space(placed, rgb, shot.colour, display_colour())
    cut = rgb[top : top + display.height, left : left + display.width]
    return np.ascontiguousarray(np.clip(np.nan_to_num(cut), 0, 1))


def exposed(placed: Placed, colour: PlateColour, stops: float) -> np.ndarray:
    """Return a frame's RGB with stops added."""
    return colour.from_linear(colour.to_linear(placed.rgb) * np.float32(2.0**stops))


def write_view(shot: Shot, file: str, exposure: float, *, overwrite: bool) -> tuple[str, ...]:
    """Write every frame of a shot as a picture to look at, or all of them as one flipbook.

    Raises:
        BadInput: another kind of file.
        WriteRefused: a file is there already.
    """
    if is_video(file):

        def pictures() -> Iterator[np.ndarray]:
            return (shown(shot, frame, exposure) for frame in shot.frames)

        rate, aspect = shot.fps or DEFAULT_RATE, shot.pixel_aspect
        write_video(file, pictures(), rate, overwrite=overwrite, pixel_aspect=aspect)
        return (file,)
    if Path(file).suffix.lower() not in LOOKED_AT:
        raise BadInput(f"viewer.file: expected a .png, .jpg, .mp4 or .mov; got {file!r}.")
    sequence = output_sequence(file, shot.frames, default_name="view.####.png")
    made = []
    for frame in shot.frames:
        path = sequence.path(frame)
        if path.exists() and not overwrite:
            raise WriteRefused(f"{path}: is there already. Set overwrite to replace it.")
        made.append(str(save_picture_8bit(path, shown(shot, frame, exposure))))
    return tuple(made)


def displayed(shot: Shot, picture: Callable[[int], np.ndarray]) -> Shot:
    """Return a shot of display pictures, opaque, over another one's canvas.

    Args:
        picture: gives a frame's (H, W, 3), 0 to 1.
    """
    whole = (slice(0, shot.canvas.height), slice(0, shot.canvas.width))
    return replace(
        shot,
        read=lambda number: Placed(number, picture(number), None, None, whole),
        colour=display_colour(),
        is_exr=False,
        is_float=False,
        is_scene_referred=False,
        sequence=None,
    )

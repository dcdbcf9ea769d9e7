"""A shot on disk: its frames, its windows, its colour; each frame read when it is asked for."""

from __future__ import annotations

import enum
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..clip import Format
from ..errors import BadInput, MissingFrame
from .colour import PlateColour, is_scene_referred, plate_space
from .images import Header, Plate, probe, read_plate
from .placing import Placed, Window, place, proxy, shrink, shrunk
from .sequences import Sequence, find_sequence, format_frames, is_video
from .video import VideoSource

SMALLEST_PROXY = 16
LARGEST_CANVAS = 1 << 29  # pixels, sixteen times 8K: 6 GiB as float32


class Missing(enum.Enum):
    """What stands in for a frame that is not on disk."""

    ERROR = "error"
    HOLD = "hold"
    BLACK = "black"
    SKIP = "skip"


@dataclass(frozen=True)
class Shot:
    """A shot as it lies on disk.

    Attributes:
        name: file name or pattern, for outputs and reports.
        frames: the numbers of all frames, in order; the recursion begins at the first.
        canvas: union of the display window and of every frame's data window.
        display: the display window of the first frame.
        proxy: how many pixels become one; 1 is full size.
        sequence: the files of an image sequence; None for a video.
        stands_in: frames that are not on disk, and the frame they hold (None: black).
        files: every file of the shot.
    """

    name: str
    frames: tuple[int, ...]
    canvas: Window
    display: Window
    pixel_aspect: float
    fps: Fraction | None
    colour: PlateColour
    is_exr: bool
    is_float: bool
    is_scene_referred: bool
    is_video: bool
    proxy: int
    read: Callable[[int], Placed]
    sequence: Sequence | None
    stands_in: dict[int, int | None]
    files: tuple[Path, ...]

    @property
    def format(self) -> Format:
        """Return the display window as a format."""
        return Format(self.display.width, self.display.height, self.pixel_aspect)


@dataclass(frozen=True)
class ReadSettings:
    """How a shot is read."""

    colour: str | None = None  # the plate's colour space; None: what the file says
    layer: str | None = None  # EXR layer to paint; None: the picture
    missing: Missing = Missing.ERROR
    proxy: int = 1


def open_shot(text: str | Path, settings: ReadSettings = ReadSettings()) -> Shot:
    """Open a sequence, a folder, a still or a video; reads headers only.

    Raises:
        MissingFrame: nothing there, or a gap and no policy for it.
        UnreadableFile: a header cannot be read.
        BadInput: frames of different sizes, an unknown colour space, a proxy that is no number.
    """
    if not 1 <= settings.proxy <= SMALLEST_PROXY:
        raise BadInput(f"proxy: expected 1 to 1/{SMALLEST_PROXY}; got 1/{settings.proxy}.")
    if is_video(text):
        return open_video(Path(text), settings)
    return open_sequence(find_sequence(text), settings)


def open_video(path: Path, settings: ReadSettings) -> Shot:
    """Open a video; its frames are numbered from 1."""
    if settings.layer:
        raise BadInput(f"{path}: --layer {settings.layer}: a video has no layers.")
    video = VideoSource(path)
    colour = PlateColour(plate_space(video, choice=settings.colour))
    window = shrunk(Window(0, 0, video.width, video.height), settings.proxy)
    whole = (slice(0, window.height), slice(0, window.width))

    def read(frame: int) -> Placed:
        rgb = shrink(video.read(frame), window)
        return Placed(frame, rgb, None, None, whole)

    return Shot(
        name=path.name,
        frames=video.frames,
        canvas=window,
        display=window,
        pixel_aspect=float(video.pixel_aspect),
        fps=video.fps,
        colour=colour,
        is_exr=False,
        is_float=False,
        is_scene_referred=colour.exceeds_display,
        is_video=True,
        proxy=settings.proxy,
        read=read,
        sequence=None,
        stands_in={},
        files=(path,),
    )


def open_sequence(sequence: Sequence, settings: ReadSettings) -> Shot:
    """Open an image sequence: every header is read once, so a shot that will fail fails at once."""
    stands_in = replacements(sequence, settings.missing)
    frames = tuple(sorted({*sequence.frames, *stands_in}))
    with ThreadPoolExecutor(4) as pool:
        paths = [sequence.path(frame) for frame in sequence.frames]
        headers = list(pool.map(lambda path: probe(path, settings.layer), paths))
    first = headers[0]
    check_sizes(headers)
    colour = PlateColour(plate_space(first, choice=settings.colour))
    display = Window(*first.display_window)
    canvas = united(display, headers)
    small = shrunk(canvas, settings.proxy)

    def read(frame: int) -> Placed:
        held = stands_in.get(frame, frame)
        if held is None:
            held = nearest(frame, sequence.frames)
            plate = blacked(read_plate(sequence.path(held), frame, settings.layer))
        else:
            plate = read_plate(sequence.path(held), frame, settings.layer)
        placed = place(plate, Window(*headers[sequence.frames.index(held)].data_window), canvas)
        return placed if settings.proxy == 1 else proxy(placed, small)

    return Shot(
        name=Path(sequence.template).name,
        frames=frames,
        canvas=small,
        display=shrunk(display, settings.proxy),
        pixel_aspect=first.pixel_aspect,
        fps=first.fps,
        colour=colour,
        is_exr=first.file_format == "openexr",
        is_float=is_scene_referred(first),
        is_scene_referred=is_scene_referred(first) or colour.exceeds_display,
        is_video=False,
        proxy=settings.proxy,
        read=read,
        sequence=sequence,
        stands_in=stands_in,
        files=tuple(paths),
    )


def replacements(sequence: Sequence, missing: Missing) -> dict[int, int | None]:
    """Say what stands in for each frame that is not on disk."""
    gaps = sequence.missing() if len(sequence.frames) > 1 or sequence.wanted else ()
    if not gaps or missing is Missing.SKIP:
        return {}
    if missing is Missing.ERROR:
        raise MissingFrame(
            f"{sequence.template}: expected every frame from {min(sequence.frames)} to "
            f"{max(sequence.frames)}; missing {format_frames(gaps)}. "
            "Render them, or choose --missing hold, black or skip."
        )
    if missing is Missing.BLACK:
        return dict.fromkeys(gaps)
    first = min(sequence.frames)
    return {gap: max((f for f in sequence.frames if f < gap), default=first) for gap in gaps}


def nearest(frame: int, frames: tuple[int, ...]) -> int:
    """Return the frame on disk that lies nearest, the earlier of two."""
    return min(frames, key=lambda number: abs(number - frame))


def blacked(plate: Plate) -> Plate:
    """Return a plate with every channel 0, so that a black frame has the windows of the others."""
    original = plate.original
    parts = tuple(replace(part, pixels=np.zeros_like(part.pixels)) for part in original.parts)
    original = replace(original, parts=parts)
    return replace(plate, rgb=original.rgb(), alpha=original.alpha(), original=original)


def check_sizes(headers: list[Header]) -> None:
    """Refuse a shot whose frames differ in size.

    A data window may move and grow inside one display window; the display window may not change.
    """
    first = headers[0]
    for header in headers[1:]:
        if header.display_window[2:] != first.display_window[2:]:
            was, got = first.display_window, header.display_window
            raise BadInput(
                f"{header.path}: expected {was[2]}x{was[3]} as in {first.path.name}; got "
                f"{got[2]}x{got[3]}. A shot has one size: render the parts one by one, "
                "named such as plate.[1001-1010].exr."
            )


def united(display: Window, headers: list[Header]) -> Window:
    """Return the smallest canvas that holds the display window and every data window.

    Raises:
        BadInput: a window lies so far off, or is so large, that no memory holds the canvas.
    """
    canvas = display
    for header in headers:
        canvas = canvas.union(Window(*header.data_window))
        if canvas.width * canvas.height > LARGEST_CANVAS:
            raise BadInput(
                f"{header.path}: expected windows that span at most {LARGEST_CANVAS >> 20} million "
                f"pixels; got {canvas.width}x{canvas.height}. Crop it, or render it smaller."
            )
    return canvas

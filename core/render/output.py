"""Where a shot goes: frames of a sequence, or a video that is muxed from finished frames."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Callable, Iterator
from collections.abc import Sequence as Sequence_
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from torch import Tensor

from ..clip import Clip
from ..errors import BadInput, WriteRefused
from ..media.alpha import premultiply
from ..media.colour import DISPLAY, LINEAR, PlateColour, find_space
from ..media.form import AS_PLATE, Form
from ..media.images import WRITABLE_SUFFIXES, read_plate, write_picture
from ..media.placing import Placed
from ..media.sequences import Sequence, format_frames, is_video, output_sequence
from ..media.source import Shot
from ..media.video_writer import Codec, write_video
from .pipeline import WriteBehind
from .space import in_space

DEFAULT_RATE = Fraction(24)
WRITERS = 2  # threads of a clip that is written; each holds a frame or two


@dataclass(frozen=True)
class Output:
    """An output.

    Attributes:
        sequence: where each frame is written; for a video, lossless frames in the work folder.
        folder: where journal, report and checkpoints lie.
        name: what they are called.
        video: the video to mux in the end; None for a sequence.
        colour: the colour space that is written.
        form: type and compression of an EXR, where they are not to be the plate's.
    """

    sequence: Sequence
    folder: Path
    name: str
    video: Path | None
    colour: PlateColour
    form: Form = AS_PLATE

    def path(self, frame: int) -> Path:
        """Return the file of a frame."""
        return self.sequence.path(frame)

    def targets(self, frames: tuple[int, ...]) -> list[Path]:
        """Return the files that will be written."""
        return [self.video] if self.video else [self.path(frame) for frame in frames]

    def write(
        self,
        placed: Placed,
        rgb: np.ndarray,
        shot: Shot,
        *,
        layers: dict[str, np.ndarray],
        metadata: dict[str, str],
    ) -> Path:
        """Write one finished frame (H, W, 3) over the canvas; whole, or not at all."""
        rgb = in_space(placed, rgb, shot.colour, self.colour)
        path = self.path(placed.frame)
        cut = {name: values[placed.inside] for name, values in layers.items()}
        alpha = placed.alpha if placed.plate is None or not placed.own_alpha else None
        alpha = alpha if alpha is None else alpha[placed.inside]
        write_picture(
            path,
            rgb[placed.inside],
            placed.plate,
            overwrite=True,
            alpha=alpha,
            extra=cut or None,
            metadata=metadata,
            form=self.form,
        )
        return path

    def mux(
        self,
        frames: tuple[int, ...],
        shot: Shot,
        *,
        overwrite: bool,
        before_each: Callable[[int], None] = lambda frame: None,
    ) -> None:
        """Make the video out of the finished frames, over black."""
        if self.video is None:
            return

        def pictures() -> Iterator[np.ndarray]:
            for frame in frames:
                before_each(frame)
                plate = read_plate(self.path(frame), frame)
                if plate.alpha is None or plate.is_premultiplied:
                    yield plate.rgb
                else:
                    yield premultiply(plate.rgb, plate.alpha)

        rate = shot.fps or DEFAULT_RATE
        write_video(
            self.video, pictures(), rate, overwrite=overwrite, pixel_aspect=shot.pixel_aspect
        )

    def let_go(self) -> None:
        """Remove the frames that a finished video was made of."""
        if self.video is not None:
            shutil.rmtree(Path(self.sequence.template).parent, ignore_errors=True)


def plan_output(text: str, shot: Shot, frames: tuple[int, ...], form: Form = AS_PLATE) -> Output:
    """Decide where frames go.

    Raises:
        BadInput: unknown format, a name without a frame number, output equal to input.
    """
    if is_video(text):
        refuse_source([Path(text)], shot.files)
        return plan_video(Path(text))
    default = shot.name if not shot.is_video else f"{Path(shot.name).stem}.####.png"
    sequence = output_sequence(text, frames, default_name=default)
    suffix = Path(sequence.template).suffix.lower()
    if suffix not in WRITABLE_SUFFIXES:
        known = ", ".join(sorted(WRITABLE_SUFFIXES | {".mp4", ".mov"}))
        raise BadInput(
            f"output {text}: expected a name that ends in {known}; got {suffix or 'none'}."
        )
    refuse_source([sequence.path(frame) for frame in frames], shot.files)
    folder = Path(sequence.template).parent
    name = Path(sequence.template).name.replace("#", "")
    name = ".".join(part for part in name.split(".") if part) or "frames"
    return Output(sequence, folder, name, None, output_colour(shot, suffix), form)


def write_clip(
    output: Output,
    clip: Clip[Tensor],
    shot: Shot,
    *,
    overwrite: bool,
    layers: Callable[[int], dict[str, np.ndarray]] = lambda frame: {},
) -> tuple[str, ...]:
    """Write every frame of a clip of pictures (1, H, W, 3) over the shot's canvas.

    Args:
        layers: gives further planes (H, W) of a frame by channel name, for EXR.

    Returns:
        The files, in order.

    Raises:
        WriteRefused: a file is there already.
    """
    if not overwrite:
        refuse_existing(output, clip.frames)
    files: dict[int, str] = {}

    def write(placed: Placed, rgb: np.ndarray, planes: dict[str, np.ndarray]) -> None:
        path = output.write(placed, rgb, shot, layers=planes, metadata={})
        files[placed.frame] = str(path)

    behind = WriteBehind(WRITERS)
    try:
        for frame in clip.frames:
            rgb = clip.frame(frame)[0].cpu().numpy()
            behind.submit(functools.partial(write, shot.read(frame), rgb, layers(frame)))
    except BaseException:
        behind.drop()
        raise
    behind.close()
    output.mux(clip.frames, shot, overwrite=overwrite)
    output.let_go()
    in_order = tuple(files[frame] for frame in clip.frames)
    return in_order if output.video is None else (str(output.video),)


def plan_video(path: Path) -> Output:
    """Plan a video: frames go to the work folder first."""
    Codec.of(path)
    work = path.parent / ".stillbrush" / path.name / "frames"
    sequence = Sequence(str(work / "frame.######.png"), ())
    return Output(sequence, path.parent, path.name, path, display_colour())


def display_colour() -> PlateColour:
    """Return the space of pictures to look at: sRGB."""
    return PlateColour(find_space(DISPLAY))


def output_colour(shot: Shot, suffix: str) -> PlateColour:
    """Return the space to write: the plate's own, unless the kind of file says otherwise.

    A scene-referred plate written to an integer format other than its own becomes sRGB; what was no
    EXR and is written to EXR becomes linear Rec.709.
    """
    if suffix == ".exr":
        return shot.colour if shot.is_exr else PlateColour(find_space(LINEAR))
    same_format = not shot.is_video and Path(shot.name).suffix.lower()[:4] == suffix[:4]
    float_tiff = suffix.startswith(".tif") and shot.is_float and shot.proxy == 1
    if same_format or float_tiff or not shot.is_scene_referred:
        return shot.colour
    return display_colour()


def refuse_source(targets: list[Path], sources: Sequence_[Path]) -> None:
    """Refuse to write over any file that is read: plate, matte, vectors, whatever frame it is."""
    there = [path for path in targets if path.exists()]
    read = {identity(path) for path in sources if path.exists()} if there else set()
    for path in there:
        if identity(path) in read:
            raise BadInput(
                f"output {path}: is the plate itself, or another file that is read. "
                "Write to another folder or name."
            )


def identity(path: Path) -> tuple[int, int]:
    """Return what two names of one file have in common."""
    found = path.stat()
    return found.st_dev, found.st_ino


def refuse_existing(output: Output, frames: tuple[int, ...], allowing: str = "--overwrite") -> None:
    """Refuse to replace files.

    Args:
        output: what would write them.
        frames: which.
        allowing: what the artist sets to have them replaced.

    Raises:
        WriteRefused: names them.
    """
    if output.video is not None:
        if output.video.exists():
            raise WriteRefused(f"{output.video}: is there already. {allowing} replaces it.")
        return
    there = [frame for frame in frames if os.path.lexists(output.path(frame))]
    if there:
        raise WriteRefused(
            f"{output.sequence.template}: frames {format_frames(there)} are there already, made "
            f"with other settings or by something else. {allowing} replaces them."
        )

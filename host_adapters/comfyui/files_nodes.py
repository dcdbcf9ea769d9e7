"""Files: Demo Shot, Read, Write."""

# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import comfy.model_management as mm
import numpy as np
import torch
from comfy_api.v0_0_2 import io
from torch import Tensor

from ...core.clip import Clip
from ...core.errors import BadInput
from ...core.media.colour import PlateColour
from ...core.media.pictures import shot_of_pictures
from ...core.media.sequences import find_sequence, is_video
from ...core.media.source import Shot
from ...core.motion.flow import Flow
from ...core.render.output import DEFAULT_RATE
from ...core.render.pipeline import ReadAhead
from ...core.spec import REGISTRY
from .failures import told, verdict
from .folders import folder_paths, source, stamp, target
from .layers import planes
from .progress import Progress, displayed
from .results import check_target, preview
from .schema import colour_widget, described, plate_in, socket_out, values, widgets
from .sockets import FLOW, SPACES, Colour, Inside, Plate, mattes, pictures, shot_of

CPU = torch.device("cpu")
READERS = 2


def shot_outputs(node: str) -> list[io.Output]:
    """Make the outputs of a node that opens a shot: its pictures, and all that they are not."""
    plate = next(port for port in REGISTRY[node].outputs if port.kind.name == "shot")
    return [
        io.Image.Output(
            "images_out",
            display_name="images",
            tooltip="The frames as stored: an EXR's values are neither clipped nor converted.",
        ),
        io.Mask.Output("alpha_out", display_name="alpha", tooltip="1 where there is a picture."),
        socket_out(plate),
        io.Float.Output("fps_out", display_name="fps", tooltip="Frames a second; 24 if unsaid."),
    ]


def taken(shot: Shot) -> io.NodeOutput:
    """Read every frame of a shot into a batch.

    Raises:
        BadInput: it does not fit into memory.
    """
    frames, canvas = shot.frames, shot.canvas
    wanted = len(frames) * canvas.width * canvas.height * 16
    free = mm.get_free_memory(CPU)
    if wanted > free:
        raise BadInput(
            f"read {shot.name}: expected {wanted / 2**30:.1f} GB of memory for {len(frames)} "
            f"frames of {canvas.width}x{canvas.height}; there are {free / 2**30:.1f}. Take fewer "
            "frames, a proxy, or Stylize Shot (Stream), which needs memory for a few."
        )
    images = torch.empty((len(frames), canvas.height, canvas.width, 3))
    alpha = torch.ones((len(frames), canvas.height, canvas.width))
    progress, inside = Progress(len(frames)), dict[int, Inside]()
    ahead = ReadAhead(shot.read, frames, 1 if shot.is_video else READERS)
    try:
        for place, frame in enumerate(frames):
            progress.check()
            placed = ahead.get(frame)
            images[place] = torch.from_numpy(placed.rgb)
            if placed.alpha is not None:
                alpha[place] = torch.from_numpy(np.ascontiguousarray(placed.alpha, np.float32))
            if placed.alpha is None or placed.is_premultiplied:
                inside[frame] = Inside(placed.inside, placed.alpha is not None)
            progress.step(lambda p=placed: displayed(p.rgb, shot.colour))
    finally:
        ahead.close()
    plate = Plate(shot, alpha, inside)
    return io.NodeOutput(images, alpha, plate, float(shot.fps or DEFAULT_RATE))


class DemoShot(io.ComfyNode):
    """Demo Shot."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Translate the declaration."""
        return io.Schema(
            node_id="StillbrushDemoShot",
            **described(
                "demo_shot",
                aliases=("test footage", "sample", "example plate"),
                inputs=widgets("demo_shot"),
                outputs=[
                    *shot_outputs("demo_shot"),
                    io.String.Output(
                        "file_out",
                        display_name="file",
                        tooltip="Where the frames are: for Read and for Stylize Shot (Stream).",
                    ),
                ],
            ),
        )

    @classmethod
    @told
    def execute(cls, **given: Any) -> io.NodeOutput:
        """Make the shot in ComfyUI's temporary folder, once, and read it."""
        name = f"stillbrush-demo-{given['width']}-{given['length']}"
        folder = Path(folder_paths.get_temp_directory()) / name
        node = REGISTRY["demo_shot"]
        knobs = values("demo_shot", given | {"folder": str(folder)})
        shot = node.step(node.inputs_type(), knobs).shot
        return io.NodeOutput(*taken(shot).args, str(folder / shot.name))


class Read(io.ComfyNode):
    """Read."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Translate the declaration."""
        return io.Schema(
            node_id="StillbrushRead",
            **described(
                "read",
                aliases=("load exr", "exr sequence", "image sequence", "load video", "dpx"),
                inputs=widgets("read"),
                outputs=shot_outputs("read"),
            ),
        )

    @classmethod
    def fingerprint_inputs(cls, file: str | None = None, **_: Any) -> str:
        """Run again when a file was touched, added or taken away."""
        return files_stamp(file)

    @classmethod
    def validate_inputs(cls, file: str | None = None) -> bool | str:
        """Say before anything runs that there is nothing to read."""
        return True if file is None else verdict(lambda: find(source(file)))

    @classmethod
    @told
    def execute(cls, **given: Any) -> io.NodeOutput:
        """Read a shot into a batch."""
        node = REGISTRY["read"]
        knobs = values("read", given | {"file": source(given["file"])})
        return taken(node.step(node.inputs_type(), knobs).shot)


def find(path: str) -> list[Path]:
    """Return the files of a shot.

    Raises:
        MissingFrame: there are none.
    """
    if is_video(path):
        if not Path(path).is_file():
            raise BadInput(f"file {path}: expected a video; there is none.")
        return [Path(path)]
    sequence = find_sequence(path)
    return [sequence.path(frame) for frame in sequence.frames]


def files_stamp(file: str | None) -> str:
    """Return another text when a shot's files are not what they were; empty for a linked name."""
    return stamp(find(source(file))) if file else ""


class Write(io.ComfyNode):
    """Write."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Translate the declaration."""
        node = "write"
        ports = {port.name: port for port in REGISTRY[node].outputs}
        return io.Schema(
            node_id="StillbrushWrite",
            is_output_node=True,
            **described(
                node,
                aliases=("save exr", "exr sequence", "save image sequence", "prores", "dpx"),
                inputs=[
                    io.Image.Input(
                        "images", display_name="images", tooltip="Pictures to write, in order."
                    ),
                    plate_in(),
                    io.Mask.Input(
                        "alpha",
                        optional=True,
                        tooltip="Of pictures without a plate: 1 where there is a picture.",
                    ),
                    FLOW.Input(
                        "flow",
                        optional=True,
                        tooltip="Kept as EXR layers stillbrush.backward and stillbrush.forward.",
                    ),
                    io.Mask.Input(
                        "mask",
                        optional=True,
                        tooltip="Kept as the EXR channel stillbrush.mask.trust.",
                    ),
                    *widgets(node),
                    colour_widget(),
                ],
                outputs=[socket_out(ports["files"])],
            ),
        )

    @classmethod
    def validate_inputs(cls, file: str | None = None) -> bool | str:
        """Say before anything runs that the name cannot be written."""
        return True if file is None else verdict(lambda: check_target(target(file)))

    @classmethod
    @told
    def execute(
        cls,
        images: Tensor,
        plate: Plate | None = None,
        alpha: Tensor | None = None,
        flow: Flow | None = None,
        mask: Tensor | None = None,
        **given: Any,
    ) -> io.NodeOutput:
        """Write a batch; with its plate, everything but RGB stays as it was read."""
        node = REGISTRY["write"]
        knobs = values("write", given | {"file": target(given["file"])})
        rgb, rest = pictures(images, "images")
        count, size = len(rgb), (rgb.shape[1], rgb.shape[2])
        cover = mattes(alpha, count, size, "alpha")
        if cover is None and rest is not None:
            cover = rest
        shot = shot_of(rgb, plate and Plate(plate.shot), given["colour"])
        if plate is None and cover is not None:
            shot = covered(rgb, cover, given["colour"])
        progress = Progress(count)

        def pull(frame: int) -> Tensor:
            place = shot.frames.index(frame)
            progress.check()
            picture = shot.read(frame).rgb if plate is None else rgb[place].contiguous().numpy()
            progress.step(lambda: displayed(picture, shot.colour))
            return torch.from_numpy(picture)[None]

        first = shot.frames[0] if shot.files else knobs.start_frame
        layers: Callable[[int], dict[str, np.ndarray]] | None = None
        if flow is not None or mask is not None:
            layers = planes(flow, mattes(mask, count, size, "mask"), shot.frames, first)
        clip = Clip(shot.frames, shot.format, shot.fps, pull)
        files = node.step(node.inputs_type(clip, shot, layers), knobs).files
        shown = rgb[count // 2].contiguous().numpy()
        return io.NodeOutput("\n".join(files), ui=preview(files, displayed(shown, shot.colour)))


def covered(rgb: Tensor, cover: Tensor, colour: str) -> Shot:
    """Return pictures with an alpha as a shot; its pictures are multiplied by it."""
    count, height, width, _ = rgb.shape

    def pull(place: int) -> np.ndarray:
        return (rgb[place] * cover[place]).contiguous().numpy()

    def alpha(place: int) -> np.ndarray:
        return cover[place, ..., 0].contiguous().numpy()

    space = PlateColour(SPACES[Colour(colour)])
    return shot_of_pictures(pull, (height, width), count, space, first=1, alpha=alpha)

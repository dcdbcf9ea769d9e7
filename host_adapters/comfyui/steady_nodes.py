"""Time: Stabilizer and Multi Pass Blender, on batches."""

# pyright: reportMissingImports=false

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from comfy_api.v0_0_2 import io
from torch import Tensor

from ...core.errors import BadInput
from ...core.knobs import chain, changed
from ...core.look import Look
from ...core.media.pictures import shot_of_pictures
from ...core.media.placing import Placed
from ...core.media.sequences import parse_frames
from ...core.media.source import Shot
from ...core.render.assembly import assemble
from ...core.render.guided import paint_in_order
from ...core.render.painting import Settings, scratch
from ...core.render.request import Request
from ...core.render.steady_request import SteadyRequest, steady_painting
from ...core.sequence import InMemory
from ...core.spec import REGISTRY, Port
from ...core.temporal.multi_pass import Passes
from . import devices
from .failures import told
from .paint_nodes import BatchMatte, matte_in, painted_batch
from .progress import Progress, displayed
from .schema import colour_widget, described, outputs, plate_in, socket_in, values, widgets
from .sockets import SOCKETS, Plate, mattes, pictures, shot_of


def images_in(port: Port, name: str | None = None) -> io.Input:
    """Make a socket for the pictures of a shot."""
    name = name or port.name
    return SOCKETS["clip"].Input(name, display_name=name, tooltip=port.tip)


def ports(node: str) -> dict[str, Port]:
    """Return the inputs of a node by name."""
    return {port.name: port for port in REGISTRY[node].inputs}


class Stabilizer(io.ComfyNode):
    """Stabilizer."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Translate the declaration."""
        node = "stabilizer"
        known = ports(node)
        return io.Schema(
            node_id="StillbrushStabilizer",
            **described(
                node,
                aliases=("deflicker", "temporal consistency", "key frames", "ebsynth", "steady"),
                inputs=[
                    images_in(known["painted"]),
                    images_in(known["source"]),
                    SOCKETS["mask"].Input(
                        "matte", display_name="matte", optional=True, tooltip=known["matte"].tip
                    ),
                    socket_in(known["look"]),
                    plate_in(),
                    *widgets(node),
                    io.String.Input(
                        "key_frames",
                        display_name="Key frames",
                        default="",
                        tooltip="With keys: which frames of the source the painted ones are, "
                        "counted from 1, such as 1,24,48.",
                    ),
                    colour_widget(),
                ],
                outputs=outputs(node),
            ),
        )

    @classmethod
    @told
    def execute(
        cls,
        painted: Tensor,
        source: Tensor,
        matte: Tensor | None = None,
        look: Look | None = None,
        plate: Plate | None = None,
        **given: Any,
    ) -> io.NodeOutput:
        """Steady a batch, or carry a few painted frames over one."""
        knobs = values("stabilizer", given)
        rgb, rest = pictures(painted, "painted")
        below, _ = pictures(source, "source")
        shot = shot_of(below, plate, given["colour"])
        if knobs.keys:
            clip, base = keyed(rgb, shot, given.get("key_frames", "")), shot
        else:
            clip = base = painted_shot(rgb, plate, given["colour"], shot)
        fill = look if knobs.keys else None
        request = SteadyRequest(shot, clip, knobs.keys, knobs, fill=fill)
        size = (base.canvas.height, base.canvas.width)
        masks = mattes(matte, len(base.frames), size, "matte")
        where = None if masks is None else BatchMatte(masks, base.frames)
        painting = steady_painting(request, where)
        progress = Progress(len(painting.frames))
        whole = torch.empty((len(painting.frames), *size, 3))
        done = paint_in_order(painting, before_each=progress.check)
        for place, frame in enumerate(done):
            whole[place] = torch.from_numpy(frame.rgb)
            progress.step(lambda f=frame: displayed(f.rgb, base.colour))
        if rest is not None and not knobs.keys:
            whole = torch.cat((whole, rest), -1)
        return io.NodeOutput(whole)


def painted_shot(rgb: Tensor, plate: Plate | None, colour: str, source: Shot) -> Shot:
    """Return a painted batch as a shot of the source's frames.

    Raises:
        BadInput: there are more or fewer than of the source.
    """
    if len(rgb) != len(source.frames):
        raise BadInput(
            f"painted: expected {len(source.frames)} pictures as the source has; got {len(rgb)}. "
            "Are they key frames? Then switch keys on."
        )
    canvas = source.canvas
    if tuple(rgb.shape[1:3]) == (canvas.height, canvas.width):
        return shot_of(rgb, plate, colour)
    made = shot_of_pictures(
        lambda place: rgb[place].contiguous().numpy(),
        (rgb.shape[1], rgb.shape[2]),
        len(rgb),
        source.colour,
    )
    return numbered(made, source.frames)


def keyed(rgb: Tensor, source: Shot, text: str) -> Shot:
    """Return painted key frames as a shot, numbered as the source is.

    Args:
        text: which frames of the source they are, counted from 1.

    Raises:
        BadInput: as many numbers as pictures are not given, or the source has no such frame.
    """
    places: tuple[int, ...] = parse_frames(text) if text.strip() else ()
    if len(places) != len(rgb):
        raise BadInput(
            f"key_frames {text!r}: expected a number for each of {len(rgb)} painted pictures, "
            f"such as 1,24; got {len(places)}."
        )
    if min(places) < 1 or max(places) > len(source.frames):
        raise BadInput(f"key_frames {text!r}: expected 1 to {len(source.frames)}.")
    made = shot_of_pictures(
        lambda place: rgb[place].contiguous().numpy(),
        (rgb.shape[1], rgb.shape[2]),
        len(rgb),
        source.colour,
    )
    return numbered(made, tuple(source.frames[place - 1] for place in places))


def numbered(shot: Shot, frames: tuple[int, ...]) -> Shot:
    """Return a shot of pictures with other frame numbers."""
    back = dict(zip(frames, shot.frames, strict=True))

    def read(frame: int) -> Placed:
        return replace(shot.read(back[frame]), frame=frame)

    return replace(shot, frames=frames, read=read)


class MultiPassBlender(io.ComfyNode):
    """Multi Pass Blender."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Translate the declaration."""
        node = "multi_pass_blender"
        known = ports(node)
        return io.Schema(
            node_id="StillbrushMultiPassBlender",
            **described(
                node,
                aliases=("multi-pass", "style transfer", "forward backward"),
                inputs=[
                    images_in(known["shot"], "images"),
                    socket_in(known["look"]),
                    matte_in(),
                    plate_in(),
                    *widgets(node),
                    colour_widget(),
                ],
                outputs=outputs(node),
            ),
        )

    @classmethod
    @told
    def execute(
        cls,
        images: Tensor,
        look: Look,
        matte: Tensor | None = None,
        plate: Plate | None = None,
        **given: Any,
    ) -> io.NodeOutput:
        """Paint a batch in several passes."""
        own = values("multi_pass_blender", given)
        rgb, rest = pictures(images, "images")
        shot = shot_of(rgb, plate, given["colour"])
        settings = Settings(chain(look.knobs, changed(own)), exposure=look.exposure)
        request = Request(
            shot,
            look,
            settings=settings,
            device=devices.device(),
            passes=Passes(own.passes, own.pass_blend),
            disk_limit=own.disk_limit,
        )
        painting = assemble(request).painting(InMemory())
        masks = mattes(matte, len(rgb), (rgb.shape[1], rgb.shape[2]), "matte")
        painting.matte = None if masks is None else BatchMatte(masks, shot.frames)
        devices.make_room(painting)
        painting.freeze_if_asked()
        progress = Progress(own.passes * len(shot.frames))
        painting.watch = lambda _, iterate: progress.show(iterate.picture[0].cpu().numpy)
        painting.begin(scratch(painting), progress.check, lambda turned: progress.step())
        painted, _ = painted_batch(painting, rest, None)
        return io.NodeOutput(painted)

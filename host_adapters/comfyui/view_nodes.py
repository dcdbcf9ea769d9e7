"""Viewers: motion, masks and scene-linear pictures to look at."""

# pyright: reportMissingImports=false

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from comfy_api.v0_0_2 import io
from torch import Tensor

from ...core.look import Look
from ...core.metrics.meter import Reading, in_words, means, plot
from ...core.motion.flow import Flow
from ...core.spec import REGISTRY
from .failures import told
from .frames import EncodedFrames
from .progress import Progress
from .results import preview
from .schema import colour_widget, described, inputs, outputs, plate_in, values, widgets
from .sockets import Plate, mattes, pictures, same_length, shot_of, stacked


def viewed(node: str, given: dict[str, Any], count: int, ports: Callable[[int], Any]) -> Tensor:
    """Run a viewer over frames.

    Args:
        ports: gives the inputs of a frame by its place.
    """
    spec, knobs, progress = REGISTRY[node], values(node, given), Progress(count)

    def make(place: int) -> Tensor:
        progress.check()
        image = spec.step(spec.inputs_type(**ports(place)), knobs, spec.fresh())[0].image
        progress.step(lambda: image[0].numpy())
        return image

    return stacked(count, make)


class FlowViewer(io.ComfyNode):
    """Flow Viewer."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Translate the declaration."""
        node = "flow_viewer"
        return io.Schema(
            node_id="StillbrushFlowViewer",
            **described(
                node,
                aliases=("flow to image", "visualize optical flow"),
                inputs=[*inputs(node), *widgets(node)],
                outputs=outputs(node),
            ),
        )

    @classmethod
    @told
    def execute(cls, flow: Flow, **given: Any) -> io.NodeOutput:
        """Show motion."""

        def ports(place: int) -> dict[str, Any]:
            return {"flow": Flow(*(way[place : place + 1] for way in flow))}

        return io.NodeOutput(viewed("flow_viewer", given, len(flow.backward), ports))


class MaskViewer(io.ComfyNode):
    """Mask Viewer."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Translate the declaration."""
        node = "mask_viewer"
        return io.Schema(
            node_id="StillbrushMaskViewer",
            **described(
                node,
                aliases=("mask overlay", "show mask"),
                inputs=[*inputs(node), *widgets(node)],
                outputs=outputs(node),
            ),
        )

    @classmethod
    @told
    def execute(cls, mask: Tensor, frame: Tensor | None = None, **given: Any) -> io.NodeOutput:
        """Show masks, over their pictures where there are any."""
        masks = mask[None] if mask.ndim == 2 else mask
        under = None if frame is None else pictures(frame)[0]
        count = len(masks) if under is None else len(under)
        size = masks.shape[-2:] if under is None else under.shape[1:3]
        fitting = mattes(masks, count, (size[0], size[1]), "mask")
        if fitting is None:
            fitting = torch.zeros((1, *size, 1)).expand(count, -1, -1, -1)

        def ports(place: int) -> dict[str, Any]:
            at = slice(place, place + 1)
            return {"mask": fitting[at], "frame": None if under is None else under[at]}

        return io.NodeOutput(viewed("mask_viewer", given, count, ports))


class PlateViewer(io.ComfyNode):
    """Plate Viewer."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Translate the declaration."""
        node = "plate_viewer"
        return io.Schema(
            node_id="StillbrushPlateViewer",
            **described(
                node,
                aliases=("linear to srgb", "tone map", "exr preview", "view transform"),
                inputs=[*inputs(node), plate_in(), *widgets(node)],
                outputs=outputs(node),
            ),
        )

    @classmethod
    @told
    def execute(cls, frame: Tensor, plate: Plate | None = None, **given: Any) -> io.NodeOutput:
        """Show scene-linear pictures, or those of a plate, as sRGB."""
        rgb = pictures(frame)[0]

        def ports(place: int) -> dict[str, Any]:
            picture = rgb[place : place + 1]
            if plate is not None:
                straight = np.nan_to_num(picture[0].contiguous().numpy())
                picture = torch.from_numpy(plate.shot.colour.to_linear(straight))[None]
            return {"frame": picture}

        return io.NodeOutput(viewed("plate_viewer", given, len(rgb), ports))


class FlickerMeter(io.ComfyNode):
    """Flicker Meter."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Translate the declaration."""
        node = "flicker_meter"
        return io.Schema(
            node_id="StillbrushFlickerMeter",
            is_output_node=True,
            **described(
                node,
                aliases=("flicker", "temporal error", "style error", "stability", "deflicker"),
                inputs=[*inputs(node), plate_in(), colour_widget()],
                outputs=[
                    *outputs(node, leave_out=("followed", "lacking")),
                    io.Image.Output(
                        "plot_out",
                        display_name="plot",
                        tooltip="Temporal, style and content error of every frame, over time.",
                    ),
                    io.String.Output(
                        "report_out",
                        display_name="report",
                        tooltip="All of it in words, and what could not be judged and why.",
                    ),
                ],
            ),
        )

    @classmethod
    @told
    def execute(
        cls,
        source: Tensor,
        painted: Tensor,
        look: Look | None = None,
        plate: Plate | None = None,
        **given: Any,
    ) -> io.NodeOutput:
        """Measure a painted clip beside its plate; the numbers are means over the clip."""
        spec, exposure = REGISTRY["flicker_meter"], look.exposure if look else 0.0
        clips = {"source": pictures(source, "source")[0], "painted": pictures(painted)[0]}
        count = same_length(**{name: len(clip) for name, clip in clips.items()})
        seen = [
            EncodedFrames(shot_of(clip, plate, given["colour"]), exposure)
            for clip in clips.values()
        ]
        progress, state, made = Progress(count), spec.fresh(), []
        for frame in seen[0].shot.frames:
            progress.check()
            x = spec.inputs_type(*(clip.get(frame) for clip in seen), look)
            out, state = spec.step(x, spec.make_knobs(), state)
            made.append(out)
            progress.step(lambda o=out: o.image[0].numpy())
        return measured(made)


def measured(made: list[Any]) -> io.NodeOutput:
    """Return what was measured of every frame: means, a plot, words."""
    readings, lacking = [reading(out) for out in made], made[0].lacking
    found = means(readings)
    drawn = plot(readings, lacking).astype(np.float32) / 255
    return io.NodeOutput(
        torch.cat([out.image for out in made]),
        *(found.get(name, math.nan) for name in ("temporal", "style", "content", "sharpness")),
        torch.from_numpy(drawn)[None],
        in_words(readings, lacking),
        ui=preview((), drawn),
    )


def reading(out: Any) -> Reading:
    """Return what was measured of a frame; what could not be judged is left out."""
    given = {"style": out.style, "content": out.content, "sharpness": out.sharpness}
    if float(out.followed) > 0:
        given["temporal"] = out.change
    numbers = {name: float(value) for name, value in given.items() if value is not None}
    return Reading(numbers, float(out.followed), out.image)

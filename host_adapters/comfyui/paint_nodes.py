"""Paint: Stylizer and Stylize Shot, on batches."""

# pyright: reportMissingImports=false

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from comfy_api.v0_0_2 import io
from torch import Tensor

from ...core.knobs import chain, follow
from ...core.look import Look
from ...core.new_looks import with_knobs
from ...core.render.assembly import assemble
from ...core.render.guided import GuidedPainting, paint_in_order
from ...core.render.painting import Settings, ShotPainting
from ...core.render.request import Request, pick_device
from ...core.sequence import InMemory
from ...core.spec import REGISTRY
from ...core.stylizers.load import load_painter
from ...core.stylizers.paint_state import PaintState
from ...core.stylizers.prior import Prior
from ...nodes.stylize_shot import counted
from . import devices
from .failures import told
from .progress import Progress, displayed
from .schema import (
    colour_widget,
    described,
    inputs,
    outputs,
    plate_in,
    socket_in,
    state_in,
    state_out,
    values,
    widgets,
)
from .sockets import (
    SOCKETS,
    Plate,
    State,
    mattes,
    pack_state,
    pictures,
    same_length,
    shot_of,
    unpack_state,
)


@dataclass(frozen=True)
class BatchMatte:
    """A batch of masks that says where to paint."""

    masks: Tensor  # (B, H, W, 1)
    frames: tuple[int, ...]

    def frame(self, number: int) -> np.ndarray:
        """Return a frame's matte (H, W)."""
        return self.masks[self.frames.index(number), ..., 0].numpy()


def matte_in() -> io.Input:
    """Make the socket of the matte."""
    port = next(port for port in REGISTRY["stylizer"].inputs if port.name == "matte")
    return socket_in(port)


class Stylizer(io.ComfyNode):
    """Stylizer."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Translate the declaration."""
        node = "stylizer"
        return io.Schema(
            node_id="StillbrushStylizer",
            **described(
                node,
                aliases=("style transfer", "paint", "neural style", "artistic style"),
                inputs=[
                    *inputs(node, leave_out=("statistics",)),
                    plate_in(),
                    state_in(),
                    *widgets(node),
                    colour_widget(),
                ],
                outputs=[*outputs(node), state_out()],
            ),
        )

    @classmethod
    @told
    def execute(
        cls,
        frame: Tensor,
        look: Look,
        prior: Prior | None = None,
        matte: Tensor | None = None,
        plate: Plate | None = None,
        state: State | None = None,
        **given: Any,
    ) -> io.NodeOutput:
        """Paint a batch, each frame going on from the one before."""
        knobs = follow(values("stylizer", given), look.knobs)
        rgb, rest = pictures(frame)
        shot = shot_of(rgb, plate, given["colour"])
        places = {number: place for place, number in enumerate(shot.frames)}
        if prior is not None:
            same_length(frame=len(rgb), prior=len(prior.flow))

        def priors(number: int) -> Prior | None:
            if prior is None:
                return None
            at = slice(places[number], places[number] + 1)
            parts = {name: getattr(prior, name)[at] for name in ("flow", "mask", "still")}
            return prior._replace(**{name: part.to(device) for name, part in parts.items()})

        device = pick_device(devices.device())
        settings = Settings(chain({}, vars(knobs)), exposure=look.exposure)
        masks = mattes(matte, len(rgb), (rgb.shape[1], rgb.shape[2]), "matte")
        painting = GuidedPainting(
            shot,
            load_painter(look, device),
            settings,
            priors,
            matte=None if masks is None else BatchMatte(masks, shot.frames),
            device=device,
        )
        begin = unpack_state("stylizer", PaintState, state)
        painted, last = painted_batch(painting, rest, begin)
        return io.NodeOutput(painted, with_knobs(look, knobs), pack_state("stylizer", last))


class StylizeShot(io.ComfyNode):
    """Stylize Shot."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Translate the declaration."""
        node = "stylize_shot"
        ports = {port.name: port for port in REGISTRY[node].inputs}
        images = SOCKETS["clip"].Input(
            "images",
            display_name="images",
            tooltip="The shot's frames, in order.",
        )
        return io.Schema(
            node_id="StillbrushStylizeShot",
            **described(
                node,
                aliases=("style transfer", "video style transfer", "paint video", "painterly"),
                inputs=[
                    images,
                    socket_in(ports["look"]),
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
        """Paint a batch: motion, mask, prior and paint in one."""
        knobs, look = counted(values("stylize_shot", given), look)
        rgb, rest = pictures(images, "images")
        shot = shot_of(rgb, plate, given["colour"])
        settings = Settings(knobs, exposure=look.exposure)
        request = Request(shot, look, settings=settings, device=devices.device())
        painting = assemble(request).painting(InMemory())
        masks = mattes(matte, len(rgb), (rgb.shape[1], rgb.shape[2]), "matte")
        painting.matte = None if masks is None else BatchMatte(masks, shot.frames)
        painted, _ = painted_batch(painting, rest, None)
        return io.NodeOutput(painted, look)


def painted_batch(
    painting: ShotPainting, rest: Tensor | None, begin: PaintState | None
) -> tuple[Tensor, PaintState]:
    """Paint every frame of a painting into one IMAGE; further channels stay as they are."""
    frames, canvas = painting.shot.frames, painting.shot.canvas
    progress, last = Progress(len(frames)), begin or PaintState()
    devices.make_room(painting)
    painting.freeze_if_asked()
    whole = torch.empty((len(frames), canvas.height, canvas.width, 3))
    painting.watch = lambda _, iterate: progress.show(iterate.picture[0].cpu().numpy)
    step = devices.patient(painting)
    for place, done in enumerate(paint_in_order(painting, begin, step, progress.check)):
        whole[place] = torch.from_numpy(done.rgb)
        last = done.state
        progress.step(lambda d=done: displayed(d.rgb, painting.shot.colour))
    return whole if rest is None else torch.cat((whole, rest), -1), last

"""Motion: Flow Estimator, Vector Flow, Occlusion Mask, Prior Warper."""

# pyright: reportMissingImports=false

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from comfy_api.v0_0_2 import io
from torch import Tensor

from ...core.look import Look
from ...core.motion.flow import Flow
from ...core.motion.view import mask_picture
from ...core.render.pipeline import ReadAhead
from ...core.spec import REGISTRY
from ...core.stylizers.prior import Prior
from ...nodes import flow_estimator, prior_warper, vector_flow
from .failures import told
from .frames import WORKERS, EncodedFrames, NoPlate, motion, pairs, vectors_of_plate
from .progress import Progress
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
    Plate,
    State,
    mattes,
    pack_state,
    pictures,
    same_length,
    shot_of,
    unpack_state,
)


class FlowEstimator(io.ComfyNode):
    """Flow Estimator."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Translate the declaration."""
        node = "flow_estimator"
        return io.Schema(
            node_id="StillbrushFlowEstimator",
            **described(
                node,
                aliases=("optical flow", "motion", "raft", "dis flow", "scene cut"),
                inputs=[
                    *inputs(node),
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
        look: Look | None = None,
        plate: Plate | None = None,
        state: State | None = None,
        **given: Any,
    ) -> io.NodeOutput:
        """Measure the motion of a batch."""
        node = REGISTRY["flow_estimator"]
        knobs = values("flow_estimator", given)
        shot = shot_of(pictures(frame)[0], plate, given["colour"])
        encoded = EncodedFrames(shot, look.exposure if look else 0.0)
        begin = unpack_state("flow_estimator", flow_estimator.State, state)

        def measure(last: Tensor | None, this: Tensor) -> Flow:
            return node.step(node.inputs_type(this, look), knobs, flow_estimator.State(last))[
                0
            ].flow

        progress, count = Progress(len(shot.frames)), len(shot.frames)
        backward = forward = torch.empty(0)
        for place, flow in enumerate(pairs(encoded, begin.last, measure, progress.check)):
            if place == 0:
                shape = (count, *flow.backward.shape[1:])
                backward, forward = torch.empty(shape), torch.empty(shape)
            backward[place], forward[place] = flow.backward[0], flow.forward[0]
            progress.step(lambda f=flow: motion(f))
        after = flow_estimator.State(encoded.get(shot.frames[-1]))
        return io.NodeOutput(Flow(backward, forward), pack_state("flow_estimator", after))


class VectorFlow(io.ComfyNode):
    """Vector Flow."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Translate the declaration."""
        node = "vector_flow"
        ports = {port.name: port for port in REGISTRY[node].inputs}
        return io.Schema(
            node_id="StillbrushVectorFlow",
            **described(
                node,
                aliases=("motion vectors", "velocity", "render passes"),
                inputs=[
                    plate_in(),
                    *(socket_in(port, optional=True) for port in ports.values()),
                    state_in(),
                    *widgets(node),
                ],
                outputs=[*outputs(node), state_out()],
            ),
        )

    @classmethod
    @told
    def execute(
        cls,
        plate: Plate | None = None,
        backward: Tensor | None = None,
        forward: Tensor | None = None,
        state: State | None = None,
        **given: Any,
    ) -> io.NodeOutput:
        """Turn rendered vectors into flow: those of the plate's own layers, or given as pictures.

        Of pictures, red and green are x and y.
        """
        node = REGISTRY["vector_flow"]
        knobs = values("vector_flow", given)
        if backward is None:
            if plate is None:
                raise NoPlate
            flow = vectors_of_plate(plate.shot, Progress)
            return io.NodeOutput(flow, pack_state("vector_flow", node.fresh()))
        fields = {"backward": pictures(backward, "backward")[0][..., :2]}
        if forward is not None:
            fields["forward"] = pictures(forward, "forward")[0][..., :2]
        count = same_length(**{name: len(field) for name, field in fields.items()})
        carried = unpack_state("vector_flow", vector_flow.State, state)
        progress, made = Progress(count), []
        for place in range(count):
            progress.check()
            here = {name: field[place : place + 1] for name, field in fields.items()}
            out, carried = node.step(node.inputs_type(**here), knobs, carried)
            made.append(out.flow)
            progress.step(lambda f=out.flow: motion(f))
        both = Flow(*(torch.cat(way) for way in zip(*made, strict=True)))
        return io.NodeOutput(both, pack_state("vector_flow", carried))


class OcclusionMask(io.ComfyNode):
    """Occlusion Mask."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Translate the declaration."""
        node = "occlusion_mask"
        return io.Schema(
            node_id="StillbrushOcclusionMask",
            **described(
                node,
                aliases=("disocclusion", "consistency", "forward backward check"),
                inputs=[*inputs(node), *widgets(node)],
                outputs=outputs(node),
            ),
        )

    @classmethod
    @told
    def execute(cls, flow: Flow, look: Look | None = None, **given: Any) -> io.NodeOutput:
        """Find where motion can be trusted, frame by frame."""
        node = REGISTRY["occlusion_mask"]
        knobs = values("occlusion_mask", given)
        progress = Progress(len(flow.backward))

        def make(place: int) -> Tensor:
            x = node.inputs_type(Flow(*(way[place : place + 1] for way in flow)), look)
            return node.step(x, knobs, node.fresh())[0].mask

        masks = torch.empty(flow.backward.shape[:3])
        ahead = ReadAhead(make, tuple(range(len(masks))), WORKERS)
        try:
            for place in range(len(masks)):
                progress.check()
                mask = ahead.get(place)
                masks[place] = mask[0, ..., 0]
                progress.step(lambda m=mask: mask_picture(m, None, 1.0)[0].numpy())
        finally:
            ahead.close()
        return io.NodeOutput(masks)


class PriorWarper(io.ComfyNode):
    """Prior Warper."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Translate the declaration."""
        node = "prior_warper"
        return io.Schema(
            node_id="StillbrushPriorWarper",
            **described(
                node,
                aliases=("warp", "warp image by flow", "temporal consistency", "deflicker"),
                inputs=[*inputs(node), state_in(), *widgets(node)],
                outputs=[*outputs(node), state_out()],
            ),
        )

    @classmethod
    @told
    def execute(
        cls,
        flow: Flow,
        mask: Tensor,
        previous: Tensor | None = None,
        frame: Tensor | None = None,
        look: Look | None = None,
        state: State | None = None,
        **given: Any,
    ) -> io.NodeOutput:
        """Say how to carry paint; where there are pictures to carry, carry them.

        One previous picture is carried onto every frame; of a clip, frame t-1 onto frame t.
        """
        node = REGISTRY["prior_warper"]
        knobs = values("prior_warper", given)
        count, height, width = flow.backward.shape[:3]
        masks = mattes(mask, count, (height, width), "mask")
        if masks is None:
            masks = torch.zeros((1, height, width, 1)).expand(count, -1, -1, -1)
        earlier = None if previous is None else pictures(previous, "previous")[0]
        frames = None if frame is None else pictures(frame)[0]
        check_earlier(earlier, frames, count)
        carried = unpack_state("prior_warper", prior_warper.State, state)
        progress, priors, warped = Progress(count), [], []
        for place in range(count):
            progress.check()
            x = node.inputs_type(
                Flow(*(way[place : place + 1] for way in flow)),
                masks[place : place + 1],
                one(earlier, place - 1),
                one(frames, place),
                look,
            )
            out, carried = node.step(x, knobs, carried)
            priors.append(out.prior)
            if earlier is not None:
                warped.append(out.warped)
            progress.step(lambda o=out: seen(o, is_carried=earlier is not None))
        first: Prior = priors[0]
        batch = first._replace(
            flow=flow.backward,
            mask=torch.cat([prior.mask for prior in priors]),
            still=torch.cat([prior.still for prior in priors]),
        )
        nothing = torch.zeros((count, height, width, 3))
        pictured = torch.cat(warped) if warped else nothing
        state_after = pack_state("prior_warper", carried)
        return io.NodeOutput(batch, pictured, batch.mask[..., 0], state_after)


def seen(out: prior_warper.Outputs, *, is_carried: bool) -> np.ndarray:
    """Return what a preview shows: what was carried, or where anything will be."""
    picture = out.warped.clamp(0, 1) if is_carried else mask_picture(out.trusted, None, 1.0)
    return picture[0].numpy()


def one(batch: Tensor | None, place: int) -> Tensor | None:
    """Return one picture of a batch; a single one serves every frame."""
    if batch is None:
        return None
    at = 0 if len(batch) == 1 else max(place, 0)
    return batch[at : at + 1]


def check_earlier(earlier: Tensor | None, frames: Tensor | None, count: int) -> None:
    """Refuse pictures that do not go with the flow."""
    if earlier is not None and len(earlier) not in (1, count - 1):
        same_length(flow=count, previous=len(earlier))
    if frames is not None and len(frames) != 1:
        same_length(flow=count, frame=len(frames))

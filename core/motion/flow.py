"""Optical flow between two neighbouring frames, and the estimator that runs on the processor.

Both directions travel together as a :class:`Flow`. A pair's flow depends on its two frames and on
nothing else, which is what lets a shot be rendered in any order.
"""

from __future__ import annotations

import functools
import os
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import NamedTuple, Protocol

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import BadInput
from .stillness import at_rest

UNKNOWN = 1e10  # what an unknown vector holds; Middlebury: anything above KNOWN_LIMIT is unknown
KNOWN_LIMIT = 1e9
LUMA = (0.2126, 0.7152, 0.0722)  # Rec.709
WORKERS = 4  # two readers of a render, two directions each
SMALLEST_SIDE = 64  # below 32 DIS refuses some sizes and, in OpenCV 5.0, crashes on 16x300


class Flow(NamedTuple):
    """Both directions between frame t-1 and frame t, each (B, H, W, 2) pixels, x right, y down."""

    backward: Tensor
    """On frame t, into t-1: `previous(x + backward(x))` lands on `x`."""
    forward: Tensor
    """On frame t-1, into t: `current(x + forward(x))` lands on `x`."""


class Estimator(Protocol):
    """Anything that measures the motion between two pictures."""

    @property
    def name(self) -> str:
        """Name and quality, as the report and the cache write it: `dis-medium`."""
        ...

    @property
    def version(self) -> str:
        """Changes whenever the same pictures may give another flow."""
        ...

    def estimate(self, previous: Tensor, current: Tensor) -> Flow:
        """Return the flow between two (B, H, W, 3) pictures in network encoding, 0..1."""
        ...


class FlowQuality(str, Enum):
    """Speed against accuracy. DIS: each step costs some four times the one before."""

    FAST = "fast"
    MEDIUM = "medium"
    FINE = "fine"


def unknown_flow(height: int, width: int, device: torch.device | str = "cpu") -> Flow:
    """Return a flow that knows nothing: never trusted anywhere. For a cut or a missing frame."""
    blank = torch.full((1, height, width, 2), UNKNOWN, device=device)
    return Flow(blank, blank.clone())


def is_known(flow: Tensor) -> Tensor:
    """Return where a (B, H, W, 2) flow has a vector: (B, H, W, 1) bool."""
    return (flow.abs() <= KNOWN_LIMIT).all(-1, keepdim=True)  # not-a-number compares as false


def resize_flow(flow: Tensor, height: int, width: int) -> Tensor:
    """Resize a (B, H, W, 2) flow and scale its vectors to the new pixels.

    Unknown vectors never mix with known ones: a new pixel averages the known vectors under it, and
    is `UNKNOWN` where less than half of its area is known. The same size returns the flow itself.
    """
    _, old_height, old_width, _ = flow.shape
    if (old_height, old_width) == (height, width):
        return flow
    known = is_known(flow)
    weight = known.to(flow.dtype)
    planes = torch.cat((torch.where(known, flow, 0.0), weight), -1).permute(0, 3, 1, 2)
    planes = planes.contiguous()  # eight times faster
    planes = F.interpolate(
        planes, (height, width), mode="bilinear", align_corners=False, antialias=True
    ).permute(0, 2, 3, 1)
    scale = torch.tensor([width / old_width, height / old_height], device=flow.device)
    share = planes[..., 2:]
    resized = planes[..., :2] / share.clamp(min=0.25) * scale
    return torch.where(share >= 0.5, resized, UNKNOWN)


def luma(picture: Tensor) -> Tensor:
    """Return the Rec.709 luma (B, H, W) of an encoded (B, H, W, 3) picture, clamped to 0..1.

    A fixed formula: normalising each frame would make the flow see a change of exposure as motion.
    """
    r, g, b = picture.unbind(-1)
    return (LUMA[0] * r + LUMA[1] * g + LUMA[2] * b).nan_to_num(0.0).clamp(0.0, 1.0)


def check_pair(previous: Tensor, current: Tensor, where: str) -> None:
    """Raise BadInput unless both are (B, H, W, 3) pictures of one size."""
    for picture in (previous, current):
        if picture.ndim != 4 or picture.shape[-1] != 3 or 0 in picture.shape:
            raise BadInput(f"{where}: expected pictures (B, H, W, 3); got {tuple(picture.shape)}")
    if previous.shape != current.shape:
        raise BadInput(
            f"{where}: expected two pictures of one size; got {tuple(previous.shape)} and "
            f"{tuple(current.shape)}. A change of size is a cut: start anew there."
        )


class DisFlow:
    """Dense inverse search (Kroeger et al. 2016) by OpenCV; no weights, on the processor.

    OpenCV gives the same bits at any thread count (measured from 1 to 16), so its thread setting,
    which belongs to the host, is left alone.
    """

    def __init__(self, quality: FlowQuality | str = FlowQuality.MEDIUM) -> None:
        self.quality = FlowQuality(quality)

    @property
    def name(self) -> str:
        """`dis-` and the quality."""
        return f"dis-{self.quality.value}"

    @property
    def version(self) -> str:
        """Ours and OpenCV's: another OpenCV may round differently."""
        return f"3 opencv {cv2.__version__}"

    def estimate(self, previous: Tensor, current: Tensor) -> Flow:
        """Return the flow between two (B, H, W, 3) pictures in network encoding, 0..1.

        Works on 8-bit luma; values outside 0..1 are clamped for this purpose. Any size from 1x1
        up: frames with a side below 64 pixels are padded by repeating their edge.

        Raises:
            BadInput: not two RGB pictures of one size.
        """
        check_pair(previous, current, "flow")
        before, after = to_grey(previous), to_grey(current)
        jobs = [(b, a) for a, b in zip(before, after, strict=True)]
        jobs += list(zip(before, after, strict=True))
        settle = functools.partial(settled_flow, quality=self.quality)
        flows = list(workers().map(settle, *zip(*jobs, strict=True)))
        half = len(flows) // 2
        device = current.device
        backward = torch.from_numpy(np.stack(flows[:half])).to(device)
        return Flow(backward, torch.from_numpy(np.stack(flows[half:])).to(device))


@functools.cache
def workers() -> ThreadPoolExecutor:
    """Return the threads that measure; cv2 lets go of the interpreter while it works.

    They stay: OpenCV keeps half a kilobyte of every thread that it ever ran in, after its end too.
    """
    return ThreadPoolExecutor(WORKERS, thread_name_prefix="flow")


if hasattr(os, "register_at_fork"):  # a copy of the process has none of its threads
    os.register_at_fork(after_in_child=workers.cache_clear)


def to_grey(picture: Tensor) -> np.ndarray:
    """Return the 8-bit luma (B, H, W) of an encoded picture."""
    return (luma(picture.detach()) * 255.0).round().to(torch.uint8).cpu().numpy()


def dis_flow(
    here: np.ndarray, there: np.ndarray, quality: FlowQuality = FlowQuality.MEDIUM
) -> np.ndarray:
    """Return the (H, W, 2) flow on one 8-bit (H, W) picture into another, by OpenCV's DIS."""
    height, width = here.shape
    fast = quality is FlowQuality.FAST
    preset = cv2.DISOPTICAL_FLOW_PRESET_FAST if fast else cv2.DISOPTICAL_FLOW_PRESET_MEDIUM
    dis = cv2.DISOpticalFlow.create(preset)  # one each: it is not safe to share between threads
    if quality is FlowQuality.FINE:
        dis.setFinestScale(0)  # the preset stops at half resolution
    flow = dis.calc(_padded(here), _padded(there), None)  # type: ignore[call-overload]
    return np.ascontiguousarray(flow[:height, :width])


def settled_flow(
    here: np.ndarray, there: np.ndarray, quality: FlowQuality = FlowQuality.MEDIUM
) -> np.ndarray:
    """Return the flow as `dis_flow`, at rest where nothing moves."""
    flow = dis_flow(here, there, quality)
    flow[at_rest(here, there, flow)] = 0
    return flow


def _padded(grey: np.ndarray) -> np.ndarray:
    below, right = (max(SMALLEST_SIDE - side, 0) for side in grey.shape)
    if not below and not right:
        return np.ascontiguousarray(grey)
    return np.pad(grey, ((0, below), (0, right)), mode="edge")

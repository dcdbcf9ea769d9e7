"""What flows between nodes in ComfyUI, and the way between its batches and our frames.

Values are NamedTuples of tensors in main memory: ComfyUI's cache counts and evicts those.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch
from comfy_api.v0_0_2 import io
from torch import Tensor

from ...core.errors import BadInput
from ...core.look import Look
from ...core.media.colour import DISPLAY, LINEAR, PlateColour
from ...core.media.pictures import shot_of_pictures, with_pictures
from ...core.media.placing import Placed
from ...core.media.source import Shot
from ...core.motion.flow import Flow
from ...core.stylizers.prior import Prior, resize_mask

FLOW = io.Custom("STILLBRUSH_FLOW")
PRIOR = io.Custom("STILLBRUSH_PRIOR")
LOOK = io.Custom("STILLBRUSH_LOOK")
PLATE = io.Custom("STILLBRUSH_PLATE")
STATE = io.Custom("STILLBRUSH_STATE")
SOCKETS: dict[str, Any] = {
    "image": io.Image,
    "picture": io.Image,
    "encoded": io.Image,
    "clip": io.Image,
    "vectors": io.Image,
    "mask": io.Mask,
    "flow": FLOW,
    "prior": PRIOR,
    "look": LOOK,
    "shot": PLATE,
    "files": io.String,
    "number": io.Float,
    "text": io.String,
}
COLOUR = "colour"
PLACEHOLDER = 64  # ComfyUI's Load Image gives a mask of zeros of this size where there is no alpha


class Colour(enum.Enum):
    """What the values of an IMAGE are."""

    DISPLAY = "display sRGB"
    LINEAR = "scene-linear"


SPACES = {Colour.DISPLAY: DISPLAY, Colour.LINEAR: LINEAR}


class Inside(NamedTuple):
    """Where a frame lies on the canvas of its shot, and whether it has an alpha."""

    where: tuple[slice, slice]
    has_alpha: bool


class Plate(NamedTuple):
    """What Read knows of the pictures that it gives."""

    shot: Shot
    alpha: Tensor | None = None
    """(B, H, W) of every frame, the very MASK that Read gives; 1 where a frame has none."""
    inside: Mapping[int, Inside] = MappingProxyType({})
    """By frame: all that is known of it beside. Only a writer needs its file again."""

    def __repr__(self) -> str:
        """Say what it is in a word: ComfyUI prints every input of a node that fails."""
        return f"Plate({self.shot.name}, {len(self.shot.frames)} frames)"


class State(NamedTuple):
    """What a node carries to its next run."""

    node: str
    values: tuple[Any, ...]

    def __repr__(self) -> str:
        """Say what it is in a word."""
        return f"State({self.node})"


VALUES: dict[str, type] = {
    "IMAGE": Tensor,
    "MASK": Tensor,
    FLOW.io_type: Flow,
    PRIOR.io_type: Prior,
    LOOK.io_type: Look,
    PLATE.io_type: Plate,
    STATE.io_type: State,
}


def check_sockets(schema: Any, given: dict[str, Any]) -> None:
    """Refuse what is not of a socket's kind: other packs may give nothing, or a list.

    Raises:
        BadInput: names the socket.
    """
    for socket in schema.inputs:
        kind, value = VALUES.get(socket.io_type), given.get(socket.id)
        if kind is None or isinstance(value, kind) or (value is None and socket.optional):
            continue
        got = "nothing" if value is None else f"a {type(value).__name__}"
        raise BadInput(
            f"{socket.display_name or socket.id}: expected {socket.io_type}; got {got}. Look at "
            "the node that it is wired to."
        )


def pack_state(node: str, state: Any) -> State:
    """Turn a node's state into a value for a socket."""
    kept = (getattr(state, field.name) for field in fields(state))
    return State(node, tuple(v.cpu() if isinstance(v, Tensor) else v for v in kept))


def unpack_state(node: str, kind: type, state: State | None) -> Any:
    """Turn a socket's value back into a node's state.

    Raises:
        BadInput: it is another node's.
    """
    if state is None:
        return kind()
    if state.node != node:
        raise BadInput(f"state: expected one of {node}; got one of {state.node}.")
    return kind(*state.values)


def pictures(image: Tensor, where: str = "frame") -> tuple[Tensor, Tensor | None]:
    """Split an IMAGE into RGB (B, H, W, 3) float32 in main memory and further channels.

    Raises:
        BadInput: it is empty, or no picture.
    """
    batch = image[None] if image.ndim == 3 else image
    if batch.ndim != 4 or batch.shape[-1] not in (1, 3, 4):
        raise BadInput(f"{where}: expected pictures (B, H, W, 3 or 4); got {tuple(image.shape)}.")
    if 0 in batch.shape:
        raise BadInput(f"{where}: expected at least one picture; got an empty batch.")
    plain = batch.to("cpu", torch.float32)
    rgb = plain.expand(-1, -1, -1, 3) if plain.shape[-1] == 1 else plain[..., :3]
    return rgb, (plain[..., 3:] if plain.shape[-1] == 4 else None)


def mattes(mask: Tensor | None, count: int, size: tuple[int, int], where: str) -> Tensor | None:
    """Return a MASK as (B, H, W, 1) that fits pictures; None for none, or for a placeholder.

    One mask serves every frame; a mask of another size is resized; what is no number is 0.

    Raises:
        BadInput: there is nothing in them, or they are neither one nor as many as frames.
    """
    if mask is None:
        return None
    if mask.ndim < 2 or 0 in mask.shape:
        raise BadInput(f"{where}: expected masks (B, H, W); got {tuple(mask.shape)}.")
    batch = mask.reshape(-1, *mask.shape[-2:]).to("cpu", torch.float32).nan_to_num(0.0)
    side = (PLACEHOLDER, PLACEHOLDER)
    if tuple(batch.shape[1:]) == side and side != size and not batch.any():
        return None
    if batch.shape[0] not in (1, count):
        raise BadInput(f"{where}: expected 1 mask or {count}; got {batch.shape[0]}.")
    return resize_mask(batch[..., None], *size).expand(count, -1, -1, -1)


def shot_of(rgb: Tensor, plate: Plate | None, colour: str, first: int = 1) -> Shot:
    """Return pictures (B, H, W, 3) as a shot."""
    count, height, width, _ = rgb.shape

    def pull(place: int) -> np.ndarray:
        return rgb[place].contiguous().numpy()

    if plate is not None:
        return with_pictures(plate.shot, pull, (height, width), count, under(plate))
    space = PlateColour(SPACES[Colour(colour)])
    return shot_of_pictures(pull, (height, width), count, space, first=first)


def under(plate: Plate) -> dict[int, Placed]:
    """Return the frames of a plate of which all but the picture is known."""
    if plate.alpha is None:
        return {}
    nothing = np.empty((0, 0, 3), np.float32)
    alphas = dict(zip(plate.shot.frames, plate.alpha.numpy(), strict=True))
    return {
        frame: Placed(frame, nothing, alphas[frame] if known.has_alpha else None, None, known.where)
        for frame, known in plate.inside.items()
    }


def same_length(**counts: int) -> int:
    """Return how many frames there are.

    Raises:
        BadInput: some inputs have more than others.
    """
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise BadInput(f"expected as many frames on every input; got {told}.")
    return next(iter(counts.values()))


def stacked(count: int, make: Callable[[int], Tensor]) -> Tensor:
    """Stack what is made for each place, (1, ...) each, without holding it twice."""
    first = make(0)
    whole = torch.empty((count, *first.shape[1:]), dtype=first.dtype)
    whole[0] = first[0]
    for place in range(1, count):
        whole[place] = make(place)[0]
    return whole

"""Cuts: does this frame continue the one before?

Both frames are made small, the motion between them is measured and undone, and what is left is
compared as *structure*: the correlation of every 9x9 neighbourhood after its own mean and contrast
are taken out. Fast motion is undone, a flash or a change of exposure keeps its structure, and only
another picture has no structure in common. The two frames decide and nothing else, so a cut lies
where it lies in whatever order a shot is rendered.

On the development clips (13 shots) neighbouring frames score at most 0.15, every fourth frame at
most 0.42, the 156 joins of one clip to another at least 0.62 (0.47 at a twentieth of the light).
A flash that brightens 2.2 times and burns out most of the frame scores up to 0.63: lower the
sensitivity for such footage.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import BadInput
from .flow import Flow, dis_flow, luma, to_grey
from .warp import inside, warp

LONGER_SIDE = 160  # pixels at which frames are compared
REACH = 4  # neighbourhoods are 9x9
NOISE = 0.02  # standard deviation, of 0..1, that is never structure
FAINT = 0.15  # contrast, as a share of the frame's own, at which a neighbourhood starts to count
EVEN = 0.844  # makes a shared structure of 0.44, midway between shots and joins, score 0.5
SENSITIVITY = 0.5  # fits ordinary footage


def is_cut(
    previous: Tensor, current: Tensor, flow: Flow | None = None, sensitivity: float = SENSITIVITY
) -> bool:
    """Return whether a new shot begins at `current`.

    Args:
        previous: (1, H, W, 3) in network encoding, 0..1.
        current: the same for the next frame.
        flow: the flow between them, if it is there already; see `cut_score`.
        sensitivity: 0 finds no cut, 1 finds one at every change.

    Raises:
        BadInput: not two RGB pictures, or a sensitivity outside 0..1.
    """
    if not 0.0 <= sensitivity <= 1.0:
        raise BadInput(f"cuts.sensitivity: expected 0.0 to 1.0; got {sensitivity}")
    return cut_score(previous, current, flow) > 1.0 - sensitivity


def cut_score(previous: Tensor, current: Tensor, flow: Flow | None = None) -> float:
    """Return how little of `previous` is left in `current`: 0 all, 1 nothing.

    Args:
        previous: (1, H, W, 3) in network encoding, 0..1.
        current: the same for the next frame. Another size is another shot: 1.
        flow: flow between the two. It can only speak against a cut, by explaining motion that is
            too large for the small frames.

    A frame of one flat colour (black, or a flash burnt out to white) has no structure to share, so
    going in and out of it counts as a cut.

    Raises:
        BadInput: not two (1, H, W, 3) pictures.
    """
    for picture in (previous, current):
        if picture.ndim != 4 or picture.shape[0] != 1 or picture.shape[-1] != 3:
            raise BadInput(f"cuts: expected pictures (1, H, W, 3); got {tuple(picture.shape)}")
    if previous.shape != current.shape:
        return 1.0
    before, after = _small(previous), _small(current)
    guess = torch.from_numpy(dis_flow(to_grey(after)[0], to_grey(before)[0]))[None]
    shared = _shared_structure(before, after, guess)
    if flow is not None:
        given = _thinned(flow.backward, *after.shape[1:3])
        shared = max(shared, _shared_structure(before, after, given))
    return 1.0 - shared**EVEN


def _small(picture: Tensor) -> Tensor:
    # Three samples a side are enough for the average that follows, at a fraction of the reading.
    stride = max(1, max(picture.shape[1:3]) // (3 * LONGER_SIDE))
    picture = picture.detach()[:, ::stride, ::stride].float().nan_to_num(0.0).clamp(0.0, 1.0)
    height, width = picture.shape[1:3]
    scale = LONGER_SIDE / max(height, width)
    if scale < 1.0:
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        planes = F.interpolate(picture.permute(0, 3, 1, 2).contiguous(), size, mode="area")
        picture = planes.permute(0, 2, 3, 1)
    return picture.cpu()


def _thinned(flow: Tensor, height: int, width: int) -> Tensor:
    """Return every n-th vector of a flow in the pixels of the small frame; no averaging needed."""
    old_height, old_width = flow.shape[1:3]
    rows = torch.arange(height, device=flow.device) * old_height // height
    columns = torch.arange(width, device=flow.device) * old_width // width
    scale = torch.tensor([width / old_width, height / old_height])
    return flow[:, rows][:, :, columns].cpu() * scale


def _shared_structure(previous: Tensor, current: Tensor, backward: Tensor) -> float:
    """Return the share of structure, 0..1, that `previous` moved along the flow explains."""
    moved = warp(previous, backward)
    a, b = _levelled(moved), _levelled(current)
    maps = torch.cat((a, b, a * a, b * b, a * b, moved, current), -1)
    around = _around(maps.permute(0, 3, 1, 2))
    mean_a, mean_b, square_a, square_b, product = around[:, :5].unbind(1)
    energy_a = (square_a - mean_a * mean_a).clamp(min=0.0)
    energy_b = (square_b - mean_b * mean_b).clamp(min=0.0)
    common = product - mean_a * mean_b
    alike = (common / ((energy_a * energy_b).sqrt() + FAINT * FAINT)).clamp(0.0, 1.0)
    weight = torch.maximum(energy_a, energy_b).sqrt() * inside(backward)[..., 0]
    # Where neither frame has structure, an unchanged colour is what they share.
    colour_a, colour_b = around[:, 5:8], around[:, 8:]
    change = (colour_a - colour_b).abs().amax(1)
    brightest = torch.maximum(colour_a, colour_b).amax(1)
    same = (1.0 - 2.0 * change / (brightest + 0.05)).clamp(0.0, 1.0)
    return float((weight * alike + FAINT * same).mean() / (weight + FAINT).mean())


def _levelled(picture: Tensor) -> Tensor:
    """Return the luma (1, H, W, 1) with the frame's own mean and contrast taken out."""
    grey = luma(picture)[..., None]
    grey = grey - grey.mean()
    return grey / ((grey * grey).mean() + NOISE * NOISE).sqrt()


def _around(planes: Tensor) -> Tensor:
    """Return the mean of each pixel's neighbourhood in (1, K, H, W); the edge is repeated."""
    side = 2 * REACH + 1
    wide = F.pad(planes.contiguous(), (REACH,) * 4, mode="replicate")
    return F.avg_pool2d(F.avg_pool2d(wide, (1, side), stride=1), (side, 1), stride=1)

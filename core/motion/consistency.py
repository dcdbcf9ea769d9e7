"""Where a flow can be trusted: Ruder et al. 2018, equations 5 to 7, and the recipes in use.

A mask is (B, H, W, 1) float32; 1 means *trust*. Thresholds are in pixels of the frame the flow is
for: resize a half-resolution flow to full size before asking.
"""

from __future__ import annotations

from enum import Enum

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import BadInput
from .flow import UNKNOWN, Flow, is_known
from .warp import inside, warp

CHECK, CHECK_FLOOR = 0.01, 0.5  # equation 6
BOUNDARY, BOUNDARY_FLOOR = 0.01, 0.002  # equation 7
DILATE = 1  # pixels: the flow is wrong first beside what it is wrong about


class MaskRecipe(str, Enum):
    """Which mask a look was trained with."""

    RUDER = "ruder"
    """Equations 6 and 7, widened by one pixel."""
    DISOCCLUSION = "disocclusion"
    """Equation 6 alone, widened by one pixel: keeps motion boundaries, which may drag paint."""
    FAST_ARTISTIC_VIDEOS = "fast-artistic-videos"
    """Equation 6 alone, widened by a 7-pixel minimum filter, as that code does at run time."""
    ARTISTIC_VIDEOS = "artistic-videos"
    """Equations 6 and 7 with soft edges (Gaussian, sigma 0.8), as the optimisation code does."""


WIDENED = {
    MaskRecipe.RUDER: DILATE,
    MaskRecipe.DISOCCLUSION: DILATE,
    MaskRecipe.FAST_ARTISTIC_VIDEOS: 3,
    MaskRecipe.ARTISTIC_VIDEOS: 0,
}


def trust(
    flow: Flow,
    *,
    check: float = CHECK,
    check_floor: float = CHECK_FLOOR,
    boundary: float = BOUNDARY,
    boundary_floor: float = BOUNDARY_FLOOR,
    dilate: int = DILATE,
) -> Tensor:
    """Return where the backward flow may be trusted: 0 or 1, on frame t.

    Args:
        flow: both directions, (B, H, W, 2) pixels each.
        check: share of the squared motion by which the two directions may disagree (eq 6).
        check_floor: squared pixels by which they may always disagree.
        boundary: share of the squared motion that counts as a motion boundary (eq 7).
        boundary_floor: squared gradient that never counts as one.
        dilate: pixels by which the untrusted area is widened.

    Out of frame, disoccluded, on a motion boundary or unknown is 0.

    Raises:
        BadInput: the two directions differ in shape, or `dilate` is negative.
    """
    _check(flow, dilate)
    firm = agrees(flow, check, check_floor) & is_smooth(flow.backward, boundary, boundary_floor)
    return _widened(firm.to(torch.float32), dilate)


def trust_mask(
    flow: Flow, recipe: MaskRecipe | str = MaskRecipe.RUDER, dilate: int | None = None
) -> Tensor:
    """Return the mask of a recipe, (B, H, W, 1) in 0..1.

    Args:
        flow: both directions, (B, H, W, 2) pixels each.
        recipe: what counts as untrusted.
        dilate: pixels by which the untrusted area is widened; None takes the recipe's own.

    Raises:
        BadInput: the two directions differ in shape, or `dilate` is negative.
    """
    recipe = MaskRecipe(recipe)
    dilate = WIDENED[recipe] if dilate is None else dilate
    _check(flow, dilate)
    matched = agrees(flow)
    if recipe in (MaskRecipe.DISOCCLUSION, MaskRecipe.FAST_ARTISTIC_VIDEOS):
        return _widened(matched.to(torch.float32), dilate)
    firm = matched & is_smooth(flow.backward)
    if recipe is MaskRecipe.RUDER:
        return _widened(firm.to(torch.float32), dilate)
    # The optimisation code writes -255 where eq 6 fails and 0 on motion boundaries, blurs, and
    # clips: a disocclusion eats into its surroundings, a boundary only softens.
    labels = firm.to(torch.float32) - (~matched).to(torch.float32)
    return soften(_widened(labels, dilate)) * _leads_somewhere(flow.backward)


def agrees(flow: Flow, check: float = CHECK, floor: float = CHECK_FLOOR) -> Tensor:
    """Return where forward and backward flow meet (eq 5, 6): (B, H, W, 1) bool on frame t."""
    back = flow.backward
    # Not-a-number would reach neighbours through a weight of 0; a large number does not.
    ahead = torch.where(is_known(flow.forward), flow.forward, UNKNOWN)
    there = warp(ahead, back)  # eq 5
    error = _energy(there + back)
    # Written as what is trusted: not-a-number fails every comparison.
    meet = error <= check * (_energy(there) + _energy(back)) + floor
    return meet & _leads_somewhere(back) & is_known(there)


def is_smooth(flow: Tensor, boundary: float = BOUNDARY, floor: float = BOUNDARY_FLOOR) -> Tensor:
    """Return where a (B, H, W, 2) flow has no motion boundary (eq 7): (B, H, W, 1) bool.

    Gradients are central differences [-.5, 0, .5] as in the authors' code; an unscaled Sobel would
    double the area.
    """
    x = F.pad(flow.permute(0, 3, 1, 2), (1, 1, 1, 1), mode="replicate").permute(0, 2, 3, 1)
    across = 0.5 * (x[:, 1:-1, 2:] - x[:, 1:-1, :-2])
    down = 0.5 * (x[:, 2:, 1:-1] - x[:, :-2, 1:-1])
    return _energy(across) + _energy(down) <= boundary * _energy(flow) + floor


def soften(mask: Tensor, sigma: float = 0.8) -> Tensor:
    """Blur a (B, H, W, 1) mask with a Gaussian of `sigma` pixels and clip it to 0..1.

    Values below 0 are allowed in: they push the edge outwards.
    """
    reach = max(1, round(3 * sigma))
    weights = [torch.exp(torch.tensor(-0.5 * (i / sigma) ** 2)) for i in range(reach + 1)]
    total = weights[0] + 2 * sum(weights[1:])
    taps = [float(w / total) for w in weights]
    for axis, pad in ((2, (reach, reach, 0, 0)), (1, (0, 0, reach, reach))):
        wide = F.pad(mask.permute(0, 3, 1, 2), pad, mode="replicate").permute(0, 2, 3, 1)
        size = mask.shape[axis]
        blurred = taps[0] * wide.narrow(axis, reach, size)
        for i in range(1, reach + 1):
            sides = wide.narrow(axis, reach - i, size) + wide.narrow(axis, reach + i, size)
            blurred = blurred + taps[i] * sides
        mask = blurred
    return mask.clamp(0.0, 1.0)


def _check(flow: Flow, dilate: int) -> None:
    shape = flow.backward.shape
    if len(shape) != 4 or shape[-1] != 2 or flow.forward.shape != shape:
        raise BadInput(
            "mask.flow: expected backward and forward (B, H, W, 2) of one size; got "
            f"{tuple(shape)} and {tuple(flow.forward.shape)}"
        )
    if dilate < 0:
        raise BadInput(f"mask.dilate: expected 0 or more pixels; got {dilate}")


def _leads_somewhere(backward: Tensor) -> Tensor:
    """Return where a flow is known and its target in the frame.

    Up to half a pixel beyond the last centre is still in the frame. The authors' code allows none;
    then flow noise of a hundredth of a pixel makes the edge of a locked-off shot flicker.
    """
    return is_known(backward) & (inside(backward, slack=0.5) > 0)


def _energy(vectors: Tensor) -> Tensor:
    return vectors[..., :1] * vectors[..., :1] + vectors[..., 1:] * vectors[..., 1:]


def _widened(mask: Tensor, pixels: int) -> Tensor:
    """Return the minimum over a square of `pixels` to each side."""
    if not pixels:
        return mask
    planes = -mask.permute(0, 3, 1, 2)
    side = 2 * pixels + 1
    planes = F.max_pool2d(planes, (1, side), stride=1, padding=(0, pixels))
    planes = F.max_pool2d(planes, (side, 1), stride=1, padding=(pixels, 0))
    return -planes.permute(0, 2, 3, 1)

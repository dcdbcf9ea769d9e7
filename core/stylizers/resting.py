"""Where nothing moves paint rests: it is left alone, to the bit."""

from __future__ import annotations

import torch
from torch import Tensor

from ..motion.registration import averaged
from .paint_state import PaintState
from .prior import Prior, resize_mask

CHANGE_REACH = 7  # pixels over which a change of the plate is averaged, so that grain is none
CHANGE_RANGE = (0.02, 0.05)  # of the encoded range: paint is kept below, given up above
CALM = 0.8  # share of a frame that rests before a tripod
FORGETTING = 0.5  # of how firmly paint rested before, each frame
OUTLASTING = 0.3  # of the firmest: what rested for long outlasts one frame without, not two


def rest(
    painted: Tensor, frame: Tensor, plate: Tensor, prior: Prior, state: PaintState
) -> tuple[Tensor, Tensor, Tensor]:
    """Leave paint alone where nothing moves and the plate is what it was painted from.

    A network that paints over its own paint wanders, and most where there is least to hold on to: a
    flat wall before a camera on a tripod. There the last paint is the best there is. It is kept to
    the bit, and given up where the plate has come to differ from the one it was painted from - not
    from the last frame, so that slow changes of light are followed too.

    Grain makes motion out of nothing now and then. What rested before outlasts one such frame, as
    long as the plate has not changed there and something else in the frame rests. Before a tripod,
    where nearly all of the frame rests, whatever cannot be followed and has not changed rests too.

    Args:
        painted: what was painted, (1, h, w, 3).
        frame: the plate, (1, h, w, 3).
        plate: the plate that the paint belongs to, (1, h, w, 3).
        prior: says where nothing moves.
        state: what was painted last.

    Returns:
        The painted frame, the plate that its paint belongs to, (1, h, w, 3) each, and how firmly
        paint rested of late (1, h, w, 1).
    """
    still = resize_mask(prior.still, *frame.shape[1:3])
    resting = still if state.resting is None else torch.lerp(state.resting, still, FORGETTING)
    if state.painted is None or state.reference is None or not prior.still.any():
        return painted, plate, resting
    released = changed(frame, state.reference, CHANGE_RANGE)
    firmest = still.amax()
    lost = resize_mask(prior.mask, *frame.shape[1:3]) < prior.dial / 2
    outlasts = (resting > OUTLASTING * firmest) | (lost & ((still > 0).float().mean() > CALM))
    held = torch.where(outlasts, torch.maximum(still, firmest), still)
    keep = held * (1 - released)
    kept = torch.lerp(painted, state.painted, keep), torch.lerp(plate, state.reference, keep)
    return *kept, resting


def changed(frame: Tensor, reference: Tensor, span: tuple[float, float]) -> Tensor:
    """Return how far a plate (1, h, w, 3) differs from another, beyond grain, 0 to 1."""
    change = (frame - reference).abs().permute(0, 3, 1, 2).contiguous()
    change = averaged(change, CHANGE_REACH)
    least, most = span
    return ((change.amax(1)[..., None] - least) / (most - least)).clamp(0, 1)

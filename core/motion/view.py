"""Motion and masks as pictures to look at."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .flow import is_known

TINT = (0.85, 0.1, 0.55)  # magenta: no plate and no painting has much of it


def flow_picture(flow: Tensor, reach: float) -> Tensor:
    """Paint a flow as direction and speed: hue says where to, colour how fast.

    Args:
        flow: (B, H, W, 2) pixels.
        reach: pixels of motion that show in full colour.

    Returns:
        (B, H, W, 3), 0 to 1, display values: white at rest, dark grey where nothing is known.
    """
    known = is_known(flow)
    step = torch.where(known, flow, 0.0)
    speed = (step.square().sum(-1, keepdim=True).sqrt() / reach).clamp(max=1.0)
    turn = torch.atan2(step[..., 1:], step[..., :1]) / (2 * math.pi)
    shift = torch.tensor([0.0, 2 / 3, 1 / 3], device=flow.device)
    hue = ((turn + shift).remainder(1.0) * 6 - 3).abs().sub(1).clamp(0, 1)
    return torch.where(known, 1 - speed * (1 - hue), 0.2)


def mask_picture(mask: Tensor, frame: Tensor | None, opacity: float) -> Tensor:
    """Show a mask: tinted where it is 0, over the frame or over white.

    Args:
        mask: (B, H, W, 1), 0 to 1.
        frame: (B, H, W, 3) display values, or None.
        opacity: of the tint, 0 to 1.
    """
    tint = torch.tensor(TINT, device=mask.device)
    under = torch.ones((*mask.shape[:3], 3), device=mask.device) if frame is None else frame
    return torch.lerp(under, tint.expand_as(under), (1 - mask) * opacity).clamp(0, 1)

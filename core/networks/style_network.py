"""The prior network: paints a frame so that it continues yesterday's painted frame.

Ruder et al., section 5 (eq 15): seven input channels - the frame, the masked warped prior and the
mask - and one network for every frame. Ours is a quarter of the width of theirs and has overlapping
strided stems (5x5) in place of the 9x9 ends; the last layer sees prior and mask again. Several
looks share the convolutions; each has its own scale and shift after every normalisation
(conditional instance normalisation, Dumoulin et al.). Beside colours that layer may say how much of
the prior to keep: without that share it can only paint the prior anew, or paint over it evenly.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layouts import CARRIED, Plan, Shape, plans

EPSILON = 1e-5
FIRST_KEPT = 0.15  # how much of the prior an untrained network keeps, times `KEENNESS` a logit
KEENNESS = 12.0  # half of the prior under half of other paint has the strokes of neither


Statistics = tuple[tuple[Tensor, Tensor], ...]
"""Mean and variance of each normalised layer, (N or 1, C) each, in the order of the layers."""


class Stage(nn.Module):
    """One convolution with what surrounds it: nearest upsampling before, normalisation after."""

    def __init__(self, plan: Plan, styles: int) -> None:
        super().__init__()
        self.plan = plan
        self.convolution = (
            nn.ConvTranspose2d(plan.inputs, plan.outputs, plan.kernel, 2, 1, output_padding=1)
            if plan.transposed
            else nn.Conv2d(
                plan.inputs, plan.outputs, plan.kernel, plan.stride, dilation=plan.dilation
            )
        )
        if plan.normalised:
            self.scale = nn.Parameter(torch.ones(styles, plan.outputs))
            self.shift = nn.Parameter(torch.zeros(styles, plan.outputs))

    def convolve(self, x: Tensor) -> Tensor:
        """Upsample, pad by reflection and convolve (N, C, H, W)."""
        if self.plan.upsampled:
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        if self.plan.transposed:
            return self.convolution(x)
        return self.convolution(reflect(x, self.plan.kernel // 2 * self.plan.dilation))

    def affine(self, style: Tensor, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """Fold statistics and style into one gain and one offset, (N, C) each."""
        gain = (style @ self.scale) * torch.rsqrt(variance + EPSILON)
        return gain, (style @ self.shift) - mean * gain


def reflect(x: Tensor, by: int) -> Tensor:
    """Pad (N, C, H, W) by reflection; sides must be longer than the padding."""
    return F.pad(x, (by, by, by, by), mode="reflect")


class StyleNetwork(nn.Module):
    """The network as trained: plain, differentiable, whole pictures.

    ``core/networks/bands.py`` runs the same stages for rendering.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.stages = nn.ModuleList(Stage(plan, shape.styles) for plan in plans(shape))
        if shape.keeps:
            last = self.stages[-1]
            assert isinstance(last, Stage)
            assert last.convolution.bias is not None
            with torch.no_grad():
                last.convolution.bias[3] = FIRST_KEPT
            self.balance = nn.Parameter(torch.zeros(shape.styles, 1))  # logit of each style's own

    def forward(
        self,
        x: Tensor,
        style: Tensor,
        statistics: Statistics | None = None,
        *,
        pooled: bool = False,
    ) -> tuple[Tensor, Statistics]:
        """Paint a batch.

        Args:
            x: (N, 7, H, W): frame, masked warped prior (both 0 to 1), mask.
            style: (N, S) share of each style; rows usually sum to 1.
            statistics: frozen statistics; a picture's own where they are absent or NaN.
            pooled: with none given, measure one set over all pictures together.

        Returns:
            The painted pictures (N, 3, H, W), 0 to 1, and the statistics that were used.
        """
        height, width = x.shape[-2:]
        used: list[tuple[Tensor, Tensor]] = []
        carried, x = x[:, -CARRIED:], x[:, : self.shape.inputs]
        kept = x
        for stage in self.stages:
            assert isinstance(stage, Stage)
            if stage.plan.opens:
                kept = x
            if not stage.plan.normalised:
                x = x[..., :height, :width]
            if stage.plan.recalls:
                x = torch.cat((x, carried), 1)
            x = stage.convolve(x)
            if stage.plan.normalised:
                variance, mean = torch.var_mean(x, (2, 3), correction=0)
                if pooled and statistics is None:
                    mean, variance = pool(mean, variance)
                if statistics is not None:
                    frozen_mean, frozen_variance = statistics[len(used)]
                    mean = torch.where(frozen_mean.isnan(), mean, frozen_mean)
                    variance = torch.where(frozen_variance.isnan(), variance, frozen_variance)
                used.append((mean, variance))
                gain, offset = stage.affine(style, mean, variance)
                x = torch.addcmul(offset[:, :, None, None], x, gain[:, :, None, None])
            if stage.plan.rectified:
                x = F.relu(x)
            if stage.plan.closes:
                x = x + kept
        if not self.shape.keeps:
            return torch.sigmoid(x), tuple(used)
        x = x + self.offset(style)[:, :, None, None]
        return keep(x, carried, 1, KEENNESS), tuple(used)

    def offset(self, style: Tensor) -> Tensor:
        """Return what a mix of styles (N, S) adds to what is made, (N, 4): to the share kept.

        Paint of high contrast wears sooner than flat paint: each style has a balance of its own.
        """
        return F.pad(style @ self.balance, (3, 0))


def keep(made: Tensor, carried: Tensor, channels: int, keenness: float = 1.0) -> Tensor:
    """Return a picture that keeps of the prior what its network says.

    Args:
        made: logits of what is painted, 3 channels, and of the share to keep, 1.
        carried: the masked warped prior, 3 channels, 0 where the mask is, and the mask, 1.
        channels: the dimension of these channels.
        keenness: how decided the share is.
    """
    painted, share = made.split([3, 1], channels)
    painted, share = torch.sigmoid(painted), torch.sigmoid(keenness * share)
    prior, mask = carried.split([3, 1], channels)
    return painted + share * (prior - mask * painted)


def pool(mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and variance (1, C) of pictures of one size, as if they were one."""
    whole = mean.mean(0, keepdim=True)
    return whole, variance.mean(0, keepdim=True) + (mean - whole).square().mean(0, keepdim=True)

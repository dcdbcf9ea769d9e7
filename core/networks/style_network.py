"""The prior network: paints a frame so that it continues yesterday's painted frame.

Ruder et al., section 5 (eq 15): seven input channels - the frame, the masked warped prior and the
mask - and one network for every frame. Ours is a quarter of the width of theirs and has overlapping
strided stems (5x5) in place of the 9x9 ends; the last layer sees prior and mask again. Several
looks share the convolutions; each has its own scale and shift after every normalisation
(conditional instance normalisation, Dumoulin et al.). Beside colours that layer may say how much of
the prior to keep: without that share it can only paint the prior anew, or paint over it evenly.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPSILON = 1e-5
INPUTS = 7  # frame 3, masked warped prior 3, mask 1
LIMITS = {"stem": 256, "width": 256, "blocks": 32, "styles": 1024}  # of what a file may ask for
CARRIED = 4  # of them, those that the last layer sees again
FIRST_KEPT = 0.15  # how much of the prior an untrained network keeps, times `KEENNESS` a logit
KEENNESS = 12.0  # half of the prior under half of other paint has the strokes of neither


class Architecture(enum.Enum):
    """How the layers of a network follow one another."""

    STILLBRUSH = "stillbrush"  # ours: overlapping strided stems, the prior seen again at the end
    JOHNSON = "johnson"  # Johnson et al., nearest upsampling; with 7 inputs Ruder et al.
    DELCOUR = "delcour"  # Delcour and Lewin, table II: transposed convolutions
    DILATED = "dilated"  # Johnson's with dilation in place of strides (Ruder et al., section 5.1)


Statistics = tuple[tuple[Tensor, Tensor], ...]
"""Mean and variance of each normalised layer, (N or 1, C) each, in the order of the layers."""


@dataclass(frozen=True)
class Shape:
    """Widths of a style network; saved beside its weights."""

    stem: int = 24
    width: int = 48
    blocks: int = 5
    decoder: tuple[int, int] = (32, 16)
    styles: int = 1
    architecture: Architecture = Architecture.STILLBRUSH
    inputs: int = INPUTS  # of the seven: 3 the frame alone, 6 with the last picture, 7 all
    keeps: bool = False  # says how much of the prior to keep; our own layout alone

    def metadata(self) -> dict[str, str]:
        """Return the shape as safetensors metadata."""
        return {key: str(value) for key, value in self.plain().items()} | {
            "decoder": ",".join(map(str, self.decoder))
        }

    def plain(self) -> dict[str, Any]:
        """Return the shape as plain values; ours does not say what only others have."""
        made = asdict(self) | {
            "architecture": self.architecture.value,
            "decoder": list(self.decoder),
        }
        if self.architecture is Architecture.STILLBRUSH and self.inputs == INPUTS:
            del made["architecture"], made["inputs"]
        if not self.keeps:
            del made["keeps"]
        return made

    @classmethod
    def from_metadata(cls, metadata: dict[str, str]) -> Shape:
        """Read a shape back.

        Raises:
            ValueError: a width is missing, is no number, or is beyond what any network has.
        """
        absent = [key for key in (*LIMITS, "decoder") if key not in metadata]
        if absent:
            raise ValueError(f"its header says nothing of {', '.join(absent)}")
        plain = {key: bounded(key, metadata[key], limit) for key, limit in LIMITS.items()}
        decoder = metadata["decoder"].split(",")
        if len(decoder) != 2:
            raise ValueError(f"decoder: expected two widths; got {metadata['decoder'][:40]!r}")
        first, second = (bounded("decoder", width, LIMITS["width"]) for width in decoder)
        named = metadata.get("architecture", Architecture.STILLBRUSH.value)
        if named not in {known.value for known in Architecture}:
            raise ValueError(f"architecture: there is none called {named[:40]!r}")
        inputs = bounded("inputs", metadata.get("inputs", str(INPUTS)), INPUTS)
        keeps = metadata.get("keeps", "False")
        if keeps not in ("True", "False") or (keeps == "True" and named != "stillbrush"):
            raise ValueError(f"keeps: {named} has no {keeps[:40]!r}")
        return cls(
            decoder=(first, second),
            architecture=Architecture(named),
            inputs=inputs,
            keeps=keeps == "True",
            **plain,
        )

    @classmethod
    def of_papers(cls, architecture: Architecture, inputs: int, share: float = 1.0) -> Shape:
        """Return the widths of Johnson et al., all of them scaled by a share."""
        stem, middle, width, last = (max(4, round(w * share)) for w in (32, 64, 128, 32))
        return cls(stem, width, 5, (middle, last), 1, architecture, inputs)


def bounded(key: str, text: str, limit: int) -> int:
    """Read one width, so that a forged header cannot ask for all of the memory.

    Raises:
        ValueError: it is no number, or not between 1 and the limit.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= limit):
        raise ValueError(f"{key}: expected 1 to {limit}; got {text[:40]!r}")
    return int(text)


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


@dataclass(frozen=True)
class Plan:
    """What a stage does; the band renderer reads it too."""

    inputs: int
    outputs: int
    kernel: int
    stride: int = 1
    upsampled: bool = False
    normalised: bool = True
    rectified: bool = True
    opens: bool = False  # remembers its input for the residual connection
    closes: bool = False  # adds the remembered input to its output
    recalls: bool = False  # reads the masked prior and the mask beside its input
    dilation: int = 1
    transposed: bool = False  # a transposed convolution that doubles the picture


def reflect(x: Tensor, by: int) -> Tensor:
    """Pad (N, C, H, W) by reflection; sides must be longer than the padding."""
    return F.pad(x, (by, by, by, by), mode="reflect")


def plans(shape: Shape) -> tuple[Plan, ...]:
    """List the stages of a network, in order."""
    return LAYOUTS[shape.architecture](shape)


def our_plans(shape: Shape) -> tuple[Plan, ...]:
    """List the stages of our own network."""
    width, (up1, up2) = shape.width, shape.decoder
    stem = (Plan(INPUTS, shape.stem, 5, 2), Plan(shape.stem, width, 5, 2))
    block = (Plan(width, width, 3, opens=True), Plan(width, width, 3, rectified=False, closes=True))
    decoder = (Plan(width, up1, 3, upsampled=True), Plan(up1, up2, 3, upsampled=True))
    outputs = 3 + shape.keeps
    head = (Plan(up2 + CARRIED, outputs, 5, normalised=False, rectified=False, recalls=True),)
    return stem + block * shape.blocks + decoder + head


def johnson_plans(shape: Shape, *, transposed: bool = False) -> tuple[Plan, ...]:
    """List c9s1-32, d64, d128, R128 x 5, u64, u32, c9s1-3, as widths go."""
    (middle, last), width = shape.decoder, shape.width
    return (
        Plan(shape.inputs, shape.stem, 9),
        Plan(shape.stem, middle, 3, 2),
        Plan(middle, width, 3, 2),
        *residual_plans(width, 1) * shape.blocks,
        Plan(width, middle, 3, upsampled=not transposed, transposed=transposed),
        Plan(middle, last, 3, upsampled=not transposed, transposed=transposed),
        Plan(last, 3, 9, normalised=False, rectified=False),
    )


def dilated_plans(shape: Shape) -> tuple[Plan, ...]:
    """List the same layers at full size; a layer sees as much of the picture as it does there."""
    (middle, last), width = shape.decoder, shape.width
    return (
        Plan(shape.inputs, shape.stem, 9),
        Plan(shape.stem, middle, 3),
        Plan(middle, width, 3, dilation=2),
        *residual_plans(width, 4) * shape.blocks,
        Plan(width, middle, 3, dilation=2),
        Plan(middle, last, 3),
        Plan(last, 3, 9, normalised=False, rectified=False),
    )


def residual_plans(width: int, dilation: int) -> tuple[Plan, Plan]:
    """List a residual block."""
    return (
        Plan(width, width, 3, opens=True, dilation=dilation),
        Plan(width, width, 3, rectified=False, closes=True, dilation=dilation),
    )


LAYOUTS: dict[Architecture, Callable[[Shape], tuple[Plan, ...]]] = {
    Architecture.STILLBRUSH: our_plans,
    Architecture.JOHNSON: johnson_plans,
    Architecture.DELCOUR: functools.partial(johnson_plans, transposed=True),
    Architecture.DILATED: dilated_plans,
}


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
        painted = keep(x, carried, 1, KEENNESS) if self.shape.keeps else torch.sigmoid(x)
        return painted, tuple(used)


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

"""A look as one scripted network without state, for hosts that run TorchScript by themselves.

It paints a frame from packed channels: picture, matte, last painted picture, backward motion. The
recursion is the host's: it hands the last painted picture in. Scripted, not traced, so that any
size goes through. It may run in half; paint is carried in single precision all the same, since half
knows no place beyond 2048 to the pixel.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import BadInput
from ..look import Look, StylizerKind
from ..media.atomic import replacing
from ..motion.sharp_warp import STEADYING, along_slope, bilinear, by_taps, in_steps, lanczos, slip
from ..networks.layouts import Architecture
from ..networks.style_network import EPSILON, KEENNESS, Stage, keep
from ..stylizers.load import load_network_painter

CHANNELS = 9  # picture 3, matte 1, last painted picture 3, backward motion 2 (Nuke's, y up)


class ScriptedStage(nn.Module):
    """One stage with its style folded in."""

    def __init__(self, stage: Stage, style: Tensor) -> None:
        super().__init__()
        plan = stage.plan
        self.weight = nn.Parameter(stage.convolution.weight.detach().clone(), requires_grad=False)
        bias = stage.convolution.bias
        zeros = torch.zeros(plan.outputs)
        bias = zeros if bias is None else bias.detach().clone()
        self.bias = nn.Parameter(bias, requires_grad=False)
        scale = (style @ stage.scale).detach() if plan.normalised else torch.ones(plan.outputs)
        shift = (style @ stage.shift).detach() if plan.normalised else zeros
        self.scale = nn.Parameter(scale.clone(), requires_grad=False)
        self.shift = nn.Parameter(shift.clone(), requires_grad=False)
        self.stride: int = plan.stride
        self.margin: int = plan.kernel // 2
        self.upsampled: bool = plan.upsampled
        self.normalised: bool = plan.normalised
        self.rectified: bool = plan.rectified
        self.opens: bool = plan.opens
        self.closes: bool = plan.closes
        self.recalls: bool = plan.recalls
        self.epsilon: float = EPSILON

    def forward(self, x: Tensor) -> Tensor:
        """Convolve, normalise and rectify (1, C, H, W)."""
        if self.upsampled:
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        by = self.margin
        x = F.conv2d(
            F.pad(x, [by, by, by, by], mode="reflect"), self.weight, self.bias, self.stride
        )
        if self.normalised:
            mean = x.mean((2, 3), keepdim=True)
            variance = (x - mean).square().mean((2, 3), keepdim=True)
            gain = self.scale[None, :, None, None] * torch.rsqrt(variance + self.epsilon)
            x = x * gain + (self.shift[None, :, None, None] - mean * gain)
        return F.relu(x) if self.rectified else x


class TwoFrame(nn.Module):
    """Paints a frame so that it goes on from the last painted one, which comes in as a picture.

    Attributes:
        strength: share of paint, 0 to 1; a knob of the host's node.
        temporal: how firmly paint sticks to what moves, 0 to 1; a knob of the host's node.
    """

    def __init__(self, stages: list[ScriptedStage], *, keeps: bool) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.keeps: bool = keeps
        self.keenness: float = KEENNESS
        self.steadying: float = STEADYING
        # No parameters: in half their rows would no longer sum to one.
        self.sharp: Tensor = lanczos().clone()
        self.slip: Tensor = slip().clone()
        self.smooth: Tensor = bilinear()
        self.strength: float = 1.0
        self.temporal: float = 1.0

    def forward(self, x: Tensor) -> Tensor:
        """Paint (1, 9, H, W), display-encoded 0 to 1; return (1, 3, H, W)."""
        picture, matte = x[:, 0:3], x[:, 3:4]
        carried = self.carried(x)
        painted = self.painted(torch.cat((picture.clamp(0.0, 1.0), carried), 1), carried)
        return picture + self.strength * matte * (painted - picture)

    def carried(self, x: Tensor) -> Tensor:
        """Return the last painted picture, warped and masked, and its mask: (1, 4, H, W)."""
        height, width = x.shape[2], x.shape[3]
        right, up = x[0, 7].float(), x[0, 8].float()
        down = torch.arange(height, device=x.device)[:, None] - up
        across = torch.arange(width, device=x.device)[None, :] + right
        inside = (down >= 0) & (down <= height - 1) & (across >= 0) & (across <= width - 1)
        warped = self.warped(x[:, 4:7].float(), torch.stack((right, -up), -1)[None])
        mask = inside.to(x.dtype)[None, None] * self.temporal
        return torch.cat((warped.to(x.dtype) * mask, mask), 1)

    def warped(self, picture: Tensor, flow: Tensor) -> Tensor:
        """Carry a picture (1, 3, H, W) along a flow (1, H, W, 2) as a render does."""
        image, sharp = picture.permute(0, 2, 3, 1), self.sharp.to(picture.device)
        reach = 2.0 * (image.shape[1] + image.shape[2])
        asked = torch.nan_to_num(flow).clamp(-reach, reach)
        told, missing = in_steps(asked, self.slip.to(picture.device))
        made = by_taps(image, told, sharp)
        made = made + self.steadying * (by_taps(image, told, self.smooth.to(picture.device)) - made)
        return along_slope(made, missing).clamp(0.0, 1.0).permute(0, 3, 1, 2)

    def painted(self, x: Tensor, carried: Tensor) -> Tensor:
        """Run the network."""
        height, width = x.shape[2], x.shape[3]
        kept = x
        for stage in self.stages:
            if stage.opens:
                kept = x
            if stage.recalls:
                x = torch.cat((x[:, :, :height, :width], carried), 1)
            x = stage(x)
            if stage.closes:
                x = x + kept
        if self.keeps:
            return keep(x, carried, 1, self.keenness)
        return torch.sigmoid(x)


def two_frame(look: Look) -> TwoFrame:
    """Return a look's network as a module of its own.

    Raises:
        BadInput: the look does not carry its paint, or not by one such network alone.
    """
    if look.stylizer is not StylizerKind.PRIOR:
        raise BadInput(
            f"look {look.name}: expected a look that carries its paint (stylizer: prior); got "
            f"{look.stylizer.value}."
        )
    if look.opener is not None:
        raise BadInput(
            f"look {look.name}: expected one network for every frame; got an image network for "
            "first frames too (opener), and a network without state cannot know which those are. "
            "Train without an image network, or paint it outside of TorchScript."
        )
    painter = load_network_painter(look)
    layout = painter.network.shape.architecture
    if layout is not Architecture.STILLBRUSH:
        raise BadInput(
            f"look {look.name}: expected a network of architecture "
            f"{Architecture.STILLBRUSH.value}; got {layout.value}."
        )
    stages = []
    for stage in painter.network.stages:
        assert isinstance(stage, Stage)
        stages.append(ScriptedStage(stage, painter.style))
    keeps = painter.network.shape.keeps
    if keeps:
        stages[-1].bias += painter.network.offset(painter.style[None])[0]
    return TwoFrame(stages, keeps=keeps).eval()


def export(look: Look, path: Path, *, overwrite: bool = False) -> None:
    """Write a look as TorchScript (.pt).

    Raises:
        BadInput: another suffix, or as `two_frame`.
        WriteRefused: the file is there already, or the system refused.
    """
    if path.suffix != ".pt":
        raise BadInput(f"{path}: expected a name that ends in .pt.")
    with warnings.catch_warnings():
        # torch.jit is deprecated and is what these hosts read.
        warnings.simplefilter("ignore", DeprecationWarning)
        packed = io.BytesIO()
        torch.jit.save(torch.jit.script(two_frame(look)), packed)
    with replacing(path, overwrite=overwrite) as partial:
        partial.write_bytes(packed.getvalue())

"""A peer to compare any style with: whitening and colouring, compressed sixteenfold.

Li et al. 2017 with the encoders and decoders of Wang et al. 2020 (Collaborative Distillation), as
their code runs them: from the deepest level to the first, each blended with the plate's own
features.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

BLEND = 0.6  # of the coloured features; the rest is the plate's own
LEAST = 1e-5  # of the largest eigenvalue; smaller ones are left out
LAYERS = ["11", "12", "P", "21", "22", "P", "31", "32", "33", "34", "P",
          "41", "42", "43", "44", "P", "51"]  # fmt: skip


class Wct:
    """The peer, painting like one picture.

    Args:
        encoders, decoders: safetensors, `e1` to `e5` and `d1` to `d5`.
        style: the picture (1, 3, H, W), 0 to 1.
    """

    def __init__(self, encoders: Path, decoders: Path, style: Tensor) -> None:
        tensors = load_file(encoders) | load_file(decoders)
        self.weights = {name: value.float() for name, value in tensors.items()}
        self.styles = {level: self.encode(style, level) for level in range(1, 6)}

    @torch.no_grad()
    def __call__(self, plate: Tensor) -> Tensor:
        """Paint a plate (1, H, W, 3), 0 to 1, by itself."""
        size, y = plate.shape[1:3], plate.permute(0, 3, 1, 2)
        for level in (5, 4, 3, 2, 1):
            own = self.encode(y, level)
            mixed = torch.lerp(own, coloured(own, self.styles[level]), BLEND)
            y = self.decode(mixed, level).clamp(0, 1)
            if y.shape[-2:] != size:  # sides that are no multiples of sixteen
                y = F.interpolate(y, size=size, mode="bilinear", align_corners=False)
        return y.permute(0, 2, 3, 1)

    def convolve(self, x: Tensor, name: str) -> Tensor:
        """Convolve with reflection and rectify."""
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return F.relu(F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weight, bias))

    def encode(self, x: Tensor, level: int) -> Tensor:
        """Return the features of a picture at a level."""
        first = f"e{level}.conv0"
        x = F.conv2d(x, self.weights[f"{first}.weight"], self.weights[f"{first}.bias"])
        for layer in LAYERS[: LAYERS.index(f"{level}1") + 1]:
            x = F.max_pool2d(x, 2) if layer == "P" else self.convolve(x, f"e{level}.conv{layer}")
        return x

    def decode(self, x: Tensor, level: int) -> Tensor:
        """Return the picture of features of a level."""
        for layer in reversed(LAYERS[: LAYERS.index(f"{level}1") + 1]):
            if layer == "P":
                x = F.interpolate(x, scale_factor=2, mode="nearest")
            else:
                x = self.convolve(x, f"d{level}.conv{layer}")
        return x


def coloured(content: Tensor, style: Tensor) -> Tensor:
    """Give features (1, C, H, W) the mean and covariance of others."""
    x, y = content[0].flatten(1), style[0].flatten(1)
    mean = y.mean(1, keepdim=True)
    x, y = x - x.mean(1, keepdim=True), y - mean
    across = power(y @ y.T / (y.shape[1] - 1), 0.5) @ power(x @ x.T / (x.shape[1] - 1), -0.5)
    return (across.float() @ x + mean).view_as(content)


def power(matrix: Tensor, exponent: float) -> Tensor:
    """Return a power of a symmetric matrix over its larger eigenvalues, float64."""
    values, vectors = torch.linalg.eigh(matrix.double())
    kept = values > LEAST * values.max()
    raised = torch.where(kept, values, 1.0) ** exponent * kept
    return (vectors * raised) @ vectors.T

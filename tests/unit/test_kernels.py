"""Kernels arranged for speed give what the plain convolution of the same stage gives."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from stillbrush.core.networks.kernels import Border, arrange, border, bordered, close, convolution
from stillbrush.core.networks.layouts import Plan
from stillbrush.core.networks.style_network import Stage

PLANS = {
    "stem": Plan(7, 12, 5, 2),
    "block": Plan(6, 6, 3),
    "upsampled": Plan(6, 5, 3, upsampled=True),
    "narrow": Plan(9, 3, 5, normalised=False),
    "one output": Plan(4, 1, 3, normalised=False),
}


def banded(stage: Stage, x: Tensor, windows: int) -> Tensor:
    """Run a stage over bands of so many rows of windows; pictures (N, H, W, C)."""
    plan = stage.plan
    height, width = x.shape[1:3]
    source = bordered(x, height, width, plan.inputs, border(plan)).fill_(torch.nan)
    edge = border(plan)
    source[:, edge.before :][:, :height, edge.before :][:, :, :width] = x
    close(source, edge, height, width)
    convolution = stage.convolution
    kernel = arrange(plan, convolution.weight, convolution.bias, torch.float32)
    scale = 2 if plan.upsampled else 1
    out = [-(-side * scale // plan.stride) for side in (height, width)]
    count = -(-out[0] // kernel.grid)
    bands = [
        kernel(source, (top, min(top + windows, count)), out[1]) for top in range(0, count, windows)
    ]
    return torch.cat(bands, 1)[:, : out[0]]


@pytest.mark.parametrize("size", [(24, 40), (7, 9), (5, 6), (3, 3)])
@pytest.mark.parametrize("windows", [1, 3, 100])
@pytest.mark.parametrize("name", PLANS)
@torch.inference_mode()
def test_an_arranged_kernel_equals_the_stage(name: str, windows: int, size) -> None:
    torch.manual_seed(4)
    stage = Stage(PLANS[name], styles=1)
    x = torch.rand(2, *size, stage.plan.inputs)
    plain = stage.convolve(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    torch.testing.assert_close(banded(stage, x, windows), plain, rtol=0, atol=2e-6)


@pytest.mark.parametrize("rows", [1, 2, 3, 8])
@torch.inference_mode()
def test_a_band_of_few_pixels_has_the_bits_of_a_large_one(rows: int) -> None:
    """Torch's own choice of kernel depends on the number of pixels and threads."""
    torch.manual_seed(5)
    x = torch.rand(1, 66, 40, 48).permute(0, 3, 1, 2)
    weight = torch.rand(48, 48, 3, 3).contiguous(memory_format=torch.channels_last)
    whole = convolution(x, weight, torch.zeros(48), 1)
    part = convolution(x[:, :, 10 : 12 + rows], weight, torch.zeros(48), 1)
    assert torch.equal(part, whole[:, :, 10 : 10 + rows])


@pytest.mark.parametrize("size", [1, 2, 3, 5, 12])
def test_a_border_reflects_as_torch_pads_where_torch_can(size: int) -> None:
    edge = Border(2, 2, repeats=False)
    x = torch.arange(size * 20.0).reshape(1, size, 20, 1)
    made = bordered(x, size, 20, 1, edge)
    made[:, 2:-2, 2:-2] = x
    close(made, edge, size, 20)
    if size > 2:
        planes = F.pad(x.permute(0, 3, 1, 2), (2, 2, 2, 2), mode="reflect")
        assert torch.equal(made, planes.permute(0, 2, 3, 1))
    assert torch.isfinite(made).all()
    assert set(made.flatten().tolist()) <= set(x.flatten().tolist())

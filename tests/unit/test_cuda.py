"""On an NVIDIA GPU the painting is the processor's, within float32's rounding."""

from __future__ import annotations

import pytest
import torch
from support.material import tiny_look, tiny_shot

from stillbrush.core.knobs import ShotKnobs
from stillbrush.core.motion.estimators import FlowMethod
from stillbrush.core.render.assembly import assemble
from stillbrush.core.render.painting import Settings
from stillbrush.core.render.request import Device, Precision, Request

pytestmark = pytest.mark.cuda


@pytest.mark.parametrize("method", list(FlowMethod))
def test_the_gpu_paints_what_the_processor_paints(tmp_path, method):
    shot, look = tiny_shot(tmp_path / "shot", 4), tiny_look(tmp_path)
    settings = Settings(ShotKnobs(method=method))
    painted = {}
    for device in (Device.CPU, Device.CUDA):
        request = Request(shot, look, settings=settings, device=device)
        painted[device] = torch.from_numpy(assemble(request).painting().frame(1004))
    difference = (painted[Device.CPU] - painted[Device.CUDA]).abs()
    assert difference.mean() < 1e-3


def test_bfloat16_stays_close(tmp_path):
    shot, look = tiny_shot(tmp_path / "shot", 3), tiny_look(tmp_path)
    painted = []
    for precision in Precision:
        request = Request(shot, look, device=Device.CUDA, precision=precision)
        painted.append(torch.from_numpy(assemble(request).painting().frame(1003)).clamp(0, 1))
    assert (painted[0] - painted[1]).abs().mean() < 0.02


def test_everything_stays_on_the_device(tmp_path):
    shot, look = tiny_shot(tmp_path / "shot", 3), tiny_look(tmp_path)
    settings = Settings(ShotKnobs(method=FlowMethod.TORCH))
    made = assemble(Request(shot, look, settings=settings, device=Device.CUDA)).painting()
    ready = made.ready(1002)
    assert ready.flow is not None
    assert ready.prior is not None
    for tensor in (ready.small, ready.flow.backward, ready.prior.mask):
        assert tensor.device.type == "cuda"

"""LPIPS is measured where its package is installed, and left out elsewhere."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator

import pytest
import torch

from stillbrush.core.metrics import perceptual
from stillbrush.core.yardstick.cell import Measured, Method
from stillbrush.core.yardstick.sweep import Cell, as_csv, lines


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    perceptual.network.cache_clear()
    yield
    perceptual.network.cache_clear()


def test_without_the_package_there_is_no_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perceptual, "is_installed", lambda: False)
    assert perceptual.perceptual_distance(torch.rand(1, 8, 8, 3), torch.rand(1, 8, 8, 3)) is None
    assert "lpips" not in as_csv(
        lines([Cell("a", "b", Method.PER_FRAME, Measured([{"ssim": 1.0}]))])
    )


def test_with_it_pictures_are_handed_over_as_it_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fake(torch.nn.Module):
        def __init__(self, net: str, verbose: bool) -> None:
            super().__init__()
            assert net == "alex"

        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            assert a.shape == b.shape == (1, 3, 8, 9)
            assert a.min() < 0
            return (a - b).abs().mean()

    monkeypatch.setitem(sys.modules, "lpips", types.SimpleNamespace(LPIPS=Fake))
    monkeypatch.setattr(perceptual, "is_installed", lambda: True)
    black, white = torch.zeros(1, 8, 9, 3), torch.ones(1, 8, 9, 3)
    assert perceptual.perceptual_distance(black, white) == 2.0
    rows = [{"ssim": 1.0, "lpips": 0.25}]
    table = as_csv(lines([Cell("a", "b", Method.PER_FRAME, Measured(rows))])).splitlines()
    assert table[1].split(",")[table[0].split(",").index("lpips")] == "0.25"


def test_weights_that_cannot_be_fetched_leave_it_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise OSError("no network")

    monkeypatch.setitem(sys.modules, "lpips", types.SimpleNamespace(LPIPS=refuse))
    monkeypatch.setattr(perceptual, "is_installed", lambda: True)
    assert perceptual.network() is None

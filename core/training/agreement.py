"""How well one encoder agrees with another: feature by feature, and in what losses make of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from .losses import Features, Manner, content_loss, manners, style_loss

Encoding = Callable[[Tensor], Features]
"""Pictures (N, 3, H, W) RGB, 0 to 1, in; features by tap out."""


class Correlation:
    """Pearson's correlation of each channel with another encoder's, over all pictures seen."""

    def __init__(self) -> None:
        self.count = 0
        self.sums: Tensor | None = None  # (6, C): x, y, xx, yy, xy, and x times another channel's y

    def add(self, found: Tensor, wanted: Tensor) -> None:
        """Take note of features (N, C, H, W) of the same pictures."""
        x = found.transpose(0, 1).flatten(1).double()
        y = wanted.transpose(0, 1).flatten(1).double()
        other = y.roll(len(y) // 2, 0)
        products = torch.stack((x, y, x * x, y * y, x * y, x * other)).sum(2)
        self.sums = products if self.sums is None else self.sums + products
        self.count += x.shape[1]

    def means(self) -> tuple[float, float]:
        """Return the mean over channels; and, as a control, with channels that do not belong."""
        assert self.sums is not None
        x, y, xx, yy, xy, crossed = self.sums / self.count
        dx, dy = ((s - m * m).clamp_min(0).sqrt() for s, m in ((xx, x), (yy, y)))
        turn = len(x) // 2
        alive = (dx > 1e-9) & (dy > 1e-9)
        own = (xy - x * y) / (dx * dy).clamp_min(1e-12)
        other = (crossed - x * y.roll(turn)) / (dx * dy.roll(turn)).clamp_min(1e-12)
        return own[alive].mean().item(), other[alive & alive.roll(turn)].mean().item()


def correlate(
    ours: Encoding, theirs: Encoding, pictures: Iterable[Tensor]
) -> dict[str, tuple[float, float]]:
    """Correlate two encoders tap by tap; see `Correlation.means`."""
    found: dict[str, Correlation] = {}
    with torch.no_grad():
        for picture in pictures:
            wanted = theirs(picture)
            for tap, values in ours(picture).items():
                if tap in wanted:
                    found.setdefault(tap, Correlation()).add(values, wanted[tap])
    return {tap: correlation.means() for tap, correlation in found.items()}


def style_losses(encode: Encoding, pairs: Sequence[tuple[Tensor, Tensor]]) -> list[float]:
    """Return the style loss of each pair of a picture and a painting (1, 3, H, W).

    Args:
        pairs: a list, so that one painting may stand in many of them and is encoded once.
    """
    known: dict[int, dict[str, Manner]] = {}
    losses = []
    with torch.no_grad():
        for picture, style in pairs:
            if id(style) not in known:
                known[id(style)] = manners(encode(style))
            losses.append(style_loss(encode(picture), known[id(style)]).item())
    return losses


def content_losses(encode: Encoding, pairs: Sequence[tuple[Tensor, Tensor]]) -> list[float]:
    """Return the content loss of each pair of a painted picture and its plate (1, 3, H, W)."""
    known: dict[int, Features] = {}
    losses = []
    with torch.no_grad():
        for painted, plate in pairs:
            if id(plate) not in known:
                known[id(plate)] = encode(plate)
            losses.append(content_loss(encode(painted), known[id(plate)]).item())
    return losses


def pearson(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the correlation of two lists of numbers."""
    return torch.corrcoef(torch.tensor([list(one), list(other)], dtype=torch.float64))[0, 1].item()


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the correlation of the ranks of two lists of numbers."""
    ranks = [torch.tensor(list(each)).argsort().argsort().tolist() for each in (one, other)]
    return pearson(ranks[0], ranks[1])

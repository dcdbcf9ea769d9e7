"""Moving the pixels down the energy: L-BFGS and Adam, one iteration at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .settings import OptimiseKnobs, Optimiser

Function = Callable[[Tensor, int], tuple[Tensor, dict[str, Tensor]]]
"""Energy and terms of a picture (1, 3, h, w) at an iteration."""

ADAM = {"betas": (0.99, 0.999), "eps": 0.1}  # Delcour and Lewin's constants
ROUND = 20  # iterations, after which the CMU project begins L-BFGS anew
FLAT = 0.0  # L-BFGS never takes a gradient for flat: the stopping rule is ours


@dataclass(frozen=True)
class Step:
    """One iteration.

    Attributes:
        number: from 0.
        energy: before the step.
        terms: its parts.
        picture: (1, 3, h, w), before the step.
    """

    number: int
    energy: float
    terms: dict[str, float]
    picture: Tensor


Seen = Callable[[Step], None]


def descend(
    energy: Function,
    start: Tensor,
    settings: OptimiseKnobs,
    iterations: int,
    seen: Seen = lambda step: None,
    until: float | None = None,
) -> Tensor:
    """Minimise an energy from a start.

    Args:
        energy: differentiable.
        start: (1, 3, h, w).
        settings: optimiser, length of a step, stopping rule.
        iterations: at most.
        seen: told before every step; may raise to stop at once.
        until: a moment of `time.monotonic`, after which no further step is taken; one always is.

    Returns:
        The picture after the last step, (1, 3, h, w), 0 to 1.
    """
    x = start.detach().clone().requires_grad_(True)
    optimiser, rule = make_optimiser(x, settings), Rule(settings.tolerance, settings.window)
    number, before = 0, start.detach()
    terms: dict[str, Tensor] = {}

    def closure() -> Tensor:
        nonlocal terms
        optimiser.zero_grad()
        with torch.enable_grad():
            total, terms = energy(x, number)
            total.backward()
        return total

    for number in range(iterations):
        before = x.detach().clone()
        total = optimiser.step(closure)  # pyright: ignore - a closure gives a tensor
        if settings.optimiser is Optimiser.ADAM:
            with torch.no_grad():
                x.clamp_(0, 1)
        value = float(total.detach())
        seen(Step(number, value, {name: float(t.detach()) for name, t in terms.items()}, before))
        is_late = until is not None and time.monotonic() >= until
        if is_late or rule.is_settled(number, value) or not torch.isfinite(x).all():
            break
        if settings.optimiser is Optimiser.SEARCH and (number + 1) % ROUND == 0:
            optimiser = make_optimiser(x, settings)
    final = x.detach()
    return (final if torch.isfinite(final).all() else before).clamp(0, 1)


def make_optimiser(x: Tensor, settings: OptimiseKnobs) -> torch.optim.Optimizer:
    """Return what moves a picture, one iteration a step."""
    if settings.optimiser is Optimiser.ADAM:
        return torch.optim.Adam([x], lr=settings.rate, **ADAM)  # pyright: ignore[reportArgumentType]
    search = settings.optimiser is Optimiser.SEARCH
    return torch.optim.LBFGS(
        [x],
        lr=settings.rate,
        max_iter=1,
        max_eval=ROUND if search else None,
        tolerance_grad=FLAT,
        tolerance_change=FLAT,
        history_size=settings.history,
        line_search_fn="strong_wolfe" if search else None,
    )


class Rule:
    """Stops where the energy changes by less than a share of itself over a window (Ruder et al.).

    As in their code, it is asked only at the end of every window.
    """

    def __init__(self, tolerance: float, window: int) -> None:
        self.tolerance, self.window = tolerance, window
        self.last: float | None = None

    def is_settled(self, number: int, energy: float) -> bool:
        """Say whether to stop after an iteration."""
        if not self.tolerance or number % self.window:
            return False
        last, self.last = self.last, energy
        return last is not None and abs(last - energy) <= self.tolerance * abs(last)

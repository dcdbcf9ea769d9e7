"""The systems that can be trained: what trains them, and what a finished run leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..look import StylizerKind, Trained
from .any_style import AnyStyleTrainer
from .feed_forward import FeedForwardTrainer, NoiseTrainer
from .finish import write_any_style, write_looks
from .footage import Footage
from .loop import Loop
from .photographs import Photographs
from .plan import Request
from .recipe import Recipe
from .recurrent import RecurrentTrainer
from .team import ALONE, Team
from .terms import SystemKind
from .trainer import Trainer

Write = Callable[[Request, Loop, Trained, StylizerKind], None]


@dataclass(frozen=True)
class System:
    """A learned system."""

    trainer: type[Loop]
    stylizer: StylizerKind  # what paints with its weights
    write: Write = write_looks


SYSTEMS = {
    SystemKind.PRIOR: System(Trainer, StylizerKind.PRIOR),
    SystemKind.FEEDFORWARD: System(FeedForwardTrainer, StylizerKind.FEEDFORWARD),
    SystemKind.NOISE: System(NoiseTrainer, StylizerKind.FEEDFORWARD),
    SystemKind.RECURRENT: System(RecurrentTrainer, StylizerKind.RECURRENT),
    SystemKind.ADAIN: System(AnyStyleTrainer, StylizerKind.ADAIN, write_any_style),
}


def make_trainer(
    recipe: Recipe,
    photographs: Photographs | None,
    device: torch.device,
    precision: torch.dtype,
    footage: Footage | None = None,
    team: Team = ALONE,
) -> Loop:
    """Set a recipe's training up."""
    return SYSTEMS[recipe.system].trainer(recipe, photographs, device, precision, footage, team)


def write_results(request: Request, trainer: Loop, trained: Trained) -> None:
    """Write what a finished run has made; raises WriteRefused where something else lies there."""
    system = SYSTEMS[trainer.recipe.system]
    system.write(request, trainer, trained, system.stylizer)

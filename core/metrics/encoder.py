"""The encoder that style and content are seen by, and what keeps them from being judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ..errors import UnreadableFile
from ..looks import Look
from ..networks.loss_network import LossNetwork, load_loss_network, shipped_encoder
from ..training.losses import Manner
from .judge import Judge, encoder_digest
from .manners import load_manners


@dataclass(frozen=True)
class Appointed:
    """A judge, and what it cannot judge."""

    judge: Judge
    lacking: dict[str, str] = field(default_factory=dict)  # `style`: why not

    def facts(self) -> dict[str, Any]:
        """Return who judged, for the report."""
        encoder = self.judge.encoder
        return {
            "encoder": encoder.name if encoder else None,
            "motion": self.judge.estimator.name,
            "not_judged": self.lacking,
        }


def appoint(look: Look, path: Path | None = None) -> Appointed:
    """Find who judges what a look paints.

    Args:
        look: whose painting style is judged against.
        path: an encoder; None takes the one that ships.

    Raises:
        MissingFrame, UnreadableFile: encoder or manner is missing or damaged.
    """
    encoder = load_loss_network(path or shipped_encoder())
    file = look.verified_manner()
    if file is None:
        told = "the look does not say how its painting is painted; looks manner adds it"
        return Appointed(Judge(encoder), {"style": told})
    seen_by, manner = load_manners(file)
    if seen_by != encoder_digest(encoder):
        told = f"the look's painting was seen by another encoder than {encoder.name}"
        return Appointed(Judge(encoder), {"style": told})
    check_widths(encoder, manner, file)
    return Appointed(Judge(encoder, manner))


def check_widths(encoder: LossNetwork, manner: dict[str, Manner], file: Path) -> None:
    """Check that an encoder gives every layer of a manner, as wide as it is there.

    Raises:
        UnreadableFile: it does not; the manner was forged.
    """
    taps = encoder(torch.zeros((1, 3, 64, 64)), tuple(manner))
    widths = {tap: seen.shape[1] for tap, seen in taps.items()}
    for tap, known in manner.items():
        if widths.get(tap) != len(known.mean):
            raise UnreadableFile(
                f"manner {file}: {tap}: expected {widths.get(tap, 0)} channels, as "
                f"{encoder.name} gives; got {len(known.mean)}."
            )

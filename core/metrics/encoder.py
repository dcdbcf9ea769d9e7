"""The encoder that style and content are seen by, and what keeps them from being judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import looks
from ..looks import Look
from ..networks.loss_network import LossNetwork, load_loss_network
from .judge import Judge, encoder_digest
from .manners import load_manners

SHIPPED = "encoder.safetensors"


@dataclass(frozen=True)
class Appointed:
    """A judge, and what it cannot judge."""

    judge: Judge
    lacking: dict[str, str] = field(default_factory=dict)  # `style`, `content`: why not

    def facts(self) -> dict[str, Any]:
        """Return who judged, for the report."""
        encoder = self.judge.encoder
        return {
            "encoder": encoder.name if encoder else None,
            "motion": self.judge.estimator.name,
            "not_judged": self.lacking,
        }


def find_encoder(path: Path | None) -> LossNetwork | None:
    """Load an encoder: the one that is named, else the one that ships; None where there is none.

    Raises:
        MissingFrame, UnreadableFile: the file that is named is not there, or no encoder.
    """
    shipped = looks.SHIPPED / SHIPPED
    if path is None and not shipped.is_file():
        return None
    return load_loss_network(path or shipped)


def appoint(look: Look, path: Path | None = None) -> Appointed:
    """Find who judges what a look paints.

    Args:
        look: whose painting style is judged against.
        path: an encoder; None takes the one that ships.

    Raises:
        MissingFrame, UnreadableFile: encoder or manner is named, and missing or damaged.
    """
    encoder = find_encoder(path)
    if encoder is None:
        told = "there is no encoder to see it by; --loss-network names one"
        return Appointed(Judge(), {"style": told, "content": told})
    file = look.verified_manner()
    if file is None:
        told = "the look does not say how its painting is painted; looks manner adds it"
        return Appointed(Judge(encoder), {"style": told})
    seen_by, manner = load_manners(file)
    if seen_by != encoder_digest(encoder):
        told = f"the look's painting was seen by another encoder than {encoder.name}"
        return Appointed(Judge(encoder), {"style": told})
    return Appointed(Judge(encoder, manner))

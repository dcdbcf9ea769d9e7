"""The encoder that style and content are seen by, and what keeps them from being judged."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ..errors import UnreadableFile
from ..look import Look
from ..look_files import file_beside
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


NO_LOOK = "no look is given; wire the one that it was painted with"


@dataclass(frozen=True)
class Asked:
    """A look's manner, and the encoder that ships; the same files, unchanged, judge alike."""

    files: tuple[tuple[Path, int, int], ...]  # size and nanoseconds of the last change of each
    sha256: str
    look: Look | None = field(compare=False)


def judge_of(look: Look | None) -> Appointed:
    """Find who judges what a look painted; a node asks on every frame, so the last stay loaded.

    Args:
        look: None judges content alone, and says so.

    Raises:
        MissingFrame, UnreadableFile: encoder or manner is missing or damaged.
    """
    named = look.manner if look else None
    files = [shipped_encoder()]
    if look is not None and named is not None:
        files.append(file_beside(look.own_path(), "manner", named))
    stamps = tuple((f, f.stat().st_size, f.stat().st_mtime_ns) for f in files if f.is_file())
    return appointed(Asked(stamps, named.sha256 if named else "", look))


@functools.lru_cache(maxsize=4)
def appointed(asked: Asked) -> Appointed:
    """Load what judges."""
    if asked.look is not None:
        return appoint(asked.look)
    return Appointed(Judge(load_loss_network(shipped_encoder())), {"style": NO_LOOK})


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

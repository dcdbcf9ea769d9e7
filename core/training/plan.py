"""What a user asks of a training run, checked before anything is trained."""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from ..errors import BadInput
from ..hashing import file_sha256
from ..looks import NAME
from ..networks.layouts import INPUTS, Architecture, Shape
from ..networks.loss_network import shipped_encoder
from .footage import footage_digest
from .loop import CPU
from .photographs import picture_files
from .recipe import DEFAULTS, INPUTS_OF, Recipe, recipe_knobs
from .start import Start
from .team import ALONE, Team
from .terms import SystemKind

MINUTES = 20.0
LICENCE = "none granted; the rights in the style picture decide"
PHOTOGRAPH = 1.8  # short side of the photographs, in sides of a training frame
SLOTS_A_STYLE = 4
ANY_STYLE = "any-style"
LATER = (
    "rate",
    "lattice_weight",
    "recursion",
    "footage_share",
    "system",
    "architecture",
    "width_share",
    "noise_weight",
    "noise_range",
    "noise_pixels",
    "covariance_weight",
)
"""Knobs that runs of earlier versions did not have: at their defaults they are not told."""


@dataclass(frozen=True)
class Request:
    """What a user asks for.

    Raises:
        BadInput: a knob out of range, no style, minutes and iterations at once.
    """

    styles: tuple[Path, ...]
    content: Path | None  # photographs; None: footage alone
    folder: Path  # where the looks go
    loss_network: Path = field(default_factory=shipped_encoder)
    name: str | None = None  # None: the first style picture's
    minutes: float | None = None  # None with no iterations either: MINUTES
    iterations: int | None = None
    knobs: Mapping[str, Any] = field(default_factory=dict)  # of the recipe
    licence: str = LICENCE
    samples: Path | None = None  # pictures for the sample sheets; None: photographs held out
    checkpoint_every: int | None = None  # iterations; None: a twentieth of the run, 10 to 250
    sheet_every: int | None = None  # iterations; None: a tenth of the run, 10 to 1000
    overwrite: bool = False
    device: torch.device = CPU
    precision: torch.dtype = torch.float32
    team: Team = ALONE
    shape: Shape = field(default_factory=Shape)  # the number of styles in it is of no account
    start: Start | None = None  # weights to begin with; None: random ones
    image_network: Start | None = None  # what paints first frames; None: the network itself
    footage: tuple[Path, ...] = ()  # videos, folders of frames, Sintel, DAVIS

    def __post_init__(self) -> None:
        """Check whatever needs no file."""
        if self.content is None and not self.footage:
            raise BadInput("train.content: expected photographs, or footage; got none.")
        if not self.styles:
            raise BadInput("train: expected at least one style picture; got none.")
        if self.minutes is not None and self.iterations is not None:
            raise BadInput("train: expected minutes or iterations; got both.")
        for name in ("minutes", "iterations", "checkpoint_every", "sheet_every"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 1e9:
                raise BadInput(f"train.{name}: expected a number above 0; got {value}.")
        if not self.licence.strip():
            raise BadInput("train.licence: expected a text; got none.")
        known = {knob.name: knob for knob in recipe_knobs()}
        for name, value in self.knobs.items():
            if name not in known:
                raise BadInput(f"train.{name}: no such knob; there are {', '.join(known)}.")
            known[name].check(value, "train")

    @property
    def takes_any(self) -> bool:
        """Say whether one network is trained for any style."""
        return self.recipe(1).system is SystemKind.ADAIN

    @property
    def run_name(self) -> str:
        """Return the name of weights and working folder, and of a single style's look.

        Raises:
            BadInput: no name can be made of it.
        """
        default = ANY_STYLE if self.takes_any else slug(self.styles[0].stem)
        name = self.name if self.name is not None else default
        if not NAME.fullmatch(name):
            raise BadInput(
                f"train.name: expected lower-case letters, digits and hyphens; got {name!r}."
            )
        return name

    @property
    def look_names(self) -> tuple[str, ...]:
        """Return a look's name for every style.

        Raises:
            BadInput: two styles would be called the same.
        """
        if len(self.styles) == 1 or self.takes_any:
            return (self.run_name,)
        start = f"{self.name}-" if self.name is not None else ""
        names = tuple(f"{start}{slug(path.stem)}"[:64] for path in self.styles)
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise BadInput(f"train.style: two pictures give a look called {twice[0]}; rename one.")
        for name, path in zip(names, self.styles, strict=True):
            if not NAME.fullmatch(name):
                raise BadInput(f"train.style: no look can be named after {path.name}; rename it.")
        return names

    @property
    def work(self) -> Path:
        """Return the folder of checkpoints, log and sheets."""
        return self.folder / f"{self.run_name}.training"

    @property
    def weights(self) -> Path:
        """Return the file of the trained weights."""
        return self.folder / f"{self.run_name}.safetensors"

    @property
    def looks(self) -> tuple[Path, ...]:
        """Return the files of the looks."""
        return tuple(self.folder / f"{name}.yaml" for name in self.look_names)

    def recipe(self, iterations: int) -> Recipe:
        """Return the recipe for a number of iterations."""
        count = len(self.styles)
        known = {knob.name: knob for knob in recipe_knobs()}
        system = SystemKind(self.knobs.get("system", SystemKind.PRIOR))
        knobs = DEFAULTS.get(system, {}) | dict(self.knobs)
        recipe = Recipe(
            self.styles,
            self.content,
            self.loss_network,
            iterations=iterations,
            shape=replace(self.wide(knobs), styles=count),
            start=self.start,
            image_network=self.image_network,
            **{name: known[name].check(value, "train") for name, value in knobs.items()},
        )
        return replace(
            recipe,
            short_side=round(PHOTOGRAPH * recipe.size),
            slots=recipe.slots
            if recipe.system is SystemKind.ADAIN
            else max(recipe.slots, SLOTS_A_STYLE * count, recipe.batch * count),
        )

    def wide(self, knobs: Mapping[str, Any]) -> Shape:
        """Return the widths of the network, by its architecture."""
        architecture = Architecture(knobs.get("architecture", Architecture.STILLBRUSH))
        system = SystemKind(knobs.get("system", SystemKind.PRIOR))
        if architecture is Architecture.STILLBRUSH:
            return replace(self.shape, keeps=system is SystemKind.PRIOR)
        share = float(knobs.get("width_share", 1.0))
        return Shape.of_papers(architecture, INPUTS_OF.get(system, INPUTS), share)

    def identity(self) -> dict[str, Any]:
        """Return everything that decides the weights, as plain values; files by what they hold."""
        recipe = self.recipe(1)
        minutes = self.minutes or (None if self.iterations else MINUTES)
        plain: dict[str, Any] = {
            "style": [file_sha256(path) for path in self.styles],
            "content": content_digest(self.content) if self.content else None,
            "loss_network": file_sha256(self.loss_network),
            "minutes": minutes,
            "iterations": self.iterations,
            "precision": str(self.precision).removeprefix("torch."),
        }
        if self.team.size > 1:
            plain["processes"] = self.team.size
        if self.start:
            plain["start"] = self.start.identity()
        if self.footage:
            plain["footage"] = footage_digest(self.footage)
        if self.image_network:
            plain["image_network"] = self.image_network.identity()
        values = {knob.name: getattr(recipe, knob.name) for knob in recipe_knobs()}
        same = {knob.name for knob in recipe_knobs() if values[knob.name] == knob.default}
        told = {n: v for n, v in values.items() if n not in LATER or n not in same}
        plain |= {n: v.value if isinstance(v, enum.Enum) else v for n, v in told.items()}
        return plain | {"shape": recipe.shape.plain()}


def slug(text: str) -> str:
    """Return a name for a look: lower-case letters, digits, hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:64]


def content_digest(folder: Path) -> str:
    """Return a digest of the names and sizes of the training pictures."""
    digest = hashlib.sha256()
    for path in picture_files(folder):
        digest.update(f"{path.relative_to(folder).as_posix()} {path.stat().st_size}\n".encode())
    return digest.hexdigest()

"""The part of a look that paints by optimisation: its paintings, its preset, its loss network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .errors import BadInput
from .look_files import NamedFile, parse_file
from .strict_yaml import Reader
from .stylizers.optimise.presets import DEFAULT, preset
from .stylizers.optimise.settings import OptimiseKnobs, plain_settings

MOST_STYLES = 16
LARGEST_SHARE = 1e6
PICTURES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
NETWORKS = (".safetensors",)
KEYS = ("preset", "styles", "loss_network", "knobs")


@dataclass(frozen=True)
class StyleFile:
    """A painting beside the look, and its share in the style."""

    file: str
    sha256: str
    share: float = 1.0


@dataclass(frozen=True)
class Optimise:
    """How a look optimises."""

    styles: tuple[StyleFile, ...]
    preset: str = DEFAULT
    loss_network: NamedFile | None = None  # None: the encoder that ships
    knobs: dict[str, Any] = field(default_factory=dict)  # where they differ from the preset's

    def settings(self) -> OptimiseKnobs:
        """Return the preset with the look's own knobs in it.

        Raises:
            BadInput: a knob that is not right.
        """
        return preset(self.preset, self.knobs)

    @property
    def files(self) -> tuple[tuple[str, StyleFile | NamedFile], ...]:
        """The files that the look names, each with its key."""
        styles = tuple(("optimise.styles", style) for style in self.styles)
        network = self.loss_network
        return styles if network is None else (*styles, ("optimise.loss_network", network))

    def plain(self) -> dict[str, Any]:
        """Return everything as plain values, as the look's file holds it."""
        made: dict[str, Any] = {
            "preset": self.preset,
            "styles": [vars(s).copy() for s in self.styles],
        }
        if self.loss_network is not None:
            made["loss_network"] = vars(self.loss_network).copy()
        if self.knobs:
            made["knobs"] = dict(self.knobs)
        return made

    def identity(self) -> dict[str, Any]:
        """Return everything that decides the paint."""
        named = {"styles": [[s.sha256, s.share] for s in self.styles]}
        network = self.loss_network.sha256 if self.loss_network else "shipped"
        return named | {"loss_network": network, "settings": plain_settings(self.settings())}


def parse_optimise(read: Reader, raw: dict[str, Any]) -> Optimise | None:
    """Read how a look optimises; None where it says nothing of it.

    Raises:
        BadInput: names the key and what was expected there.
    """
    if "optimise" not in raw:
        return None
    told = read.mapping(raw, "optimise", KEYS)
    styles = told.get("styles")
    if not isinstance(styles, list) or not 1 <= len(styles) <= MOST_STYLES:
        raise read.fail("optimise.styles", f"a list of 1 to {MOST_STYLES} pictures", styles)
    knobs = told.get("knobs", {})
    if not isinstance(knobs, dict):
        raise read.fail("optimise.knobs", "a mapping", knobs)
    network = None
    if "loss_network" in told:
        value = told["loss_network"]
        if not isinstance(value, dict):
            raise read.fail("optimise.loss_network", "a mapping", value)
        read.only(value, ("file", "sha256"), "optimise.loss_network.")
        network = NamedFile(*parse_file(read, value, "optimise.loss_network", NETWORKS))
    made = Optimise(
        tuple(parse_style(read, style) for style in styles),
        read.text(told, "optimise.preset", DEFAULT),
        network,
        knobs,
    )
    if sum(style.share for style in made.styles) <= 0:
        raise read.fail("optimise.styles", "a share above 0", styles)
    try:
        made.settings()
    except BadInput as error:
        raise BadInput(f"look {read.path}: {error}") from error
    return made


def parse_style(read: Reader, raw: Any) -> StyleFile:
    """Read one painting's entry."""
    if not isinstance(raw, dict):
        raise read.fail("optimise.styles", "file and sha256 of each picture", raw)
    read.only(raw, ("file", "sha256", "share"), "optimise.styles.")
    file, digest = parse_file(read, raw, "optimise.styles", PICTURES)
    share = read.number(raw, "optimise.styles.share", 1.0, 0.0, LARGEST_SHARE)
    return StyleFile(file, digest, share)

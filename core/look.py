"""A look: how a shot is painted, as a value. What its file says stands in `looks.py`."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .errors import BadInput
from .hashing import text_sha256
from .look_files import file_beside, verified_file
from .look_pictures import MOST_PICTURES, StylePicture
from .optimise_looks import Optimise

LARGEST_THUMBNAIL = 1024**2


class Encoding(enum.Enum):
    """How scene-linear light becomes what a network sees."""

    SRGB_KNEE = "srgb-knee"


class StylizerKind(enum.Enum):
    """Which stylizer paints a look."""

    PRIOR = "prior"  # goes on from its own last picture, carried by the motion
    FEEDFORWARD = "feedforward"  # every frame by itself
    RECURRENT = "recurrent"  # goes on from its own last picture as it lies
    ADAIN = "adain"  # like any picture
    OPTIMISE = "optimise"  # every frame against a loss network, with no training


@dataclass(frozen=True)
class Weights:
    """Where a look's weights are and which of the styles in them it paints."""

    file: str
    sha256: str
    style: int


@dataclass(frozen=True)
class MannerFile:
    """How the look's painting is painted, for judging what the look paints (core/metrics)."""

    file: str
    sha256: str


@dataclass(frozen=True)
class Trained:
    """How a look came to be."""

    on: tuple[str, ...] = ()
    steps: int = 0
    device: str = ""
    minutes: float = 0.0


@dataclass(frozen=True)
class Look:
    """A look as written in its file."""

    name: str
    title: str
    weights: Weights | None  # of its network; None: it has none and optimises
    licence: str
    stylizer: StylizerKind = StylizerKind.PRIOR
    about: str = ""
    trained: Trained = field(default_factory=Trained)
    knobs: dict[str, dict[str, Any]] = field(default_factory=dict)  # node id -> knob -> value
    exposure: float = 0.0  # stops, before encoding
    encode: Encoding = Encoding.SRGB_KNEE
    optimise: Optimise | None = None  # how it optimises; None: it has a network
    manner: MannerFile | None = None  # None: its style cannot be judged without the painting
    path: Path | None = None
    pictures: tuple[StylePicture, ...] = ()  # what it paints like, where its network takes any
    opener: Weights | None = None  # of the network that paints first frames; None: its own

    @property
    def takes_pictures(self) -> bool:
        """Say whether it paints like any pictures."""
        return self.stylizer is StylizerKind.ADAIN

    @property
    def wants_pictures(self) -> bool:
        """Say whether it paints like any pictures, and names none of its own."""
        return self.takes_pictures and not self.pictures

    def with_pictures(self, pictures: tuple[StylePicture, ...]) -> Look:
        """Return the look painting like other pictures."""
        return replace(self, pictures=pictures)

    def with_picture(self, picture: StylePicture) -> Look:
        """Return the look painting like one picture more.

        Raises:
            BadInput: it paints in a style of its own, or like too many already.
        """
        if self.stylizer is not StylizerKind.ADAIN:
            raise BadInput(f"look {self.name}: paints in a style of its own.")
        if len(self.pictures) == MOST_PICTURES:
            raise BadInput(
                f"look {self.name}: expected at most {MOST_PICTURES} pictures; got more."
            )
        return self.with_pictures((*self.pictures, picture))

    def own_path(self) -> Path:
        """Return the look's file; raises BadInput where it has none yet."""
        if self.path is None:
            raise BadInput(f"look {self.name}: expected a look with a file; save it first.")
        return self.path

    @property
    def network(self) -> Weights:
        """The weights of its network; raises BadInput where it has none."""
        if self.weights is None:
            raise BadInput(
                f"look {self.path or self.name}: expected a look with a network; this one "
                f"paints by {self.stylizer.value}."
            )
        return self.weights

    def weights_path(self) -> Path:
        """Return the weights' file; raises as `file_beside`."""
        return file_beside(self.own_path(), "weights", self.network)

    def verified_weights(self) -> Path:
        """Return the weights' file after checking its hash; raises as `verified_file`."""
        return verified_file(self.own_path(), "weights", self.network)

    def paint_files(self) -> list[Path]:
        """Return the files that it paints from; raises as `file_beside`."""
        if self.optimise is None:
            more = [file_beside(self.own_path(), "opener", self.opener)] if self.opener else []
            return [self.weights_path(), *more]
        return [file_beside(self.own_path(), key, file) for key, file in self.optimise.files]

    @property
    def paint_digest(self) -> str:
        """A hash of what it paints from: that of the weights, or of all that is optimised."""
        if self.optimise is None and self.opener is None:
            return self.network.sha256
        if self.optimise is None:
            return text_sha256(repr((self.network, self.opener)))
        return text_sha256(repr(sorted(self.optimise.identity().items())))

    def verified_manner(self) -> Path | None:
        """Return the file that says how the look's painting is painted; None where it has none.

        Raises as `verified_file`.
        """
        return verified_file(self.own_path(), "manner", self.manner) if self.manner else None

    @property
    def thumbnail(self) -> Path | None:
        """The small picture beside the look; None where there is none, or one that is not small."""
        picture = thumbnail_path(self.path) if self.path else None
        return picture if picture is not None and is_thumbnail(picture) else None


def thumbnail_path(look: Path) -> Path:
    """Return where the thumbnail of a look's file lies; no painting of an artist's is called so."""
    return look.with_suffix(".thumbnail.jpg")


def is_thumbnail(picture: Path) -> bool:
    """Say whether there is a small file, in the folder itself and no link out of it."""
    try:
        inside = picture.resolve().parent == picture.parent.resolve()
        return inside and picture.is_file() and picture.stat().st_size <= LARGEST_THUMBNAIL
    except (OSError, RuntimeError):  # a loop of links, a folder that is closed
        return False

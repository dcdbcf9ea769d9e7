"""The pictures that a look paints like, where its network takes any."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import torch
from torch import Tensor

from .errors import BadInput, MissingFrame
from .hashing import file_sha256
from .look_files import verified_file
from .media.atomic import replacing
from .media.stills import STILLS

MOST_PICTURES = 16


@dataclass(frozen=True)
class StylePicture:
    """A picture that a look paints like.

    Attributes:
        file: its path, relative to the look's folder.
        sha256: its hash, hexadecimal.
        share: how much of it, above 0.
        given: where it lies, for one that the user gave and that lies beside no look.
    """

    file: str
    sha256: str
    share: float = 1.0
    given: Path | None = None

    def path(self, look: Path | None) -> Path:
        """Return the file, beside the look or where the user has it; raises as `verified_file`."""
        if self.given is not None:
            return self.given
        assert look is not None  # only a look's file names pictures beside it
        return verified_file(look, "pictures", self)


def give_picture(path: Path, share: float = 1.0) -> StylePicture:
    """Return a picture that the user names.

    Raises:
        MissingFrame: there is no such file.
        BadInput: it is called like no picture, or its share is out of range.
    """
    if not 0 <= share <= 1000:
        raise BadInput(f"style picture {path}: expected a share of 0 or more; got {share:g}.")
    if path == Path():
        raise BadInput("style picture: expected a file or a picture; got neither.")
    if path.suffix.lower() not in STILLS:
        raise BadInput(
            f"style picture {path}: expected a picture ({', '.join(STILLS)}); got another kind."
        )
    if not path.is_file():
        raise MissingFrame(f"style picture {path}: there is no such file.")
    return StylePicture(path.name, file_sha256(path), share, path)


def keep_picture(picture: Tensor, share: float = 1.0) -> StylePicture:
    """Return a picture (1, H, W, 3), sRGB, 0 to 1, kept as a file in the system's temporary folder.

    Raises:
        BadInput: it is not one picture.
        WriteRefused: it cannot be written.
    """
    if picture.ndim != 4 or picture.shape[0] != 1 or picture.shape[3] != 3:
        raise BadInput(
            f"style picture: expected one picture (1, H, W, 3); got {tuple(picture.shape)}."
        )
    rgb = (picture[0].detach().cpu().clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    data = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))[1].tobytes()
    digest = hashlib.sha256(data).hexdigest()
    path = Path(tempfile.gettempdir()) / "stillbrush-styles" / f"{digest}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, overwrite=True) as aside:
        aside.write_bytes(data)
    return StylePicture(path.name, digest, share, path)


def shares(pictures: Sequence[StylePicture]) -> tuple[float, ...]:
    """Return the share of each picture; more than 1 in all is scaled down to 1.

    What is missing to 1 is the plate's own.
    """
    total = max(1.0, sum(picture.share for picture in pictures))
    return tuple(picture.share / total for picture in pictures)

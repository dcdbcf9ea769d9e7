"""A folder of photographs in memory, for training."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from ..errors import BadInput, MissingFrame
from ..media.stills import STILLS, read_rgb, resize_short_side

T = TypeVar("T")

MOST_PICTURES = 4000  # kept in memory: about 1.5 GB at the usual size


class Photographs:
    """A folder of pictures in memory as 8-bit tensors (3, H, W), short side as asked.

    Of a very large folder, `MOST_PICTURES` are taken, evenly spaced by name.

    Raises:
        MissingFrame: no such folder.
        BadInput: there is no usable picture in it.
    """

    def __init__(self, folder: Path, short_side: int) -> None:
        self.skipped: list[str] = []
        self.names: list[str] = []
        self.pictures: list[Tensor] = []
        for path in evenly(picture_files(folder), MOST_PICTURES):
            picture = read_rgb(path)
            if picture is None or min(picture.shape[:2]) < short_side // 2:
                self.skipped.append(path.name)
            else:
                scaled = resize_short_side(picture, short_side)
                self.names.append(path.name)
                self.pictures.append(torch.from_numpy(scaled).permute(2, 0, 1).contiguous())
        if not self.pictures:
            raise BadInput(
                f"training pictures: expected at least one picture of {short_side // 2} px or more "
                f"({', '.join(STILLS)}) in {folder}; found none."
            )

    @classmethod
    def of(cls, stills: list[tuple[str, Tensor]]) -> Photographs:
        """Make a set of pictures (3, H, W), 8 bits, that are in memory, by name."""
        made = cls.__new__(cls)
        made.skipped = []
        made.names, made.pictures = [name for name, _ in stills], [one for _, one in stills]
        return made

    def __len__(self) -> int:
        return len(self.pictures)

    def hold_out(self, count: int) -> list[tuple[str, Tensor]]:
        """Take pictures out, evenly spaced, so that training never sees them.

        Returns:
            Name and picture (3, H, W), 8 bits, of each.
        """
        indices = evenly(list(range(len(self))), count)
        return [(self.names.pop(i), self.pictures.pop(i)) for i in reversed(indices)][::-1]


def picture_files(folder: Path) -> list[Path]:
    """Return everything under a folder that is named like a picture, sorted.

    Raises:
        MissingFrame: no such folder.
    """
    if not folder.is_dir():
        raise MissingFrame(f"training pictures: expected a folder; {folder} is none.")
    named = (path for path in folder.rglob("*") if path.suffix.lower() in STILLS)
    return sorted(path for path in named if path.is_file())


def evenly(items: list[T], count: int) -> list[T]:
    """Return at most `count` items, evenly spaced."""
    if len(items) <= count:
        return items
    return [items[(2 * n + 1) * len(items) // (2 * count)] for n in range(count)]

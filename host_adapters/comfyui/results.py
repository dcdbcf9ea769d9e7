"""What was written, shown on the node that wrote it."""

# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import folder_paths
import numpy as np
import torch
from comfy_api.v0_0_2 import io, ui

from ...core.errors import BadInput
from ...core.media.images import WRITABLE_SUFFIXES
from ...core.media.sequences import is_video, output_sequence
from ...core.media.video_writer import Codec
from .folders import is_inside


def check_target(path: str, widget: str = "file") -> None:
    """Refuse a name that no frame can be written under.

    Args:
        path: a whole path.
        widget: where it was typed.

    Raises:
        BadInput: an unknown kind of file, or frame tokens that make no sense.
    """
    if is_video(path):
        Codec.of(path)
        return
    sequence = output_sequence(path, (1,), "frame.####.exr")
    suffix = Path(sequence.template).suffix.lower()
    if suffix not in WRITABLE_SUFFIXES:
        known = ", ".join(sorted(WRITABLE_SUFFIXES | {".mp4", ".mov"}))
        raise BadInput(
            f"{widget} {path}: expected a name that ends in {known}; got {suffix or 'none'}."
        )


def preview(files: Sequence[str], picture: np.ndarray) -> Any:
    """Return what the node shows: the video, or a frame of the sequence.

    Args:
        picture: (H, W, 3), display values.
    """
    for kind, folder in (
        (io.FolderType.output, folder_paths.get_output_directory()),
        (io.FolderType.temp, folder_paths.get_temp_directory()),
    ):
        if files and is_video(files[0]) and is_inside(files[0], folder):
            path = Path(files[0]).resolve()
            below = path.parent.relative_to(Path(folder).resolve()).as_posix()
            name = ui.SavedResult(path.name, "" if below == "." else below, kind)
            return ui.PreviewVideo([name])
    shown = np.clip(np.nan_to_num(np.asarray(picture, np.float32)), 0, 1)
    return ui.PreviewImage(torch.from_numpy(np.ascontiguousarray(shown))[None])

"""Eight-bit pictures as torch and OpenCV like them: to train on, and to paint like."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from ..errors import BadInput, MissingFrame, UnreadableFile

STILLS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")


def read_rgb(path: Path) -> np.ndarray | None:
    """Read an 8-bit RGB picture (H, W, 3); None where the file is no picture."""
    try:
        data = np.fromfile(path, np.uint8)
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except (OSError, cv2.error):  # no permission; more pixels than OpenCV accepts
        return None
    return None if decoded is None else cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)


def resize_short_side(picture: np.ndarray, short_side: int) -> np.ndarray:
    """Scale a picture so that its short side has the given length."""
    scale = short_side / min(picture.shape[:2])
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    return cv2.resize(picture, size, interpolation=interpolation)


def read_style_picture(path: Path, side: int, smallest: int) -> Tensor:
    """Read a style picture (1, 3, H, W), 0 to 1, its short side as asked.

    Args:
        smallest: pixels each way that it needs at least.

    Raises:
        MissingFrame: there is no such file.
        UnreadableFile: the file is no picture.
        BadInput: it is too small to show how it is painted.
    """
    if not path.is_file():
        raise MissingFrame(f"style picture {path}: there is no such file.")
    picture = read_rgb(path)
    if picture is None:
        raise UnreadableFile(f"style picture {path}: expected a JPEG, PNG or TIFF picture.")
    height, width = picture.shape[:2]
    if min(height, width) < smallest:
        raise BadInput(
            f"style picture {path}: expected {smallest} px or more each way; got {width}x{height}."
        )
    return torch.from_numpy(resize_short_side(picture, side)).permute(2, 0, 1)[None].float() / 255

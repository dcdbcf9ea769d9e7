"""The small picture beside a look: a frame of the project's own demo shot, painted."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ..demo import DemoShot, write_demo_shot
from ..errors import BadInput
from ..knobs import chain
from ..look import Look, thumbnail_path
from ..media.atomic import replacing
from .assembly import assemble
from .given_motion import VectorSettings
from .painting import Settings
from .preview import preview
from .request import Request

FRAMES = 10  # painted one after the other, so that the look is seen as it is in a shot
WIDTH, HEIGHT = 400, 225
LARGEST = 30_000  # bytes
QUALITIES = (90, 86, 82, 78, 74, 70, 64, 58, 50, 40)


def paint_thumbnail(look: Look) -> np.ndarray:
    """Paint the demo shot, and return its last frame, (HEIGHT, WIDTH, 3) uint8.

    Raises:
        MissingFrame, UnreadableFile, BadInput: the look cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="stillbrush-") as folder:
        shot = DemoShot(width=640, height=360, frames=FRAMES)
        pattern = write_demo_shot(folder, shot)
        settings = Settings(chain(look.knobs, {}), look.exposure)
        request = Request(pattern, look, settings=settings, vectors=VectorSettings())
        painted = preview(assemble(request), shot.frames[-1], None, None).painted
    small = cv2.resize(painted, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return np.rint(np.clip(small, 0, 1) * 255).astype(np.uint8)


def save_thumbnail(look: Look, picture: np.ndarray, *, overwrite: bool) -> Path:
    """Write a look's thumbnail beside it, as JPEG of at most 30 kB.

    Raises:
        WriteRefused: one is there and may not be replaced, or the system refused.
        BadInput: the look has no file yet.
    """
    path = thumbnail_path(look.own_path())
    content = b""
    for quality in QUALITIES:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=quality, optimize=True)
        content = file.getvalue()
        if len(content) <= LARGEST:
            break
    else:
        raise BadInput(f"thumbnail {path}: expected a picture that fits into {LARGEST} bytes.")
    with replacing(path, overwrite=overwrite) as aside:
        aside.write_bytes(content)
    return path

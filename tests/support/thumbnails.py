"""Thumbnails of the example workflows, made from what they painted.

python tests/support/thumbnails.py COMFYUI_OUTPUT_FOLDER     writes example_workflows/*.jpg
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
SIZE = (640, 360)
Picture = np.ndarray


def display(path: Path, frame: int = 1) -> Picture:
    """Read a frame of an EXR or a video as a display shows it."""
    from stillbrush.core.media.encoding import to_srgb
    from stillbrush.core.media.images import read_plate
    from stillbrush.core.media.video import VideoSource

    if path.suffix == ".mp4":
        return VideoSource(path).read(frame)
    linear = torch.from_numpy(np.nan_to_num(read_plate(path, frame).rgb))
    return to_srgb(linear.clamp(0, 1)).numpy()


def fitted(picture: Picture, size: tuple[int, int] = SIZE) -> Picture:
    """Fill a size with a picture, cut at its edges."""
    height, width = picture.shape[:2]
    scale = max(size[0] / width, size[1] / height)
    larger = (max(size[0], round(width * scale)), max(size[1], round(height * scale)))
    big = cv2.resize(picture, larger, interpolation=cv2.INTER_CUBIC)
    top, left = (big.shape[0] - size[1]) // 2, (big.shape[1] - size[0]) // 2
    return big[top : top + size[1], left : left + size[0]]


def beside(one: Picture, other: Picture, at: float = 0.5) -> Picture:
    """Show the left of one picture and the right of another, with a line between."""
    made, edge = fitted(one).copy(), round(SIZE[0] * at)
    made[:, edge:] = fitted(other)[:, edge:]
    made[:, edge - 1 : edge + 1] = 1.0
    return made


def inset(picture: Picture, small: list[Picture]) -> Picture:
    """Lay small pictures over the right edge."""
    made = fitted(picture).copy()
    for place, one in enumerate(small):
        patch = fitted(one, (200, 112))
        top = 14 + place * 126
        made[top - 2 : top + 114, -216 + 0 : -12] = 1.0
        made[top : top + 112, -214:-14] = patch
    return made


def write(output: Path) -> None:
    """Make every thumbnail."""
    from stillbrush.core.motion.consistency import trust
    from stillbrush.core.motion.flow import DisFlow
    from stillbrush.core.motion.view import flow_picture, mask_picture

    found = output / "stillbrush"
    plates = sorted((output.parent / "temp").glob("stillbrush-demo-384-8/*.exr"))
    seen = [display(path) for path in plates]
    last, this = (torch.from_numpy(picture)[None] for picture in seen[3:5])
    flow = DisFlow().estimate(last, this)
    arrows = flow_picture(flow.backward, 8.0)[0].numpy()
    mask = mask_picture(trust(flow), this, 0.7)[0].numpy()
    exr = display(sorted((found / "exr").glob("*.exr"))[4])
    carried = display(sorted((found / "carry").glob("*.exr"))[4])
    long = display(found / "long-shot.mp4", 5)
    looks = display(found / "two-looks.mp4", 5)
    half = looks.shape[1] // 2
    made = {
        "First shot": beside(seen[4], display(found / "first-shot.mp4", 6), 0.42),
        "Node by node": inset(long, [arrows, mask]),
        "EXR in, EXR out": beside(seen[4], exr, 0.42),
        "Steady any painted clip": inset(carried, [mask]),
        "Compare two looks": beside(looks[:, :half], looks[:, half:]),
        "Long shot": fitted(long),
    }
    for name, picture in made.items():
        eight = np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)[..., ::-1]
        path = ROOT / "example_workflows" / f"{name}.jpg"
        cv2.imwrite(str(path), eight, [cv2.IMWRITE_JPEG_QUALITY, 86])


if __name__ == "__main__":
    write(Path(sys.argv[1]))

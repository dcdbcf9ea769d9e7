"""Pictures of the example workflows and of the graph's tutorial, made from what they paint.

    python tests/support/thumbnails.py

Runs every example in the ComfyUI that STILLBRUSH_COMFYUI names, and the tutorial; writes
example_workflows/*.jpg and docs/images/graph-view.jpg. To be repeated when a look was trained anew.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
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


def run_examples(base: Path) -> Path:
    """Run every example in a real ComfyUI; return the folder of what they wrote.

    Raises:
        RuntimeError: one of them failed.
    """
    from support.comfyui import api_graph, running

    with running(base) as server:
        info = server.get("/object_info")
        for path in sorted((ROOT / "example_workflows").glob("*.json")):
            outcome = server.run(api_graph(json.loads(path.read_text()), info), limit=3600)
            if outcome.status != "success":
                raise RuntimeError(f"{path.stem}: {outcome.error or outcome.refused}")
            sys.stdout.write(f"{path.stem}: {outcome.seconds:.0f} s\n")
            sys.stdout.flush()
    return base / "output"


def write_view(folder: Path) -> None:
    """Run the graph's tutorial and keep the frame that it shows."""
    text = (ROOT / "docs/graph.md").read_text(encoding="utf-8")
    shown = text[: text.index("images/graph-view.jpg")]
    code = "\n".join(re.findall(r"```python\n(.*?)```", shown, re.DOTALL))
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, env=dict(os.environ))
    picture = cv2.imread(str(folder / "view.1004.png"))
    name = str(ROOT / "docs/images/graph-view.jpg")
    cv2.imwrite(name, picture, [cv2.IMWRITE_JPEG_QUALITY, 90])


def write_thumbnails(output: Path) -> None:
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


def write() -> None:
    """Make every picture anew."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("comfyui", "tutorial"):
            (Path(folder) / name).mkdir()
        write_thumbnails(run_examples(Path(folder) / "comfyui"))
        write_view(Path(folder) / "tutorial")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "tests"))
    write()

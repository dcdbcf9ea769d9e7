"""Clips to measure on: shots, folders of them, and the layouts of Sintel and DAVIS."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from ..errors import BadInput, MissingFrame, UnreadableFile
from ..media.sequences import is_video
from ..motion.flow_files import read_flo, read_kitti

SINTEL_PASSES = ("final", "clean")
STILLS = (".png", ".jpg", ".jpeg", ".exr", ".tif", ".tiff", ".dpx")


@dataclass(frozen=True)
class ClipFiles:
    """One clip and what is known of it.

    Attributes:
        name: how tables call it.
        source: what `open_shot` opens.
        flows: true flow from each frame into the next, on the first of the two; empty: not known.
        occlusions: pictures, white where a point of a frame is hidden in the next.
        foregrounds: pictures, not black on what moves by itself, one a frame.
    """

    name: str
    source: str
    flows: tuple[Path, ...] = ()
    occlusions: tuple[Path, ...] = ()
    foregrounds: tuple[Path, ...] = ()

    def flow(self, place: int) -> Tensor | None:
        """Return the true forward flow (1, H, W, 2) from frame `place` (from 0) to the next.

        Raises:
            UnreadableFile: the file is no flow.
        """
        if place >= len(self.flows):
            return None
        path = self.flows[place]
        return read_kitti(path) if path.suffix.lower() == ".png" else read_flo(path)

    def foreground(self, place: int) -> Tensor | None:
        """Return what moves by itself in a frame, (1, H, W, 1), 0 or 1; None where unknown."""
        return read_mask(self.foregrounds[place]) if place < len(self.foregrounds) else None

    def visible(self, place: int) -> Tensor | None:
        """Return what of frame `place` the next one shows, (1, H, W, 1); None where unknown."""
        if place >= len(self.occlusions):
            return None
        return 1 - read_mask(self.occlusions[place])


@dataclass
class Found:
    """Clips, and what was passed over."""

    clips: list[ClipFiles] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def read_mask(path: Path) -> Tensor:
    """Read a picture as a mask (1, H, W, 1): 1 where it is not black.

    Raises:
        UnreadableFile: it is no picture.
    """
    data = np.fromfile(path, np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    if picture is None:
        raise UnreadableFile(f"mask {path}: expected a picture.")
    flat = picture if picture.ndim == 2 else picture[..., :3].max(-1)
    return torch.from_numpy((flat > 0).astype(np.float32))[None, ..., None]


def find_clips(path: Path, masks: Path | None = None) -> Found:
    """Find the clips that a path holds.

    A video, a pattern or a folder of frames is one clip. A folder of Sintel's layout (`final` or
    `clean` with `flow` beside them, perhaps under `training`) or of DAVIS' (`JPEGImages/480p`)
    gives each of its scenes, with true flow, occlusions and object masks. Of any other folder, the
    videos in it and the folders of frames.

    Args:
        path: where to look.
        masks: a folder with one folder of object masks a clip, named like it.

    Raises:
        MissingFrame: there is no such file or folder.
        BadInput: it holds no clip.
    """
    if not path.is_dir():
        if not path.exists() and "#" not in path.name and "%" not in path.name:
            raise MissingFrame(f"clip {path}: there is no such file or folder.")
        return Found([with_masks(ClipFiles(path.stem.rstrip(".#"), str(path)), masks)])
    for root in (path, path / "training"):
        for layer in SINTEL_PASSES:
            if (root / layer).is_dir() and (root / "flow").is_dir():
                return sintel(root, layer)
    if (path / "JPEGImages").is_dir():
        return davis(path)
    found = Found()
    if has_frames(path):
        found.clips.append(with_masks(ClipFiles(path.name, str(path)), masks))
        return found
    for entry in sorted(path.iterdir()):
        if entry.is_file() and is_video(entry):
            found.clips.append(with_masks(ClipFiles(entry.stem, str(entry)), masks))
        elif entry.is_dir() and entry != masks and has_frames(entry):
            found.clips.append(with_masks(ClipFiles(entry.name, str(entry)), masks))
        elif not entry.name.startswith(".") and entry != masks:
            found.skipped.append(entry.name)
    if not found.clips:
        raise BadInput(
            f"clips {path}: expected videos, folders of frames, or the layout of Sintel or DAVIS; "
            "found none."
        )
    return found


def has_frames(folder: Path) -> bool:
    """Say whether a folder holds frames."""
    return any(entry.suffix.lower() in STILLS for entry in folder.iterdir() if entry.is_file())


def with_masks(clip: ClipFiles, masks: Path | None) -> ClipFiles:
    """Give a clip the object masks of the folder that is named like it, if there is one."""
    if masks is None or not (masks / clip.name).is_dir():
        return clip
    return ClipFiles(clip.name, clip.source, foregrounds=files(masks / clip.name, "*.png"))


def sintel(root: Path, layer: str) -> Found:
    """Read MPI Sintel's layout: every scene, with its true flow and occlusions."""
    found = Found()
    for scene in sorted(entry for entry in (root / layer).iterdir() if entry.is_dir()):
        if not has_frames(scene):
            found.skipped.append(scene.name)
            continue
        flows = files(root / "flow" / scene.name, "*.flo")
        hidden = files(root / "occlusions" / scene.name, "*.png")
        found.clips.append(ClipFiles(scene.name, str(scene), flows, hidden))
    if not found.clips:
        raise BadInput(f"clips {root}: expected scenes in {root / layer}; found none.")
    return found


def davis(root: Path) -> Found:
    """Read DAVIS' layout: every sequence, with its object masks; the smallest size there is."""
    sizes = sorted(entry for entry in (root / "JPEGImages").iterdir() if entry.is_dir())
    if not sizes:
        raise BadInput(f"clips {root}: expected a folder such as 480p in JPEGImages; found none.")
    size, found = sizes[0], Found()
    for scene in sorted(entry for entry in size.iterdir() if entry.is_dir()):
        if has_frames(scene):
            objects = files(root / "Annotations" / size.name / scene.name, "*.png")
            found.clips.append(ClipFiles(scene.name, str(scene), foregrounds=objects))
        else:
            found.skipped.append(scene.name)
    if not found.clips:
        raise BadInput(f"clips {root}: expected sequences in {size}; found none.")
    return found


def files(folder: Path, pattern: str) -> tuple[Path, ...]:
    """Return the files of a folder by name; none where there is no folder."""
    return tuple(sorted(folder.glob(pattern))) if folder.is_dir() else ()

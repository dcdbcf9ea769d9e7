"""What the page of a render will show, kept beside the journal until then.

For every frame a small map of where its paint changes; for frames that are to be looked at a panel
with pictures, motion and mask: those of the contact sheet, and those that flicker worst so far. So
it stays small however long the shot is, and a render that goes on finds what was there.
"""

from __future__ import annotations

import io
import threading
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np

from ..media.atomic import replacing

MAP_WIDTH = 96
KEPT_WORST = 12
QUALITY = 95
PICTURES = ("plate", "painted", "alone")


@dataclass(frozen=True)
class Panel:
    """One frame to look at.

    Attributes:
        plate, painted, alone: (h, w, 3) uint8 sRGB: the plate, the finished frame, and the paint of
            this frame by itself.
        change: (h, w, 3) uint8: root mean square change of the paint, that of the paint frame by
            frame, and what could be followed; 255 is `gauge.CEILING`, 1 for the last.
        flow: (h, w, 2) float16, backward, pixels of the plate; not-a-number where not known.
        mask: (h, w) uint8, 255 where paint is carried over.
    """

    plate: np.ndarray
    painted: np.ndarray
    alone: np.ndarray
    change: np.ndarray
    flow: np.ndarray
    mask: np.ndarray


class Gallery:
    """Panels and maps of one render, as files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.errors: dict[int, float] = {}  # temporal error of the frames measured so far
        self.lock = threading.Lock()

    def panel_path(self, frame: int) -> Path:
        """Return the file of a frame's panel."""
        return self.folder / f"panel.{frame}.npz"

    def map_path(self, frame: int) -> Path:
        """Return the file of a frame's map."""
        return self.folder / f"where.{frame}.png"

    def begin(self, errors: dict[int, float]) -> None:
        """Take up what was measured before; remove what belongs to nothing."""
        self.errors = dict(errors)
        for path in (*self.folder.glob("panel.*.npz"), *self.folder.glob("where.*.png")):
            frame = path.name.split(".")[1]
            if not frame.lstrip("-").isdigit() or int(frame) not in errors:
                path.unlink(missing_ok=True)

    def panels(self) -> list[int]:
        """Return the frames that have a panel, in order."""
        return sorted(int(path.name.split(".")[1]) for path in self.folder.glob("panel.*.npz"))

    def is_worth_it(self, frame: int, error: float) -> bool:
        """Say whether a frame is among the worst so far; note its error."""
        with self.lock:
            self.errors[frame] = error
            return frame in self.worst()

    def worst(self) -> list[int]:
        """Return the frames that flicker worst so far, the worst first."""
        ranked = sorted(self.errors, key=lambda frame: (-self.errors[frame], frame))
        return [frame for frame in ranked if self.errors[frame] > 0][:KEPT_WORST]

    def keep_map(self, frame: int, change: np.ndarray) -> None:
        """Store a map (h, w, 3) uint8, as `Panel.change`."""
        with replacing(self.map_path(frame), overwrite=True) as aside:
            cv2.imwrite(str(aside), change[..., ::-1])

    def map(self, frame: int) -> np.ndarray | None:
        """Read a map; None where it is not there or damaged."""
        read = cv2.imread(str(self.map_path(frame))) if self.map_path(frame).is_file() else None
        return None if read is None else np.ascontiguousarray(read[..., ::-1])

    def keep_panel(self, frame: int, panel: Panel, chosen: frozenset[int]) -> None:
        """Store a panel, and remove those that are neither chosen nor among the worst by now."""
        arrays = {field.name: getattr(panel, field.name) for field in fields(panel)}
        for name in PICTURES:
            quality = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
            arrays[name] = cv2.imencode(".jpg", arrays[name][..., ::-1], quality)[1]
        with replacing(self.panel_path(frame), overwrite=True) as aside, aside.open("wb") as file:
            np.savez_compressed(file, **arrays)
        with self.lock:
            needed = chosen.union(self.worst())
            for other in self.panels():
                if other not in needed:
                    self.panel_path(other).unlink(missing_ok=True)

    def panel(self, frame: int) -> Panel | None:
        """Read a panel; None where it is not there or damaged."""
        try:
            content = io.BytesIO(self.panel_path(frame).read_bytes())
            with np.load(content, allow_pickle=False) as file:
                arrays = {field.name: file[field.name] for field in fields(Panel)}
            for name in PICTURES:
                decoded = cv2.imdecode(arrays[name], cv2.IMREAD_COLOR)
                arrays[name] = np.ascontiguousarray(np.asarray(decoded)[..., ::-1])
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, cv2.error):
            return None
        return Panel(**arrays)

"""Rendering in tests: the whole way from a request to files, and files compared bit by bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813

from stillbrush.core.knobs import ShotKnobs
from stillbrush.core.look import Look
from stillbrush.core.media.images import Plate, read_plate
from stillbrush.core.render.assembly import assemble
from stillbrush.core.render.painting import Settings
from stillbrush.core.render.renderer import Progress, render
from stillbrush.core.render.report import Report
from stillbrush.core.render.request import Request

# Our own marks, the padding of the clock time that no file carries, and what follows from the
# compression or counts smaller levels that are not kept.
OURS = {
    "DateTime",
    "openexr:chunkCount",
    "oiio:miplevels",
    "openexr:roundingmode",
    "openexr:levelmode",
    "textureformat",
}


class Quiet:
    """A watcher that notes frames, finished and passed, and stops the render after a number."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.frames: list[int] = []
        self.passed: list[int] = []
        self.stop_after = stop_after
        self.asked = 0

    def progress(self, progress: Progress) -> None:
        (self.frames if progress.is_written else self.passed).append(progress.frame)

    def is_cancelled(self) -> bool:
        self.asked += 1
        return self.stop_after is not None and self.asked > self.stop_after


def paint(
    source: str | Path,
    look: Look,
    output: Path | str,
    *,
    watcher: Quiet | None = None,
    overwrite: bool = False,
    request: dict[str, Any] | None = None,
    **knobs: Any,
) -> Report:
    """Render a shot with a look; strokes are coarse so that it is quick."""
    settings = Settings(ShotKnobs(**{"stroke_size": 4.0} | knobs))
    made = assemble(Request(str(source), look, **{"settings": settings} | (request or {})))
    return render(made.job(str(output), overwrite=overwrite), watcher or Quiet())


def frames_in(folder: Path) -> dict[str, bytes]:
    """Return every visible file but reports, by name."""
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.iterdir())
        if path.is_file() and not path.name.startswith(".") and path.suffix != ".json"
    }


def channels(path: Path) -> dict[str, np.ndarray]:
    """Return every channel of every part in its own type, as unsigned bits."""
    plate: Plate = read_plate(path, 1)
    bits = {2: np.uint16, 4: np.uint32, 1: np.uint8}
    return {
        f"{number}:{name}": part.channel(index).view(bits[part.channel(index).dtype.itemsize])
        for number, part in enumerate(plate.original.parts)
        for index, name in enumerate(part.spec.channelnames)
    }


def header(path: Path) -> list[dict[str, object]]:
    """Return every attribute, window and channel type of every part, but our own marks."""
    found = []
    for part in read_plate(path, 1).original.parts:
        spec: oiio.ImageSpec = part.spec
        kept = {
            a.name: (str(a.type), a.value)
            for a in spec.extra_attribs
            if a.name not in OURS and not a.name.startswith("stillbrush/")
        }
        kinds = tuple(str(spec.channelformat(c)) for c in range(spec.nchannels))
        windows = (spec.x, spec.y, spec.width, spec.height)
        windows += (spec.full_x, spec.full_y, spec.full_width, spec.full_height)
        layout = (spec.channelnames, kinds)
        found.append({"attributes": kept, "windows": windows, "channels": layout})
    return found


def assert_untouched(plate: Path, painted: Path, *, but: set[str] | None = None) -> None:
    """Demand that two files have the same header and, but for some channels, the same bits."""
    assert header(painted) == header(plate)
    before, after = channels(plate), channels(painted)
    assert list(after) == list(before)
    for name, values in before.items():
        if name not in (but or set()):
            np.testing.assert_array_equal(after[name], values, err_msg=name)

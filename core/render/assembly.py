"""From what a user asks for to a job that can be rendered, the same for every door."""

from __future__ import annotations

import enum
import functools
import hashlib
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import OpenImageIO as oiio  # noqa: N813
import torch

from ... import __version__
from ..errors import BadInput
from ..look import Look
from ..media.colour import config
from ..media.sequences import parse_frames
from ..media.source import Shot, open_shot
from ..motion.cache import FlowCache
from ..motion.estimators import make_estimator
from ..networks.bands import Bands
from ..sequence import Checkpoints
from ..stylizers.load import load_painter
from ..stylizers.optimise.load import seen_by
from ..stylizers.paint_state import PaintState
from ..stylizers.painter import STROKE_WIDTH, painting_size
from ..stylizers.shot_statistics import ShotStatistics
from .given_motion import GivenMotion, given_motion
from .matte import Matte, Where, open_matte
from .motion import EstimatedMotion, Motion
from .multi_pass import MultiPassPainting
from .output import Output, plan_output, refuse_source
from .painting import ShotPainting
from .renderer import Job
from .request import Precision, Request, check_request, pick_device


@dataclass(frozen=True)
class Assembly:
    """A request made ready."""

    request: Request
    shot: Shot
    frames: tuple[int, ...]
    device: torch.device
    motion: Motion
    matte: Matte | None

    def painting(
        self, checkpoints: Checkpoints[PaintState] | None = None, where: Where | None = None
    ) -> ShotPainting:
        """Build the painting; nothing is read yet.

        Args:
            checkpoints: where states are kept.
            where: a matte that lies in no file, in place of the request's own.
        """
        request = self.request
        painter = load_painter(request.look, self.device, self.bands)
        if request.statistics is not None:
            painter = painter.frozen(ShotStatistics.load(request.statistics, self.device))
        recursion = self.shot.frames
        if request.cold:
            recursion = tuple(frame for frame in recursion if frame >= self.frames[0])
        make: Callable[..., ShotPainting] = ShotPainting
        if request.passes is not None:
            make = functools.partial(
                MultiPassPainting, passes=request.passes, disk_limit=request.disk_limit
            )
        return make(
            self.shot,
            painter,
            self.motion,
            request.settings,
            matte=where or self.matte,
            frames=recursion,
            checkpoints=checkpoints,
            device=self.device,
        )

    @property
    def bands(self) -> Bands:
        """Return how the network is run: rows at a time, a function of the size unless given."""
        wanted = self.request.precision
        precision = torch.bfloat16 if wanted is Precision.BFLOAT16 else torch.float32
        return Bands(self.request.band_rows, precision)

    @property
    def painting_width(self) -> int:
        """Return the width at which the network paints."""
        canvas, stroke = self.shot.canvas, self.request.settings.knobs.stroke_size
        look, across = self.request.look, self.shot.display.width
        at = look.optimise.settings().width if look.optimise else STROKE_WIDTH
        return painting_size(canvas.height, canvas.width, across, stroke, at)[1]

    def identity(self) -> dict[str, Any]:
        """Return everything that decides the pixels, as plain values."""
        request, shot = self.request, self.shot
        look = request.look
        return {
            "version": product_version(),
            "ocio": config().configname(),
            "source": shot.name,
            "shot": {
                "frames": [shot.frames[0], shot.frames[-1], len(shot.frames)],
                "canvas": list(vars(shot.canvas).values()),
                "display": list(vars(shot.display).values()),
                "colour": shot.colour.space,
                "missing": {str(k): v for k, v in shot.stands_in.items()},
                "proxy": shot.proxy,
                "layer": request.read.layer,
            },
            "look": look_identity(look),
            "settings": plain(asdict(request.settings)),
            "motion": self.motion.name,
            "matte": [request.matte, request.invert_matte] if request.matte else None,
            "cold": self.frames[0] if request.cold else None,
            "passes": asdict(request.passes) if request.passes else None,
            "statistics": str(request.statistics) if request.statistics else None,
            "precision": request.precision.value,
            "band_rows": self.bands.height(self.painting_width),
            "device": self.device.type,
        }

    @property
    def files(self) -> list[Path]:
        """Return every file that is read."""
        paths = [*self.shot.files]
        if self.matte is not None:
            paths += self.matte.files
        if isinstance(self.motion, GivenMotion):
            paths += self.motion.files
        if self.request.statistics is not None and self.request.statistics.is_file():
            paths.append(self.request.statistics)
        look = self.request.look
        return paths + [picture.path(look.path) for picture in look.pictures]

    def files_stamp(self) -> str:
        """Return a digest of the names, sizes and times of every file that is read."""
        digest = hashlib.sha256()
        for path in self.files:
            facts = path.stat()
            digest.update(f"{path.resolve()} {facts.st_size} {facts.st_mtime_ns}\n".encode())
        return digest.hexdigest()

    def job(self, output: str, *, overwrite: bool = False, layers: bool = False) -> Job:
        """Plan a render of the request.

        Raises:
            BadInput: whatever is wrong with the output.
        """
        planned: Output = plan_output(output, self.shot, self.frames)
        refuse_source(planned.targets(self.frames), self.files)
        if layers and Path(planned.sequence.template).suffix.lower() != ".exr":
            raise BadInput(f"output {output}: debug layers need an EXR sequence.")
        factory: Callable[..., ShotPainting] = self.painting
        return Job(
            painting=factory,
            output=planned,
            shot=self.shot,
            frames=self.frames,
            identity=self.identity() | {"output_colour": planned.colour.space, "layers": layers},
            files_stamp=self.files_stamp(),
            overwrite=overwrite,
            layers=layers,
            facts=machine(),
        )


def assemble(request: Request) -> Assembly:
    """Open the shot and everything it needs.

    Raises:
        StillbrushError: one clear line on whatever is wrong.
    """
    source = request.source
    check_request(request)
    shot = source if isinstance(source, Shot) else open_shot(source, request.read)
    frames = chosen_frames(request.frames, shot)
    device = pick_device(request.device)
    if request.vectors is not None:
        given = given_motion(request.vectors, shot, device)
        given.check(shot.frames)
        motion: Motion = given
    else:
        knobs = request.settings.knobs
        cache = FlowCache(request.flow_cache) if request.flow_cache else None
        motion = EstimatedMotion(make_estimator(knobs.method, knobs.quality), cache)
    matte = None
    if request.matte:
        matte = open_matte(request.matte, shot, inverted=request.invert_matte)
        matte.check(frames)
    return Assembly(request, shot, frames, device, motion, matte)


def look_identity(look: Look) -> dict[str, Any]:
    """Return everything of a look that decides the paint, beside the knobs."""
    named = {"name": look.name, "title": look.title, "weights": look.paint_digest}
    if look.optimise is not None:
        return named | {"optimise": look.optimise.identity(), "seen_by": seen_by(look)}
    if look.pictures:
        named |= {"pictures": [[one.sha256, one.share] for one in look.pictures]}
    return named | {"style": look.network.style}


def chosen_frames(text: str | None, shot: Shot) -> tuple[int, ...]:
    """Return the frames to write.

    Raises:
        BadInput: the shot lacks one of them.
    """
    if text is None:
        return shot.frames
    wanted = parse_frames(text)
    lacking = [frame for frame in wanted if frame not in shot.frames]
    if lacking:
        raise BadInput(
            f"frames {text}: the shot has {shot.frames[0]} to {shot.frames[-1]}; "
            f"there is no frame {lacking[0]}."
        )
    return wanted


def plain(value: Any) -> Any:
    """Turn enumerations and tuples into plain values, for JSON."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def product_version() -> str:
    """Return our version, the same however the package came here."""
    return __version__


def machine() -> dict[str, Any]:
    """Return what a render ran on."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "openimageio": oiio.VERSION_STRING,
        "platform": platform.platform(),
        "threads": torch.get_num_threads(),
    }

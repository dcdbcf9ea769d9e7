"""From a clip that is to be steadied to a job that can be rendered, the same for every door."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import BadInput
from ..knobs import SteadyKnobs, chain
from ..look import Look
from ..media.colour import config
from ..media.source import Missing, ReadSettings, Shot, open_shot
from ..motion.cache import FlowCache
from ..motion.estimators import make_estimator
from ..sequence import Checkpoints
from ..stylizers.paint_state import PaintState
from ..stylizers.prior import resize_picture
from .assembly import assemble, chosen_frames, machine, plain, product_version
from .given_motion import GivenMotion, VectorSettings, given_motion
from .keyed import Cuts, Fill, KeyedFrames, keyed_shot
from .matte import Where, open_matte
from .motion import EstimatedMotion, Motion
from .output import Output, plan_output, refuse_source
from .painting import Settings
from .renderer import Job
from .request import Device, Request
from .steadying import SteadyPainting, matching


@dataclass(frozen=True)
class SteadyRequest:
    """What a user asks for."""

    source: str | Shot
    painted: str | Shot  # every frame, or a few key frames
    keys: bool = False
    how: SteadyKnobs = field(default_factory=SteadyKnobs)
    read: ReadSettings = field(default_factory=ReadSettings)  # of the source
    settings: Settings = field(default_factory=Settings)  # cuts, and knobs that move
    frames: str | None = None
    cold: bool = False
    matte: str | None = None
    invert_matte: bool = False
    vectors: VectorSettings | None = None
    flow_cache: Path | None = None
    fill: Look | None = None  # with keys: paints what no key shows


@dataclass(frozen=True)
class SteadyAssembly:
    """A request made ready."""

    request: SteadyRequest
    source: Shot
    painted: Shot
    frames: tuple[int, ...]
    motion: Motion
    matte: Where | None
    files: list[Path]

    @property
    def clip(self) -> Shot:
        """Return the clip that is steadied; of key frames, what they are carried to."""
        return self.source if self.request.keys else self.painted

    def painting(self, checkpoints: Checkpoints[PaintState] | None = None) -> SteadyPainting:
        """Build the painting; nothing is read yet."""
        request, clip = self.request, self.painted
        anchors: frozenset[int] = frozenset()
        if request.keys:
            how = request.how
            cuts = Cuts(request.settings.cuts, how.cut_sensitivity if how.detect_cuts else None)
            fill = filling(request.fill, self.source) if request.fill else None
            clip = keyed_shot(KeyedFrames(self.source, self.painted, self.motion, cuts, fill))
            anchors = frozenset(self.painted.frames)
        recursion = clip.frames
        if request.cold:
            recursion = tuple(frame for frame in recursion if frame >= self.frames[0])
        return SteadyPainting(
            clip,
            self.source,
            self.motion,
            request.how,
            request.settings,
            matte=self.matte,
            anchors=anchors,
            frames=recursion,
            checkpoints=checkpoints,
        )

    def identity(self) -> dict[str, Any]:
        """Return everything that decides the pixels, as plain values."""
        request, fill = self.request, self.request.fill
        return {
            "version": product_version(),
            "ocio": config().configname(),
            "source": self.source.name,
            "painted": self.painted.name,
            "keys": request.keys,
            "shots": [facts(self.source), facts(self.painted)],
            "look": {
                "name": "stabilizer",
                "title": "steadied",
                "weights": fill.paint_digest if fill else "none",
                "style": fill.weights.style if fill and fill.weights else None,
            },
            "knobs": plain(asdict(request.how)),
            "cuts": list(request.settings.cuts),
            "motion": self.motion.name,
            "matte": [request.matte, request.invert_matte] if request.matte else None,
            "cold": self.frames[0] if request.cold else None,
            "device": "cpu",
        }

    def job(self, output: str, *, overwrite: bool = False, layers: bool = False) -> Job:
        """Plan a render of the request.

        Raises:
            BadInput: whatever is wrong with the output.
        """
        clip = self.clip
        planned: Output = plan_output(output, clip, self.frames)
        refuse_source(planned.targets(self.frames), self.files)
        if layers and Path(planned.sequence.template).suffix.lower() != ".exr":
            raise BadInput(f"output {output}: debug layers need an EXR sequence.")
        factory: Callable[..., SteadyPainting] = self.painting
        return Job(
            painting=factory,
            output=planned,
            shot=clip,
            frames=self.frames,
            identity=self.identity() | {"output_colour": planned.colour.space, "layers": layers},
            files_stamp=stamp(self.files),
            overwrite=overwrite,
            layers=layers,
            facts=machine(),
        )


def assemble_steady(request: SteadyRequest) -> SteadyAssembly:
    """Open both clips and everything else that is needed.

    Raises:
        StillbrushError: one clear line on whatever is wrong.
    """
    if request.fill is not None and not request.keys:
        raise BadInput("fill: a look fills what no key frame shows; give key frames (--keys).")
    source = opened(request.source, request.read)
    missing = Missing.SKIP if request.keys else request.read.missing
    painted = opened(request.painted, ReadSettings(missing=missing))
    if not request.keys:
        matching(painted, source)
    clip = source if request.keys else painted
    frames = chosen_frames(request.frames, clip)
    motion = motion_of(request, source)
    files = [*source.files, *painted.files]
    if isinstance(motion, GivenMotion):
        files += motion.files
    matte = None
    if request.matte:
        matte = open_matte(request.matte, clip, inverted=request.invert_matte)
        matte.check(frames)
        files += matte.files
    made = SteadyAssembly(request, source, painted, frames, motion, matte, files)
    if request.keys:
        made.painting()  # whatever is wrong with the keys shows before anything is written
    return made


def steady_painting(request: SteadyRequest, where: Where | None = None) -> SteadyPainting:
    """Build the painting of a request whose matte lies in no file.

    Raises:
        StillbrushError: as `assemble_steady`.
    """
    return replace(assemble_steady(request), matte=where).painting()


def opened(shot: str | Shot, settings: ReadSettings) -> Shot:
    """Open a shot that is not open yet."""
    return shot if isinstance(shot, Shot) else open_shot(shot, settings)


def motion_of(request: SteadyRequest, source: Shot) -> Motion:
    """Return where the source's motion comes from."""
    if request.vectors is not None:
        given = given_motion(request.vectors, source, torch.device("cpu"))
        given.check(source.frames)
        return given
    if request.flow_cache is not None and request.flow_cache.is_file():
        raise BadInput(f"flow cache {request.flow_cache}: expected a folder; it is a file.")
    cache = FlowCache(request.flow_cache) if request.flow_cache else None
    return EstimatedMotion(make_estimator(request.how.method, request.how.quality), cache)


def filling(look: Look, source: Shot) -> Fill:
    """Return what paints a frame of the source by itself, (H, W, 3), network encoding."""
    settings = Settings(chain(look.knobs, {}), look.exposure, per_frame=True)
    painting = assemble(Request(source, look, settings=settings, device=Device.AUTO)).painting()
    size = (source.canvas.height, source.canvas.width)

    def fill(frame: int) -> np.ndarray:
        painted = painting.alone(painting.small(frame))
        return resize_picture(painted, *size)[0].clamp(0, 1).cpu().numpy()

    return fill


def facts(shot: Shot) -> dict[str, Any]:
    """Return what decides how a shot is read."""
    return {
        "frames": [shot.frames[0], shot.frames[-1], len(shot.frames)],
        "missing": {str(k): v for k, v in shot.stands_in.items()},
        "canvas": list(vars(shot.canvas).values()),
        "colour": shot.colour.space,
        "proxy": shot.proxy,
    }


def stamp(files: list[Path]) -> str:
    """Return a digest of the names, sizes and times of files."""
    digest = hashlib.sha256()
    for path in files:
        known = path.stat()
        digest.update(f"{path.resolve()} {known.st_size} {known.st_mtime_ns}\n".encode())
    return digest.hexdigest()

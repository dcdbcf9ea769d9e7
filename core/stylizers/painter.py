"""The prior-guided stylizer: one painted frame from one frame and what was painted before it."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.nn import functional as F

from ..errors import BadInput, UnreadableFile
from ..hashing import refuse_special
from ..networks import shortage
from ..networks.bands import Bands, paint_in_bands
from ..networks.style_network import Statistics, StyleNetwork
from ..networks.weights import save_aside
from ..state import digest
from .prior import Prior, carry, resize_mask, resize_picture
from .protocol import Before, PaintedFrame, Watch

P = TypeVar("P", bound="GuidedPainter")

STROKE_WIDTH = 768
"""Width in pixels at which the network paints a frame when the stroke size is 1."""
CHANGE_REACH = 7  # pixels over which a change of the plate is averaged, so that grain is none
CHANGE_RANGE = (0.02, 0.05)  # of the encoded range: paint is kept below, given up above
FORGETTING = 0.5  # of how firmly paint rested before, each frame
OUTLASTING = 0.3  # of the firmest: what rested for long outlasts one frame without, not two
LARGEST_GROWTH = 2.0  # a plate is never painted at more than this times its own size


class Normalise(enum.Enum):
    """Where the statistics of the normalisation layers come from."""

    FRAME = "frame"
    SHOT = "shot"


@dataclass(frozen=True)
class ShotStatistics:
    """Statistics frozen over a shot: with no prior, and with one."""

    unprimed: Statistics
    primed: Statistics

    def save(self, path: Path) -> None:
        """Write both sets as safetensors."""
        tensors = {}
        for kind, statistics in (("unprimed", self.unprimed), ("primed", self.primed)):
            for layer, (mean, variance) in enumerate(statistics):
                tensors[f"{kind}.{layer:02d}.mean"] = mean.cpu()
                tensors[f"{kind}.{layer:02d}.variance"] = variance.cpu()
        marks = {"stillbrush-statistics": "2", "sha256": digest(tensors, {})}
        save_aside(tensors, path, marks)

    @classmethod
    def load(cls, path: Path, device: torch.device) -> ShotStatistics:
        """Read both sets.

        Raises:
            UnreadableFile: missing, damaged, or something else.
        """
        refuse_special(path, "frozen statistics")
        try:
            with safe_open(path, framework="pt") as file:
                marks = file.metadata() or {}
                found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise UnreadableFile(f"statistics {path}: cannot be read ({error}).") from error
        if marks.get("sha256") != digest(found, {}):
            raise UnreadableFile(f"statistics {path}: are damaged, or something else.")

        def kind(name: str) -> Statistics:
            means = sorted(key for key in found if key.startswith(name) and key.endswith("mean"))
            pairs = ((found[key], found[key[:-4] + "variance"]) for key in means)
            return tuple((mean.to(device), variance.to(device)) for mean, variance in pairs)

        try:
            statistics = cls(kind("unprimed"), kind("primed"))
        except KeyError as error:
            raise UnreadableFile(f"statistics {path}: expected {error}.") from error
        if not statistics.primed or len(statistics.primed) != len(statistics.unprimed):
            raise UnreadableFile(f"statistics {path}: expected both sets of a shot's statistics.")
        return statistics


@dataclass(frozen=True)
class PaintState:
    """What a stylizer carries to the next frame."""

    painted: Tensor | None = None  # (1, h, w, 3), 0 to 1, network encoding; None: nothing yet
    reference: Tensor | None = None  # (1, h, w, 3): the plate as it was when that was painted
    age: int = 0  # frames since the recursion began
    resting: Tensor | None = None  # (1, h, w, 1), 0 to 1: how firmly paint rested of late
    earlier: Tensor | None = None  # (n, h, w, 3), half precision: painted before, newest first
    seen: Tensor | None = None  # (m, h, w, 1), 8 bits: luma of the plates so far, newest first
    trace: Tensor | None = None  # (k, 3, h, w), 0 to 1: iterates of the frame painted last

    def to(self, device: torch.device) -> PaintState:
        """Return the state on a device: a checkpoint is read into the processor's memory.

        What is seldom asked for stays in main memory until it is.
        """
        near = {name: getattr(self, name) for name in ("painted", "reference", "resting", "trace")}
        moved = {name: None if t is None else t.to(device) for name, t in near.items()}
        return replace(self, **moved)


@dataclass(frozen=True)
class Sample:
    """One neighbouring pair of a shot, for measuring its statistics."""

    last: Tensor  # (1, H, W, 3), network encoding
    this: Tensor  # (1, H, W, 3)
    prior: Prior


def painting_size(
    height: int, width: int, frame_width: int, stroke: float, at: int = STROKE_WIDTH
) -> tuple[int, int]:
    """Return the size (height, width) at which a plate is painted.

    A stroke is a share of the frame's width, so a proxy looks like the full frame and 4K does not
    get tiny strokes.

    Args:
        height: of the pixels that are painted.
        width: of the pixels that are painted.
        frame_width: of the whole frame (the display window).
        stroke: stroke size; 1 paints the frame at 768 pixels, 0.5 at 1536.
        at: width in pixels at which a stroke size of 1 paints the frame, where it is not 768.
    """
    scale = min(at / stroke / frame_width, LARGEST_GROWTH)
    return max(1, round(height * scale)), max(1, round(width * scale))


class GuidedPainter(ABC):
    """All painters that go on from their own last picture: what differs is the network.

    A `Stylizer`; a subclass says how its network is run.
    """

    bands: Bands
    statistics: ShotStatistics | None  # None: statistics of each frame
    rests: ClassVar[bool] = True  # leaves paint alone where the motion says that nothing moves

    @abstractmethod
    def run(
        self, layers: Tensor, statistics: Statistics | None = None, *, pooled: bool = False
    ) -> tuple[Tensor, Statistics]:
        """Run the network over pictures (N, h, w, 7).

        Args:
            layers: frame, what is carried of the last picture, where.
            statistics: frozen statistics; absent: each picture's own.
            pooled: with no statistics given, measure one set over all pictures together.

        Returns:
            Painted pictures (N, h, w, 3), 0 to 1, and the statistics that were used.
        """
        ...

    def run_alone(
        self, layers: Tensor, statistics: Statistics | None = None, *, pooled: bool = False
    ) -> tuple[Tensor, Statistics]:
        """Run the network over pictures with nothing before them; the same as `run`."""
        return self.run(layers, statistics, pooled=pooled)

    def banded(self: P, bands: Bands) -> P:
        """Return the same painter with its network run in other bands."""
        return replace(self, bands=bands)  # pyright: ignore[reportArgumentType]

    def frozen(self: P, statistics: ShotStatistics) -> P:
        """Return the same painter with frozen statistics."""
        return replace(self, statistics=statistics)  # pyright: ignore[reportArgumentType]

    @property
    def width(self) -> int:
        """Width in pixels at which a frame is painted when the stroke size is 1."""
        return STROKE_WIDTH

    @property
    def lacks_statistics(self) -> bool:
        """Say whether there are statistics to freeze that are not frozen."""
        return self.statistics is None

    def go_on(
        self, frame: Tensor, prior: Prior | None, state: PaintState, watch: Watch | None = None
    ) -> PaintedFrame:
        """Paint one frame; say what was carried over too. There are no iterates to watch."""
        state = state.to(frame.device)
        layers, primed = self.assemble(frame, prior, state)
        picture, following = self.paint_layers(layers, prior if primed else None, state)
        return PaintedFrame(picture, layers[..., 3:] if primed else None, following)

    def paint(
        self, frame: Tensor, prior: Prior | None, state: PaintState
    ) -> tuple[Tensor, PaintState]:
        """Paint one frame.

        Args:
            frame: (1, h, w, 3), network encoding, at painting size.
            prior: how to carry what was painted last; None paints the frame by itself.
            state: what was painted last.

        Returns:
            The painted frame (1, h, w, 3), 0 to 1, and the next state.

        Raises:
            BadInput: the frame has another size than the last one.
        """
        made = self.go_on(frame, prior, state)
        return made.picture, made.state

    def repaint(
        self,
        frame: Tensor,
        start: Tensor | None,
        carried: Before | None,
        watch: Watch | None = None,
    ) -> Tensor:
        """Paint a frame from a picture: its prior, trusted everywhere, since it has no holes.

        There is no loss at painting time in which `carried` could count.
        """
        if start is None:
            return self.paint(frame, None, PaintState())[0]
        sure = torch.ones_like(frame[..., :1])
        layers = torch.cat((frame, start.to(frame.device), sure), -1)
        prior = Prior(torch.zeros_like(frame[..., :2]), sure, torch.zeros_like(sure))
        return self.paint_layers(layers, prior, PaintState())[0]

    def paint_layers(
        self, layers: Tensor, prior: Prior | None, state: PaintState
    ) -> tuple[Tensor, PaintState]:
        """Paint the seven channels (1, h, w, 7) that `assemble` made; no prior, no rest."""
        frozen = self.statistics
        statistics = (frozen.primed if prior else frozen.unprimed) if frozen else None
        with shortage.told(self.bands, *layers.shape[1:3]):
            run = self.run if prior else self.run_alone
            painted, _ = run(layers, statistics)
        reference, resting = layers[..., :3], None
        if prior is not None and self.rests:
            painted, reference, resting = rest(painted, reference, prior, state)
        return painted, PaintState(painted, reference, state.age + 1, resting)

    def assemble(
        self, frame: Tensor, prior: Prior | None, state: PaintState
    ) -> tuple[Tensor, bool]:
        """Stack the seven channels of Ruder et al. eq 15; say whether there is a prior in them."""
        if prior is None or state.painted is None:
            empty = torch.zeros((*frame.shape[:3], 4), device=frame.device)
            return torch.cat((frame, empty), -1), False
        check_size(frame, state.painted)
        carried, mask = carry(prior, state.painted, frame, state.age)
        return torch.cat((frame, carried, mask), -1), True

    def measure(self, samples: Iterable[Sample], size: tuple[int, int]) -> ShotStatistics:
        """Measure the statistics of a shot over sampled neighbouring pairs.

        All first frames are normalised together, then all second ones, so that the frozen
        statistics are those that the network sees when it paints with them.

        Args:
            samples: pairs at plate size; at least one.
            size: painting size (height, width).
        """
        with shortage.told(self.bands, *size):
            return self.measured(list(samples), size)

    def measured(self, chosen: list[Sample], size: tuple[int, int]) -> ShotStatistics:
        """Measure the statistics over samples; see `measure`."""
        last = torch.cat([resize_picture(sample.last, *size) for sample in chosen]).clamp(0, 1)
        this = torch.cat([resize_picture(sample.this, *size) for sample in chosen]).clamp(0, 1)
        empty = torch.zeros((len(chosen), *size, 4), device=last.device)
        painted, unprimed = self.run_alone(torch.cat((last, empty), -1), pooled=True)
        layers = [
            self.assemble(this[n : n + 1], sample.prior, PaintState(painted[n : n + 1], None, 1))[0]
            for n, sample in enumerate(chosen)
        ]
        _, primed = self.run(torch.cat(layers), pooled=True)
        return ShotStatistics(unprimed, primed)


@dataclass(frozen=True)
class Painter(GuidedPainter):
    """A style network, the style it paints, and how it runs.

    Attributes:
        opener: the image network of Ruder et al., which paints what has no prior; None: this one.
    """

    network: StyleNetwork
    style: Tensor  # (S,) share of each style
    bands: Bands = field(default_factory=Bands)
    statistics: ShotStatistics | None = None
    opener: Painter | None = None

    def run(
        self, layers: Tensor, statistics: Statistics | None = None, *, pooled: bool = False
    ) -> tuple[Tensor, Statistics]:
        """Run the network band by band."""
        return paint_in_bands(
            self.network, layers, self.style, statistics, self.bands, pooled=pooled
        )

    def run_alone(
        self, layers: Tensor, statistics: Statistics | None = None, *, pooled: bool = False
    ) -> tuple[Tensor, Statistics]:
        """Run the opener, where there is one."""
        if self.opener is None:
            return self.run(layers, statistics, pooled=pooled)
        return self.opener.banded(self.bands).run(layers, statistics, pooled=pooled)


class StillPainter(Painter):
    """Paints every frame by itself (Johnson et al., Delcour and Lewin): no prior is ever read."""

    def assemble(
        self, frame: Tensor, prior: Prior | None, state: PaintState
    ) -> tuple[Tensor, bool]:
        """Leave the channels of the prior empty."""
        return super().assemble(frame, None, state)

    def repaint(
        self,
        frame: Tensor,
        start: Tensor | None,
        carried: Before | None,
        watch: Watch | None = None,
    ) -> Tensor:
        """Paint the frame by itself, in every pass."""
        return self.paint(frame, None, PaintState())[0]


class RecurrentPainter(Painter):
    """Paints from the frame and its own last picture, unmoved (Gupta et al.): no flow is read."""

    rests: ClassVar[bool] = False

    def assemble(
        self, frame: Tensor, prior: Prior | None, state: PaintState
    ) -> tuple[Tensor, bool]:
        """Hand on the last picture as it lies; a prior says only that the shot goes on."""
        if prior is None or state.painted is None:
            return super().assemble(frame, None, state)
        check_size(frame, state.painted)
        return torch.cat((frame, state.painted, torch.ones_like(frame[..., :1])), -1), True


def check_size(frame: Tensor, painted: Tensor) -> None:
    """Refuse a frame of another size than the last one.

    Raises:
        BadInput: names both.
    """
    if painted.shape != frame.shape:
        got, last = tuple(frame.shape[1:3]), tuple(painted.shape[1:3])
        raise BadInput(f"stylizer: expected a frame of {last} as before; got {got}.")


def rest(
    painted: Tensor, frame: Tensor, prior: Prior, state: PaintState
) -> tuple[Tensor, Tensor, Tensor]:
    """Leave paint alone where nothing moves and the plate is what it was painted from.

    A network that paints over its own paint wanders, and most where there is least to hold on to: a
    flat wall before a camera on a tripod. There the last paint is the best there is. It is kept to
    the bit, and given up where the plate has come to differ from the one it was painted from - not
    from the last frame, so that slow changes of light are followed too.

    Grain makes motion out of nothing now and then. What rested before outlasts one such frame, as
    long as the plate has not changed there and something else in the frame rests.

    Returns:
        The painted frame, the plate that its paint belongs to, (1, h, w, 3) each, and how firmly
        paint rested of late (1, h, w, 1).
    """
    still = resize_mask(prior.still, *frame.shape[1:3])
    resting = still if state.resting is None else torch.lerp(state.resting, still, FORGETTING)
    if state.painted is None or state.reference is None or not prior.still.any():
        return painted, frame, resting
    released = changed(frame, state.reference, CHANGE_RANGE)
    firmest = still.amax()
    held = torch.where(resting > OUTLASTING * firmest, torch.maximum(still, firmest), still)
    keep = held * (1 - released)
    kept = torch.lerp(painted, state.painted, keep), torch.lerp(frame, state.reference, keep)
    return *kept, resting


def changed(frame: Tensor, reference: Tensor, span: tuple[float, float]) -> Tensor:
    """Return how far a plate (1, h, w, 3) differs from another, beyond grain, 0 to 1."""
    change = (frame - reference).abs().permute(0, 3, 1, 2)
    change = F.avg_pool2d(change, CHANGE_REACH, 1, CHANGE_REACH // 2, count_include_pad=False)
    least, most = span
    return ((change.amax(1)[..., None] - least) / (most - least)).clamp(0, 1)

"""The prior-guided stylizer: one painted frame from one frame and what was painted before it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import ClassVar, NamedTuple, TypeVar

import torch
from torch import Tensor

from ..errors import BadInput
from ..motion.flow import resize_flow
from ..networks import shortage
from ..networks.bands import Bands, paint_in_bands
from ..networks.style_network import Statistics, StyleNetwork
from .anchor import Lasting, follow, remember
from .paint_state import PaintState
from .prior import Fill, Prior, carried_over, filled, resize_mask, resize_picture
from .protocol import Before, PaintedFrame, Watch
from .resting import rest
from .shot_statistics import Sample, ShotStatistics

P = TypeVar("P", bound="GuidedPainter")

STROKE_WIDTH = 768
"""Width in pixels at which the network paints a frame when the stroke size is 1."""
LARGEST_GROWTH = 2.0  # a plate is never painted at more than this times its own size


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


class Assembled(NamedTuple):
    """What a network is given, and how it was made."""

    layers: Tensor  # (1, h, w, 7): frame, what is carried, where
    carried: Tensor | None = None  # (1, h, w, 4): the masked, warped last frame; None: no prior
    lasting: Lasting | None = None


class GuidedPainter(ABC):
    """All painters that go on from their own last picture: what differs is the network.

    A `Stylizer`; a subclass says how its network is run.
    """

    bands: Bands
    statistics: ShotStatistics | None  # None: statistics of each frame
    rests: ClassVar[bool] = True  # leaves paint alone where the plate is what it was

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
    def keeps(self) -> bool:
        """Say whether the network keeps a share of the prior as it is: its holes stay empty."""
        return False

    @property
    def settles(self) -> bool:
        """Say whether a first frame may be gone over: strokes change when paint goes on from paint.

        Not where first frames are painted by a network of their own, or paint is carried unmoved.
        """
        return self.rests

    @property
    def width(self) -> int:
        """Width in pixels at which a frame is painted when the stroke size is 1."""
        return STROKE_WIDTH

    @property
    def lacks_statistics(self) -> bool:
        """Say whether there are statistics to freeze that are not frozen."""
        return self.statistics is None

    def go_on(
        self,
        frame: Tensor,
        prior: Prior | None,
        state: PaintState,
        watch: Watch | None = None,
        settle: int = 0,
    ) -> PaintedFrame:
        """Paint one frame; say what was carried over too. There are no iterates to watch."""
        state = state.to(frame.device)
        layers, carried, lasting = self.assemble(frame, prior, state)
        if carried is None:
            picture, following = self.paint_layers(layers, None, state)
            return self.settled(PaintedFrame(picture, None, following), frame, settle)
        picture, following = self.paint_layers(layers, prior, state, lasting)
        return PaintedFrame(picture, carried, following)

    def settled(self, made: PaintedFrame, frame: Tensor, times: int) -> PaintedFrame:
        """Paint a first frame over its own paint, so that its strokes are those that follow."""
        picture = made.picture
        for _ in range(times if self.settles else 0):
            picture = self.repaint(frame, picture, None)
        state = replace(made.state, painted=picture)
        return PaintedFrame(picture, None, remember(state, None) if self.rests else state)

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
        prior = Prior(torch.zeros_like(frame[..., :2]), sure, torch.zeros_like(sure), hold=0.0)
        return self.paint_layers(layers, prior, PaintState())[0]

    def paint_layers(
        self,
        layers: Tensor,
        prior: Prior | None,
        state: PaintState,
        lasting: Lasting | None = None,
    ) -> tuple[Tensor, PaintState]:
        """Paint the seven channels (1, h, w, 7) that `assemble` made; no prior, no rest."""
        frozen = self.statistics
        statistics = (frozen.primed if prior else frozen.unprimed) if frozen else None
        with shortage.told(self.bands, *layers.shape[1:3]):
            run = self.run if prior else self.run_alone
            painted, _ = run(layers, statistics)
        reference, resting = layers[..., :3], None
        if lasting is not None:
            painted = torch.lerp(painted, lasting.paint, lasting.share)
            reference = torch.lerp(reference, lasting.plate, lasting.share)
        if prior is not None and self.rests:
            frame = layers[..., :3]
            painted, reference, resting = rest(painted, frame, reference, prior, state)
        following = PaintState(painted, reference, state.age + 1, resting)
        if not self.rests or prior is None or prior.hold == 0:
            return painted, following
        followed = replace(following, anchor=state.anchor, anchor_plate=state.anchor_plate)
        return painted, remember(followed, lasting)

    def assemble(self, frame: Tensor, prior: Prior | None, state: PaintState) -> Assembled:
        """Stack the seven channels of Ruder et al. eq 15."""
        if prior is None or state.painted is None:
            empty = torch.zeros((*frame.shape[:3], 4), device=frame.device)
            return Assembled(torch.cat((frame, empty), -1))
        check_size(frame, state.painted)
        height, width = frame.shape[1:3]
        flow = resize_flow(prior.flow, height, width)
        mask = resize_mask(prior.mask, height, width)
        warped, lasting = carried_over(state.painted, flow), None
        if self.rests and prior.hold > 0:
            lasting = follow(frame, warped, flow, mask, prior, state)
        if self.keeps:
            prior = prior._replace(fill=Fill.ZERO)
        carried = torch.cat((filled(prior, warped, mask, frame, state.age), mask), -1)
        if lasting is None:
            return Assembled(torch.cat((frame, carried), -1), carried)
        best = torch.lerp(warped, lasting.paint, lasting.share)
        primed = filled(prior, best, mask, frame, state.age)
        return Assembled(torch.cat((frame, primed, mask), -1), carried, lasting)

    def measure(self, samples: Iterable[Sample], size: tuple[int, int]) -> ShotStatistics:
        """Measure the statistics of a shot over sampled neighbouring pairs.

        All first frames are normalised together, then all second ones, so that the frozen
        statistics are those that the network sees when it paints with them, but for settling.

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
            self.assemble(
                this[n : n + 1], sample.prior, PaintState(painted[n : n + 1], None, 1)
            ).layers
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

    @property
    def keeps(self) -> bool:
        """Say whether the network was trained to."""
        return self.network.shape.keeps

    @property
    def settles(self) -> bool:
        """Say whether a first frame may be gone over."""
        return self.rests and self.opener is None

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

    rests: ClassVar[bool] = False

    def assemble(self, frame: Tensor, prior: Prior | None, state: PaintState) -> Assembled:
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

    def assemble(self, frame: Tensor, prior: Prior | None, state: PaintState) -> Assembled:
        """Hand on the last picture as it lies; a prior says only that the shot goes on."""
        if prior is None or state.painted is None:
            return super().assemble(frame, None, state)
        check_size(frame, state.painted)
        carried = torch.cat((state.painted, torch.ones_like(frame[..., :1])), -1)
        return Assembled(torch.cat((frame, carried), -1), carried)


def check_size(frame: Tensor, painted: Tensor) -> None:
    """Refuse a frame of another size than the last one.

    Raises:
        BadInput: names both.
    """
    if painted.shape != frame.shape:
        got, last = tuple(frame.shape[1:3]), tuple(painted.shape[1:3])
        raise BadInput(f"stylizer: expected a frame of {last} as before; got {got}.")

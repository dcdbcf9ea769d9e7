"""The optimisation stylizer: a frame is the minimum of an energy (Gatys et al.; Ruder et al. 4).

What it remembers is what the papers ask for: the last painted frame, and further ones for what is
hidden and comes back. It paints a frame from that alone, so any order gives the same pixels.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ...errors import BadInput, OutOfMemory
from ...motion.flow import resize_flow
from ...networks.loss_network import LossNetwork
from ...networks.shortage import is_shortage
from ..paint_state import PaintState
from ..prior import Prior, carried_over, resize_mask, resize_picture
from ..protocol import Before, Iterate, PaintedFrame, Watch
from ..resting import rest
from ..shot_statistics import Sample, ShotStatistics
from .begin import first_picture, later_picture
from .descent import Step, descend
from .energy import Aims, Carried, Energy
from .gradients import ordinary
from .layers import Layers
from .memory import Onwards, belonging, earlier, planes, remember, weighed
from .settings import OptimiseKnobs, Stabilise
from .styles import LEAST, Painting, style_targets, textures
from .texture import Texture

KEPT_TARGETS = 8
KEPT_ITERATES = 16  # of a frame, where the next one is compared with its iterates


@dataclass(frozen=True)
class OptimisePainter:
    """A loss network, paintings, and how a frame is brought close to them."""

    network: LossNetwork
    layers: Layers
    paintings: tuple[Painting, ...]
    settings: OptimiseKnobs
    targets: OrderedDict[float, Mapping[str, Texture]] = field(default_factory=OrderedDict)

    @property
    def width(self) -> int:
        """Width in pixels at which a frame is painted when the stroke size is 1."""
        return self.settings.width

    @property
    def lacks_statistics(self) -> bool:
        """Say that there are none: nothing is normalised."""
        return False

    def measure(self, samples: Iterable[Sample], size: tuple[int, int]) -> ShotStatistics:
        """Refuse: there is nothing to freeze."""
        raise BadInput("statistics: expected a look with a network; this one optimises each frame.")

    def frozen(self, statistics: ShotStatistics) -> OptimisePainter:
        """Return the same painter: it has no statistics."""
        return self

    def paint(
        self, frame: Tensor, prior: Prior | None, state: PaintState
    ) -> tuple[Tensor, PaintState]:
        """Paint a frame; return the picture and the next state."""
        made = self.go_on(frame, prior, state)
        return made.picture, made.state

    def go_on(
        self,
        frame: Tensor,
        prior: Prior | None,
        state: PaintState,
        watch: Watch | None = None,
        settle: int = 0,
    ) -> PaintedFrame:
        """Paint a frame (1, h, w, 3) from its prior and what was painted; there is no settling."""
        with torch.inference_mode(mode=False):
            frame, prior, state = ordinary(frame), ordinary(prior), ordinary(state)
            state = state.to(frame.device)
            onwards = self.onwards(frame, prior, state)
            start = self.begin(frame, onwards, state)
            return self.paint_from(frame, start, onwards, prior, state, watch)

    def paint_from(
        self,
        frame: Tensor,
        start: Tensor,
        onwards: Onwards | None,
        prior: Prior | None,
        state: PaintState,
        watch: Watch | None = None,
    ) -> PaintedFrame:
        """Paint a frame, beginning from a given picture (1, 3, h, w).

        Args:
            frame: (1, h, w, 3), network encoding, painting size.
            start: what the optimisation begins from.
            onwards: what it goes on from; None paints the frame by itself.
            prior: where paint is to rest; None: nowhere.
            state: what was painted before.
            watch: told of every iterate.

        Raises:
            BadInput: the frame is too small, or has another size than the last one.
            OutOfMemory: with what would take less.
        """
        if min(frame.shape[1:3]) < LEAST:
            raise BadInput(
                f"optimise: expected a painting of {LEAST} pixels or more each way; got "
                f"{frame.shape[2]}x{frame.shape[1]}. A smaller --stroke-size paints larger."
            )
        try:
            with torch.inference_mode(mode=False):
                painted, trace = self.optimise(
                    ordinary(frame), ordinary(start), ordinary(onwards), ordinary(state), watch
                )
        except (MemoryError, RuntimeError) as error:
            if not is_shortage(error):
                raise
            raise OutOfMemory(
                f"optimise: expected memory for a painting of {frame.shape[2]}x{frame.shape[1]}; "
                "there is too little. A larger --stroke-size paints fewer pixels, a smaller "
                "`history` in the look keeps fewer pictures."
            ) from error
        carried, reference, resting = None, frame, None
        if onwards is not None and prior is not None:
            carried = torch.cat((onwards.warped * onwards.mask, onwards.mask), -1)
            painted, reference, resting = rest(painted, frame, frame, prior, state)
        older, seen = remember(frame, state, self.settings)
        age = state.age + 1
        following = PaintState(painted, reference, age, resting, older, seen, trace)
        return PaintedFrame(painted, carried, following)

    def repaint(
        self,
        frame: Tensor,
        start: Tensor | None,
        carried: Before | None,
        watch: Watch | None = None,
    ) -> Tensor:
        """Paint a frame from a picture to start with: one turn of several passes (Ruder 4.4).

        Args:
            frame: (1, h, w, 3), network encoding, painting size.
            start: (1, h, w, 3), what the optimisation begins from; None: as for a first frame.
            carried: the neighbour's paint on this frame, where a temporal loss is to count.
            watch: told of every iterate.
        """
        if start is None:
            return self.go_on(frame, None, PaintState(), watch).picture
        blank = Before(start, torch.zeros_like(frame[..., :1]))
        near = [] if carried is None else [carried]
        onwards = Onwards(*(carried or blank), near, blank.mask)
        state = PaintState()
        return self.paint_from(frame, planes(start), onwards, None, state, watch).picture

    def onwards(self, frame: Tensor, prior: Prior | None, state: PaintState) -> Onwards | None:
        """Return what a frame goes on from; None where nothing can be carried over."""
        if prior is None or state.painted is None or prior.dial <= 0:
            return None
        if state.painted.shape != frame.shape:
            got, last = tuple(frame.shape[1:3]), tuple(state.painted.shape[1:3])
            raise BadInput(f"stylizer: expected a frame of {last} as before; got {got}.")
        size = frame.shape[1:3]
        flow = resize_flow(prior.flow, *size)
        warped, belongs = carried_over(state.painted, flow), belonging(frame, state.reference, flow)
        mask = resize_mask(prior.mask, *size)
        if not self.settings.masked:
            mask = torch.full_like(mask, prior.dial)
        near = [Before(warped, mask)] if 1 in self.settings.offsets else []
        far = list(earlier(frame, state, self.settings, prior.dial))
        if not mask.any() and not any(before.mask.any() for before in far):
            return None
        return Onwards(warped, mask, weighed([*near, *far]), belongs)

    def begin(self, frame: Tensor, onwards: Onwards | None, state: PaintState) -> Tensor:
        """Return what a frame's optimisation begins from, (1, 3, h, w)."""
        plate = planes(frame)
        if onwards is None or state.painted is None:
            return first_picture(plate, self.settings, state.age)
        return later_picture(plate, planes(state.painted), onwards, self.settings, state.age)

    def optimise(
        self,
        frame: Tensor,
        start: Tensor,
        onwards: Onwards | None,
        state: PaintState,
        watch: Watch | None,
    ) -> tuple[Tensor, Tensor | None]:
        """Minimise the energy of a frame, coarse to fine.

        Returns:
            The painted frame (1, h, w, 3), and its iterates (k, 3, h, w) where they are wanted.
        """
        k = self.settings
        count = k.iterations if onwards is None else k.later_iterations
        until = time.monotonic() + k.seconds if k.seconds else None
        sizes = scales(frame.shape[1:3], k.scales if onwards is None else k.later_scales)
        traced = Trace(k.stabilise, max(1, -(-count // KEPT_ITERATES)), start)
        x, done = start, 0
        for size in sizes:
            is_finest = size == sizes[-1]
            x = planes(resize_picture(frame_of(x), *size)).clamp(0, 1)
            energy = self.energy(frame, size, onwards, state if is_finest else None, traced.stride)

            def seen(step: Step, done: int = done, is_finest: bool = is_finest) -> None:
                if is_finest:
                    traced.add(step)
                if watch is not None:
                    total = len(sizes) * count
                    picture = frame_of(step.picture).clamp(0, 1)
                    watch(Iterate(done + step.number, total, step.energy, step.terms, picture))

            x = descend(energy, x, k, count, seen, until)
            done += count
        return frame_of(x), traced.kept()

    def energy(
        self,
        frame: Tensor,
        size: tuple[int, int],
        onwards: Onwards | None,
        state: PaintState | None,
        stride: int,
    ) -> Energy:
        """Return the energy of a frame at a scale."""
        plate = planes(resize_picture(frame, *size)).clamp(0, 1)
        with torch.no_grad():
            content = self.layers.features(self.network, plate, tuple(self.layers.content))
        carried = () if onwards is None else tuple(
            Carried(
                planes(resize_picture(before.picture, *size)),
                planes(resize_mask(before.mask, *size)),
            )
            for before in onwards.before
        )  # fmt: skip
        trace = None
        if state is not None and state.painted is not None and onwards is not None:
            is_final = self.settings.stabilise is Stabilise.FINAL
            trace = planes(state.painted) if is_final else state.trace
        aims = Aims(content, self.style(frame, size, onwards, state), carried, trace, stride)
        return Energy(self.network, self.layers, self.settings, aims)

    def style(
        self,
        frame: Tensor,
        size: tuple[int, int],
        onwards: Onwards | None,
        state: PaintState | None,
    ) -> Mapping[str, Texture]:
        """Return the texture to come close to, at a scale; that of a size is measured once.

        Strokes are a share of the frame as it is at stroke size 1, whatever it is painted at.
        """
        last = state.painted if state is not None and onwards is not None else None
        if self.settings.previous_style and last is not None:
            return textures(last, self.network, self.layers, self.settings)
        height, width = frame.shape[1:3]
        shrunk = size[0] * size[1] / (height * width)
        area = self.settings.width**2 * height / width * shrunk
        made = self.targets.get(area)
        if made is None:
            made = style_targets(self.paintings, self.network, self.layers, self.settings, area)
            self.targets[area] = made
            while len(self.targets) > KEPT_TARGETS:
                self.targets.popitem(last=False)
        return made

    def with_settings(self, settings: OptimiseKnobs) -> OptimisePainter:
        """Return the same painter with other settings."""
        return replace(self, settings=settings, targets=OrderedDict())


class Trace:
    """The iterates of a frame that the next one may be compared with (the CMU project)."""

    def __init__(self, kind: Stabilise, stride: int, start: Tensor) -> None:
        self.kind, self.stride = kind, stride
        self.found: list[Tensor] = [start] if kind is Stabilise.FIXED else []
        self.last: Tensor | None = None

    def add(self, step: Step) -> None:
        """Take note of an iterate."""
        if self.kind is Stabilise.ALIGNED and step.number % self.stride == 0:
            self.found.append(step.picture)

    def kept(self) -> Tensor | None:
        """Return the iterates, (k, 3, h, w); None where the painted frame itself will do."""
        return torch.cat(self.found) if self.found else None


def frame_of(x: Tensor) -> Tensor:
    """Return a picture (1, C, h, w) as (1, h, w, C)."""
    return x.permute(0, 2, 3, 1).contiguous()


def scales(size: tuple[int, ...], count: int) -> list[tuple[int, int]]:
    """Return the sizes a frame is painted at, coarse to fine; none has a side too small to see."""
    height, width = size
    found = [(round(height / 2**n), round(width / 2**n)) for n in range(count)]
    return [each for each in reversed(found) if min(each) >= 2 * LEAST] or [(height, width)]

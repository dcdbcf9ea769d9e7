"""What a training run is told: data, styles, weights of the losses, sizes, schedule."""

from __future__ import annotations

import math
import typing
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated

from ..errors import BadInput
from ..networks.layouts import Architecture, Shape
from ..spec import Knob, KnobField
from .recursion import Recursion, last_age, longest
from .start import Start
from .terms import SystemKind, TemporalTerm

SMALLEST = 64  # pixels; the deepest features of a smaller frame are too few to compare
GROWTH = 0.35  # share of a run in which recursion grows to its full length
GROWTH_FROM_WEIGHTS = 0.1  # the same for a run that begins with weights that carry paint already


@dataclass(frozen=True)
class Recipe:
    """One training run. Everything that changes the resulting weights is in here.

    Raises:
        BadInput: the network has not one set of scales and shifts for every style.
    """

    styles: tuple[Path, ...]
    content: Path | None  # photographs; None: footage alone
    loss_network: Path
    iterations: int = 9000
    size: Annotated[
        int,
        Knob(
            SMALLEST,
            512,
            "Side of a training frame; twice the side takes four times as long.",
            "pixels",
        ),
    ] = 160
    short_side: int = 288  # pixels, of the photographs in memory
    style_side: Annotated[
        int,
        Knob(
            SMALLEST,
            1024,
            "Short side to which the style pictures are scaled; larger paints larger strokes.",
            "pixels",
        ),
    ] = 384
    batch: Annotated[
        int,
        Knob(2, 32, "Pictures per iteration; more is smoother and slower.", advanced=True),
    ] = 4
    slots: int = 24  # shots that are under way at any time
    rate: Annotated[
        float,
        Knob(
            1e-6, 0.1, "Largest step of the weights; too high and nothing is learnt.", advanced=True
        ),
    ] = 2e-3
    style_weight: Annotated[
        float, Knob(0.0, 1000.0, "How much the paint must look like the style.")
    ] = 5.0
    content_weight: Annotated[
        float, Knob(0.0, 100.0, "How much of the plate must remain recognisable.")
    ] = 0.55
    variation_weight: Annotated[
        float,
        Knob(0.0, 100.0, "How much fine grain is held back; higher is smoother.", advanced=True),
    ] = 0.05
    temporal_weight: Annotated[
        float,
        Knob(0.0, 10000.0, "How firmly the paint must stick to what moves; too high wears it out."),
    ] = 130.0
    temporal_term: Annotated[
        TemporalTerm,
        Knob(
            tip="What that weight is of: relative is the change beside that of fresh paint of the "
            "same frames, so that flat looks and those of high contrast keep alike; plain is that "
            "of the papers; system prior.",
            advanced=True,
        ),
    ] = TemporalTerm.RELATIVE
    lattice_weight: Annotated[
        float,
        Knob(
            0.0,
            100000.0,
            "How firmly patterns of the network's own grid are held back.",
            advanced=True,
        ),
    ] = 1500.0
    vigour_weight: Annotated[
        float,
        Knob(
            0.0,
            1000.0,
            "How closely paint that is carried over keeps the strength and colour of fresh paint; "
            "too low and strokes blur or pile up.",
            advanced=True,
        ),
    ] = 16.0
    prior_share: Annotated[
        float,
        Knob(
            0.0,
            0.75,
            "Share of the samples that go on from their own paint; 0 trains for stills alone.",
            advanced=True,
        ),
    ] = 0.5
    prior_style_share: Annotated[
        float,
        Knob(
            0.0,
            1.0,
            "How much of the style error is that of samples that go on from their own paint; "
            "higher paints shots better, and stills worse.",
            advanced=True,
        ),
    ] = 0.8
    system: Annotated[
        SystemKind,
        Knob(
            tip="What is trained: prior goes on from its own paint along the motion, feedforward "
            "paints every frame by itself, noise does so and is taught not to heed grain, "
            "recurrent goes on without any motion, adain paints like any picture."
        ),
    ] = SystemKind.PRIOR
    architecture: Annotated[
        Architecture,
        Knob(
            tip="How the network is laid out: ours, or one of the papers', which are larger and "
            "paint whole frames at once.",
            advanced=True,
        ),
    ] = Architecture.STILLBRUSH
    width_share: Annotated[
        float,
        Knob(
            0.05,
            2.0,
            "Widths of a layout of the papers, as a share of theirs.",
            advanced=True,
        ),
    ] = 1.0
    noise_weight: Annotated[
        float,
        Knob(
            0.0,
            100000.0,
            "How little grain in the plate may change the paint; systems noise and adain.",
            advanced=True,
        ),
    ] = 1000.0
    noise_range: Annotated[
        float,
        Knob(0.0, 255.0, "Most that a pixel of that grain is off, of 255.", advanced=True),
    ] = 40.0
    noise_pixels: Annotated[
        float,
        Knob(
            0.0,
            1.0,
            "Share of the pixels that have it; 0.0153 is 1000 of 256x256.",
            advanced=True,
        ),
    ] = 1000 / 256**2
    covariance_weight: Annotated[
        float,
        Knob(
            0.0,
            1000.0,
            "How much it counts how features vary together, beside their mean and spread; system "
            "adain.",
            advanced=True,
        ),
    ] = 1.0
    footage_share: Annotated[
        float,
        Knob(
            0.0,
            1.0,
            "Share of the shots that are cut out of footage, where photographs are given too.",
            advanced=True,
        ),
    ] = 0.5
    recursion: Annotated[
        Recursion,
        Knob(
            tip="How many frames of a shot follow one another: growing is ours, from two to 240; "
            "two-frame and multi-frame are those of Ruder et al.",
            advanced=True,
        ),
    ] = Recursion.GROWING
    seed: Annotated[
        int, Knob(0, 2**31 - 1, "Draws the shots and the first weights.", advanced=True)
    ] = 1
    shape: Shape = field(default_factory=Shape)
    start: Start | None = None  # None: random weights
    image_network: Start | None = None  # what paints first frames; None: the network itself

    def __post_init__(self) -> None:
        """Refuse a recipe that contradicts itself."""
        count = len(self.styles)
        if count != self.shape.styles:
            raise BadInput(
                f"train: expected a network for {count} styles; got {self.shape.styles}."
            )

    def learning_rate(self, step: int) -> float:
        """Warm up over 100 steps, then follow half a cosine down to a fiftieth."""
        progress = min(step / self.iterations, 1.0)
        cosine = 0.5 * (1 + math.cos(math.pi * progress))
        return self.rate * min((step + 1) / 100, 1.0) * (0.02 + 0.98 * cosine)

    def growth(self, step: int) -> float:
        """Return how far recursion has grown, 0 to 1: a run paints first, then holds still.

        The papers' schedules know no such thing.
        """
        if self.recursion is not Recursion.GROWING:
            return 1.0
        share = GROWTH_FROM_WEIGHTS if self.start else GROWTH
        return min(step / (share * self.iterations), 1.0)

    def last_age(self, step: int) -> int:
        """Return the age of a shot's last frame."""
        return last_age(self.recursion, step / self.iterations)

    def temporal_ramp(self, step: int) -> float:
        """Raise the temporal weight while recursion grows."""
        return self.temporal_weight * (0.05 + 0.95 * self.growth(step))

    def fresh(self, step: int) -> int:
        """Return the samples of a batch that have no prior: most while it learns to paint.

        Half of them later, as in Ruder et al. eq 18, or as `prior_share` has it.
        """
        share = self.prior_share * (0.5 if self.growth(step) < 1 else 1.0)
        return max(1, round((1 - share) * self.batch))

    def longest_shot(self, step: int, is_long: bool) -> int:
        """Return the age at which a shot makes room for another."""
        return min(self.last_age(step), longest(self.growth(step), is_long))


INPUTS_OF = {SystemKind.FEEDFORWARD: 3, SystemKind.NOISE: 3, SystemKind.RECURRENT: 6}
"""Channels that the papers' networks read, where it is not frame, prior and mask."""

DEFAULTS: dict[SystemKind, dict[str, float]] = {
    SystemKind.RECURRENT: {"temporal_weight": 470.0},  # a sum over three channels
    SystemKind.ADAIN: {
        "temporal_weight": 1400.0,
        "vigour_weight": 12.0,
        "style_weight": 8.0,
        "covariance_weight": 0.5,
        "content_weight": 0.8,
        "style_side": 320,
        "size": 128,
    },
}
"""What a system does otherwise where nothing is said."""


def recipe_knobs() -> tuple[KnobField, ...]:
    """Return what a user may set of a recipe, as declared on it."""
    hints = typing.get_type_hints(Recipe, include_extras=True)
    declared = []
    for entry in fields(Recipe):
        hint = hints[entry.name]
        for extra in getattr(hint, "__metadata__", ()):
            if isinstance(extra, Knob):
                declared.append(KnobField(entry.name, hint.__origin__, extra, entry.default))
    return tuple(declared)

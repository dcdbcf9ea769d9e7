"""What a look that optimises may set, each with its range; a preset fills the rest."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, fields
from typing import Annotated, Any

from ...errors import BadInput
from ...spec import Knob, KnobField, read_knobs

MOST_LAYERS = 16
MOST_OFFSETS, FARTHEST = 8, 100
LAYER = re.compile(r"relu[1-5]_[1-4]")


class ContentForm(enum.Enum):
    """How the content error of a layer is normalised."""

    MEAN = "mean"  # Ruder et al. eq 1, Gupta et al. eq 2
    SUM = "sum"  # the CMU project, after the Keras example
    RELATIVE = "relative"  # to the plate's own energy


class StyleForm(enum.Enum):
    """How the style error of a layer is normalised; S = sum of (G - A)^2, N channels, M pixels.

    Each Gram matrix G = F F^T is divided by its own M first, as style and frame differ in size.
    """

    EQUATION = "equation"  # Ruder et al. eq 2: S / (N^2 M^2)
    CODE = "code"  # what all published code does: S / (N^4 M^2)
    GATYS = "gatys"  # S / (4 N^2 M^2)
    GUPTA = "gupta"  # S / (N M)
    MEAN = "mean"  # Delcour and Lewin: as the code, averaged over the layers
    CMU = "cmu"  # the Keras example: S / (4 3^2 size^2), averaged over the layers
    RELATIVE = "relative"  # to the style's own Gram matrix
    MANNER = "manner"  # mean and covariance apart, each relative to the style's own


class SmoothForm(enum.Enum):
    """How total variation is measured."""

    SQUARED = "squared"  # half the sum of squares, as in Johnson's neural-style
    POWER = "power"  # sum of (dx^2 + dy^2)^1.25, as in the Keras example
    ABSOLUTE = "absolute"  # mean absolute difference, rounded at 0


class TemporalForm(enum.Enum):
    """How a difference from the carried paint counts."""

    SQUARED = "squared"  # Ruder et al. eq 8
    ABSOLUTE = "absolute"  # appendix A.4, with twice the weight
    SMOOTH = "smooth"  # squared below one unit, absolute above


class Stabilise(enum.Enum):
    """What the CMU project compares an iterate with; nothing is warped."""

    NONE = "none"
    FIXED = "fixed"  # the picture that the last frame began from
    ALIGNED = "aligned"  # the last frame's iterate of the same number
    FINAL = "final"  # the last frame as painted: what its code does


class Units(enum.Enum):
    """In what units weights are meant."""

    VGG = "vgg"  # features as VGG-19 has them of pixels from 0 to 255
    UNIT = "unit"  # features of mean 1, pixels from 0 to 1


class Optimiser(enum.Enum):
    """What moves the pixels."""

    LBFGS = "lbfgs"  # one evaluation an iteration, as in the code of Ruder et al.
    SEARCH = (
        "lbfgs-search"  # with a line search, begun anew after 20 evaluations, as in scipy's use
    )
    ADAM = "adam"


class Begin(enum.Enum):
    """What a frame's optimisation begins from."""

    RANDOM = "random"  # noise of a given spread about the mean colour
    WHITE = "white"  # evenly spread noise over the whole range
    CONTENT = "content"  # the plate
    PREVIOUS = "previous"  # the last painted frame
    WARPED = "warped"  # the last painted frame, carried by the motion
    TRUSTED = "trusted"  # the same where the motion is trusted, the plate elsewhere
    REMEMBERED = "remembered"  # a trusted frame, near or far; warped where it fits; or the plate


@dataclass(frozen=True)
class OptimiseKnobs:
    """How a frame is optimised."""

    content_layers: Annotated[
        str, Knob(tip="Layers that hold the content, each with its share.")
    ] = "relu4_1 0.5, relu3_1 0.5"
    content_form: Annotated[ContentForm, Knob(tip="How a layer's content error is normalised.")] = (
        ContentForm.RELATIVE
    )
    content_weight: Annotated[
        float, Knob(0.0, 1e12, "Higher keeps more of the plate under the paint.")
    ] = 5.0
    style_layers: Annotated[str, Knob(tip="Layers that hold the style, each with its share.")] = (
        "relu1_1 2, relu2_1, relu3_1, relu4_1, relu5_1"
    )
    style_form: Annotated[StyleForm, Knob(tip="How a layer's style error is normalised.")] = (
        StyleForm.MANNER
    )
    style_weight: Annotated[
        float, Knob(0.0, 1e15, "Higher paints more boldly and loses more of the plate.")
    ] = 10.0
    style_scale: Annotated[
        float,
        Knob(0.1, 4.0, "Size of the painting beside the frame; higher makes larger strokes."),
    ] = 1.0
    smooth_form: Annotated[SmoothForm, Knob(tip="How roughness is measured.")] = SmoothForm.ABSOLUTE
    smooth_weight: Annotated[
        float, Knob(0.0, 1e9, "Higher smooths speckles, and fine strokes with them.")
    ] = 6.0
    temporal_form: Annotated[TemporalForm, Knob(tip="How a change of the paint counts.")] = (
        TemporalForm.SQUARED
    )
    temporal_weight: Annotated[
        float, Knob(0.0, 1e12, "Higher is steadier; too high stops the paint from going on.")
    ] = 2000.0
    masked: Annotated[
        bool, Knob(tip="Leaves out what motion cannot be trusted with; off, holes are dragged on.")
    ] = True
    long_term: Annotated[
        str,
        Knob(tip="How many frames back paint is compared, such as 1, 10, 20, 40: what was hidden "
             "comes back as it was."),
    ] = "1"  # fmt: skip
    stabilise: Annotated[Stabilise, Knob(tip="Compares with the last frame unmoved; ghosts.")] = (
        Stabilise.NONE
    )
    stabilise_weight: Annotated[float, Knob(0.0, 1e12, "Higher is steadier and ghosts more.")] = 1.0
    previous_style: Annotated[
        bool, Knob(tip="Takes the last painted frame for the painting, from the second frame on.")
    ] = False
    bounded: Annotated[
        bool, Knob(tip="Keeps values between 0 and 1 while they move, not only at the end.")
    ] = True
    units: Annotated[Units, Knob(tip="In what units the weights are meant.")] = Units.UNIT
    reference_pixels: Annotated[
        int,
        Knob(0, 2**31 - 1, "Picture size that weights of sums are meant for; 0: any.", "pixels"),
    ] = 0
    optimiser: Annotated[Optimiser, Knob(tip="What moves the pixels.")] = Optimiser.LBFGS
    rate: Annotated[float, Knob(1e-6, 100.0, "Length of a step.")] = 1.0
    history: Annotated[
        int, Knob(1, 200, "Steps that L-BFGS remembers; each takes the memory of two pictures.")
    ] = 20
    first: Annotated[Begin, Knob(tip="What a first frame begins from.")] = Begin.CONTENT
    later: Annotated[Begin, Knob(tip="What every other frame begins from.")] = Begin.REMEMBERED
    spread: Annotated[
        float, Knob(0.0, 255.0, "Standard deviation of random noise, of 0 to 255.")
    ] = 0.001
    iterations: Annotated[int, Knob(0, 100_000, "Of a first frame, at every scale.")] = 150
    later_iterations: Annotated[int, Knob(0, 100_000, "Of every other frame, at every scale.")] = 60
    tolerance: Annotated[
        float, Knob(0.0, 1.0, "Stops where the loss changes by less than this share; 0: never.")
    ] = 0.0
    window: Annotated[int, Knob(1, 10_000, "Iterations over which that is measured.")] = 50
    scales: Annotated[
        int, Knob(1, 6, "Sizes that a first frame is painted at, each twice the one before.")
    ] = 2
    later_scales: Annotated[int, Knob(1, 6, "Sizes that every other frame is painted at.")] = 1
    seconds: Annotated[
        float,
        Knob(0.0, 1e6, "Time a frame may take; 0: any. With it, pixels depend on the machine."),
    ] = 0.0
    width: Annotated[
        int, Knob(32, 8192, "Width at which a frame is painted at stroke size 1.", "pixels")
    ] = 512
    seed: Annotated[int, Knob(0, 2**31 - 1, "Of the noise; the same gives the same pixels.")] = 0

    @property
    def offsets(self) -> tuple[int, ...]:
        """Return how many frames back paint is compared, nearest first."""
        return read_offsets(self.long_term)


def fields_by_name() -> dict[str, KnobField]:
    """Return the declared knobs."""
    return {field.name: field for field in read_knobs(OptimiseKnobs, "optimise")}


def make_settings(values: dict[str, Any]) -> OptimiseKnobs:
    """Build settings; what is not given keeps its default.

    Raises:
        BadInput: an unknown name, a value out of range, a layer or an offset that is none.
    """
    known = fields_by_name()
    for name in values:
        if name not in known:
            raise BadInput(f"optimise.{name}: no such knob; there are {', '.join(known)}.")
    made = OptimiseKnobs(**{n: known[n].check(v, "optimise") for n, v in values.items()})
    read_layers(made.content_layers, "content_layers")
    read_layers(made.style_layers, "style_layers")
    read_offsets(made.long_term)
    return made


def plain_settings(settings: OptimiseKnobs) -> dict[str, Any]:
    """Return settings as plain values."""
    made = {field.name: getattr(settings, field.name) for field in fields(settings)}
    return {name: v.value if isinstance(v, enum.Enum) else v for name, v in made.items()}


def read_layers(text: str, knob: str = "layers") -> dict[str, float]:
    """Read layers with their shares: `relu3_1, relu4_1 0.5`.

    Raises:
        BadInput: no layer of VGG, one named twice, or no number.
    """
    found: dict[str, float] = {}
    for part in text[:1000].split(","):
        name, _, share = part.strip().partition(" ")
        try:
            weight = float(share or 1.0)
        except ValueError:
            weight = -1.0
        if not LAYER.fullmatch(name) or name in found or not 0 <= weight < 1e9:
            raise BadInput(
                f"optimise.{knob}: expected layers such as `relu3_1, relu4_1 0.5`, each once; "
                f"got {part.strip()[:60]!r}."
            )
        found[name] = weight
    if len(found) > MOST_LAYERS:
        raise BadInput(f"optimise.{knob}: expected at most {MOST_LAYERS} layers.")
    return found


def read_offsets(text: str) -> tuple[int, ...]:
    """Read how many frames back paint is compared: `1, 10, 20, 40`.

    Raises:
        BadInput: no numbers, or too many.
    """
    words = [word.strip() for word in text[:200].split(",")]
    if not all(word.isascii() and word.isdigit() and 1 <= int(word) <= FARTHEST for word in words):
        raise BadInput(
            f"optimise.long_term: expected numbers of frames from 1 to {FARTHEST}, such as "
            f"`1, 10, 20, 40`; got {text[:60]!r}."
        )
    offsets = tuple(sorted({int(word) for word in words}))
    if len(offsets) > MOST_OFFSETS:
        raise BadInput(f"optimise.long_term: expected at most {MOST_OFFSETS} numbers.")
    return offsets

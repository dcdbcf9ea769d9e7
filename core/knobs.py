"""What an artist may set on the painting chain; each knob declared here and nowhere else.

The nodes, the command line, the looks and the hosts all read ranges, defaults and help from these.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, TypeVar

from .errors import BadInput
from .motion.consistency import BOUNDARY, BOUNDARY_FLOOR, CHECK, CHECK_FLOOR, DILATE
from .motion.cuts import SENSITIVITY
from .motion.estimators import FlowMethod
from .motion.flow import FlowQuality
from .spec import Knob, read_knobs
from .stylizers.prior import Fill
from .stylizers.shot_statistics import Normalise

K = TypeVar("K")


@dataclass(frozen=True)
class FlowKnobs:
    """How motion between neighbouring frames is measured."""

    method: Annotated[
        FlowMethod,
        Knob(
            tip="dis runs on the processor and is the better one; torch stays on the GPU.",
            animatable=False,
        ),
    ] = FlowMethod.DIS
    quality: Annotated[
        FlowQuality,
        Knob(
            tip="fast for previews, medium for most shots, fine for thin things; each step takes "
            "about four times as long.",
            animatable=False,
        ),
    ] = FlowQuality.MEDIUM


@dataclass(frozen=True)
class CutKnobs:
    """Where a new shot begins."""

    detect_cuts: Annotated[
        bool, Knob(tip="Begins the painting afresh where a new shot begins.", animatable=False)
    ] = True
    cut_sensitivity: Annotated[
        float,
        Knob(
            0.0,
            1.0,
            "How readily a change counts as a cut; lower it for flashes and strobes.",
            advanced=True,
            animatable=False,
        ),
    ] = SENSITIVITY


@dataclass(frozen=True)
class EstimatorKnobs(CutKnobs, FlowKnobs):
    """Motion, and where it ends."""


@dataclass(frozen=True)
class MaskKnobs:
    """Where the motion is trusted (Ruder et al. eq 6 and 7)."""

    check: Annotated[
        float,
        Knob(
            0.0,
            1.0,
            "Disagreement allowed between forward and backward motion, as a share of the "
            "squared motion; raising it trusts more and drags paint at edges.",
            advanced=True,
        ),
    ] = CHECK
    check_floor: Annotated[
        float,
        Knob(0.0, 100.0, "Disagreement that is always allowed.", "squared pixels", advanced=True),
    ] = CHECK_FLOOR
    boundary: Annotated[
        float,
        Knob(
            0.0,
            10.0,
            "Motion contrast that counts as a boundary, as a share of the squared "
            "motion; raising it trusts more along moving edges.",
            advanced=True,
        ),
    ] = BOUNDARY
    boundary_floor: Annotated[
        float, Knob(0.0, 10.0, "Motion contrast that never counts as a boundary.", advanced=True)
    ] = BOUNDARY_FLOOR
    dilate: Annotated[
        int,
        Knob(
            0,
            32,
            "Widens the untrusted area; higher hides dragged paint but lets edges boil.",
            "pixels",
        ),
    ] = DILATE


@dataclass(frozen=True)
class PriorKnobs:
    """How much of the last painted frame is carried over."""

    temporal: Annotated[
        float,
        Knob(
            0.0,
            1.0,
            "How firmly paint sticks to what moves: 1 is steadiest, 0 paints every frame "
            "by itself.",
        ),
    ] = 1.0
    hold: Annotated[
        float,
        Knob(
            0.0,
            1.0,
            "How firmly paint is left alone where its plate stays what it was, in motion and at "
            "rest; lower lets it live.",
        ),
    ] = 1.0
    fill: Annotated[
        Fill,
        Knob(
            tip="What stands where nothing can be carried; a look expects what it was trained "
            "with. Those that keep the prior as it is leave it empty.",
            advanced=True,
            animatable=False,
        ),
    ] = Fill.ZERO
    seed: Annotated[
        int,
        Knob(
            0,
            2**31 - 1,
            "Seed of the noise fill; the same seed gives the same pixels.",
            advanced=True,
            animatable=False,
        ),
    ] = 0


@dataclass(frozen=True)
class StylizerKnobs:
    """How a frame is painted and brought back over the plate."""

    strength: Annotated[
        float,
        Knob(0.0, 1.0, "Blends paint with plate as the eye sees them; 1 is all paint."),
    ] = 1.0
    mix: Annotated[
        float,
        Knob(
            0.0,
            1.0,
            "Blends the result with the plate after everything else; 0 gives the plate "
            "back bit for bit.",
        ),
    ] = 1.0
    stroke_size: Annotated[
        float,
        Knob(
            0.125,
            4.0,
            "Size of the strokes as a share of the frame's width; halving it paints "
            "finer and takes four times as long.",
            animatable=False,
        ),
    ] = 1.0
    keep_colours: Annotated[
        float,
        Knob(
            0.0,
            1.0,
            "Keeps the plate's own colours under the brushwork; 1 takes only light and "
            "dark from the painting.",
        ),
    ] = 0.0
    detail: Annotated[
        float,
        Knob(
            0.0,
            1.0,
            "Brings back detail of the plate finer than the brush, for plates larger "
            "than the painting; higher is crisper and less painterly.",
        ),
    ] = 0.25
    normalise: Annotated[
        Normalise,
        Knob(
            tip="shot freezes the network's statistics over the shot (no pumping, exact in any "
            "order); frame measures them on each frame.",
            animatable=False,
        ),
    ] = Normalise.FRAME
    settle: Annotated[
        int,
        Knob(
            0,
            8,
            "How often the first frame of a shot is painted over its own paint, so that it has the "
            "strokes of the frames to come; more is bolder and further from the plate.",
            animatable=False,
        ),
    ] = 1


@dataclass(frozen=True)
class ShotKnobs(CutKnobs, FlowKnobs, MaskKnobs, PriorKnobs, StylizerKnobs):
    """The whole chain. A knob left at its default follows the look."""


@dataclass(frozen=True)
class SteadyKnobs(CutKnobs, FlowKnobs):
    """How a clip that somebody painted is steadied."""

    keep_flicker: Annotated[
        float,
        Knob(
            0.0,
            1.0,
            "How much of the flicker stays: 0 is steadiest, 1 gives the clip back bit for bit.",
        ),
    ] = 0.0
    hold: Annotated[
        float,
        Knob(
            0.0,
            1.0,
            "How firmly paint rests where neither camera nor subject moves; lower lets it live.",
        ),
    ] = 1.0
    look_ahead: Annotated[
        int,
        Knob(
            0,
            16,
            "Frames to come over which colour and light are evened out; more is steadier in "
            "exposure and reads further ahead.",
            "frames",
            animatable=False,
        ),
    ] = 2
    mix: Annotated[
        float,
        Knob(0.0, 1.0, "Blends the steady clip with the one that came in, after everything else."),
    ] = 1.0


@dataclass(frozen=True)
class PassKnobs:
    """How a shot is painted in several passes."""

    passes: Annotated[
        int,
        Knob(
            1,
            100,
            "How often the shot is painted, forwards and backwards in turn; more keeps contrast at "
            "the borders of a moving frame, and each takes as long as the first.",
            animatable=False,
        ),
    ] = 4
    pass_blend: Annotated[
        float,
        Knob(
            0.0,
            1.0,
            "Share of the neighbour's paint that a frame is painted from again; higher is steadier "
            "and further from the frame's own paint.",
            animatable=False,
        ),
    ] = 0.5
    disk_limit: Annotated[
        float,
        Knob(
            0.001,
            100_000.0,
            "Space that frames may take on disk between passes.",
            "gigabytes",
            advanced=True,
            animatable=False,
        ),
    ] = 200.0


def chain(values: dict[str, dict[str, Any]], given: dict[str, Any]) -> ShotKnobs:
    """Build the chain's knobs: what is given wins over the look, the look over the defaults.

    Args:
        values: a look's knobs by node, as checked when the look was read.
        given: what the user set.
    """
    known = {field.name: field for field in read_knobs(ShotKnobs, "stylize_shot")}
    merged = {name: value for knobs in values.values() for name, value in knobs.items()}
    merged |= {name: value for name, value in given.items() if value is not None}
    for name in merged:
        if name not in known:
            raise BadInput(f"stylize_shot.{name}: no such knob; there are {', '.join(known)}.")
    return ShotKnobs(**{n: known[n].check(v, "stylize_shot") for n, v in merged.items()})


def changed(knobs: ShotKnobs) -> dict[str, Any]:
    """Return the knobs of the chain that are not at their defaults."""
    names = [field.name for field in fields(ShotKnobs)]
    return {n: getattr(knobs, n) for n in names if getattr(knobs, n) != getattr(ShotKnobs, n)}


def follow(knobs: K, look: dict[str, dict[str, Any]]) -> K:
    """Return a node's knobs; those left at their defaults take what a look says.

    Args:
        look: a look's knobs by node.
    """
    said = {name: value for values in look.values() for name, value in values.items()}
    taken = {
        field.name: field.check(said[field.name], "look")
        for field in read_knobs(type(knobs), "look")
        if field.name in said and getattr(knobs, field.name) == field.default
    }
    return replace(knobs, **taken)  # pyright: ignore[reportArgumentType] - a dataclass of knobs

"""From declarations to ComfyUI's schemas. No default, range, choice or tip is restated here."""

# pyright: reportMissingImports=false

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from comfy_api.v0_0_2 import io

from ... import nodes  # noqa: F401 - declares the nodes
from ...core.spec import REGISTRY, KnobField, Port
from .sockets import COLOUR, SOCKETS, STATE, Colour

FOLDER = "Stillbrush"  # in the menu
WORDS = {"shot": "plate", "clip": "images", "change": "temporal"}
UI_ONLY = ("folder",)  # knobs that the host answers by itself


def widget(field: KnobField, name: str | None = None) -> io.Input:
    """Translate a knob."""
    name, knob = name or field.name, field.knob
    label = name.replace("_", " ").capitalize()
    tip = f"{knob.tip} In {knob.unit}." if knob.unit else knob.tip
    shared: dict[str, Any] = {"display_name": label, "tooltip": tip}
    if knob.advanced:
        shared["advanced"] = True
    if field.choices:
        return io.Combo.Input(
            name, options=list(field.choices), default=field.default.value, **shared
        )
    if field.type is bool:
        return io.Boolean.Input(name, default=field.default, **shared)
    if field.type is str:
        return io.String.Input(name, default=field.default, **shared)
    limits = {"min": knob.lo, "max": knob.hi}
    if field.type is int:  # `seed` alone would be drawn anew for every run
        return io.Int.Input(
            name, default=field.default, control_after_generate=False, **limits, **shared
        )
    if (knob.lo, knob.hi) == (0, 1) and not knob.advanced:
        shared["display_mode"] = io.NumberDisplay.slider
    return io.Float.Input(name, default=field.default, step=step(field), **limits, **shared)


def step(field: KnobField) -> float:
    """Return a step that an arrow takes: a hundredth of the range or finer, and a power of ten.

    ComfyUI rounds to it, so the default has to be a multiple.
    """
    lo, hi, default = float(field.knob.lo or 0), float(field.knob.hi or 1), float(field.default)
    size = 10.0 ** math.floor(math.log10((hi - lo) / 100))
    while abs(default / size - round(default / size)) > 1e-6:
        size /= 10
    return round(size, 9)


def knob(node: str, name: str) -> KnobField:
    """Return a knob's declaration."""
    return next(field for field in REGISTRY[node].knobs if field.name == name)


def widgets(node: str, leave_out: Sequence[str] = ()) -> list[io.Input]:
    """Translate the knobs of a node; what only an expert needs comes last."""
    hidden = {*UI_ONLY, *leave_out}
    fields = [field for field in REGISTRY[node].knobs if field.name not in hidden]
    return [widget(field) for field in sorted(fields, key=lambda field: field.knob.advanced)]


def socket_in(port: Port, *, optional: bool | None = None) -> io.Input:
    """Translate an input."""
    is_optional = port.optional if optional is None else optional
    return SOCKETS[port.kind.name].Input(
        port.name, display_name=shown(port.name), optional=is_optional, tooltip=port.tip
    )


def socket_out(port: Port) -> io.Output:
    """Translate an output."""
    return SOCKETS[port.kind.name].Output(
        port.name + "_out", display_name=shown(port.name), tooltip=port.tip
    )


def shown(name: str) -> str:
    """Return a name as a socket bears it, in ComfyUI's words."""
    return WORDS.get(name, name).replace("_", " ")


def inputs(node: str, leave_out: Sequence[str] = ()) -> list[io.Input]:
    """Translate the inputs of a node."""
    return [socket_in(port) for port in REGISTRY[node].inputs if port.name not in leave_out]


def outputs(node: str, leave_out: Sequence[str] = ()) -> list[io.Output]:
    """Translate the outputs of a node."""
    return [socket_out(port) for port in REGISTRY[node].outputs if port.name not in leave_out]


def state_in() -> io.Input:
    """Make the socket that takes what an earlier run of the node gave."""
    return STATE.Input(
        "state",
        optional=True,
        tooltip="Where an earlier run of this node stopped: a shot in chunks is one shot.",
    )


def state_out() -> io.Output:
    """Make the socket that gives what the next run goes on from."""
    return STATE.Output(
        "state_out",
        display_name="state",
        tooltip="Wire it to the state of the next run: nothing shows where one chunk ends.",
    )


def plate_in() -> io.Input:
    """Make the socket of the plate that pictures were read from."""
    return SOCKETS["shot"].Input(
        "plate",
        optional=True,
        tooltip="What Read gave with the pictures: their colour space, alpha, windows and "
        "numbers. Without it, colour says what they are.",
    )


def colour_widget() -> io.Input:
    """Make the widget that says what pictures without a plate are."""
    return io.Combo.Input(
        COLOUR,
        options=[choice.value for choice in Colour],
        display_name="Colour",
        default=Colour.DISPLAY.value,
        tooltip="What pictures without a plate are: sRGB as ComfyUI's own, or scene-linear.",
    )


def described(node: str, *, aliases: Sequence[str] = (), **more: Any) -> dict[str, Any]:
    """Return what the schema of a node says beside its id."""
    spec = REGISTRY[node]
    plain = {
        "display_name": spec.label,
        "category": f"{FOLDER}/{spec.category}",
        "description": spec.help,
        "search_aliases": ["stillbrush", *aliases],
    }
    return plain | more


def values(node: str, given: dict[str, Any]) -> Any:
    """Build a node's knobs from what ComfyUI hands over; checked by the declaration itself."""
    known = {field.name for field in REGISTRY[node].knobs}
    return REGISTRY[node].make_knobs(**{k: v for k, v in given.items() if k in known})

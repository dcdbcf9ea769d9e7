"""How a node is declared, once, for every host.

A frame operator is a pure function ``(Inputs, Knobs, State) -> (Outputs, State)``; a clip operator
is a pure function ``(Inputs, Knobs) -> Outputs`` from clips to clips. Both are declared by the
types of their dataclasses; hosts translate the declaration and restate nothing.
"""

from __future__ import annotations

import enum
import inspect
import math
import typing
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, Generic, TypeVar

from torch import Tensor

from .errors import BadInput


@dataclass(frozen=True)
class Kind:
    """What flows through a port."""

    name: str
    layout: str = ""


@dataclass(frozen=True)
class Knob:
    """What an artist may set. Range, unit and help; the default is the dataclass field's."""

    lo: float | None = None
    hi: float | None = None
    tip: str = ""
    unit: str = ""
    advanced: bool = False
    animatable: bool = True


def shown(value: object) -> str:
    """Return a value as an error message shows it: on one line, and short; a path keeps its end."""
    text = repr(value)
    return text if len(text) < 80 else f"{text[:20]}...{text[-56:]}"


Image = Annotated[Tensor, Kind("image", "B H W 3")]
Encoded = Annotated[Tensor, Kind("encoded", "B H W 3, network encoding, 0 to 1")]
Mask = Annotated[Tensor, Kind("mask", "B H W 1")]


@dataclass(frozen=True)
class Port:
    """One input or output of a node."""

    name: str
    kind: Kind
    tip: str
    optional: bool


@dataclass(frozen=True)
class KnobField:
    """One knob of a node, as declared."""

    name: str
    type: type
    knob: Knob
    default: Any

    @property
    def label(self) -> str:
        """Return the name as an artist reads it."""
        return self.name.replace("_", " ").capitalize()

    @property
    def choices(self) -> tuple[str, ...]:
        """Return the values of an enumeration, nothing for other types."""
        if issubclass(self.type, enum.Enum):
            return tuple(str(member.value) for member in self.type)
        return ()

    def check(self, value: Any, where: str) -> Any:
        """Return a value converted to the knob's type; errors name the knob of a node.

        Raises:
            BadInput: wrong type, out of range, or none of the choices.
        """
        return self.check_as(value, f"{where}.{self.name}")

    def check_as(self, value: Any, name: str) -> Any:
        """Return a value converted to the knob's type; errors give the knob this name.

        Raises:
            BadInput: wrong type, out of range, or none of the choices.
        """
        if issubclass(self.type, enum.Enum):
            try:
                return self.type(value)
            except ValueError:
                choices = ", ".join(self.choices)
                raise BadInput(f"{name}: expected {choices}; got {shown(value)}.") from None
        if self.type is bool:
            if isinstance(value, bool):
                return value
            raise BadInput(f"{name}: expected true or false; got {shown(value)}.")
        if self.type is str:
            if isinstance(value, str):
                return value
            raise BadInput(f"{name}: expected text; got {shown(value)}.")
        return self.number(value, name)

    def number(self, value: Any, name: str) -> float | int:
        """Return a number in range."""
        lo, hi = self.knob.lo, self.knob.hi
        whole = self.type is int
        form = "d" if whole and isinstance(lo, int) and isinstance(hi, int) else "g"
        span = f"{lo:{form}} to {hi:{form}}" if lo is not None and hi is not None else "a number"
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        is_finite = is_number and (isinstance(value, int) or math.isfinite(value))
        if not is_finite or (whole and value != int(value)):
            kind = "a whole number" if whole else "a number"
            raise BadInput(f"{name}: expected {kind}, {span}; got {shown(value)}.")
        if (lo is not None and not value >= lo) or (hi is not None and not value <= hi):
            raise BadInput(f"{name}: expected {span}; got {shown(value)}.")
        return int(value) if whole else float(value)


K = TypeVar("K")


@dataclass(frozen=True)
class NodeSpec(Generic[K]):
    """A declared node."""

    id: str
    label: str
    category: str
    version: int
    help: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    knobs: tuple[KnobField, ...]
    inputs_type: type
    knobs_type: type[K]
    state_type: type | None  # None for a clip operator
    step: Callable[..., Any]
    local: bool = False  # a frame of its outputs needs no other frame of its inputs

    @property
    def is_frame_operator(self) -> bool:
        """Say whether the node carries state from frame to frame."""
        return self.state_type is not None

    def fresh(self) -> Any:
        """Return the state at the start of a shot; None for a clip operator."""
        return self.state_type() if self.state_type else None

    def make_knobs(self, /, **values: Any) -> K:
        """Build knobs; anything not given keeps its default.

        Raises:
            BadInput: an unknown knob, a wrong type, a value out of range.
        """
        known = {field.name: field for field in self.knobs}
        for name in values:
            if name not in known:
                named = name if name.isidentifier() and len(name) < 60 else shown(name)
                raise BadInput(
                    f"{self.id}.{named}: no such knob; {self.id} has {', '.join(known) or 'none'}."
                )
        checked = {name: known[name].check(value, self.id) for name, value in values.items()}
        return self.knobs_type(**checked)


REGISTRY: dict[str, NodeSpec[Any]] = {}
"""Every declared node by id; filled when ``nodes`` is imported."""


def node(
    id: str, *, label: str, category: str, version: int = 1, local: bool = False
) -> Callable[..., Any]:
    """Declare a node from its function's annotations and register it.

    Args:
        local: that a frame of a clip operator's outputs needs only that frame of its inputs and
            of its knobs; a frame operator is local where its state has no fields.

    Raises:
        TypeError: a port or knob is not explained, or a default lies outside its own range.
    """

    def declare(step: Callable[..., Any]) -> Callable[..., Any]:
        hints = typing.get_type_hints(step)
        arguments = list(inspect.signature(step).parameters)
        state_type = hints[arguments[2]] if len(arguments) == 3 else None
        result = hints["return"]
        outputs_type = typing.get_args(result)[0] if state_type else result
        spec = NodeSpec(
            id=id,
            label=label,
            category=category,
            version=version,
            help=inspect.getdoc(step) or "",
            inputs=read_ports(hints[arguments[0]], id),
            outputs=read_ports(outputs_type, id),
            knobs=read_knobs(hints[arguments[1]], id),
            inputs_type=hints[arguments[0]],
            knobs_type=hints[arguments[1]],
            state_type=state_type,
            step=step,
            local=local or (state_type is not None and not fields(state_type)),
        )
        REGISTRY[id] = spec
        return step

    return declare


def read_ports(declared: type, where: str) -> tuple[Port, ...]:
    """Read the ports off a dataclass."""
    hints = typing.get_type_hints(declared, include_extras=True)
    ports = []
    for field in fields(declared):
        kind, tip = None, ""
        for extra in attached(hints[field.name]):
            if isinstance(extra, Kind):
                kind = extra
            elif isinstance(extra, str):
                tip = extra
        if kind is None or not tip:
            raise TypeError(f"{where}.{field.name}: a port needs a kind and a tip.")
        ports.append(Port(field.name, kind, tip, optional=field.default is not MISSING))
    return tuple(ports)


def attached(hint: Any) -> list[Any]:
    """Collect everything attached to a type, through unions and nesting."""
    if typing.get_origin(hint) is Annotated:
        return [*attached(hint.__origin__), *hint.__metadata__]
    return [extra for part in typing.get_args(hint) for extra in attached(part)]


def read_knobs(declared: type, where: str) -> tuple[KnobField, ...]:
    """Read the knobs off a dataclass and check every default against its own range."""
    hints = typing.get_type_hints(declared, include_extras=True)
    knobs = []
    for field in fields(declared):
        hint = hints[field.name]
        extras = [extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, Knob)]
        if not extras or not extras[0].tip:
            raise TypeError(f"{where}.{field.name}: a knob needs a Knob with a tip.")
        if field.default is MISSING:
            raise TypeError(f"{where}.{field.name}: a knob needs a default.")
        knob = KnobField(field.name, hint.__origin__, extras[0], field.default)
        try:
            knob.check(field.default, where)
        except BadInput as error:
            raise TypeError(f"the default is no valid value: {error}") from error
        knobs.append(knob)
    return tuple(knobs)

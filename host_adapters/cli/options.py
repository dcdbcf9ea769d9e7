"""Options made from the declarations of the nodes: no default, range or tip is restated here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ...core.spec import REGISTRY, KnobField

F = TypeVar("F", bound=Callable[..., Any])


def knob_options(node: str, *, leave_out: tuple[str, ...] = ()) -> Callable[[F], F]:
    """Add an option for every knob of a node; nothing given is None."""

    def add(command: F) -> F:
        for field in reversed(REGISTRY[node].knobs):
            if field.name not in leave_out:
                command = click.option(*names(field), **settings(field))(command)
        return command

    return add


def knob_option(node: str, knob: str) -> Callable[[F], F]:
    """Make the option of one knob of a node; nothing given is None."""
    field = next(field for field in REGISTRY[node].knobs if field.name == knob)
    return click.option(*names(field), **settings(field))


def names(field: KnobField) -> tuple[str, ...]:
    """Return an option's name; a switch has its opposite."""
    plain = "--" + field.name.replace("_", "-")
    return (f"{plain}/--no-{plain[2:]}" if field.type is bool else plain, field.name)


def checked(field: KnobField) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """Check what is given against the knob's range, so that an error names the option."""

    def check(context: click.Context, option: click.Parameter, value: Any) -> Any:
        if value is not None:
            field.check_as(value, option.opts[0])
        return value

    return check


def settings(field: KnobField) -> dict[str, Any]:
    """Return an option's type and help."""
    knob = field.knob
    if field.choices:
        default, kind = field.default.value, click.Choice(field.choices)
    elif field.type is bool:
        default, kind = ("on" if field.default else "off"), None
    else:
        default, kind = field.default, field.type
    span = ""
    if knob.lo is not None and knob.hi is not None:
        span = f" {knob.lo} to {knob.hi}." if field.type is int else f" {knob.lo:g} to {knob.hi:g}."
    unit = f" In {knob.unit}." if knob.unit else ""
    text = f"{knob.tip}{span}{unit} Default {default}."
    options: dict[str, Any] = {"default": None, "help": text, "callback": checked(field)}
    if kind is not None:
        options["type"] = kind
        options["metavar"] = None if field.choices else field.type.__name__.upper()
    return options

"""Leaving inference mode: ComfyUI runs nodes in it, and its tensors take part in no gradient."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from torch import Tensor

T = TypeVar("T")


def ordinary(value: T) -> T:
    """Return a value whose tensors may take part in gradients; only those that may not are copied.

    Args:
        value: a tensor, a frozen dataclass or a NamedTuple of such, a list of them, or anything.
    """
    made: Any = value
    if isinstance(value, Tensor):
        made = value.clone() if value.is_inference() else value
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        made = type(value)(*map(ordinary, value))
    elif isinstance(value, list):
        made = [ordinary(item) for item in value]
    elif is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: ordinary(getattr(value, field.name)) for field in fields(value)}
        made = replace(value, **parts)
    return made

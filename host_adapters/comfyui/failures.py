"""Errors as ComfyUI shows them: one line that says where, what was expected and what to do."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from ...core.errors import StillbrushError
from .sockets import check_sockets

F = TypeVar("F", bound=Callable[..., Any])
SHOWN = 60  # characters of either end of a name without end
ENDLESS = re.compile(r"\S{400,}")
OPTION = re.compile(r"--([a-z][a-z-]*)")
CLAUSE = re.compile(r"(?<=[.;]) ")


def plainly(error: Exception, knobs: Collection[str] | None = None) -> str:
    """Return a message in this host's words, on one line: knobs bear no dashes.

    Args:
        error: what went wrong.
        knobs: those that the node has; advice that names none of them is left out.
    """
    told = str(error) if knobs is None else advisable(str(error), knobs)
    told = OPTION.sub(lambda found: f"`{found[1].replace('-', ' ')}`", told)
    return ENDLESS.sub(
        lambda found: f"{found[0][:SHOWN]}...{found[0][-SHOWN:]}", " ".join(told.split())
    )


def advisable(text: str, knobs: Collection[str]) -> str:
    """Leave out every clause that names options of the command line alone."""

    def speaks_of_us(clause: str) -> bool:
        named = [option.replace("-", "_") for option in OPTION.findall(clause)]
        return not named or any(option in knobs for option in named)

    kept = " ".join(clause for clause in CLAUSE.split(text) if speaks_of_us(clause))
    return kept[:-1] + "." if kept.endswith(";") else kept or text


def told(execute: F) -> F:
    """Check what a node is wired to, and translate our errors into built-in ones.

    Their names are known to people.
    """

    @functools.wraps(execute)
    def run(cls: Any, *args: Any, **kwargs: Any) -> Any:
        schema = cls.define_schema()
        try:
            check_sockets(schema, kwargs)
            return execute(cls, *args, **kwargs)
        except StillbrushError as error:
            kind = next(base for base in type(error).__mro__ if base.__module__ == "builtins")
            known = kind if kind is not Exception else RuntimeError
            raise known(plainly(error, {field.id for field in schema.inputs})) from error

    return run  # pyright: ignore[reportReturnType]


def verdict(check: Callable[[], object]) -> bool | str:
    """Run a check as ComfyUI's validation wants it: True, or what is wrong."""
    try:
        check()
    except (StillbrushError, OSError) as error:  # a name that the file system cannot hold
        return plainly(error)
    return True

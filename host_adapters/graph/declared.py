"""What the graph knows of nodes: everything of it is read off the declarations."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import Any

from ... import nodes  # noqa: F401 - declares the nodes
from ...core.errors import BadInput
from ...core.spec import REGISTRY, KnobField, NodeSpec, Port

LOOK = "look"
PICTURES = frozenset({"shot", "clip", "encoded", "image"})
"""Kinds that a picture can be made of; what wants one of them takes any."""
TAKES = {"shot": PICTURES, "clip": PICTURES, "encoded": PICTURES, "image": PICTURES,
         "mask": PICTURES | {"mask"}, "vectors": frozenset({"shot"})}  # fmt: skip
UNWIRED = frozenset({"dials", "picture"})
"""Ports that the graph fills by itself, from curves, or in whose place a knob names a file."""
ALIASES = {"mask": "matte", "matte": "mask"}


def class_name(kind: str) -> str:
    """Return a node's class as scripts write it: StylizeShot."""
    return REGISTRY[kind].label.replace(" ", "") if kind in REGISTRY else kind


def kind_of(name: str) -> str:
    """Return a node's id by its class.

    Raises:
        BadInput: there is none; the message lists the nearest.
    """
    known = {class_name(kind): kind for kind in REGISTRY}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.3) or sorted(known)
    raise BadInput(f"node {name!r}: there is no such class. There are: {', '.join(near)}.")


def spec_of(kind: str) -> NodeSpec[Any] | None:
    """Return a declaration; None for a node that this version does not know."""
    return REGISTRY.get(kind)


def arrows(spec: NodeSpec[Any]) -> tuple[Port, ...]:
    """Return the inputs that are wired; one picture serves a node that wants clip and shot."""
    kinds = {port.kind.name for port in spec.inputs}
    hidden = UNWIRED | ({"clip"} if "shot" in kinds else set())
    return tuple(port for port in spec.inputs if port.kind.name not in hidden)


def arrow(spec: NodeSpec[Any], which: int | str) -> Port:
    """Return an input by its number or name; `mask` is the one that says where.

    Raises:
        BadInput: there is none.
    """
    known = {port.name: port for port in arrows(spec)}
    if isinstance(which, int) and not isinstance(which, bool) and 0 <= which < len(known):
        return list(known.values())[which]
    for name in (which, ALIASES.get(str(which))):
        if name in known:
            return known[str(name)]
    listed = ", ".join(f"{place} {name}" for place, name in enumerate(known)) or "none"
    raise BadInput(f"{class_name(spec.id)}: no input {which!r}; its inputs are {listed}.")


def fits(source: NodeSpec[Any], port: Port) -> bool:
    """Say whether any output of a node can flow into an input."""
    wanted = TAKES.get(port.kind.name, frozenset({port.kind.name}))
    return any(output.kind.name in wanted for output in source.outputs)


def knobs_of(spec: NodeSpec[Any]) -> dict[str, KnobField]:
    """Return a node's knobs; a node that takes a look has its name as a knob too."""
    fields = {field.name: field for field in spec.knobs}
    if any(port.name == LOOK for port in spec.inputs) and LOOK not in fields:
        named = REGISTRY["load_look"].knobs[0]
        fields[LOOK] = replace(named, name=LOOK)
    return fields


def has_output(spec: NodeSpec[Any], *kinds: str) -> bool:
    """Say whether a node gives something of one of these kinds."""
    return any(port.kind.name in kinds for port in spec.outputs)

"""Looks put onto nodes, taken off them, and compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...core.errors import BadInput
from ...core.knobs import chain
from ...core.look import Look
from ...core.looks import find_look, load_look
from ...core.new_looks import derive, flat_knobs, save_derived
from ...core.spec import REGISTRY
from ..folders import user_looks
from .declared import LOOK, knobs_of, spec_of
from .knob import plain
from .values import Values

if TYPE_CHECKING:
    from .node import Node


def apply_look(node: Node, name: str) -> Look:
    """Put a look onto a node: it names the look, and its knobs are those of the look, to be seen.

    Raises:
        BadInput: the node takes no look.
        StillbrushError: there is no such look, or it cannot be read.
    """
    spec = spec_of(node.data.kind)
    if spec is None or LOOK not in knobs_of(spec):
        raise BadInput(f"{node.name()}: takes no look; StylizeShot and Stylizer do.")
    look = find_look(name, user_looks())
    own = {field.name for field in spec.knobs}
    said = {knob: value for knob, value in flat_knobs(look).items() if knob in own}
    chained = {field.name for field in REGISTRY["stylize_shot"].knobs}
    with node.script.one_edit():
        for knob in own & chained:
            node.script.set(node.uid, knob, said.get(knob))
        node.script.set(node.uid, LOOK, name)
    return look


def save_look(node: Node, name: str, title: str | None, *, overwrite: bool) -> Look:
    """Save a node's look with its knobs at the script's frame, into the user's own folder.

    Raises:
        BadInput: the node takes no look, or the name is none.
        WriteRefused: a look of that name is there already.
    """
    engine, frame = node.script.engine, node.script.frame
    spec = spec_of(node.data.kind)
    base = engine.look(node.uid) if spec is not None and LOOK in knobs_of(spec) else None
    if base is None:
        raise BadInput(f"{node.name()}: has no look to save.")
    chained = {field.name for field in REGISTRY["stylize_shot"].knobs}
    held = Values(node.script.state).all_at(node.uid, frame)
    given = {knob: value for knob, value in held.items() if knob in chained}
    look = derive(base, name, given, title=title)
    return load_look(save_derived(look, user_looks(), overwrite=overwrite))


def everything(look: Look) -> dict[str, Any]:
    """Return all that a look decides, by dotted name; a knob it leaves alone is at its default."""
    made = {"title": look.title, "stylizer": look.stylizer.value, "licence": look.licence,
            "colour.exposure": look.exposure, "colour.encode": look.encode.value}  # fmt: skip
    parts = {
        "weights": vars(look.weights) if look.weights else {},
        "optimise": look.optimise.plain() if look.optimise else {},
    }
    made |= {f"pictures.{n}": (p.file, p.share) for n, p in enumerate(look.pictures)}
    made |= {f"{name}.{k}": v for name, part in parts.items() for k, v in part.items()}
    return made | {f"knobs.{k}": plain(v) for k, v in vars(chain(look.knobs, {})).items()}


def differing(first: Look, second: Look) -> dict[str, tuple[Any, Any]]:
    """Return in what two looks differ: the key, and what each of them says."""
    a, b = everything(first), everything(second)
    pairs = {key: (a.get(key), b.get(key)) for key in {**a, **b}}
    return {key: (ours, theirs) for key, (ours, theirs) in pairs.items() if ours != theirs}


def shown_difference(names: tuple[str, str], found: Mapping[str, tuple[Any, Any]]) -> str:
    """Return a difference as a table to read."""
    if not found:
        return f"{names[0]} and {names[1]} say the same"
    rows = [("key", *names), *((k, str(a), str(b)) for k, (a, b) in found.items())]
    widths = [max(len(row[place]) for row in rows) for place in range(3)]
    lines = ("  ".join(t.ljust(w) for t, w in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)

"""No host says again what a node declares: a default, a range, a choice or a tip."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import stillbrush
from stillbrush import nodes  # noqa: F401 - fills the registry
from stillbrush.core.spec import REGISTRY

HOSTS = Path(stillbrush.__file__).parent / "host_adapters"
SOURCES = sorted(HOSTS.rglob("*.py"))
TIPS = {
    " ".join(text.split())
    for spec in REGISTRY.values()
    for text in (
        spec.help,
        *(knob.knob.tip for knob in spec.knobs),
        *(port.tip for port in (*spec.inputs, *spec.outputs)),
    )
}
KNOBS = {knob.name for spec in REGISTRY.values() for knob in spec.knobs}
RESTATING = {"default", "min", "max", "lo", "hi", "tooltip", "tip", "options"}
# Names that a host has for things of its own, beside the nodes' knobs; each with the reason.
OWN = {
    "overwrite": "the command line's flag asks before a render, not of a Write node",
    "colour": "the command line's spelling --color stands beside it",
    "layer": "the command line asks for it of the plate of a whole render",
    "proxy": "the command line writes it 1/2",
    "title": "the command line asks for it of a look that it makes",
    "name": "the command line asks for it of a look that it makes or trains",
}


def texts(tree: ast.AST) -> Iterator[str]:
    for part in ast.walk(tree):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield " ".join(part.value.split())


def calls_about_knobs(tree: ast.AST) -> Iterator[tuple[int, str, str]]:
    """Find calls that name a knob and state one of its facts as a literal."""
    for part in ast.walk(tree):
        if not isinstance(part, ast.Call):
            continue
        first = [a.value for a in part.args[:2] if isinstance(a, ast.Constant)]
        named = {str(text).lstrip("-").replace("-", "_") for text in first} & KNOBS
        stated = {k.arg for k in part.keywords if isinstance(k.value, ast.Constant)} & RESTATING
        yield from ((part.lineno, name, fact) for name in named - set(OWN) for fact in stated)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(HOSTS).as_posix())
def test_no_host_restates_a_default_a_range_or_a_tip(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [text for text in texts(tree) if text in TIPS] == []
    assert list(calls_about_knobs(tree)) == []


def options(command: click.Command) -> dict[str, click.Option]:
    return {o.name: o for o in command.params if isinstance(o, click.Option) and o.name}


@pytest.mark.parametrize(("command", "node"), [("stylize", "stylize_shot"), ("demo", "demo_shot")])
def test_the_command_line_shows_what_the_node_declares(command: str, node: str) -> None:
    shown = options(importlib.import_module(f"stillbrush.host_adapters.cli.{command}").command)
    for knob in REGISTRY[node].knobs:
        if knob.name in ("folder", "follow_look"):  # nothing given is nothing set
            continue
        option = shown[knob.name]
        assert option.default is None, "nothing given is None, so that the declaration decides"
        assert option.help
        assert option.help.startswith(knob.knob.tip)
        plain = getattr(knob.default, "value", knob.default)
        said = {True: "on", False: "off"}.get(plain, plain) if knob.type is bool else plain
        assert option.help.endswith(f"Default {said}.")
        if knob.choices:
            assert tuple(option.type.choices) == knob.choices

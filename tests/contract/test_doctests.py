"""Every example in a docstring runs and says what it claims."""

from __future__ import annotations

import doctest
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import stillbrush

PACKAGE = Path(stillbrush.__file__).parent
FLOORS = ("core", "nodes", "host_adapters", "presets")


def modules_with_examples() -> Iterator[str]:
    for floor in FLOORS:
        for path in sorted((PACKAGE / floor).rglob("*.py")):
            if ">>> " in path.read_text(encoding="utf-8"):
                parts = path.relative_to(PACKAGE).with_suffix("").parts
                yield ".".join(("stillbrush", *parts)).removesuffix(".__init__")


@pytest.mark.parametrize("name", list(modules_with_examples()))
def test_docstring_examples_run(name: str) -> None:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    outcome = doctest.testmod(importlib.import_module(name), optionflags=flags)
    assert outcome.attempted > 0, f"{name}: examples outside any docstring are never run"
    assert outcome.failed == 0

"""Recipes: how a system is trained, as one small YAML file each.

A recipe holds only what differs from what `Recipe` declares; options of the command line come
after it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import BadInput, MissingFrame
from ..strict_yaml import Reader, read_text, read_yaml
from .recipe import recipe_knobs

VERSION = 1
SHIPPED = Path(__file__).parent / "shipped"
LARGEST_FILE = 64 * 1024
MOST_ITERATIONS = 10_000_000
TOP = ("recipe", "title", "about", "iterations", "knobs")


@dataclass(frozen=True)
class RecipeFile:
    """A recipe as written in its file.

    Attributes:
        name: of the file.
        title: one line.
        about: whose it is, by paper and section, and where it departs from that.
        iterations: as published; None: it does not say.
        knobs: of `Recipe`, those that differ.
    """

    name: str
    title: str
    about: str
    iterations: int | None = None
    knobs: dict[str, Any] = field(default_factory=dict)


def list_recipes() -> list[RecipeFile]:
    """Return the recipes that ship, by name."""
    return [read_recipe(path) for path in sorted(SHIPPED.glob("*.yaml"))]


def find_recipe(text: str) -> RecipeFile:
    """Find a recipe by name or path.

    Raises:
        MissingFrame: lists those there are.
        UnreadableFile, BadInput: file, key and what was expected.
    """
    if text.endswith((".yaml", ".yml")) or "/" in text or "\\" in text:
        return read_recipe(Path(text))
    known = {path.stem: path for path in sorted(SHIPPED.glob("*.yaml"))}
    if text not in known:
        listed = ", ".join(known)
        raise MissingFrame(f"recipe {text!r}: there is no such recipe. There are: {listed}.")
    return read_recipe(known[text])


def read_recipe(path: Path) -> RecipeFile:
    """Read a recipe.

    Raises:
        MissingFrame, UnreadableFile, BadInput: file, key and what was expected.
    """
    read = Reader(path, "recipe")
    try:
        raw = read_yaml(read_text(path, "recipe", LARGEST_FILE))
    except ValueError as error:
        if isinstance(error, (BadInput, OSError)):
            raise
        raise BadInput(f"recipe {path}: {error}.") from None
    if not isinstance(raw, dict):
        raise BadInput(f"recipe {path}: expected a mapping that begins with `recipe: {VERSION}`.")
    if type(raw.get("recipe")) is not int or raw["recipe"] != VERSION:
        raise read.fail("recipe", f"version {VERSION}", raw.get("recipe"))
    read.only(raw, TOP)
    about = raw.get("about", "")
    if not isinstance(about, str):
        raise read.fail("about", "text", about)
    iterations = raw.get("iterations")
    is_count = type(iterations) is int and 0 < iterations <= MOST_ITERATIONS
    if iterations is not None and not is_count:
        raise read.fail("iterations", f"a whole number, 1 to {MOST_ITERATIONS}", iterations)
    declared = {knob.name: knob for knob in recipe_knobs()}
    knobs = read.mapping(raw, "knobs", tuple(declared))
    for name, value in knobs.items():
        declared[name].check_as(value, f"recipe {path}: knobs.{name}")
    return RecipeFile(path.stem, read.text(raw, "title"), about.strip(), iterations, knobs)

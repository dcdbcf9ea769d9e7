"""Options that take one value or more, told apart by what the words look like.

`--style-image a.jpg 0.3 --style-image b.jpg` and `--key mix 1001:0 1020:1`: click knows options of
a fixed number of words only, so the words are counted before it sees them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import click

from ...core.errors import BadInput
from ...core.look import Look
from ...core.look_pictures import MOST_PICTURES, StylePicture, give_picture
from ...core.spec import REGISTRY

SHARE = re.compile(r"[0-9]*\.?[0-9]+")
KEY = re.compile(r"-?[0-9]+:-?[0-9]*\.?[0-9]+(e-?[0-9]+)?", re.IGNORECASE)
MOST_KEYS = 10_000
STYLE = "style"
"""The name by which `--key` moves along the style pictures: 0 is the first, 1 the second."""

STYLE_IMAGE = click.option(
    "--style-image",
    "style_images",
    nargs=2,
    multiple=True,
    metavar="FILE [SHARE]",
    help="For looks that take any style: paint like this picture. Several are mixed by their "
    "shares; where these sum to less than 1, the rest stays as the plate is.",
)
STYLE_OPTIONS = (
    STYLE_IMAGE,
    click.option(
        "--key",
        "keys",
        nargs=2,
        multiple=True,
        metavar="KNOB FRAME:VALUE ...",
        help="A knob that moves: --key mix 1001:0 1020:1. `style` goes along the style images: 0 "
        "is the first, 1 the second.",
    ),
)


class Variadic(click.Command):
    """A command with such options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give each of them its fixed number of words."""
        return super().parse_args(ctx, regrouped(args))


def regrouped(words: list[str]) -> list[str]:
    """Return a command line in which a share is never left out, and all keys are one word."""
    made: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        made.append(word)
        if word == "--style-image" and left:
            made.append(left.pop(0))
            made.append(left.pop(0) if left and SHARE.fullmatch(left[0]) else "1")
        elif word == "--key" and left:
            made.append(left.pop(0))
            keys = []
            while left and KEY.fullmatch(left[0]):
                keys.append(left.pop(0))
            made.append(",".join(keys))
    return made


def styled(look: Look, given: Mapping[str, object]) -> Look:
    """Return a look that paints like the pictures that were given, if any were.

    Raises:
        BadInput, MissingFrame: a picture is none, the look takes none, or wants one.
    """
    words = given.get("style_images") or ()
    assert isinstance(words, tuple)
    pictures: tuple[StylePicture, ...] = tuple(
        give_picture(Path(file), float(share)) for file, share in words
    )
    if not pictures:
        if look.wants_pictures:
            raise BadInput(
                f"look {look.name}: paints like pictures that it is given; name one with "
                "--style-image."
            )
        return look
    if not look.takes_pictures:
        raise BadInput(f"--style-image: look {look.name} paints in a style of its own.")
    if len(pictures) > MOST_PICTURES:
        raise BadInput(f"--style-image: expected at most {MOST_PICTURES}; got {len(pictures)}.")
    return look.with_pictures(pictures)


def read_keys(given: Mapping[str, object], frames: tuple[int, ...]) -> dict[str, dict[int, float]]:
    """Return the values by frame of every knob that moves, straight from key to key.

    Raises:
        BadInput: a knob that is none or that cannot move, or keys that are none.
    """
    moved: dict[str, dict[int, float]] = {}
    words = given.get("keys") or ()
    assert isinstance(words, tuple)
    for knob, text in words:
        name = knob.replace("-", "_")
        keys = dict(sorted(parse_keys(knob, text).items()))
        moved[name] = {frame: between(keys, frame) for frame in frames}
        check_knob(knob, name, keys)
    return moved


def parse_keys(knob: str, text: str) -> dict[int, float]:
    """Read keys: `1001:0,1020:1`."""
    parts = [part for part in text.split(",") if part]
    if not parts or len(parts) > MOST_KEYS or not all(KEY.fullmatch(part) for part in parts):
        raise BadInput(
            f"--key {knob}: expected frames with values, such as 1001:0 1020:1; got {text[:60]!r}."
        )
    pairs = (part.split(":") for part in parts)
    return {int(frame): float(value) for frame, value in pairs}


def check_knob(knob: str, name: str, keys: Mapping[int, float]) -> None:
    """Refuse a knob that cannot move, and values out of its range."""
    if name == STYLE:
        return
    fields = {field.name: field for field in REGISTRY["stylize_shot"].knobs}
    movable = [n for n, f in fields.items() if f.knob.animatable and f.type is float]
    if name not in movable:
        listed = ", ".join(n.replace("_", "-") for n in movable)
        raise BadInput(f"--key {knob}: expected a knob that can move: {listed}, {STYLE}.")
    for value in keys.values():
        fields[name].check_as(value, f"--key {knob}")


def between(keys: Mapping[int, float], frame: int) -> float:
    """Return the value at a frame; before the first key and after the last it stands still."""
    before = [at for at in keys if at <= frame]
    after = [at for at in keys if at > frame]
    if not before or not after:
        return keys[before[-1] if before else after[0]]
    first, second = before[-1], after[0]
    share = (frame - first) / (second - first)
    return keys[first] + share * (keys[second] - keys[first])

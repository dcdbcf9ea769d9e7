"""Expressions: what they say, and that nothing but the grammar is ever understood."""

from __future__ import annotations

import ast
import contextlib
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stillbrush
from stillbrush.core.errors import BadInput
from stillbrush.host_adapters.graph.curves import Curve, Interpolation, Key, parse_curve
from stillbrush.host_adapters.graph.expressions import FUNCTIONS, Expression

GRAPH = Path(stillbrush.__file__).parent / "host_adapters/graph"


def value(text: str, frame: float = 10, **knobs: float) -> float:
    known = {name.replace("__", "."): v for name, v in knobs.items()}

    def look(name: str, at: float) -> float:
        if name not in known:
            raise BadInput(f"{name}: there is none")
        return known[name] + (at - frame)

    return Expression(text).value(frame, look, "test")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("2 ** 3 ** 2", 512), ("-2 ** 2", -4),
        ("2 ** -1", 0.5), ("7 % 4", 3), ("frame / 100", 0.1), ("frame < 11 ? 1 : 2", 1),
        ("!0 && 1 || 0", 1), ("clamp(3, 0, 2)", 2), ("lerp(1, 3, .5)", 2), ("min(3, 1, 2)", 1),
        ("smoothstep(0, 20, frame)", 0.5), ("step(10, frame)", 1), ("1e-3", 0.001),
        ("Read1.first + 1", 1002), ("Read1.first(frame - 1)", 1000), ("size * 2", 6),
        ("round(2.5) + floor(-0.5) + int(1.9)", 3), ("10 - 2 - 3", 5), ("--1", 1),
    ],
)  # fmt: skip
def test_an_expression_has_the_value_that_a_compositor_expects(text, expected) -> None:
    assert value(text, Read1__first=1001, size=3) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')", "().__class__", "a.b.c", "open('x')", "lambda: 1", "[1]", "{}", "'a'",
        "1 if 2 else 3", "x = 1", "a[0]", "f'{1}'", "frame.", "1 +", "", "(", "min(1)", "sin()",
        "eval(1, 2)", "exec('1')", "a; b", "1 2", "@", "½", "`id`", "$(id)", "a\\b", "\u0661",
    ],
)  # fmt: skip
def test_what_is_not_in_the_grammar_is_refused(text) -> None:
    with pytest.raises(BadInput):
        value(text)


@pytest.mark.parametrize("text", ["1 / 0", "sqrt(-1)", "9 ** 9 ** 9", "log(0)", "exp(1e9)"])
def test_what_has_no_value_is_told_and_not_crashed_on(text) -> None:
    with pytest.raises(BadInput, match="no "):
        value(text)


@pytest.mark.parametrize("text", ["(" * 5000 + "1", "-" * 1500 + "1", "1" + "**1" * 600,
                                  "1?" * 500, "1+" * 5000 + "1", "a(" * 900])  # fmt: skip
def test_deep_and_long_expressions_are_refused_quickly(text) -> None:
    with pytest.raises(BadInput):
        value(text)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_number_or_a_clear_refusal(text: str) -> None:
    with contextlib.suppress(BadInput):
        assert math.isfinite(value(text))


PIECES = ["1", "2.5", "frame", "pi", "a.b", "a", "(", ")", "+", "-", "*", "/", "%", "**", "<", "==",
          "?", ":", "&&", "||", "!", ",", "__class__", "eval", *FUNCTIONS]  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14))
def test_any_row_of_tokens_is_a_number_or_a_clear_refusal(pieces: list[str]) -> None:
    with contextlib.suppress(BadInput):
        assert math.isfinite(value(" ".join(pieces), a__b=2, a=3))


def test_no_expression_reaches_python() -> None:
    """The package calls nothing that would run text: not eval, exec, compile or getattr by name."""
    for name in ("expressions.py", "values.py", "knob.py", "text.py", "script.py"):
        tree = ast.parse((GRAPH / name).read_text(encoding="utf-8"))
        called = {n.func.id for n in ast.walk(tree)
                  if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}  # fmt: skip
        assert not called & {"eval", "exec", "compile", "__import__", "globals", "locals"}


def test_a_renamed_node_is_followed_and_others_are_not() -> None:
    old = Expression("Read1.first + Read11.first + xRead1.first + min(Read1.last, 1)")
    assert old.renamed("Read1", "Plate").text == (
        "Plate.first + Read11.first + xRead1.first + min(Plate.last, 1)"
    )


keys = st.lists(
    st.builds(Key, st.integers(-500, 500), st.floats(-100, 100), st.sampled_from(Interpolation)),
    min_size=1, max_size=8, unique_by=lambda key: key.frame,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(keys, st.floats(-600, 600))
def test_a_curve_passes_through_its_keys_and_never_leaves_their_span(made, frame) -> None:
    curve = Curve(tuple(sorted(made, key=lambda key: key.frame)))
    for key in curve.keys:
        assert curve.at(key.frame) == key.value
    span = [key.value for key in curve.keys]
    assert min(span) <= curve.at(frame) <= max(span)
    assert parse_curve(curve.text(), "test") == curve


def test_a_line_is_straight_an_arc_begins_flat_and_a_held_key_holds() -> None:
    def two(how: Interpolation) -> Curve:
        return Curve((Key(0, 0.0, how), Key(10, 1.0, how)))

    assert two(Interpolation.LINEAR).at(2.5) == 0.25
    assert two(Interpolation.CONSTANT).at(9.9) == 0.0
    assert two(Interpolation.SMOOTH).at(5) == pytest.approx(0.5)
    assert two(Interpolation.SMOOTH).at(1) == pytest.approx(0.028)
    assert (two(Interpolation.LINEAR).at(-5), two(Interpolation.LINEAR).at(50)) == (0.0, 1.0)


@pytest.mark.parametrize("text", ["", "x", "x1", "1 2", "x1 a", "x1.5 2", "Q x1 2", "x1 nan"])
def test_what_is_no_curve_is_refused(text) -> None:
    with pytest.raises(BadInput, match="expected a curve"):
        parse_curve(text, "test")

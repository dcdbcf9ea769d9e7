"""Expressions in knobs: numbers, `frame`, other knobs, a few functions, and a parser of our own.

There is no way from here to Python: what is not in the grammar is refused.

    expression: or ['?' expression ':' expression]
    operators, from loose to tight: || && (== != < <= > >=) (+ -) (* / %) unary(- + !) **
    atom: number, `frame`, `pi`, Node.knob, Node.knob(frame - 1), function(a, b), (expression)
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ...core.errors import BadInput

LONGEST, DEEPEST = 2000, 40
TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)"
    r"|(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?)"
    r"|(?P<sign>\*\*|\|\||&&|[=!<>]=|[-+*/%<>!?:(),]))",
    re.ASCII,
)
LEVELS = (("||",), ("&&",), ("==", "!=", "<", "<=", ">", ">="), ("+", "-"), ("*", "/", "%"))
Look = Callable[[str, float], float]
"""Gives a knob's value by its name, at a frame."""


def clamp(value: float, low: float = 0.0, high: float = 1.0) -> float:
    """Return the value, no less than low and no more than high."""
    return max(low, min(high, value))


def smoothstep(low: float, high: float, value: float) -> float:
    """Return 0 below, 1 above, and a smooth way between."""
    t = clamp((value - low) / (high - low)) if high != low else float(value >= low)
    return t * t * (3 - 2 * t)


FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {
    "abs": (abs, 1, 1), "floor": (math.floor, 1, 1), "ceil": (math.ceil, 1, 1),
    "round": (lambda x: math.floor(x + 0.5), 1, 1), "int": (math.trunc, 1, 1),
    "sqrt": (math.sqrt, 1, 1), "exp": (math.exp, 1, 1), "log": (math.log, 1, 1),
    "sin": (math.sin, 1, 1), "cos": (math.cos, 1, 1), "tan": (math.tan, 1, 1),
    "min": (min, 2, 8), "max": (max, 2, 8), "pow": (math.pow, 2, 2), "clamp": (clamp, 1, 3),
    "lerp": (lambda a, b, t: a + (b - a) * t, 3, 3), "smoothstep": (smoothstep, 3, 3),
    "step": (lambda edge, x: float(x >= edge), 2, 2),
}  # fmt: skip
OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "==": lambda a, b: float(a == b), "!=": lambda a, b: float(a != b),
    "<": lambda a, b: float(a < b), "<=": lambda a, b: float(a <= b),
    ">": lambda a, b: float(a > b), ">=": lambda a, b: float(a >= b),
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
    "/": lambda a, b: a / b, "%": math.fmod, "**": math.pow,
}  # fmt: skip


@dataclass(frozen=True)
class Term:
    """A part of an expression: what it does, and to which parts."""

    kind: str
    parts: tuple[Term, ...] = ()
    name: str = ""
    number: float = 0.0


@dataclass(frozen=True)
class Expression:
    """An expression as it was written."""

    text: str

    def tree(self) -> Term:
        """Parse it."""
        return Parser(self.text).whole()

    def names(self) -> tuple[str, ...]:
        """Return the knobs that it names, each once, in order."""
        return tuple(dict.fromkeys(names_in(self.tree())))

    def renamed(self, old: str, new: str) -> Expression:
        """Return it with a node's name replaced by another."""
        return Expression(re.sub(rf"(?<![\w.]){re.escape(old)}(?=\.[A-Za-z_])", new, self.text))

    def value(self, frame: float, look: Look, where: str) -> float:
        """Return its value at a frame.

        Raises:
            BadInput: it is no expression, or has no value there.
        """
        try:
            made = float(result(self.tree(), frame, look))
        except (ArithmeticError, ValueError) as error:
            if isinstance(error, BadInput):
                raise
            raise BadInput(f"{where}: {self.text!r} has no value at frame {frame:g}.") from None
        if not math.isfinite(made):
            raise BadInput(f"{where}: {self.text!r} has no finite value at frame {frame:g}.")
        return made


def names_in(term: Term) -> Iterator[str]:
    """Find the knobs that a term names."""
    if term.kind == "knob":
        yield term.name
    for part in term.parts:
        yield from names_in(part)


def result(term: Term, frame: float, look: Look) -> float:  # noqa: PLR0911 - one line a kind
    """Return a term's value."""

    def of(place: int) -> float:
        return result(term.parts[place], frame, look)

    if term.kind == "number":
        return term.number
    if term.kind == "frame":
        return frame
    if term.kind == "knob":
        return look(term.name, of(0) if term.parts else frame)
    if term.kind == "call":
        return FUNCTIONS[term.name][0](*(of(place) for place in range(len(term.parts))))
    if term.kind == "?":
        return of(1) if of(0) else of(2)
    if term.kind == "signs":
        made = of(0)
        for sign in reversed(term.name):
            made = float(not made) if sign == "!" else -made if sign == "-" else made
        return made
    made = of(0)  # a row of any length is no deeper than one sign
    for place, sign in enumerate(term.name.split(), start=1):
        made = joined(sign, made, lambda place=place: of(place))
    return made


def joined(sign: str, left: float, right: Callable[[], float]) -> float:
    """Return what a sign between two parts gives; `&&` and `||` may leave the right one alone."""
    if sign == "&&":
        return float(bool(left) and bool(right()))
    if sign == "||":
        return float(bool(left) or bool(right()))
    return OPERATIONS[sign](left, right())


class Parser:
    """Reads one expression; the depth of its nesting is limited."""

    def __init__(self, text: str) -> None:
        self.text, self.place, self.depth = text, 0, 0
        if len(text) > LONGEST:
            raise BadInput(f"expression: expected at most {LONGEST} characters; got {len(text)}.")
        self.tokens = self.split()

    def split(self) -> list[tuple[str, str]]:
        """Cut the text into tokens."""
        found, at, text = [], 0, self.text.rstrip()
        while at < len(text):
            match = TOKEN.match(text, at)
            if match is None:
                raise self.wrong(text[at:].strip()[:20])
            found.append((str(match.lastgroup), match[match.lastgroup or 0]))
            at = match.end()
        return found

    def wrong(self, got: str) -> BadInput:
        """Build the error for what does not belong."""
        known = ", ".join(sorted(FUNCTIONS))
        return BadInput(
            f"expression {self.text[:80]!r}: expected numbers, frame, Node.knob, operators and "
            f"{known}; got {got!r}."
        )

    def peek(self) -> str:
        """Return the next token; empty at the end."""
        return self.tokens[self.place][1] if self.place < len(self.tokens) else ""

    def take(self, wanted: str) -> bool:
        """Go past a token where it is the next one."""
        if self.peek() != wanted:
            return False
        self.place += 1
        return True

    def expect(self, wanted: str) -> None:
        """Go past a token that has to be there."""
        if not self.take(wanted):
            raise self.wrong(self.peek() or "the end")

    def whole(self) -> Term:
        """Read all of it."""
        term = self.expression()
        if self.peek():
            raise self.wrong(self.peek())
        return term

    def expression(self) -> Term:
        """Read a choice, or what is tighter."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise BadInput(f"expression {self.text[:40]!r}...: is nested too deeply.")
        term = self.level(0)
        if self.take("?"):
            yes = self.expression()
            self.expect(":")
            term = Term("?", (term, yes, self.expression()))
        self.depth -= 1
        return term

    def level(self, number: int) -> Term:
        """Read operators of one tightness, from left to right."""
        if number == len(LEVELS):
            return self.unary()
        parts, signs = [self.level(number + 1)], []
        while self.peek() in LEVELS[number]:
            signs.append(self.peek())
            self.place += 1
            parts.append(self.level(number + 1))
        return Term("row", tuple(parts), " ".join(signs)) if signs else parts[0]

    def unary(self) -> Term:
        """Read signs, then a power."""
        signs: list[str] = []
        while self.peek() in ("-", "+", "!"):
            signs.append(self.peek())
            self.place += 1
        if len(signs) > DEEPEST:
            raise self.wrong(signs[0] * 3)
        term = self.power()
        return Term("signs", (term,), "".join(signs)) if signs else term

    def power(self) -> Term:
        """Read a power, from right to left; tighter than a sign before it, as in mathematics."""
        term = self.atom()
        if not self.take("**"):
            return term
        self.depth += 1
        if self.depth > DEEPEST:
            raise BadInput(f"expression {self.text[:40]!r}...: is nested too deeply.")
        made = Term("row", (term, self.unary()), "**")
        self.depth -= 1
        return made

    def atom(self) -> Term:
        """Read a number, a name, a call, or what stands in brackets."""
        if self.take("("):
            term = self.expression()
            self.expect(")")
            return term
        if self.place >= len(self.tokens):
            raise self.wrong("the end")
        kind, text = self.tokens[self.place]
        if kind == "sign":
            raise self.wrong(text)
        self.place += 1
        if kind == "number":
            return Term("number", number=float(text))
        if text in ("frame", "pi"):
            return Term("frame") if text == "frame" else Term("number", number=math.pi)
        return self.named(text)

    def named(self, name: str) -> Term:
        """Read a call of a function, or a knob, which may be asked for at another frame."""
        parts: list[Term] = []
        is_call = self.take("(")
        while is_call and not self.take(")"):
            parts.append(self.expression())
            if self.peek() != ")":
                self.expect(",")
        if name in FUNCTIONS and is_call:
            _, least, most = FUNCTIONS[name]
            if not least <= len(parts) <= most:
                raise self.wrong(f"{name} of {len(parts)}")
            return Term("call", tuple(parts), name)
        if is_call and len(parts) != 1:
            raise self.wrong(f"{name}(")
        return Term("knob", tuple(parts), name)

"""What knobs are worth at a frame: plain values, curves, expressions, checked as declared."""

from __future__ import annotations

import enum
from typing import Any

from ...core.errors import BadInput
from ...core.spec import KnobField
from .curves import FARTHEST, Curve
from .declared import knobs_of, spec_of
from .expressions import Expression
from .model import NodeData, Setting, State, plain_class

MOST_STEPS = 60  # from knob to knob; Python's own stack ends at a thousand calls
MOST_ASKED = 20_000  # expressions that one value may rest on


def knob_field(node: NodeData, knob: str) -> KnobField:
    """Return the declaration of a knob.

    Raises:
        BadInput: the node has no such knob.
    """
    spec = spec_of(node.kind)
    known = knobs_of(spec) if spec else {}
    if knob not in known:
        listed = ", ".join(known) or "none"
        raise BadInput(f"{node.name}.{knob}: no such knob; {plain_class(node)} has {listed}.")
    return known[knob]


def is_moving(setting: Setting) -> bool:
    """Say whether a setting is a curve or an expression."""
    return isinstance(setting, (Curve, Expression))


def fitted(field: KnobField, value: float, where: str, *, clamped: bool) -> Any:
    """Turn a number that a curve or an expression gives into a knob's value.

    Raises:
        BadInput: out of range, or the knob holds no numbers.
    """
    if field.type is bool:
        return bool(value)
    if field.choices or field.type is str:
        raise BadInput(f"{where}.{field.name}: holds no number, so it cannot move.")
    lo, hi = field.knob.lo, field.knob.hi
    if clamped and lo is not None and hi is not None:
        value = min(max(value, lo), hi)
    return field.check(round(value) if field.type is int else value, where)


class Values:
    """The knobs of one state of a script; each expression is worked out once a frame.

    Attributes:
        known: what expressions have given.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.under_way: list[tuple[int, str]] = []
        self.known: dict[tuple[int, str, float], float] = {}
        self.asked = 0

    def at(self, uid: int, knob: str, frame: float) -> Any:
        """Return a knob's value at a frame.

        Raises:
            BadInput: no such knob, no value there, or expressions that go in a circle.
        """
        if not abs(frame) <= FARTHEST:
            raise BadInput(f"{self.state.nodes[uid].name}.{knob}: there is no frame {frame:g}.")
        node = self.state.nodes[uid]
        if knob in node.promoted:
            return self.at(*node.promoted[knob], frame)
        field = knob_field(node, knob)
        setting = node.settings.get(knob, field.default)
        if isinstance(setting, Curve):
            return fitted(field, setting.at(frame), node.name, clamped=True)
        if isinstance(setting, Expression):
            return fitted(field, self.worked_out(uid, knob, frame), node.name, clamped=False)
        return setting

    def worked_out(self, uid: int, knob: str, frame: float) -> float:
        """Return what an expression gives."""
        key = (uid, knob, frame)
        if key not in self.known:
            if len(self.known) > MOST_ASKED:  # a long shot: what is past is not asked for again
                self.known.clear()
            self.known[key] = self.fresh(uid, knob, frame)
        return self.known[key]

    def fresh(self, uid: int, knob: str, frame: float) -> float:
        """Work an expression out."""
        node = self.state.nodes[uid]
        where = f"{node.name}.{knob}"
        self.asked = self.asked + 1 if self.under_way else 0
        if (uid, knob) in self.under_way:
            names = [f"{self.state.nodes[at].name}.{of}" for at, of in self.under_way]
            raise BadInput(f"{where}: expressions go in a circle, {' -> '.join([*names, where])}.")
        if len(self.under_way) >= MOST_STEPS or self.asked > MOST_ASKED:
            raise BadInput(f"{where}: expressions rest on too many others.")
        self.under_way.append((uid, knob))
        try:
            expression: Expression = node.settings[knob]
            return expression.value(frame, lambda n, f: self.looked_up(uid, knob, n, f), where)
        except RecursionError:
            raise BadInput(f"{where}: expressions are nested too deeply.") from None
        finally:
            self.under_way.pop()

    def looked_up(self, uid: int, asking: str, name: str, frame: float) -> float:
        """Return a knob that an expression names, as a number."""
        where = f"{self.state.nodes[uid].name}.{asking}"
        owner, _, knob = name.rpartition(".")
        number = self.state.number(owner) if owner else uid
        if number is None:
            raise BadInput(f"{where}: its expression names {name}; there is no node {owner}.")
        value = self.at(number, knob, frame)
        if isinstance(value, (str, enum.Enum)):
            raise BadInput(f"{where}: its expression names {name}: expected a number; "
                           f"it is {value!r}.")  # fmt: skip
        return float(value)

    def all_at(self, uid: int, frame: float) -> dict[str, Any]:
        """Return the declared knobs that are set, at a frame."""
        node = self.state.nodes[uid]
        spec = spec_of(node.kind)
        known = {field.name for field in spec.knobs} if spec else set()
        return {knob: self.at(uid, knob, frame) for knob in node.settings if knob in known}

    def moving(self, uid: int) -> tuple[str, ...]:
        """Return the knobs of a node that are curves or expressions."""
        return tuple(k for k, s in self.state.nodes[uid].settings.items() if is_moving(s))

    def check_circles(self, uid: int, knob: str) -> None:
        """Refuse an expression that asks for itself, in whatever way.

        Raises:
            BadInput: names the way.
        """
        seen: dict[tuple[int, str], tuple[int, str] | None] = {(uid, knob): None}
        waiting = [(uid, knob)]
        while waiting:
            at = waiting.pop()
            setting = self.state.nodes[at[0]].settings.get(at[1])
            for name in setting.names() if isinstance(setting, Expression) else ():
                owner, _, named = name.rpartition(".")
                number = self.state.number(owner) if owner else at[0]
                if number is None:
                    continue
                node = self.state.nodes[number]
                goal = node.promoted.get(named, (number, named))
                if goal == (uid, knob):
                    way = [f"{self.state.nodes[u].name}.{k}" for u, k in back(seen, at)]
                    raise BadInput(f"{way[0]}: expressions go in a circle: {' -> '.join(way)}.")
                if goal not in seen:
                    seen[goal] = at
                    waiting.append(goal)


def back(
    seen: dict[tuple[int, str], tuple[int, str] | None], at: tuple[int, str]
) -> list[tuple[int, str]]:
    """Return the way from the first to `at` and round to the first."""
    way: list[tuple[int, str]] = []
    here: tuple[int, str] | None = at
    while here is not None:
        way.append(here)
        here = seen[here]
    return [*way[::-1], way[-1]]

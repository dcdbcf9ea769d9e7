"""A knob as a compositor holds it: `node['mix'].setValueAt(0.5, 1001)`."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from ...core.errors import BadInput
from ...core.spec import KnobField, shown
from .curves import FARTHEST, Curve, Interpolation, Key
from .expressions import Expression
from .values import Values, knob_field

if TYPE_CHECKING:
    from .script import Script

INTERPOLATIONS = {"constant": Interpolation.CONSTANT, "linear": Interpolation.LINEAR,
                  "bezier": Interpolation.SMOOTH, "smooth": Interpolation.SMOOTH}  # fmt: skip


class GraphKnob:
    """One knob of one node. Range, default and help are the node's declaration."""

    def __init__(self, script: Script, uid: int, name: str) -> None:
        uid, name = script.data(uid).promoted.get(name, (uid, name))
        self.script, self.uid, self.knob = script, uid, name
        self.field: KnobField = knob_field(script.data(uid), name)

    def __repr__(self) -> str:
        return f"<{self.fullyQualifiedName()}: {self.toScript()}>"

    def name(self) -> str:
        """Return the knob's name."""
        return self.knob

    def fullyQualifiedName(self) -> str:  # noqa: N802 - as compositors know it
        """Return it with its node's."""
        return f"{self.script.data(self.uid).name}.{self.knob}"

    def tooltip(self) -> str:
        """Return what it does."""
        return self.field.knob.tip

    def min(self) -> float | None:
        """Return its least value."""
        return self.field.knob.lo

    def max(self) -> float | None:
        """Return its greatest value."""
        return self.field.knob.hi

    def values(self) -> tuple[str, ...]:
        """Return what can be chosen from; nothing where it is no choice."""
        return self.field.choices

    def defaultValue(self) -> Any:  # noqa: N802
        """Return its default."""
        return plain(self.field.default)

    def value(self) -> Any:
        """Return its value at the script's frame."""
        return self.valueAt(self.script.frame)

    def valueAt(self, frame: float) -> Any:  # noqa: N802
        """Return its value at a frame."""
        return plain(Values(self.script.state).at(self.uid, self.knob, frame))

    def setValue(self, value: Any) -> None:  # noqa: N802
        """Set it; a curve or expression that it had is gone.

        Raises:
            BadInput: no value of this knob.
        """
        self.script.set(self.uid, self.knob, value)

    def setValueAt(self, value: float, frame: int, interpolation: str = "bezier") -> None:  # noqa: N802
        """Set a key; `interpolation` says how it leads to the next: bezier, linear or constant.

        Raises:
            BadInput: no value of this knob, one that cannot move, or no such interpolation.
        """
        where = self.fullyQualifiedName()
        if interpolation not in INTERPOLATIONS:
            raise BadInput(f"{where}: expected {', '.join(INTERPOLATIONS)}; got {interpolation!r}.")
        is_number = isinstance(frame, (int, float)) and not isinstance(frame, bool)
        if not is_number or not abs(frame) <= FARTHEST or int(frame) != frame:
            raise BadInput(f"{where}: expected a whole frame; got {shown(frame)}.")
        checked = float(self.field.check(value, self.script.data(self.uid).name))
        key = Key(int(frame), checked, INTERPOLATIONS[interpolation])
        self.script.set(self.uid, self.knob, (self.curve() or Curve(())).with_key(key))

    def setting(self) -> Any:
        """Return what it holds: a value, a curve, an expression, or None at its default."""
        return self.script.data(self.uid).settings.get(self.knob)

    def curve(self) -> Curve | None:
        """Return its curve, if it has one."""
        held = self.setting()
        return held if isinstance(held, Curve) else None

    def keys(self) -> tuple[tuple[int, float], ...]:
        """Return its keys: frame and value."""
        curve = self.curve()
        return tuple((key.frame, key.value) for key in curve.keys) if curve else ()

    def removeKeyAt(self, frame: int) -> None:  # noqa: N802
        """Remove a key; with the last one goes the curve."""
        curve = self.curve()
        if curve is not None:
            left = curve.without(frame)
            self.script.set(self.uid, self.knob, left if left.keys else curve.keys[0].value)

    def setExpression(self, text: str) -> None:  # noqa: N802
        """Set an expression: numbers, `frame`, `Node.knob`, a few functions.

        Raises:
            BadInput: what is not understood, or expressions that go in a circle.
        """
        expression = Expression(str(text))
        expression.tree()
        self.script.set(self.uid, self.knob, expression)

    def expression(self) -> str | None:
        """Return its expression, if it has one."""
        held = self.setting()
        return held.text if isinstance(held, Expression) else None

    def hasExpression(self) -> bool:  # noqa: N802
        """Say whether it has an expression."""
        return self.expression() is not None

    def isAnimated(self) -> bool:  # noqa: N802
        """Say whether it has keys."""
        return self.curve() is not None

    def clearAnimated(self) -> None:  # noqa: N802
        """Take keys or an expression away; the value at the script's frame stays."""
        if self.isAnimated() or self.hasExpression():
            self.setValue(self.value())

    def resetToDefault(self) -> None:  # noqa: N802
        """Take it back to its default, where it follows the look."""
        self.script.set(self.uid, self.knob, None)

    def toScript(self) -> str:  # noqa: N802
        """Return what it holds as text."""
        held = self.setting()
        if isinstance(held, Curve):
            return f"{{curve {held.text()}}}"
        return held.text if isinstance(held, Expression) else str(plain(self.value()))


def plain(value: Any) -> Any:
    """Return a choice as its text."""
    return value.value if isinstance(value, enum.Enum) else value


class PlainKnob:
    """What every node has beside its declared knobs: name, label, disable."""

    OWN = ("name", "label", "disable")

    def __init__(self, script: Script, uid: int, name: str) -> None:
        self.script, self.uid, self.knob = script, uid, name

    def name(self) -> str:
        """Return the knob's name."""
        return self.knob

    def value(self) -> Any:
        """Return its value."""
        return getattr(self.script.data(self.uid), self.knob)

    def setValue(self, value: Any) -> None:  # noqa: N802
        """Set it."""
        if self.knob == "name":
            self.script.rename(self.uid, str(value))
        else:
            made = bool(value) if self.knob == "disable" else str(value)
            self.script.change(self.uid, **{self.knob: made})

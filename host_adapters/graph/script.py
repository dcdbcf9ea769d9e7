"""A script: its nodes, its edits, and the way back from each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ...core.errors import BadInput
from ...core.spec import shown
from .declared import arrow, arrows, class_name, fits, kind_of, spec_of
from .engine import Engine
from .expressions import Expression
from .model import GROUP, NodeData, Setting, State, is_name
from .values import Values, is_moving, knob_field

MOST_UNDO = 1000
SPACING = 200  # from one source to the next in the picture of the graph


class Script:
    """A graph of nodes. Every edit is one step that can be undone."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.state = State()
        self.frame = 1001
        self.next = 1
        self.done: list[State] = []
        self.undone: list[State] = []
        self.open = 0
        self.messages: list[str] = []

    def commit(self, state: State, *, is_edit: bool = True) -> None:
        """Go over to another state; remember the one before, unless an edit is under way."""
        before = self.state
        changed = {
            uid
            for uid in before.nodes.keys() | state.nodes.keys()
            if before.nodes.get(uid) is not state.nodes.get(uid)
        }
        if not changed and before.extra == state.extra:
            return
        if is_edit and not self.open:
            self.remember(before)
        self.state = state
        self.engine.change(state, changed)

    def remember(self, state: State) -> None:
        """Put a state on the way back."""
        self.done = [*self.done, state][-MOST_UNDO:]
        self.undone = []

    @contextmanager
    def one_edit(self) -> Iterator[None]:
        """Make all edits inside one step; where they fail, none of them was made."""
        before, self.open = self.state, self.open + 1
        try:
            yield
        except BaseException:
            self.open -= 1
            if not self.open:
                self.commit(before, is_edit=False)
            raise
        self.open -= 1
        if not self.open and self.state is not before:
            self.remember(before)

    def undo(self) -> bool:
        """Take the last edit back; say whether there was one."""
        if not self.done:
            return False
        self.undone.append(self.state)
        state = self.done.pop()
        self.commit(state, is_edit=False)
        return True

    def redo(self) -> bool:
        """Make the last edit that was taken back again; say whether there was one."""
        if not self.undone:
            return False
        self.done.append(self.state)
        self.commit(self.undone.pop(), is_edit=False)
        return True

    def data(self, uid: int) -> NodeData:
        """Return a node.

        Raises:
            BadInput: it was deleted.
        """
        if uid not in self.state.nodes:
            raise BadInput("node: was deleted; undo brings it back.")
        return self.state.nodes[uid]

    def put(self, uid: int, node: NodeData) -> None:
        """Set a node."""
        self.commit(replace(self.state, nodes={**self.state.nodes, uid: node}))

    def change(self, uid: int, **fields: Any) -> None:
        """Change some of a node."""
        self.put(uid, replace(self.data(uid), **fields))

    def create(self, name: str, wanted: str | None = None) -> int:
        """Make a node of a class; return its number."""
        kind = GROUP if name == GROUP else kind_of(name)
        named = self.state.free_name(class_name(kind))
        uid, self.next = self.next, self.next + 1
        with self.one_edit():
            right = max((node.xpos + SPACING for node in self.state.nodes.values()), default=0)
            self.put(uid, NodeData(named, kind, xpos=right))
            if wanted is not None:
                self.rename(uid, wanted)
        return uid

    def add(self, node: NodeData) -> int:
        """Add a node as it is, under a free name; return its number."""
        uid, self.next = self.next, self.next + 1
        self.put(uid, node)
        return uid

    def rename(self, uid: int, name: str) -> None:
        """Give a node another name; expressions that name it follow.

        Raises:
            BadInput: the name is taken, or none.
        """
        old = self.data(uid).name
        if not is_name(name):
            raise BadInput(f"{old}.name: expected letters, digits and _; got {shown(name)}.")
        if self.state.number(name) not in (None, uid):
            raise BadInput(f"{old}.name: {name} is taken by another node.")
        nodes = {
            at: replace(node, settings=renamed(node.settings, old, name))
            if any(refers(setting, old) for setting in node.settings.values())
            else node
            for at, node in self.state.nodes.items()
        }
        if name != old:
            nodes[uid] = replace(nodes[uid], name=name)
            self.commit(replace(self.state, nodes=nodes))

    def delete(self, uid: int) -> None:
        """Remove a node; a group goes with what lies in it. What was wired to it is not any more.

        What is wired to a node that hands a picture on is wired to where that came from, as far as
        it fits.
        """
        gone = {uid} | {at for at, node in self.state.nodes.items() if node.group == uid}
        heir = next(iter(self.data(uid).inputs.values()), None)
        heir = None if heir in gone else heir
        nodes = {
            at: self.without(node, gone, heir)
            for at, node in self.state.nodes.items()
            if at not in gone
        }
        self.commit(replace(self.state, nodes=nodes))

    def without(self, node: NodeData, gone: set[int], heir: int | None) -> NodeData:
        """Return a node that has nothing to do with others any more."""
        lost = {port: of for port, of in node.inputs.items() if of in gone}
        promoted = {k: goal for k, goal in node.promoted.items() if goal[0] not in gone}
        output = None if node.output in gone else node.output
        if not lost and len(promoted) == len(node.promoted) and output == node.output:
            return node
        spec, above = (
            spec_of(node.kind),
            spec_of(self.state.nodes[heir].kind) if heir is not None else None,
        )
        kept = {port: of for port, of in node.inputs.items() if of not in gone}
        for port in lost:
            if spec and above and heir is not None and fits(above, arrow(spec, port)):
                kept[port] = heir
        return replace(node, inputs=kept, promoted=promoted, output=output)

    def wire(self, uid: int, which: int | str, source: int | None) -> None:
        """Wire a node's input to another node, or to nothing.

        Raises:
            BadInput: no such input, what does not fit, or a circle, with its path.
        """
        node = self.data(uid)
        spec = spec_of(node.kind)
        if spec is None:
            raise BadInput(f"{node.name}: has no inputs of its own; wire the nodes inside it.")
        port = arrow(spec, which)
        kept = {name: of for name, of in node.inputs.items() if name != port.name}
        if source is not None:
            self.check_wire(uid, port, source)
            kept[port.name] = source
        ordered = {p.name: kept[p.name] for p in arrows(spec) if p.name in kept}
        if ordered != node.inputs:
            self.change(uid, inputs=ordered)

    def check_wire(self, uid: int, port: Any, source: int) -> None:
        """Refuse a wire that does not fit."""
        below, above = self.data(uid), self.data(source)
        self.state.refuse_cycle(uid, source)
        giver: NodeData = above
        while giver.output is not None:
            giver = self.data(giver.output)
        spec = spec_of(giver.kind)
        if spec is not None and not fits(spec, port):
            gives = ", ".join(p.kind.name for p in spec.outputs) or "nothing"
            raise BadInput(
                f"{below.name}: input {port.name}: expected {port.kind.name}; "
                f"{above.name} gives {gives}."
            )

    def set(self, uid: int, knob: str, setting: Setting) -> None:
        """Set a knob to a value, a curve or an expression; None takes it back to its default.

        Raises:
            BadInput: no such knob, no such value, or a knob that cannot move.
        """
        node = self.data(uid)
        if knob in node.promoted:
            self.set(*node.promoted[knob], setting)
            return
        field = knob_field(node, knob)
        settings = dict(node.settings)
        if setting is None:
            settings.pop(knob, None)
        elif is_moving(setting):
            if not field.knob.animatable or field.choices or field.type is str:
                raise BadInput(f"{node.name}.{knob}: cannot be animated.")
            settings[knob] = setting
        else:
            settings[knob] = field.check(setting, node.name)
        if settings == node.settings:
            return
        with self.one_edit():
            self.change(uid, settings=settings)
            if is_moving(setting):
                Values(self.state).check_circles(uid, knob)


def refers(setting: Setting, name: str) -> bool:
    """Say whether a setting is an expression that names a node."""
    return isinstance(setting, Expression) and setting.renamed(name, "") != setting


def renamed(settings: Mapping[str, Setting], old: str, new: str) -> dict[str, Setting]:
    """Return settings whose expressions name a node by another name."""
    return {
        knob: setting.renamed(old, new) if isinstance(setting, Expression) else setting
        for knob, setting in settings.items()
    }

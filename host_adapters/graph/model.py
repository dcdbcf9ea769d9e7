"""The graph as data: frozen nodes in a mapping. An edit makes a new state; undo keeps the old."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...core.errors import BadInput
from .declared import class_name
from .expressions import Expression

Setting = Any
"""What a knob holds: a plain value, a Curve or an Expression."""
GROUP = "Group"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")


def is_name(text: object) -> bool:
    """Say whether a node may be called so: expressions have to be able to name it."""
    return isinstance(text, str) and NAME.fullmatch(text) is not None


@dataclass(frozen=True)
class NodeData:
    """One node.

    Attributes:
        name: unique in its script.
        kind: the id of its declaration; the class as written where this version has none.
        settings: the knobs that were set.
        inputs: the node that is wired to each input.
        group: the group that it lies in.
        promoted: of a group: names of its knobs, and whose they are.
        output: of a group: the node whose picture it gives.
        extra: what a file said of it that this version does not understand.
    """

    name: str
    kind: str
    settings: Mapping[str, Setting] = field(default_factory=dict)
    inputs: Mapping[str, int] = field(default_factory=dict)
    label: str = ""
    disable: bool = False
    xpos: int = 0
    ypos: int = 0
    group: int | None = None
    promoted: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    output: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """All nodes of a script by number; numbers are never used twice."""

    nodes: Mapping[int, NodeData] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def number(self, name: str) -> int | None:
        """Return a node's number by its name."""
        return next((uid for uid, node in self.nodes.items() if node.name == name), None)

    def sources(self, uid: int) -> Iterator[int]:
        """Return the nodes that one takes pictures from; a group takes them from its output."""
        node = self.nodes[uid]
        if node.output is not None:
            yield node.output
        yield from node.inputs.values()

    def referenced(self, uid: int) -> Iterator[int]:
        """Return the nodes whose knobs the expressions of one name."""
        for setting in self.nodes[uid].settings.values():
            if isinstance(setting, Expression):
                for name in setting.names():
                    found = self.number(name.partition(".")[0]) if "." in name else uid
                    if found is not None:
                        yield found

    def path(self, start: int, goal: int) -> list[int] | None:
        """Return a way upstream from one node to another; None where there is none."""
        before: dict[int, int] = {start: start}
        waiting = [start]
        while waiting:
            at = waiting.pop()
            if at == goal:
                way = [at]
                while way[-1] != start:
                    way.append(before[way[-1]])
                return way[::-1]
            for source in self.sources(at):
                if source not in before:
                    before[source] = at
                    waiting.append(source)
        return None

    def refuse_cycle(self, uid: int, source: int) -> None:
        """Refuse a wire that would close a circle.

        Raises:
            BadInput: names the path.
        """
        way = self.path(source, uid)
        if way is not None:
            names = " -> ".join(self.nodes[at].name for at in [*way[::-1], uid])
            raise BadInput(f"{self.nodes[uid].name}: this wire would close a circle, {names}.")

    def dependents(self, changed: set[int]) -> set[int]:
        """Return nodes and all that depends on them, by wires or by expressions."""
        below: dict[int, set[int]] = {}
        for uid in self.nodes:
            for source in (*self.sources(uid), *self.referenced(uid)):
                below.setdefault(source, set()).add(uid)
        found, waiting = set(changed), list(changed)
        while waiting:
            for uid in below.get(waiting.pop(), ()):
                if uid not in found:
                    found.add(uid)
                    waiting.append(uid)
        return found

    def free_name(self, wanted: str) -> str:
        """Return a name that no node has: the one wanted, or with the next free number."""
        taken = {node.name for node in self.nodes.values()}
        stem = wanted.rstrip("0123456789") or wanted
        number = 1
        while f"{stem}{number}" in taken:
            number += 1
        return f"{stem}{number}"


def plain_class(node: NodeData) -> str:
    """Return the class of a node as a script writes it."""
    return class_name(node.kind)

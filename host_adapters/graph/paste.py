"""Text becomes nodes: a whole script is opened, or some nodes are pasted beside others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...core.errors import BadInput
from .declared import spec_of
from .expressions import Expression
from .model import GROUP, NodeData, State
from .text import Reading
from .values import Values, knob_field

if TYPE_CHECKING:
    from .script import Script


def load_into(script: Script, text: str, where: str) -> list[str]:
    """Open a script's text in an empty script; return what is kept and not understood.

    Raises:
        BadInput: names the key and what was expected there; the script stays empty.
    """
    reading = Reading(text, where)
    numbers = {name: number for number, name in enumerate(reading.nodes, start=1)}
    nodes = {numbers[name]: reading.node(name, numbers) for name in reading.nodes}
    state = State(nodes, reading.extra)
    check(state, where)
    script.next = len(nodes) + 1
    script.commit(state, is_edit=False)
    script.messages = reading.messages
    return reading.messages


def paste_into(script: Script, text: str, where: str) -> list[int]:
    """Add nodes from text, in one step; a name that is taken gets the next free number.

    Raises:
        BadInput: the text is no script; nothing is added then.
    """
    reading = Reading(text, where)
    numbers = {name: number for number, name in enumerate(reading.nodes, start=script.next)}
    fresh = [reading.node(name, numbers) for name in reading.nodes]
    made = dict(script.state.nodes)
    names: dict[str, str] = {}
    for node in fresh:
        state = State(made)
        taken = state.number(node.name) is not None
        names[node.name] = state.free_name(node.name) if taken else node.name
        made[numbers[node.name]] = replace(node, name=names[node.name])
    for node in fresh:
        uid = numbers[node.name]
        made[uid] = following(made[uid], names)
    state = replace(script.state, nodes=made)
    check(state, where)
    script.next += len(fresh)
    script.commit(state)
    return list(numbers.values())


def following(node: NodeData, names: dict[str, str]) -> NodeData:
    """Return a pasted node whose expressions name the pasted nodes."""
    settings = {}
    for knob, setting in node.settings.items():
        made = setting
        if isinstance(setting, Expression):
            for place, old in enumerate(names):  # by way of names that no node has
                made = made.renamed(old, f"_pasted_{place}_")
            for place, new in enumerate(names.values()):
                made = made.renamed(f"_pasted_{place}_", new)
        settings[knob] = made
    return replace(node, settings=settings)


def check(state: State, where: str) -> None:
    """Refuse circles: of wires, of expressions, of groups and of knobs that groups show.

    Raises:
        BadInput: names the way round.
    """
    for uid in circular(state):
        for source in state.sources(uid):
            if source == uid or state.path(source, uid) is not None:
                state.refuse_cycle(uid, source)
    for uid, node in state.nodes.items():
        for knob, setting in node.settings.items():
            if isinstance(setting, Expression):
                Values(state).check_circles(uid, knob)
        if node.group is not None and state.nodes[node.group].kind != GROUP:
            raise BadInput(f"script {where}: {node.name}: {state.nodes[node.group].name} "
                           "is no group.")  # fmt: skip
        if node.group is not None and node.kind == GROUP:
            raise BadInput(f"script {where}: {node.name}: a group cannot lie in another.")
        for shown, (goal, knob) in node.promoted.items():
            inner = state.nodes[goal]
            if inner.group != uid:
                raise BadInput(f"script {where}: {node.name}.{shown}: {inner.name} does not lie "
                               "in it.")  # fmt: skip
            if spec_of(inner.kind) is not None:
                knob_field(inner, knob)


def circular(state: State) -> set[int]:
    """Return the nodes that are on a circle of wires, or below one; each node is seen once."""
    left = {uid: set(state.sources(uid)) for uid in state.nodes}
    below: dict[int, list[int]] = {}
    for uid, sources in left.items():
        for source in sources:
            below.setdefault(source, []).append(uid)
    ready = [uid for uid, sources in left.items() if not sources]
    while ready:
        done = ready.pop()
        left.pop(done)
        for uid in below.get(done, ()):
            left[uid].discard(done)
            if not left[uid]:
                ready.append(uid)
    return set(left)

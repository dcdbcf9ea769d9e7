"""Text becomes nodes: a whole script is opened, or some nodes are pasted beside others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...core.errors import BadInput
from .expressions import Expression
from .model import NodeData, State
from .text import Reading
from .values import Values

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
    """Refuse circles, of wires and of expressions.

    Raises:
        BadInput: names the way round.
    """
    for uid, node in state.nodes.items():
        for source in state.sources(uid):
            if source == uid or state.path(source, uid) is not None:
                state.refuse_cycle(uid, source)
        for knob, setting in node.settings.items():
            if isinstance(setting, Expression):
                Values(state).check_circles(uid, knob)
        if node.group is not None and state.nodes[node.group].kind != "Group":
            raise BadInput(f"script {where}: {node.name}: {state.nodes[node.group].name} "
                           "is no group.")  # fmt: skip

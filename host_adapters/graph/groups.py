"""Groups: nodes that look like one, with the knobs that matter promoted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...core.errors import BadInput
from .declared import PICTURES, has_output, spec_of
from .model import GROUP
from .values import knob_field

if TYPE_CHECKING:
    from .script import Script


def make_group(script: Script, members: list[int], name: str | None) -> int:
    """Put nodes into a group; it gives the picture of the last of them.

    Raises:
        BadInput: nothing to put in, or a node that lies in a group already.
    """
    if not members:
        raise BadInput("group: expected at least one node; got none.")
    for uid in members:
        node = script.data(uid)
        if node.group is not None or node.kind == GROUP:
            raise BadInput(f"group: {node.name} is in a group already, or is one.")
    with script.one_edit():
        uid = script.create(GROUP, name)
        for member in members:
            script.change(member, group=uid)
        output = last_of(script, members)
        at = script.data(output if output is not None else members[0])
        script.change(uid, output=output, xpos=at.xpos, ypos=at.ypos)
    return uid


def last_of(script: Script, members: list[int]) -> int | None:
    """Return the member whose picture no other member takes."""
    taken = {source for uid in members for source in script.state.sources(uid)}
    for uid in members:
        spec = spec_of(script.data(uid).kind)
        if uid not in taken and spec is not None and has_output(spec, *PICTURES):
            return uid
    return None


def promote(script: Script, group: int, member: int, knob: str, name: str | None) -> None:
    """Show a member's knob on its group, under its own name or another.

    Raises:
        BadInput: no such knob, a node of another group, or a name that is taken.
    """
    node, inner = script.data(group), script.data(member)
    named = name or knob
    if inner.group != group:
        raise BadInput(f"{node.name}: {inner.name} does not lie in it.")
    knob_field(inner, knob)
    if node.promoted.get(named, (member, knob)) != (member, knob):
        raise BadInput(f"{node.name}.{named}: is promoted already; choose another name.")
    script.change(group, promoted={**node.promoted, named: (member, knob)})


def ungroup(script: Script, group: int) -> None:
    """Take a group away and leave its nodes; what was wired to it is wired to its output."""
    output = script.data(group).output
    nodes = {}
    for uid, node in script.state.nodes.items():
        if uid == group:
            continue
        wires = {
            port: output if of == group and output is not None else of
            for port, of in node.inputs.items()
            if of != group or output is not None
        }
        nodes[uid] = replace(node, inputs=wires, group=None if node.group == group else node.group)
    script.commit(replace(script.state, nodes=nodes))

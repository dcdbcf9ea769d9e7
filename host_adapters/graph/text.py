"""Scripts as text: the same graph gives the same text, and what is not understood is kept.

A newer version's file may hold nodes, knobs and keys that this one does not know. Each is told in
one line, and written back as it was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...core.errors import BadInput
from ...core.spec import shown
from ...core.strict_yaml import read_yaml, write_yaml
from .curves import Curve, parse_curve
from .declared import arrows, class_name, fits, kind_of, knobs_of, spec_of
from .expressions import Expression
from .knob import plain
from .model import GROUP, NodeData, State, is_name
from .values import is_moving

VERSION = 1
HEAD = "stillbrush-graph"
KNOWN = ("class", "version", "label", "disable", "group", "output", "promoted", "inputs", "knobs",
         "at")  # fmt: skip


def setting_text(setting: Any) -> Any:
    """Return what a knob holds, as it is written."""
    if isinstance(setting, Curve):
        return {"curve": setting.text()}
    return {"expression": setting.text} if isinstance(setting, Expression) else plain(setting)


def node_text(state: State, uid: int) -> dict[str, Any]:
    """Return a node as it is written: what is at its default is left out."""
    node, spec = state.nodes[uid], spec_of(state.nodes[uid].kind)
    made: dict[str, Any] = {"class": class_name(node.kind)}
    if spec is not None:
        made["version"] = spec.version
    if node.label:
        made["label"] = node.label
    if node.disable:
        made["disable"] = True
    if node.group is not None:
        made["group"] = state.nodes[node.group].name
    if node.output is not None:
        made["output"] = state.nodes[node.output].name
    if node.promoted:
        goals = node.promoted.items()
        made["promoted"] = {k: f"{state.nodes[at].name}.{of}" for k, (at, of) in goals}
    wires = {port: state.nodes[of].name for port, of in node.inputs.items()}
    order = [*knobs_of(spec)] if spec else []
    ordered = sorted(node.settings, key=lambda k: order.index(k) if k in order else len(order))
    knobs = {knob: setting_text(node.settings[knob]) for knob in ordered}
    extra = dict(node.extra)
    wires |= extra.pop("inputs", {})
    knobs |= extra.pop("knobs", {})
    made |= {"inputs": wires} if wires else {}
    made |= {"knobs": knobs} if knobs else {}
    return made | {"at": f"{node.xpos} {node.ypos}"} | extra


def to_text(state: State, only: list[int] | None = None) -> str:
    """Return a script as text; of some nodes, wires to others are left out."""
    chosen = list(state.nodes) if only is None else only
    nodes = {state.nodes[uid].name: node_text(state, uid) for uid in chosen}
    if only is not None:
        for made in nodes.values():
            kept = {p: n for p, n in made.get("inputs", {}).items() if n in nodes}
            made.pop("inputs", None)
            made |= {"inputs": kept} if kept else {}
            if made.get("group") not in nodes:
                made.pop("group", None)
    extra = dict(state.extra) if only is None else {}
    version = extra.pop(HEAD, VERSION)
    return write_yaml({HEAD: version} | {"nodes": nodes} | extra)


class Reading:
    """Reads one script's text.

    Attributes:
        messages: what is kept and not understood, one line each.
    """

    def __init__(self, text: str, where: str) -> None:
        self.where = where
        self.messages: list[str] = []
        try:
            raw = read_yaml(text)
        except ValueError as error:
            raise BadInput(f"script {where}: {error}.") from None
        if not isinstance(raw, dict) or type(raw.get(HEAD)) is not int or raw[HEAD] < 1:
            raise BadInput(f"script {where}: expected `{HEAD}: {VERSION}` and nodes.")
        self.nodes: dict[str, dict[str, Any]] = raw.pop("nodes", {}) or {}
        for name, node in self.nodes.items() if isinstance(self.nodes, dict) else ():
            if not is_name(name):
                raise self.wrong("nodes", "names of letters, digits and _", name)
            if not isinstance(node, dict) or not isinstance(node.get("class"), str):
                raise self.wrong(f"nodes.{name}", "a mapping with a class", node)
        if not isinstance(self.nodes, dict):
            raise self.wrong("nodes", "a mapping of nodes", self.nodes)
        self.extra = {key: value for key, value in raw.items() if key != HEAD}
        if raw[HEAD] > VERSION:
            self.extra[HEAD] = raw[HEAD]
            self.messages.append(f"is of version {raw[HEAD]}; this is {VERSION}. All of it is kept")

    def wrong(self, key: str, expected: str, got: object) -> BadInput:
        """Build the error for one key."""
        return BadInput(f"script {self.where}: {key}: expected {expected}; got {shown(got)}.")

    def mapping(self, name: str, key: str) -> dict[str, Any]:
        """Return a mapping of a node; empty where it is absent."""
        found = self.nodes[name].get(key, {})
        if not isinstance(found, dict):
            raise self.wrong(f"nodes.{name}.{key}", "a mapping", found)
        return found

    def node(self, name: str, numbers: Mapping[str, int]) -> NodeData:
        """Read one node.

        Raises:
            BadInput: names the key and what was expected there.
        """
        raw = self.nodes[name]
        kind = self.kind(name, raw["class"])
        place = re.fullmatch(r"(-?\d{1,9}) (-?\d{1,9})", str(raw.get("at", "0 0")))
        if place is None:
            raise self.wrong(f"nodes.{name}.at", "two whole numbers, such as 0 100", raw["at"])
        extra = {key: value for key, value in raw.items() if key not in KNOWN}
        for key in extra:
            self.messages.append(f"nodes.{name}.{key}: is not known here and is kept")
        label, disable = raw.get("label", ""), raw.get("disable", False)
        if not isinstance(label, str):
            raise self.wrong(f"nodes.{name}.label", "text", label)
        if not isinstance(disable, bool):
            raise self.wrong(f"nodes.{name}.disable", "true or false", disable)
        made = NodeData(name, kind, label=label, disable=disable)
        made = replace(made, xpos=int(place[1]), ypos=int(place[2]))
        made = replace(made, group=self.number(name, "group", numbers))
        if kind == GROUP:
            promoted = {k: self.goal(name, k, v, numbers) for k, v in
                        self.mapping(name, "promoted").items()}  # fmt: skip
            output = self.number(name, "output", numbers)
            return replace(made, output=output, promoted=promoted, extra=extra)
        if spec_of(kind) is None:
            kept = {k: raw[k] for k in ("version", "inputs", "knobs") if k in raw}
            return replace(made, extra=extra | kept)
        return self.with_settings(made, extra, numbers)

    def kind(self, name: str, text: str) -> str:
        """Return a node's kind; the class itself where this version has none such."""
        if text == GROUP:
            return GROUP
        try:
            return kind_of(text)
        except BadInput:
            self.messages.append(f"nodes.{name}: there is no node {text} here; it is kept")
            return text

    def number(self, name: str, key: str, numbers: Mapping[str, int]) -> int | None:
        """Return the node that a key of a node names."""
        named = self.nodes[name].get(key)
        if named is None:
            return None
        if not isinstance(named, str) or named not in numbers:
            raise self.wrong(f"nodes.{name}.{key}", "the name of a node", named)
        return numbers[named]

    def goal(self, name: str, knob: str, text: Any, numbers: Mapping[str, int]) -> tuple[int, str]:
        """Return whose knob a group's knob is."""
        owner, _, of = str(text).rpartition(".")
        if owner not in numbers:
            raise self.wrong(f"nodes.{name}.promoted.{knob}", "NODE.knob", text)
        return numbers[owner], of

    def with_settings(
        self, node: NodeData, extra: dict[str, Any], numbers: Mapping[str, int]
    ) -> NodeData:
        """Return a node with its knobs and wires; what is not understood goes to the rest."""
        spec, name = spec_of(node.kind), node.name
        assert spec is not None
        settings, odd_knobs = {}, {}
        for knob, value in self.mapping(name, "knobs").items():
            field = knobs_of(spec).get(knob)
            if field is None:
                odd_knobs[knob] = value
                self.messages.append(
                    f"nodes.{name}.knobs.{knob}: there is no such knob; it is kept"
                )
                continue
            settings[knob] = self.setting(name, knob, value)
            if is_moving(settings[knob]):
                if not field.knob.animatable:
                    raise self.wrong(
                        f"nodes.{name}.knobs.{knob}", "a value that stands still", value
                    )
            else:
                settings[knob] = field.check(settings[knob], f"script {self.where}: {name}")
        inputs, odd_wires = {}, {}
        known = {port.name: port for port in arrows(spec)}
        for port, source in self.mapping(name, "inputs").items():
            if port not in known:
                odd_wires[port] = source
                self.messages.append(f"nodes.{name}.inputs.{port}: there is no such input; "
                                     "it is kept")  # fmt: skip
            elif not isinstance(source, str) or source not in numbers:
                raise self.wrong(f"nodes.{name}.inputs.{port}", "the name of a node", source)
            else:
                self.check_wire(name, known[port], source)
                inputs[port] = numbers[source]
        ordered = {port: inputs[port] for port in known if port in inputs}
        odd = ({"knobs": odd_knobs} if odd_knobs else {}) | (
            {"inputs": odd_wires} if odd_wires else {}
        )
        return replace(node, settings=settings, inputs=ordered, extra=extra | odd)

    def check_wire(self, name: str, port: Any, source: str) -> None:
        """Refuse a wire that cannot carry what the input wants."""
        raw = self.nodes[source]["class"]
        try:
            above = spec_of(kind_of(raw))
        except BadInput:
            return
        if above is not None and not fits(above, port):
            raise self.wrong(f"nodes.{name}.inputs.{port.name}", port.kind.name, source)

    def setting(self, name: str, knob: str, value: Any) -> Any:
        """Read what a knob holds."""
        where = f"script {self.where}: nodes.{name}.knobs.{knob}"
        if isinstance(value, dict):
            if set(value) == {"curve"} and isinstance(value["curve"], str):
                return parse_curve(value["curve"], where)
            if set(value) == {"expression"} and isinstance(value["expression"], str):
                made = Expression(value["expression"])
                try:
                    made.tree()
                except BadInput as error:
                    raise BadInput(f"{where}: {error}") from None
                return made
            raise BadInput(f"{where}: expected a value, a curve or an expression; got {value!r}.")
        return value

"""The gizmo's text, made from what StylizeShot declares. Runs in Stillbrush's own Python."""

from __future__ import annotations

from typing import Any

from ...core.spec import REGISTRY, KnobField
from ..graph.knob import plain

STRING, FILE, INTEGER, CHOICE, SWITCH, NUMBER, TAB, BUTTON, TEXT = 1, 2, 3, 4, 6, 7, 20, 22, 26
"""Nuke's numbers for the types of user knobs."""
PYTHON_TIP = "Python of Stillbrush; empty takes STILLBRUSH_PYTHON, or what wrote this pack."
CALL = "from stillbrush_pack.nuke import {0}; {0}.{1}(nuke.thisNode())"


def quoted(text: str) -> str:
    """Return text as one word of Tcl: in quotes, with what Tcl would act on escaped."""
    for sign in ("\\", '"', "[", "]", "$", "{", "}"):
        text = text.replace(sign, "\\" + sign)
    return '"' + text.replace("\n", "\\n") + '"'


def described(field: KnobField) -> dict[str, Any]:
    """Return a knob as the pack knows it."""
    return {
        "name": field.name,
        "type": "choice" if field.choices else field.type.__name__,
        "default": plain(field.default),
        "animatable": field.knob.animatable,
        "choices": list(field.choices),
    }


def user_knob(field: KnobField) -> list[str]:
    """Return the lines of a knob: its type, label, help, range and default."""
    name, knob, default = field.name, field.knob, plain(field.default)
    tip = quoted(knob.tip + (f" In {knob.unit}." if knob.unit else ""))
    start = f"{name} l {quoted(field.label)} t {tip}"
    if field.choices:
        choices = " ".join(quoted(choice) for choice in field.choices)
        return [f" addUserKnob {{{CHOICE} {start} M {{{choices}}}}}", f" {name} {quoted(default)}"]
    if field.type is bool:
        return [f" addUserKnob {{{SWITCH} {start} +STARTLINE}}", f" {name} {str(default).lower()}"]
    if field.type is str:
        return [f" addUserKnob {{{STRING} {start}}}", f" {name} {quoted(default)}"]
    kind = INTEGER if field.type is int else NUMBER
    span = f" R {knob.lo:g} {knob.hi:g}" if knob.lo is not None and knob.hi is not None else ""
    return [f" addUserKnob {{{kind} {start}{span}}}", f" {name} {default}"]


def button(name: str, label: str, tip: str, call: str) -> str:
    """Return the line of a button."""
    code = quoted(CALL.format(*call.split(".")))
    return f" addUserKnob {{{BUTTON} {name} l {quoted(label)} t {quoted(tip)} T {code} +STARTLINE}}"


def gizmo(looks: list[str]) -> str:
    """Return the text of Stillbrush.gizmo.

    Args:
        looks: names for the menu of looks.
    """
    named = REGISTRY["load_look"].knobs[0]
    fields = REGISTRY["stylize_shot"].knobs
    names = " ".join(quoted(look) for look in looks)
    lines = [
        "Gizmo {",
        f" help {quoted(REGISTRY['stylize_shot'].help)}",
        f" addUserKnob {{{TAB} stillbrush_tab l Stillbrush}}",
        f" addUserKnob {{{CHOICE} look l Look t {quoted(named.knob.tip)} M {{{names}}}}}",
        button("save_look", "Save look as...", "Keeps these knobs as a look.", "looks.save_look"),
        f" addUserKnob {{{FILE} folder l Folder t "
        f"{quoted('Where plates and painted frames are written, in versions.')}}}",
        f" addUserKnob {{{SWITCH} limit l {quoted('Limit range')} +STARTLINE}}",
        f" addUserKnob {{{INTEGER} first l First}}",
        " first 1001",
        f" addUserKnob {{{INTEGER} last l Last}}",
        " last 1100",
        button("render", "Render", "Paints in the background, for a Read.", "panel.render"),
        button("preview", "Preview frame", "Paints up to this frame, exactly.", "panel.preview"),
        button("cancel", "Cancel", "Stops after the frame at hand.", "panel.cancel"),
        f" addUserKnob {{{TAB} knobs_tab l Painting}}",
        *(line for field in fields if not field.knob.advanced for line in user_knob(field)),
        f" addUserKnob {{{TAB} advanced_tab l Advanced}}",
        *(line for field in fields if field.knob.advanced for line in user_knob(field)),
        f" addUserKnob {{{FILE} stillbrush l {quoted('Python')} t {quoted(PYTHON_TIP)}}}",
        f" addUserKnob {{{STRING} result l Result +INVISIBLE}}",
        "}",
        " Input { inputs 0 name mask number 1 xpos 150 }",
        " Input { inputs 0 name plate xpos 0 }",
        " Output { name Output1 xpos 0 ypos 100 }",
        "end_group",
    ]
    return "\n".join(lines) + "\n"

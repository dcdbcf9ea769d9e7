"""The menu of looks, and a node's knobs kept as a look. Runs inside Nuke."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import nuke  # pyright: ignore[reportMissingModuleSource] - the host's own

from ..worker.client import Worker, start_line
from .panel import QUEUE, declared, knobs_of, tell_artist

if TYPE_CHECKING:
    from ..worker.client import Event


def look_names() -> list[str]:
    """Return the looks that ship and those of the user's own folder."""
    facts = declared()
    names = set(facts["looks"])
    if os.path.isdir(facts["looks_folder"]):
        own = os.listdir(facts["looks_folder"])
        names |= {n[:-5] for n in own if n.endswith(".yaml") and not n.startswith(".")}
    return sorted(names)


def refresh_looks(node: nuke.Node | None = None) -> None:
    """Bring the menu of looks up to date; what was chosen stays chosen."""
    knob = (node or nuke.thisNode())["look"]
    if isinstance(knob, nuke.Enumeration_Knob):
        chosen = knob.value()
        names = look_names()
        knob.setValues(names if chosen in names else [*names, chosen])
        knob.setValue(chosen)


def save_look(node: nuke.Node) -> Worker | None:
    """Save a node's knobs as a look of the user's own, under a name that is asked for."""
    name = nuke.getInput("Name of the look: small letters, digits, hyphens", "my-look")
    if not name:
        return None
    frame = int(nuke.frame())
    still, moving = knobs_of(node, frame, frame)
    line = start_line(declared()["command"], node["stillbrush"].value())
    line += ["looks", "new", name, "--from", node["look"].value(), "--json"]
    for knob, value in dict(still, **{k: v[0] for k, v in moving.items()}).items():
        option = "--" + knob.replace("_", "-")
        if isinstance(value, bool):
            line.append(option if value else "--no-" + option[2:])
        else:
            line += [option, str(value)]
    return QUEUE.add(Worker(line, Saved(name, node.fullName()).tell))


class Saved:
    """Says how the saving of a look went, and puts it into the menu."""

    def __init__(self, name: str, node: str) -> None:
        self.name, self.node = name, node

    def tell(self, event: Event) -> None:
        """Take an event, in the worker's thread."""
        if event.get("event") == "ended":
            nuke.executeInMainThread(self.end, (event,))

    def end(self, event: Event) -> None:
        """Say it; in Nuke's thread."""
        done, node = event["state"] == "done", nuke.toNode(self.node)
        if done and node is not None:
            refresh_looks(node)
            node["look"].setValue(self.name)
        tell_artist(f"look {self.name}: saved" if done else event["message"])

"""What the PyPlug makes and what its buttons do. Runs inside Natron."""

from __future__ import annotations

import json
import os
from typing import Any

from ..worker.client import Event, JobFailed, Queue, Worker
from ..worker.jobs import Job, Place

HERE = os.path.dirname(os.path.abspath(__file__))
QUEUE = Queue()
AT_WORK: dict[str, Worker] = {}
MAKERS = {"float": "createDoubleParam", "int": "createIntParam", "bool": "createBooleanParam",
          "choice": "createChoiceParam", "str": "createStringParam"}  # fmt: skip


def declared() -> dict[str, Any]:
    """Return the knobs that the pack was built with, and how Stillbrush is started."""
    with open(os.path.join(HERE, "knobs.json"), encoding="utf-8") as file:
        return json.load(file)


def create(app: Any, group: Any) -> None:
    """Make the parameters, the inputs and the buttons of the group."""
    page = group.createPageParam("stillbrush", "Stillbrush")
    for name, label, kind in (("look", "Look", "createStringParam"),
                              ("folder", "Folder", "createPathParam"),
                              ("first", "First", "createIntParam"),
                              ("last", "Last", "createIntParam"),
                              ("render", "Render", "createButtonParam"),
                              ("cancel", "Cancel", "createButtonParam")):  # fmt: skip
        add(page, group, getattr(group, kind)(name, label))
    group.getParam("look").setDefaultValue(declared()["look"])
    for known in declared()["knobs"]:
        add(page, group, parameter(group, known))
    for number, name in enumerate(("plate", "mask")):
        made = app.createNode("fr.inria.built-in.Input", 1, group)
        made.setLabel(name)
        made.setPosition(150 * number, 0)
    output = app.createNode("fr.inria.built-in.Output", 1, group)
    output.connectInput(0, group.getNode("plate"))
    group.getParam("onParamChanged").set("stillbrush_pack.natron.stillbrush_plug.changed")


def add(page: Any, group: Any, param: Any) -> None:
    """Show a parameter on the page."""
    page.addParam(param)
    setattr(group, param.getScriptName(), param)


def parameter(group: Any, known: dict[str, Any]) -> Any:
    """Make the parameter of a knob: its type, help, range and default."""
    made = getattr(group, MAKERS[known["type"]])(known["name"], known["label"])
    made.setHelp(known["tip"])
    made.setAnimationEnabled(known["animatable"])
    if known["type"] == "choice":
        made.setOptions([(choice, choice) for choice in known["choices"]])
        made.setDefaultValue(known["choices"].index(known["default"]))
        return made
    if known["type"] in ("float", "int"):
        made.setMinimum(known["range"][0], 0)
        made.setMaximum(known["range"][1], 0)
        made.setDisplayMinimum(known["range"][0], 0)
        made.setDisplayMaximum(known["range"][1], 0)
    made.setDefaultValue(known["default"])
    return made


def changed(thisParam: Any, thisNode: Any, thisGroup: Any, app: Any, userEdited: bool) -> None:  # noqa: N803
    """Act on a button."""
    if thisParam.getScriptName() == "render":
        render(app, thisNode)
    elif thisParam.getScriptName() == "cancel" and thisNode.getScriptName() in AT_WORK:
        QUEUE.cancel(AT_WORK[thisNode.getScriptName()])


def job_of(app: Any, node: Any) -> tuple[Job, Place]:
    """Write the plate and return what is to be painted.

    Raises:
        JobFailed: nothing is wired, or no folder is set.
    """
    folder, source = node.getParam("folder").get(), node.getInput(0)
    if source is None or not folder:
        raise JobFailed("Stillbrush: expected a plate on the first input, and a folder.")
    first, last = node.getParam("first").get(), node.getParam("last").get()
    plates = [write_plate(app, source, folder + "/plate/plate.####.exr", first, last)]
    mask = node.getInput(1)
    if mask is not None:
        plates.append(write_plate(app, mask, folder + "/matte/matte.####.exr", first, last))
    still: dict[str, Any] = {}
    moving: dict[str, list[float]] = {}
    for known in declared()["knobs"]:
        param = node.getParam(known["name"])
        if known["animatable"] and known["type"] in ("float", "int") and param.getIsAnimated(0):
            moving[known["name"]] = [
                float(param.getValueAtTime(f, 0)) for f in range(first, last + 1)
            ]
            continue
        value = param.get()
        value = known["choices"][value] if known["type"] == "choice" else value
        if value != known["default"]:
            still[known["name"]] = value
    matte = plates[1] if mask is not None else ""
    look = node.getParam("look").get()
    return Job(plates[0], first, last, look, still, moving, matte), Place(folder)


def write_plate(app: Any, source: Any, pattern: str, first: int, last: int) -> str:
    """Write an input as EXR; in Natron's interface the caller is not held up for long."""
    os.makedirs(os.path.dirname(pattern), exist_ok=True)
    writer = app.createWriter(pattern)
    writer.connectInput(0, source)
    app.render(writer, first, last)
    writer.destroy()
    return pattern


def render(app: Any, node: Any) -> Worker | None:
    """Paint in the background and bring the result back as a reader."""
    try:
        job, place = job_of(app, node)
    except JobFailed as error:
        print(str(error))  # noqa: T201 - Natron shows it in its script editor
        return None
    name = node.getScriptName()
    worker = Worker(
        [*declared()["command"], "run", place.write(job), "--write", "Write1", "--json"],
        Teller(app, name, job, place).tell,
    )
    AT_WORK[name] = worker
    return QUEUE.add(worker)


class Teller:
    """Says how far a render is, and brings its result back."""

    def __init__(self, app: Any, name: str, job: Job, place: Place) -> None:
        self.app, self.name, self.job, self.place = app, name, job, place

    def tell(self, event: Event) -> None:
        """Take an event."""
        if event.get("event") == "frame":
            print(f"stillbrush frame {event['frame']}, {event['done']}/{event['total']}")  # noqa: T201
        elif event.get("event") == "ended":
            AT_WORK.pop(self.name, None)
            if event["state"] == "done":
                self.place.mark_done(self.job)
                bring_back(self.app, self.place.output(self.job))
            elif event["state"] == "failed":
                print(event["message"])  # noqa: T201


def bring_back(app: Any, pattern: str) -> Any:
    """Show a result with a reader; the same one is used again."""
    reader = app.getNode("StillbrushResult")
    if reader is None:
        reader = app.createReader(pattern)
        reader.setScriptName("StillbrushResult")
        return reader
    reader.getParam("filename").set(pattern)
    return reader

"""What the PyPlug makes and what its buttons do. Runs inside Natron, in interface and terminal."""

from __future__ import annotations

import json
import os
from typing import Any

from ..worker.client import JobFailed, Queue, Worker, start_line
from ..worker.jobs import Job, Place
from ..worker.plates import Plates
from .pump import is_background
from .stamps import moves, stamp_of
from .teller import AT_WORK, Teller

HERE = os.path.dirname(os.path.abspath(__file__))
QUEUE = Queue()
INPUTS = {"plate": "plate", "matte": "mask"}  # the name of each, and what stands at its arrow
MAKERS = {"float": "createDoubleParam", "int": "createIntParam", "bool": "createBooleanParam",
          "choice": "createChoiceParam", "str": "createStringParam"}  # fmt: skip
OWN = (("look", "Look", "createStringParam"), ("folder", "Folder", "createPathParam"),
       ("limit", "Limit range", "createBooleanParam"), ("first", "First", "createIntParam"),
       ("last", "Last", "createIntParam"), ("render", "Render", "createButtonParam"),
       ("preview", "Preview frame", "createButtonParam"),
       ("cancel", "Cancel", "createButtonParam"), ("status", "Status", "createStringParam"),
       ("look_name", "New look", "createStringParam"),
       ("save_look", "Save look", "createButtonParam"),
       ("python", "Python", "createPathParam"))  # fmt: skip


def declared() -> dict[str, Any]:
    """Return the knobs that the pack was built with, and how Stillbrush is started."""
    with open(os.path.join(HERE, "knobs.json"), encoding="utf-8") as file:
        return json.load(file)


def create(app: Any, group: Any) -> None:
    """Make the parameters, the inputs and the buttons of the group."""
    page = group.createPageParam("stillbrush", "Stillbrush")
    for name, label, kind in OWN:
        made = getattr(group, kind)(name, label)
        if name in ("limit", "first", "last", "status", "look_name"):
            made.setAnimationEnabled(False)
        add(page, group, made)
    group.getParam("look").setDefaultValue(declared()["look"])
    for name, bound in (("first", app.timelineGetLeftBound()),
                        ("last", app.timelineGetRightBound())):  # fmt: skip
        group.getParam(name).setDefaultValue(int(bound))
    for known in declared()["knobs"]:
        add(page, group, parameter(group, known))
    for number, (name, label) in enumerate(INPUTS.items()):
        flows_in = app.createNode("fr.inria.built-in.Input", 1, group)
        flows_in.setLabel(label)
        flows_in.setScriptName(name)
        flows_in.setPosition(150 * number, 0)
        writer = app.createWriter(f"{name}.####.exr", group)
        writer.setScriptName("Write_" + name)
        writer.connectInput(0, flows_in)
        writer.getParam("afterRender").set("Stillbrush.written")
    output = app.createNode("fr.inria.built-in.Output", 1, group)
    output.connectInput(0, group.getNode("plate"))
    group.getParam("onParamChanged").set("Stillbrush.changed")
    group.refreshUserParamsGUI()


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
    name = thisParam.getScriptName()
    if name in ("render", "preview", "save_look"):
        {"render": render, "preview": preview, "save_look": save_look}[name](app, thisNode)
    elif name == "cancel":
        cancel(thisNode)


def frames_of(app: Any, node: Any) -> tuple[int, int]:
    """Return the frames to paint: the node's own range, or the project's."""
    if node.getParam("limit").get():
        return int(node.getParam("first").get()), int(node.getParam("last").get())
    return int(app.timelineGetLeftBound()), int(app.timelineGetRightBound())


def knobs_of(node: Any, first: int, last: int) -> tuple[dict[str, Any], dict[str, list[float]]]:
    """Return the knobs that stand still, and those that move, frame by frame."""
    still: dict[str, Any] = {}
    moving: dict[str, list[float]] = {}
    for known in declared()["knobs"]:
        param = node.getParam(known["name"])
        if known["animatable"] and known["type"] in ("float", "int") and moves(param):
            moving[known["name"]] = [float(param.get(frame)) for frame in range(first, last + 1)]
            continue
        value = param.get()
        value = known["choices"][value] if known["type"] == "choice" else value
        if value != known["default"]:
            still[known["name"]] = value
    return still, moving


def job_of(node: Any, first: int, last: int) -> tuple[Job, Place]:
    """Return what is to be painted; nothing is written yet.

    Raises:
        JobFailed: nothing is wired, no folder is set, or the range is none.
    """
    folder, source, mask = node.getParam("folder").get(), node.getInput(0), node.getInput(1)
    name = node.getScriptName()
    if source is None or not folder:
        raise JobFailed(f"{name}: expected a plate on the first input, and a folder.")
    plates = Plates(folder)
    plate = plates.pattern("plate", stamp_of(source, first, last))
    matte = plates.pattern("matte", stamp_of(mask, first, last)) if mask is not None else ""
    still, moving = knobs_of(node, first, last)
    look = node.getParam("look").get()
    return Job(plate, first, last, look, still, moving, matte), Place(plates.folder)


def render(app: Any, node: Any, frames: tuple[int, int] | None = None) -> Teller | None:
    """Paint in the background and bring the result back; in a terminal, wait for it.

    Where nothing has changed since, nothing is rendered. A second render waits for the first.
    """
    name = node.getScriptName()
    try:
        job, place = job_of(node, *(frames or frames_of(app, node)))
        if any(teller.waits_for for teller in AT_WORK.get(name, ())):
            raise JobFailed(f"{name}: its plate is still being written; ask again after that.")
        teller = Teller(app, node, job, place)
        if place.is_done(job):
            teller.bring_back()
            return None
        start = start_line(declared()["command"], node.getParam("python").get())
        line = [*start, "run", place.write(job), "--write", "Write1", "--json"]
    except (JobFailed, OSError) as error:
        say(node, str(error))
        return None
    worker = teller.worker = Worker(line, teller.inbox.put)
    AT_WORK.setdefault(name, []).append(teller)
    teller.begin(lambda: QUEUE.add(worker))
    if is_background():
        teller.inbox.wait()
    return teller


def preview(app: Any, node: Any) -> Teller | None:
    """Paint from the first frame to the one that is looked at: the same pixels as a render."""
    first, last = frames_of(app, node)
    return render(app, node, (first, min(max(int(app.timelineGetTime()), first), last)))


def cancel(node: Any) -> None:
    """Stop a node's renders: the one at work after the frame at hand, and those in the queue."""
    for teller in AT_WORK.get(node.getScriptName(), [])[::-1]:
        if teller.waits_for:
            teller.give_up()
        elif teller.worker is not None:
            QUEUE.cancel(teller.worker)


def written(aborted: bool, thisNode: Any, app: Any) -> None:  # noqa: N803
    """Take note that Natron has written an input; Natron calls it after each such render."""
    for teller in AT_WORK.get(thisNode.getContainerGroup().getScriptName(), ()):
        if teller.waits_for:
            teller.inbox.put({"event": "written", "aborted": bool(aborted)})


def save_look(app: Any, node: Any) -> Worker | None:
    """Save a node's knobs as a look of the user's own, under the name that stands beside."""
    name = node.getParam("look_name").get()
    if not name:
        say(node, "Save look: expected a name under New look: small letters, digits, hyphens.")
        return None
    frame = int(app.timelineGetTime())
    still, moving = knobs_of(node, frame, frame)
    line = start_line(declared()["command"], node.getParam("python").get())
    line += ["looks", "new", name, "--from", node.getParam("look").get(), "--json"]
    for knob, value in dict(still, **{k: v[0] for k, v in moving.items()}).items():
        option = "--" + knob.replace("_", "-")
        if isinstance(value, bool):
            line.append(option if value else "--no-" + option[2:])
        else:
            line += [option, str(value)]
    teller = Teller(app, node, None, None)
    worker = teller.worker = Worker(line, teller.inbox.put)
    teller.done = lambda: (say(node, f"look {name}: saved"), node.getParam("look").set(name))
    teller.begin(lambda: QUEUE.add(worker))
    if is_background():
        teller.inbox.wait()
    return worker


def say(node: Any, text: str) -> None:
    """Tell the artist: on the node, and in Natron's script editor or the terminal."""
    node.getParam("status").set(text)
    print(text)  # noqa: T201 - Natron shows it

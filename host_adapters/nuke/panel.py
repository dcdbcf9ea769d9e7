"""What the gizmo's buttons do. Runs inside Nuke; the module `nuke` is passed in."""

from __future__ import annotations

import json
import os
import threading
from typing import Any

from ..worker.client import Event, JobFailed, Queue, Worker
from ..worker.jobs import Job, Place

HERE = os.path.dirname(os.path.abspath(__file__))
QUEUE = Queue()
AT_WORK: dict[str, Worker] = {}
RESULT = "StillbrushResult"


def declared() -> dict[str, Any]:
    """Return the knobs that the pack was built with, and how Stillbrush is started."""
    with open(os.path.join(HERE, "knobs.json"), encoding="utf-8") as file:
        return json.load(file)


def frames_of(node: Any) -> tuple[int, int]:
    """Return the frames to paint: the node's own range, or that of its input.

    Raises:
        JobFailed: nothing is wired.
    """
    if node.input(0) is None:
        raise JobFailed(f"{node.fullName()}: expected a plate on its first input.")
    if node["limit"].value():
        return int(node["first"].value()), int(node["last"].value())
    return int(node.input(0).firstFrame()), int(node.input(0).lastFrame())


def knobs_of(node: Any, first: int, last: int) -> tuple[dict[str, Any], dict[str, list[float]]]:
    """Return the knobs that stand still, and those that move, frame by frame."""
    still: dict[str, Any] = {}
    moving: dict[str, list[float]] = {}
    for known in declared()["knobs"]:
        name, kind = known["name"], known["type"]
        knob = node[name]
        if known["animatable"] and kind in ("float", "int") and knob.isAnimated():
            moving[name] = [float(knob.valueAt(frame)) for frame in range(first, last + 1)]
            continue
        value = knob.value()
        if kind == "bool":
            value = bool(value)
        elif kind in ("float", "int"):
            value = int(value) if kind == "int" else float(value)
        if value != known["default"]:
            still[name] = value
    return still, moving


def write_plate(nuke: Any, source: Any, pattern: str, first: int, last: int, stamp: str) -> None:
    """Write an input as scene-linear EXR with all its channels; not again where it is the same."""
    note = os.path.join(os.path.dirname(pattern), "plate.json")
    if is_written(note, first, last, stamp):
        return
    os.makedirs(os.path.dirname(pattern), exist_ok=True)
    write = nuke.createNode("Write", "", False)
    was_proxy = nuke.root()["proxy"].value()
    try:
        write.setInput(0, source)
        for name, value in (("file", pattern), ("file_type", "exr"), ("channels", "all"),
                            ("raw", True), ("datatype", "32 bit float"),
                            ("metadata", "all metadata")):  # fmt: skip
            write[name].setValue(value)
        nuke.root()["proxy"].setValue(False)
        nuke.execute(write, first, last, 1)
    finally:
        nuke.root()["proxy"].setValue(was_proxy)
        nuke.delete(write)
    with open(note, "w", encoding="utf-8") as file:
        json.dump([stamp, first, last], file)


def is_written(note: str, first: int, last: int, stamp: str) -> bool:
    """Say whether these frames of this very input were written before."""
    try:
        with open(note, encoding="utf-8") as file:
            known, begun, ended = json.load(file)
    except (OSError, ValueError):
        return False
    return known == stamp and begun <= first and last <= ended


def job_of(nuke: Any, node: Any, first: int, last: int) -> tuple[Job, Place]:
    """Write the inputs and return what is to be painted.

    Raises:
        JobFailed: no folder is set.
    """
    source, folder = node.input(0), node["folder"].evaluate()
    if not folder:
        raise JobFailed(f"{node.fullName()}: expected a folder for the painted frames.")
    stamp = ",".join(str(number) for number in source.opHashes())
    plate = folder + "/plate/plate.####.exr"
    write_plate(nuke, source, plate, first, last, stamp)
    matte, mask = "", node.input(1)
    if mask is not None:
        matte = folder + "/matte/matte.####.exr"
        hashes = ",".join(str(number) for number in mask.opHashes())
        write_plate(nuke, mask, matte, first, last, hashes)
        stamp += "|" + hashes
    still, moving = knobs_of(node, first, last)
    look = node["look"].value()
    return Job(plate, first, last, look, still, moving, matte, stamp), Place(folder)


def render(nuke: Any, node: Any, frames: tuple[int, int] | None = None) -> Worker | None:
    """Paint in the background and bring the result back; in a terminal, wait for it.

    Where nothing has changed since, nothing is rendered. A second render waits for the first.
    """
    try:
        first, last = frames or frames_of(node)
        job, place = job_of(nuke, node, first, last)
    except JobFailed as error:
        nuke.message(str(error))
        return None
    name = node.fullName()
    if place.is_done(job):
        bring_back(nuke, name, place.output(job), first, last)
        return None
    command = [node["stillbrush"].value() or declared()["command"][0], *declared()["command"][1:]]
    script = place.write(job)
    line = [*command, "run", script, "--write", "Write1", "--json"]
    teller = Teller(nuke, name, job, place)
    worker = Worker(line, teller.tell)
    teller.worker = worker
    AT_WORK[name] = worker
    QUEUE.add(worker)
    if not nuke.GUI:
        teller.over.wait()
    return worker


def preview(nuke: Any, node: Any) -> Worker | None:
    """Paint from the first frame to the one that is looked at: the same pixels as a render."""
    try:
        first, last = frames_of(node)
    except JobFailed as error:
        nuke.message(str(error))
        return None
    return render(nuke, node, (first, min(max(int(nuke.frame()), first), last)))


def cancel(nuke: Any, node: Any) -> None:
    """Stop a node's render after the frame at hand."""
    worker = AT_WORK.get(node.fullName())
    if worker is not None:
        QUEUE.cancel(worker)


class Teller:
    """Brings what the worker tells into Nuke's interface, in Nuke's own thread."""

    def __init__(self, nuke: Any, name: str, job: Job, place: Place) -> None:
        self.nuke, self.name, self.job, self.place = nuke, name, job, place
        self.task: Any = None
        self.worker: Worker | None = None
        self.over = threading.Event()

    def tell(self, event: Event) -> None:
        """Take an event, in the worker's thread."""
        if event.get("event") == "frame":
            self.progress(event)
        elif event.get("event") == "ended":
            try:
                if self.nuke.GUI:
                    self.nuke.executeInMainThread(self.end, (event,))
                else:
                    self.end(event)
            finally:
                self.over.set()

    def progress(self, event: Event) -> None:
        """Show a finished frame; ask whether to stop."""
        text = "frame {}, {}/{}".format(event["frame"], event["done"], event["total"])
        if not self.nuke.GUI:
            self.nuke.tprint("stillbrush " + text)
            return
        if self.task is None:
            self.task = self.nuke.ProgressTask("Stillbrush")
        self.task.setMessage(text)
        self.task.setProgress(100 * event["done"] // max(1, event["total"]))
        if self.task.isCancelled() and self.worker is not None:
            self.worker.cancel()

    def end(self, event: Event) -> None:
        """Bring the result back, or say what went wrong; in Nuke's thread."""
        self.task = None  # Nuke closes the bar with the last reference
        AT_WORK.pop(self.name, None)
        if event["state"] == "done":
            self.place.mark_done(self.job)
            output = self.place.output(self.job)
            bring_back(self.nuke, self.name, output, self.job.first, self.job.last)
        elif event["state"] == "failed":
            (self.nuke.message if self.nuke.GUI else self.nuke.tprint)(event["message"])


def bring_back(nuke: Any, name: str, pattern: str, first: int, last: int) -> Any:
    """Show a result with a Read; the same Read is used again, with all that is wired to it."""
    node = nuke.toNode(name)
    known = node["result"].value() if node is not None else ""
    read = nuke.toNode(known) if known else None
    if read is None:
        read = nuke.createNode("Read", "", False)
        read["name"].setValue(RESULT + "1")
        if node is not None:
            node["result"].setValue(read.fullName())
            read.setXYpos(node.xpos() + 120, node.ypos())
    for knob, value in (("file", pattern), ("first", first), ("last", last), ("raw", True)):
        read[knob].setValue(value)
    read["reload"].execute()
    return read


def save_look(nuke: Any, node: Any) -> Worker | None:
    """Save a node's knobs as a look of the user's own, under a name that is asked for."""
    name = nuke.getInput("Name of the look: small letters, digits, hyphens", "my-look")
    if not name:
        return None
    frame = int(nuke.frame())
    still, moving = knobs_of(node, frame, frame)
    line = [node["stillbrush"].value() or declared()["command"][0], *declared()["command"][1:]]
    line += ["looks", "new", name, "--from", node["look"].value(), "--json"]
    for knob, value in dict(still, **{k: v[0] for k, v in moving.items()}).items():
        option = "--" + knob.replace("_", "-")
        if isinstance(value, bool):
            line.append(option if value else "--no-" + option[2:])
        else:
            line += [option, str(value)]
    return QUEUE.add(Worker(line, Saved(nuke, name).tell))


class Saved:
    """Says how the saving of a look went."""

    def __init__(self, nuke: Any, name: str) -> None:
        self.nuke, self.name = nuke, name

    def tell(self, event: Event) -> None:
        """Take an event, in the worker's thread."""
        if event.get("event") == "ended":
            done = event["state"] == "done"
            text = f"look {self.name}: saved" if done else event["message"]
            self.nuke.executeInMainThread(self.nuke.message, (text,))

"""What the gizmo's buttons do. Runs inside Nuke, in its interface and in its terminals."""

from __future__ import annotations

import json
import os
import threading
from typing import Any

import nuke  # pyright: ignore[reportMissingModuleSource] - the host's own

from ..worker.client import Event, JobFailed, Queue, Worker, start_line
from ..worker.jobs import Job, Place
from ..worker.plates import Plates
from .plate import stamp_of, write_plate

HERE = os.path.dirname(os.path.abspath(__file__))
QUEUE = Queue()
AT_WORK: dict[str, list[Teller]] = {}
RESULT = "StillbrushResult"


def declared() -> dict[str, Any]:
    """Return the knobs that the pack was built with, and how Stillbrush is started."""
    with open(os.path.join(HERE, "knobs.json"), encoding="utf-8") as file:
        return json.load(file)


def frames_of(node: nuke.Node) -> tuple[int, int]:
    """Return the frames to paint: the node's own range, or that of its input.

    Raises:
        JobFailed: nothing is wired.
    """
    source = node.input(0)
    if source is None:
        raise JobFailed(f"{node.fullName()}: expected a plate on its first input.")
    if node["limit"].value():
        return int(node["first"].value()), int(node["last"].value())
    return int(source.firstFrame()), int(source.lastFrame())


def knobs_of(
    node: nuke.Node, first: int, last: int
) -> tuple[dict[str, Any], dict[str, list[float]]]:
    """Return the knobs that stand still, and those that move, frame by frame."""
    still: dict[str, Any] = {}
    moving: dict[str, list[float]] = {}
    for known in declared()["knobs"]:
        name, kind = known["name"], known["type"]
        knob = node[name]
        if known["animatable"] and kind in ("float", "int") and moves(knob):
            moving[name] = [float(knob.getValueAt(frame)) for frame in range(first, last + 1)]
            continue
        value = knob.value()
        if kind == "bool":
            value = bool(value)
        elif kind in ("float", "int"):
            value = int(value) if kind == "int" else float(value)
        if value != known["default"]:
            still[name] = value
    return still, moving


def moves(knob: nuke.Knob) -> bool:
    """Say whether a knob has keys or an expression."""
    return knob.isAnimated() or knob.hasExpression()


def folder_of(node: nuke.Node) -> str:
    """Return where a node's frames go, with what Nuke works out in such a text."""
    knob = node["folder"]
    text = knob.evaluate() if isinstance(knob, nuke.EvalString_Knob) else knob.value()
    return str(text or "")


def job_of(node: nuke.Node, first: int, last: int) -> tuple[Job, Place]:
    """Return what is to be painted; nothing is written yet.

    Raises:
        JobFailed: nothing is wired, no folder is set, or the range is none.
    """
    source, folder = node.input(0), folder_of(node)
    if source is None or not folder:
        raise JobFailed(f"{node.fullName()}: expected a plate, and a folder for painted frames.")
    plates, mask = Plates(folder), node.input(1)
    plate = plates.pattern("plate", stamp_of(source))
    matte = plates.pattern("matte", stamp_of(mask)) if mask is not None else ""
    still, moving = knobs_of(node, first, last)
    return Job(plate, first, last, node["look"].value(), still, moving, matte), Place(folder)


def write_inputs(node: nuke.Node, job: Job, place: Place) -> None:
    """Write plate and matte, where they were not written before."""
    plates = Plates(place.folder)
    for number, pattern in enumerate((job.plate, job.matte)):
        source = node.input(number)
        if source is None or not pattern or plates.is_written(pattern, job.first, job.last):
            continue
        write_plate(source, pattern, job.first, job.last)
        plates.mark_written(pattern, job.first, job.last)
    at_work = [teller.job for tellers in AT_WORK.values() for teller in tellers]
    plates.clear(pattern for one in [job, *at_work] for pattern in (one.plate, one.matte))


def render(node: nuke.Node, frames: tuple[int, int] | None = None) -> Worker | None:
    """Paint in the background and bring the result back; in a terminal, wait for it.

    Where nothing has changed since, nothing is rendered. A second render waits for the first.
    """
    try:
        first, last = frames or frames_of(node)
        job, place = job_of(node, first, last)
        if place.is_done(job):
            bring_back(node.fullName(), place.output(job), first, last)
            return None
        write_inputs(node, job, place)
        script = place.write(job)
    except (JobFailed, OSError, RuntimeError) as error:  # RuntimeError: Nuke's own, of a Write
        tell_artist(str(error))
        return None
    start = start_line(declared()["command"], node["stillbrush"].value())
    teller = Teller(node.fullName(), job, place)
    teller.worker = Worker([*start, "run", script, "--write", "Write1", "--json"], teller.tell)
    AT_WORK.setdefault(teller.name, []).append(teller)
    QUEUE.add(teller.worker)
    if not nuke.GUI:
        teller.over.wait()
    return teller.worker


def preview(node: nuke.Node) -> Worker | None:
    """Paint from the first frame to the one that is looked at: the same pixels as a render."""
    try:
        first, last = frames_of(node)
    except JobFailed as error:
        tell_artist(str(error))
        return None
    return render(node, (first, min(max(int(nuke.frame()), first), last)))


def cancel(node: nuke.Node) -> None:
    """Stop a node's renders: the one at work after the frame at hand, and those in the queue."""
    for teller in AT_WORK.get(node.fullName(), [])[::-1]:
        if teller.worker is not None:
            QUEUE.cancel(teller.worker)


def tell_artist(text: str) -> None:
    """Say what went wrong: in a window, or in the terminal."""
    (nuke.message if nuke.GUI else nuke.tprint)(text)


class Teller:
    """Brings what the worker tells into Nuke's interface, in Nuke's own thread."""

    def __init__(self, name: str, job: Job, place: Place) -> None:
        self.name, self.job, self.place = name, job, place
        self.task: nuke.ProgressTask | None = None
        self.worker: Worker | None = None
        self.over = threading.Event()

    def tell(self, event: Event) -> None:
        """Take an event, in the worker's thread."""
        if event.get("event") == "frame":
            self.progress(event)
        elif event.get("event") == "ended":
            try:
                if nuke.GUI:
                    nuke.executeInMainThread(self.end, (event,))
                else:
                    self.end(event)
            finally:
                self.over.set()

    def progress(self, event: Event) -> None:
        """Show a finished frame; ask whether to stop."""
        text = "frame {}, {}/{}".format(event["frame"], event["done"], event["total"])
        if not nuke.GUI:
            nuke.tprint("stillbrush " + text)
            return
        if self.task is None:
            self.task = nuke.ProgressTask("Stillbrush")
        self.task.setMessage(text)
        self.task.setProgress(100 * event["done"] // max(1, event["total"]))
        if self.task.isCancelled() and self.worker is not None:
            self.worker.cancel()

    def end(self, event: Event) -> None:
        """Bring the result back, or say what went wrong; in Nuke's thread."""
        self.task = None  # Nuke closes the bar with the last reference
        AT_WORK[self.name] = [one for one in AT_WORK.get(self.name, []) if one is not self]
        if event["state"] == "done":
            self.place.mark_done(self.job)
            bring_back(self.name, self.place.output(self.job), self.job.first, self.job.last)
        elif event["state"] == "failed":
            tell_artist(event["message"])


def bring_back(name: str, pattern: str, first: int, last: int) -> nuke.Node:
    """Show a result with a Read; the same Read is used again, with all that is wired to it."""
    node = nuke.toNode(name)
    known = node["result"].value() if node is not None else ""
    read = nuke.toNode(known) if known else None
    if read is None:
        with node.parent() if node is not None else nuke.root():
            read = nuke.nodes.Read()
        read.setName(RESULT + "1")
        if node is not None:
            node["result"].setValue(read.fullName())
            read.setXYpos(node.xpos() + 120, node.ypos())
    for knob, value in (("file", pattern), ("first", first), ("last", last), ("raw", True)):
        read[knob].setValue(value)
    reload = read["reload"]
    if isinstance(reload, nuke.Script_Knob):
        reload.execute()
    return read

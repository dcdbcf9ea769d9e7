"""One render of one node in Natron: its inputs are written, then the worker is listened to."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from ..worker.client import Worker
from ..worker.jobs import Job, Place
from ..worker.plates import Plates
from .pump import Event, Inbox, is_background

RESULT = "StillbrushResult"
AT_WORK: dict[str, list[Teller]] = {}
"""The renders of each node, by its name."""


class Teller:
    """Says how far a render is, and brings its result back.

    Attributes:
        waits_for: the inputs that are still to be written: the name of the writer, and where to.
        done: what is done at a good end.
    """

    def __init__(self, app: Any, node: Any, job: Job | None, place: Place | None) -> None:
        self.app, self.node, self.job, self.place = app, node, job, place
        self.worker: Worker | None = None
        self.inbox = Inbox(self.act)
        self.waits_for: list[tuple[str, str]] = []
        self.start: Callable[[], Any] = lambda: None
        self.done: Callable[[], Any] = self.bring_back

    def begin(self, start: Callable[[], Any]) -> None:
        """Write the inputs that were not written before, then start the worker."""
        self.start = start
        if self.job is not None and self.place is not None:
            job, plates = self.job, Plates(self.place.folder)
            wanted = (("Write_plate", job.plate), ("Write_matte", job.matte))
            self.waits_for = [
                (writer, pattern)
                for writer, pattern in wanted
                if pattern and not plates.is_written(pattern, job.first, job.last)
            ]
        self.inbox.watch()
        self.go_on()

    def go_on(self) -> None:
        """Write the next input; start the worker after the last.

        In the interface Natron writes in the background and tells when it is through.
        """
        while self.waits_for and self.job is not None:
            name, pattern = self.waits_for[0]
            os.makedirs(os.path.dirname(pattern), exist_ok=True)
            writer = self.node.getNode(name)
            prepare(writer, pattern)
            self.app.render(writer, self.job.first, self.job.last)
            if not is_background():
                return
            self.written()
        self.clear()
        self.start()

    def written(self) -> None:
        """Take note that an input is there."""
        assert self.job is not None
        assert self.place is not None
        _, pattern = self.waits_for.pop(0)
        Plates(self.place.folder).mark_written(pattern, self.job.first, self.job.last)

    def clear(self) -> None:
        """Remove the plates that no render waits for."""
        if self.place is not None:
            jobs = [one.job for tellers in AT_WORK.values() for one in tellers if one.job]
            wanted = [pattern for job in jobs for pattern in (job.plate, job.matte)]
            Plates(self.place.folder).clear(wanted)

    def give_up(self) -> None:
        """Stop before the worker was started."""
        self.waits_for = []
        self.inbox.put({"event": "ended", "state": "stopped", "message": "stopped"})

    def act(self, event: Event) -> bool:
        """Take an event, in Natron's thread; say whether it was the last."""
        kind = event.get("event")
        if kind == "frame":
            self.say("frame {}, {}/{}".format(event["frame"], event["done"], event["total"]))
        elif kind == "written" and self.waits_for and not is_background():
            if event["aborted"]:
                self.give_up()
            else:
                self.written()
                self.go_on()
        elif kind == "ended":
            self.ended(event)
        return kind == "ended"

    def ended(self, event: Event) -> None:
        """Bring the result back, or say what went wrong."""
        name = self.node.getScriptName()
        AT_WORK[name] = [one for one in AT_WORK.get(name, []) if one is not self]
        if event["state"] == "done":
            if self.place is not None and self.job is not None:
                self.place.mark_done(self.job)
            self.done()
        else:
            self.say(event["message"])

    def say(self, text: str) -> None:
        """Tell the artist: on the node, and in Natron's script editor or the terminal."""
        self.node.getParam("status").set(text)
        print("stillbrush: " + text)  # noqa: T201 - Natron shows it

    def bring_back(self) -> None:
        """Show the result with a reader; the same one is used again, with all its wires."""
        assert self.job is not None
        assert self.place is not None
        pattern, name = self.place.output(self.job), RESULT + "_" + self.node.getScriptName()
        reader = self.app.getNode(name)
        if reader is None:
            reader = self.app.createReader(pattern)
            reader.setScriptName(name)
        else:
            reader.getParam("filename").set(pattern)
        self.say(f"painted: {pattern}")


def prepare(writer: Any, pattern: str) -> None:
    """Set a writer to scene-linear EXR in 32 bits, with all layers and the overscan.

    A parameter that this version of Natron does not have is left alone.
    """
    writer.getParam("filename").set(pattern)
    for name, value in (("processAllPlanes", True), ("clipToProject", False)):
        param = writer.getParam(name)
        if param is not None:
            param.set(value)
    for name, word in (("bitDepth", "32"), ("formatType", "Input")):
        param = writer.getParam(name)
        found = [n for n, text in enumerate(param.getOptions() if param else ()) if word in text]
        if found:
            param.set(found[0])

"""Stillbrush in a process of its own: started, listened to, stopped. Nothing here ever waits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from typing import Any

Event = dict[str, Any]
LAST_WORDS = 4000  # characters of what the process said of an error
PATIENCE = 20.0  # seconds from asking it to stop to ending it


class JobFailed(Exception):
    """The work did not come to its end; the message is for the artist."""


def start_line(known: list[str], program: str) -> list[str]:
    """Return how Stillbrush is started: by the Python that a node or STILLBRUSH_PYTHON names,
    else by the one that wrote the pack.
    """  # noqa: D205
    return [program or os.environ.get("STILLBRUSH_PYTHON") or known[0], *known[1:]]


class Worker:
    """One run of the command line.

    Attributes:
        events: what it told, one dictionary a line.
        state: running, done, failed or stopped.
        message: why it failed.
    """

    def __init__(self, command: list[str], on_event: Callable[[Event], None] | None = None) -> None:
        """Take note of what to run; nothing is started yet.

        Args:
            command: program and arguments.
            on_event: told every event, in a thread of its own; the last is `ended`.
        """
        self.command, self.on_event = command, on_event
        self.events: list[Event] = []
        self.state, self.message = "running", ""
        self.process: subprocess.Popen[str] | None = None
        self.said: list[str] = []
        self.asked_to_stop = False
        self.threads: list[threading.Thread] = []

    def start(self) -> Worker:
        """Start the process; a missing program is told as an event, like every other failure."""
        options: dict[str, Any] = {"start_new_session": True}
        if os.name == "nt":
            options = {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
        environment = {k: v for k, v in os.environ.items() if k not in FOREIGN}
        try:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="utf-8",
                stderr=subprocess.PIPE, errors="replace", env=environment, **options,
            )  # fmt: skip
        except OSError as error:
            where, why = self.command[0], error.strerror
            self.ended("failed", f"stillbrush: expected a program at {where}; got: {why}. Set it.")
            return self
        for work in (self.listen, self.hear_errors):
            thread = threading.Thread(target=work, daemon=True)
            self.threads.append(thread)
            thread.start()
        return self

    def listen(self) -> None:
        """Read events until the process ends."""
        process = self.process
        assert process is not None
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                if isinstance(event, dict):
                    self.tell(event)
        code = process.wait()
        self.threads[1].join(5)
        words = "".join(self.said)[-LAST_WORDS:].strip()
        if code == 0:
            self.ended("done", "")
        elif self.asked_to_stop:
            self.ended("stopped", "stopped; the same render goes on from there")
        else:
            self.ended("failed", words or f"stillbrush ended with code {code}")

    def hear_errors(self) -> None:
        """Read what the process says of errors."""
        assert self.process is not None
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                self.said.append(line)
                del self.said[:-200]

    def tell(self, event: Event) -> None:
        """Hand an event on."""
        self.events.append(event)
        if self.on_event is not None:
            self.on_event(event)

    def ended(self, state: str, message: str) -> None:
        """Take note of the end."""
        self.state, self.message = state, message
        self.tell({"event": "ended", "state": state, "message": message})

    def cancel(self) -> None:
        """Ask the process to stop after the frame at hand; end it where it does not listen."""
        process = self.process
        if process is None or process.poll() is not None:
            return
        self.asked_to_stop = True
        if os.name == "nt":
            process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM))
        else:
            os.killpg(process.pid, signal.SIGTERM)
        timer = threading.Timer(PATIENCE, self.kill)
        timer.daemon = True
        timer.start()

    def kill(self) -> None:
        """End the process and whatever it started."""
        process = self.process
        if process is None or process.poll() is not None:
            return
        self.asked_to_stop = True
        if os.name == "nt":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)

    def wait(self, seconds: float | None = None) -> str:
        """Wait for the end; for terminals and tests.

        Raises:
            JobFailed: it did not come to its end.
        """
        for thread in self.threads:
            thread.join(seconds)
        if self.state != "done":
            raise JobFailed(self.message or "still at work")
        return self.state


FOREIGN = frozenset({"PYTHONHOME", "PYTHONPATH", "LD_PRELOAD", "QT_PLUGIN_PATH"})
"""What a host sets for its own Python and Qt, and what would break another one."""


class Queue:
    """Jobs one after the other."""

    def __init__(self) -> None:
        self.waiting: list[Worker] = []
        self.current: Worker | None = None
        self.lock = threading.Lock()

    def add(self, worker: Worker) -> Worker:
        """Let a job wait for its turn."""
        told = worker.on_event

        def on_event(event: Event) -> None:
            try:
                if told is not None:
                    told(event)
            finally:  # whatever a listener does, the next job has its turn
                if event.get("event") == "ended":
                    self.next(worker)

        worker.on_event = on_event
        with self.lock:
            self.waiting.append(worker)
        self.next(None)
        return worker

    def next(self, ended: Worker | None) -> None:
        """Start the next job where none is at work."""
        with self.lock:
            if self.current is ended:
                self.current = None
            if self.current is not None or not self.waiting:
                return
            self.current = worker = self.waiting.pop(0)
        worker.start()

    def cancel(self, worker: Worker) -> None:
        """Stop a job, or take it out of the queue."""
        with self.lock:
            waits = worker in self.waiting
            if waits:
                self.waiting.remove(worker)
        if waits:
            worker.ended("stopped", "taken out of the queue")
        else:
            worker.cancel()

"""A job as text: a script of the node graph, in a folder with a version of its own."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

from .client import JobFailed
from .plates import missing

RECORD = "stillbrush-versions.json"


class Job:
    """What a host wants painted.

    Attributes:
        plate: the pattern of the plate's files.
        first: the first frame; the painting begins there.
        last: the last frame.
        knobs: values of StylizeShot.
        moving: values of animated knobs, one for every frame from first to last.
        look: name or file of the look.
        matte: the pattern of a matte's files.
        stamp: what tells this plate from a later one of the same name; the host's own hash.
    """

    def __init__(
        self, plate: str, first: int, last: int, look: str, knobs: dict[str, Any] | None = None,
        moving: dict[str, list[float]] | None = None, matte: str = "", stamp: str = "",
    ) -> None:  # fmt: skip
        self.plate, self.first, self.last, self.look = plate, int(first), int(last), look
        self.knobs, self.moving = dict(knobs or {}), dict(moving or {})
        self.matte, self.stamp = matte, stamp
        if self.last < self.first:
            text = (
                f"Stillbrush: expected a first and a last frame; got {self.first} to {self.last}."
            )
            raise JobFailed(text)

    def nodes(self, output: str) -> dict[str, Any]:
        """Return the job as nodes of the graph."""
        read = {"class": "Read", "knobs": {"file": self.plate, "first": self.first,
                                           "last": self.last}}  # fmt: skip
        knobs = dict(self.knobs, look=self.look)
        for name, values in self.moving.items():
            keys = (f"x{self.first + n} {float(v)!r}" for n, v in enumerate(values))
            knobs[name] = {"curve": "L " + " ".join(keys)}
        wires = {"shot": "Read1"}
        made: dict[str, Any] = {"Read1": read}
        if self.matte:
            made["Matte1"] = {"class": "Read", "knobs": {"file": self.matte}}
            wires["matte"] = "Matte1"
        made["StylizeShot1"] = {"class": "StylizeShot", "inputs": wires, "knobs": knobs}
        made["Write1"] = {"class": "Write", "inputs": {"shot": "StylizeShot1"},
                          "knobs": {"file": output, "overwrite": True}}  # fmt: skip
        return made

    def text(self, output: str) -> str:
        """Return the job as a script that `stillbrush run` reads."""
        return json.dumps({"stillbrush-graph": 1, "nodes": self.nodes(output)}, indent=1) + "\n"

    def fingerprint(self) -> str:
        """Return what tells this job from another."""
        said = [self.text("out"), self.stamp]
        return hashlib.sha256(json.dumps(said).encode("utf-8")).hexdigest()[:32]


class Place:
    """Where a node's renders go: v001, v002, ..., one for each thing that was asked for."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def versions(self) -> dict[str, str]:
        """Return what was asked for in each version."""
        try:
            with open(os.path.join(self.folder, RECORD), encoding="utf-8") as file:
                found = json.load(file)
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def version(self, job: Job) -> str:
        """Return the version of a job: the one that it had before, or the next."""
        known, wanted = self.versions(), job.fingerprint()
        for name, said in known.items():
            if said == wanted:
                return name
        numbers = [int(name[1:]) for name in known if name[:1] == "v" and name[1:].isdigit()]
        name = f"v{max(numbers, default=0) + 1:03d}"
        known[name] = wanted
        os.makedirs(self.folder, exist_ok=True)
        aside = os.path.join(self.folder, "." + RECORD)
        with open(aside, "w", encoding="utf-8") as file:
            json.dump(known, file, indent=1, sort_keys=True)
        os.replace(aside, os.path.join(self.folder, RECORD))
        return name

    def output(self, job: Job) -> str:
        """Return the pattern of a job's frames."""
        return "/".join((self.folder.replace("\\", "/"), self.version(job), "painted.####.exr"))

    def is_done(self, job: Job) -> bool:
        """Say whether every frame of a job is there."""
        pattern = self.output(job)
        finished = os.path.join(os.path.dirname(pattern), "finished")
        return os.path.isfile(finished) and missing(pattern, job.first, job.last) is None

    def mark_done(self, job: Job) -> None:
        """Take note that every frame of a job is there."""
        with open(os.path.join(os.path.dirname(self.output(job)), "finished"), "w") as file:
            file.write(job.fingerprint() + "\n")

    def write(self, job: Job) -> str:
        """Write a job's script; return its path."""
        output = self.output(job)
        os.makedirs(os.path.dirname(output), exist_ok=True)
        path = os.path.join(os.path.dirname(output), "job.sb.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(job.text(output))
        return path

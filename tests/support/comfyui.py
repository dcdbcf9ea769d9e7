"""A real ComfyUI server for tests: started, spoken to over HTTP, watched, stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CHECKOUT = "STILLBRUSH_COMFYUI"  # folder of a ComfyUI checkout
PYTHON = "STILLBRUSH_COMFYUI_PYTHON"  # the Python that runs it
HOSTILE = "ComfyUI-stillbrush.v0-main"  # a folder name that is no Python identifier
UNDOTTED = "ComfyUI-stillbrush-main"  # the frontend cuts a name at its dot, and finds no help page

Graph = dict[str, Any]


def checkout() -> Path | None:
    """Return the ComfyUI that the environment names."""
    named = os.environ.get(CHECKOUT)
    return Path(named) if named and (Path(named) / "main.py").is_file() else None


def python() -> str:
    """Return the Python that runs ComfyUI."""
    return os.environ.get(PYTHON, "python")


@dataclass(frozen=True)
class Outcome:
    """What became of a prompt."""

    status: str
    messages: list[tuple[str, dict[str, Any]]]
    outputs: dict[str, Any]
    seconds: float
    refused: dict[str, Any] = field(default_factory=dict)

    def message(self, kind: str) -> dict[str, Any]:
        """Return the last message of a kind; empty if there was none."""
        return next((data for name, data in reversed(self.messages) if name == kind), {})

    @property
    def cached(self) -> set[str]:
        """Return the nodes that were not run again."""
        return set(self.message("execution_cached").get("nodes", ()))

    @property
    def error(self) -> str:
        """Return the message of the node that failed."""
        return self.message("execution_error").get("exception_message", "")


class Server:
    """A running server with a base folder of its own."""

    def __init__(self, base: Path, port: int, name: str = HOSTILE) -> None:
        self.base, self.port, self.name = base, port, name
        self.process: subprocess.Popen[bytes] | None = None
        self.faults: dict[str, Any] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *flags: str) -> None:
        """Start it with the pack cloned under its name, and wait until it answers."""
        found = checkout()
        assert found is not None
        for name in ("custom_nodes", "input", "output", "temp", "user", "models"):
            (self.base / name).mkdir(parents=True, exist_ok=True)
        pack = self.base / "custom_nodes" / self.name
        if not pack.exists():
            pack.symlink_to(ROOT)
        command = [python(), "main.py", "--cpu", "--listen", "127.0.0.1", "--port", str(self.port)]
        command += ["--disable-auto-launch", "--disable-api-nodes"]
        command += ["--base-directory", str(self.base), *flags]
        command += ["--database-url", f"sqlite:///{self.base}/comfyui.db"]
        environment = {
            k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")
        }
        with (self.base / "server.log").open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=found,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment | {"OMP_WAIT_POLICY": "PASSIVE"},
                start_new_session=True,
            )
        for _ in range(1200):  # half a second each: a busy machine takes minutes
            if self.process.poll() is not None:
                break
            try:
                self.get("/system_stats")
            except OSError:
                time.sleep(0.5)
            else:
                return
        raise RuntimeError((self.base / "server.log").read_text()[-3000:])

    def stop(self) -> None:
        """Stop it."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def get(self, path: str) -> Any:
        """Return what an address answers."""
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return json.loads(answer.read())

    def text(self, path: str) -> str:
        """Return an address's text."""
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return answer.read().decode()

    def post(self, path: str, data: Any) -> Any:
        """Send JSON."""
        request = urllib.request.Request(
            self.url + path, json.dumps(data).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def submit(self, graph: Graph) -> str | dict[str, Any]:
        """Queue a graph; return its id, or what is wrong with it."""
        try:
            answer = self.post("/prompt", {"prompt": graph, "client_id": "tests"})
            self.faults = answer["node_errors"]  # of outputs that were left out
            return answer["prompt_id"]
        except urllib.error.HTTPError as error:
            return json.loads(error.read())

    def wait(self, prompt: str, limit: float = 600, pause: float = 0.05) -> Outcome:
        """Wait for a prompt; every look at it costs the server a little."""
        begun = time.perf_counter()
        while time.perf_counter() - begun < limit:
            found = self.get(f"/history/{prompt}").get(prompt)
            if found:
                status = found["status"]
                messages = [(name, data) for name, data in status["messages"]]
                spent = time.perf_counter() - begun
                return Outcome(status["status_str"], messages, found["outputs"], spent)
            time.sleep(pause)
        raise TimeoutError(prompt)

    def run(self, graph: Graph, limit: float = 600, pause: float = 0.05) -> Outcome:
        """Run a graph to its end, or return why it was refused."""
        submitted = self.submit(graph)
        if isinstance(submitted, dict):
            return Outcome("refused", [], {}, 0.0, submitted)
        return self.wait(submitted, limit, pause)

    def memory(self) -> int:
        """Return the resident memory of the server, bytes."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    """Write a node of a graph; a link is a list of node and output."""
    return {"class_type": kind, "inputs": inputs}


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def running(base: Path, *flags: str, name: str = HOSTILE) -> Iterator[Server]:
    """Run a server for a while, with the pack in a folder of the given name."""
    server = Server(base, free_port(), name)
    try:
        server.start(*flags)
        yield server
    finally:
        server.stop()


def api_defaults(info: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return the widgets of a node at their defaults, as the frontend would send them."""
    made: dict[str, Any] = {}
    for section in ("required", "optional"):
        for name, spec in info[kind]["input"].get(section, {}).items():
            options = spec[1] if len(spec) > 1 else {}
            if "default" in options:
                made[name] = options["default"]
            elif spec[0] == "COMBO" and options.get("options"):
                made[name] = options["options"][0]
    return made


def maker(info: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """Return what writes a node with its widgets at their defaults, but for what is given."""

    def written(kind: str, **given: Any) -> dict[str, Any]:
        return node(kind, **(api_defaults(info, kind) | given))

    return written


def api_graph(workflow: dict[str, Any], info: dict[str, Any]) -> Graph:
    """Turn a saved workflow into a prompt, as the frontend does for nodes without tricks."""
    links = {link[0]: (str(link[1]), link[2]) for link in workflow["links"]}
    graph: Graph = {}
    for box in workflow["nodes"]:
        if box["type"] not in info:
            continue  # notes
        known = info[box["type"]]["input"]
        widgets = [
            name
            for section in ("required", "optional")
            for name, spec in known.get(section, {}).items()
            if spec[0] in ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")
        ]
        given = dict(zip(widgets, box.get("widgets_values", []), strict=False))
        for wired in box.get("inputs", []):
            if wired.get("link") is not None:
                given[wired["name"]] = list(links[wired["link"]])
        graph[str(box["id"])] = node(box["type"], **given)
    return graph

"""`stillbrush run`: render the Writes of a script of the node graph."""

from __future__ import annotations

import time
from pathlib import Path

import click

from ...core.errors import BadInput
from ...core.media.sequences import format_frames, parse_frames
from ...core.render.renderer import Progress
from .. import graph
from .console import Bar, JsonLines, console, interruptible, write_json


@click.command("run", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("script", metavar="SCRIPT", type=click.Path(path_type=Path))
@click.option(
    "--write",
    "writes",
    multiple=True,
    metavar="NODE",
    help="Write or Viewer to render; may be given several times. Default: every Write.",
)
@click.option("--frames", metavar="LIST", help="Frames to write, such as 1001-1100.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NODE.KNOB=VALUE",
    help="Set a knob for this render; the script stays as it is.",
)
@click.option(
    "--cache", type=click.Path(path_type=Path), metavar="FOLDER", help="Keep painted frames here."
)
@click.option("--json", "as_json", is_flag=True, help="Progress as JSON lines, for programs.")
def command(
    script: Path,
    writes: tuple[str, ...],
    frames: str | None,
    settings: tuple[str, ...],
    cache: Path | None,
    as_json: bool,
) -> None:
    """Render a script of the node graph.

    What has not changed since it was written is not written again; a render that was stopped goes
    on when the same command is run.
    """
    if cache is not None:
        graph.setCache(cache)
    messages = graph.loadScript(script)
    for setting in settings:
        override(setting)
    chosen = [named(name) for name in writes] or graph.allNodes("Write")
    if not chosen:
        raise BadInput(f"script {script}: expected a Write; it has none.")
    wanted = parse_frames(frames) if frames else None
    with interruptible() as interrupt:
        watcher = JsonLines(interrupt) if as_json else Bar(len(wanted or ()), interrupt, "starting")
        with watcher:
            made = graph.execute(chosen, frames, progress=Told(watcher).tell, task=Task(watcher))
    for name, files in made.items():
        if as_json:
            write_json(event="written", node=name, files=files)
        else:
            console.print(f"{name}: {files[0]} ({len(files)} files)", markup=False)
    if as_json:
        told = format_frames(wanted) if wanted else "all"
        write_json(event="done", frames=told, messages=messages)


class Told:
    """Turns what the graph tells into what the console shows."""

    def __init__(self, watcher: JsonLines | Bar) -> None:
        self.watcher, self.begun = watcher, time.perf_counter()

    def tell(self, frame: int, done: int, total: int) -> None:
        """Show a finished frame."""
        seconds = time.perf_counter() - self.begun
        self.watcher.progress(Progress(frame, done, total, seconds, {}))


class Task:
    """Asks whether Ctrl-C was pressed, in the words that the graph knows."""

    def __init__(self, watcher: JsonLines | Bar) -> None:
        self.watcher = watcher

    def setMessage(self, text: str) -> None:  # noqa: N802 - Nuke's own words
        """Take no note: the console shows the frame."""

    def setProgress(self, percent: int) -> None:  # noqa: N802
        """Take no note: the console shows it."""

    def isCancelled(self) -> bool:  # noqa: N802
        """Say whether to stop."""
        return self.watcher.is_cancelled()


def named(name: str) -> graph.Node:
    """Return a node by name.

    Raises:
        BadInput: there is none.
    """
    node = graph.toNode(name)
    if node is None:
        known = ", ".join(n.name() for n in (*graph.allNodes("Write"), *graph.allNodes("Viewer")))
        raise BadInput(f"--write {name}: there is no such node; there are {known or 'none'}.")
    return node


def override(setting: str) -> None:
    """Set a knob as `NODE.KNOB=VALUE` says; an expression begins with another `=`."""
    target, _, text = setting.partition("=")
    owner, _, knob = target.rpartition(".")
    if not owner or not _:
        raise BadInput(f"--set {setting}: expected NODE.KNOB=VALUE.")
    held = named(owner)[knob]
    if text.startswith("="):
        held.setExpression(text[1:])
    elif held.field.type is bool:
        held.setValue({"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text))
    elif held.field.type in (int, float):
        try:
            held.setValue(float(text))
        except ValueError:
            raise BadInput(f"--set {setting}: expected a number; got {text!r}.") from None
    else:
        held.setValue(text)

"""`stillbrush doctor`: what this machine has and what it lacks, on one page."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import partial

import click

from ... import __version__
from . import health, machine
from .console import console, write_json
from .health import Finding, State, first_line

COLOURS = {State.OK: "green", State.NOTE: "yellow", State.PROBLEM: "bold red"}
CHECKS: tuple[tuple[str, Callable[[], Finding]], ...] = (
    ("stillbrush", machine.product),
    ("python", machine.python),
    ("torch", partial(health.library, "torch", "torch", health.tell_torch)),
    ("device", health.device),
    ("bfloat16", health.bfloat16),
    ("opencv", health.opencv),
    ("openimageio", partial(health.library, "OpenImageIO", "OpenImageIO", health.tell_image_io)),
    ("video", health.video),
    ("libraries", health.others),
    ("colour", machine.colour),
    ("looks", machine.looks),
    ("encoder", machine.encoder),
    ("your looks", machine.user_folder),
    ("disk", machine.disk),
    ("memory", machine.memory),
    ("threads", machine.threads),
    ("speed", machine.speed),
)


@click.command("doctor", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--json", "as_json", is_flag=True, help="JSON, for programs.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Say what this machine has and what it lacks, and what to do about it.

    The exit code is 1 only if something keeps `stillbrush stylize` from working.
    """
    found = []
    for finding in examine():
        found.append(finding)
        if not as_json:
            show(finding)
    problems = [finding for finding in found if finding.state is State.PROBLEM]
    if as_json:
        checks = [vars(finding) | {"state": finding.state.value} for finding in found]
        write_json(version=__version__, problems=len(problems), checks=checks)
    elif problems:
        names = ", ".join(finding.name for finding in problems)
        console.print(f"stylize cannot work yet: {names}", markup=False)
    else:
        console.print("stylize can work", markup=False)
    ctx.exit(1 if problems else 0)


def show(finding: Finding) -> None:
    """Show one finding, and what to do under it."""
    console.print(f"{finding.state.value:<8}", style=COLOURS[finding.state], end="")
    console.print(f"{finding.name:<12} {finding.text}", markup=False)
    if finding.remedy:
        console.print(f"{'':<21}-> {finding.remedy}", markup=False)


def examine() -> Iterator[Finding]:
    """Run every check, in the order of the page; one that fails leaves the rest of it."""
    for name, check in CHECKS:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = check()
        except (ImportError, OSError) as error:  # a library has a line of its own, with a remedy
            found = Finding("", f"not checked: {first_line(error)}", State.NOTE)
        except Exception as error:  # whatever it is, it would stop stylize too
            found = Finding("", f"{type(error).__name__}: {first_line(error)}", State.PROBLEM)
        yield Finding(name, found.text, found.state, found.remedy)

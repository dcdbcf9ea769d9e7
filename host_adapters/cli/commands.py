"""The commands; each lives in a file of its own and is imported when it is called."""

from __future__ import annotations

import importlib

import click

from ... import __version__
from ...core.errors import Cancelled, StillbrushError

COMMANDS = {
    "stylize": "Paint a shot.",
    "steady": "Steady a clip that somebody else painted, or carry key frames over a shot.",
    "preview": "Paint one frame or a region in seconds.",
    "wedge": "Compare looks and strengths on one sheet.",
    "run": "Render a script of the node graph.",
    "pack": "Write the pack for Nuke or Natron.",
    "export-torchscript": "Write a look for Nuke's own Inference node.",
    "measure": "Measure looks on clips: one table, one page.",
    "looks": "List, show, make and check looks.",
    "demo": "Make a small HDR shot and paint it.",
    "train": "Train a look from a picture.",
    "convert-weights": "Turn torchvision's VGG into a loss network.",
    "doctor": "Say what this machine has and what it lacks.",
}


class Lazy(click.Group):
    """A group whose commands are imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order an artist meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        try:
            return importlib.import_module(f".{cmd_name.replace('-', '_')}", __package__).command
        except StillbrushError:
            raise
        except OSError as error:  # torch, where one of its libraries cannot be loaded
            raise ImportError(str(error)) from error

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; click itself would call an interrupt an error of exit code 1."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Cancelled("stopped; run the same command to go on.") from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="stillbrush")
def cli() -> None:
    """Stillbrush paints film: a shot and a look go in, the same shot comes out painted.

    The paint sticks to what moves instead of boiling.

    \b
    stillbrush stylize plate.####.exr -o out/plate.####.exr --look starry-night
    stillbrush COMMAND --help
    """  # noqa: D301 - click's mark for lines that stay as they are

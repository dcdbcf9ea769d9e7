"""The command line: `stillbrush stylize plate.####.exr -o out/plate.####.exr --look starry-night`."""

from __future__ import annotations

import os
import sys

EXIT_WRONG = 1  # something was wrong with input or output; the message says what
EXIT_INTERRUPTED = 130


def main() -> None:
    """Run the command line."""
    # Waiting threads that spin starve the decoders and estimators that work beside the network.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from ...core.errors import Cancelled, StillbrushError
    from .commands import cli
    from .console import complain

    try:
        cli(prog_name="stillbrush", standalone_mode=True)
    except Cancelled as stopped:
        complain(str(stopped), title="Stopped")
        sys.exit(EXIT_INTERRUPTED)
    except StillbrushError as error:
        complain(str(error))
        sys.exit(EXIT_WRONG)
    except KeyboardInterrupt:
        complain("stopped; run the same command to go on.", title="Stopped")
        sys.exit(EXIT_INTERRUPTED)

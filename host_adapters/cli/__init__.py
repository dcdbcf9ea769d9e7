"""The command line: `stillbrush stylize plate.####.exr -o out/plate.####.exr --look NAME`."""

from __future__ import annotations

import io
import os
import sys

EXIT_WRONG = 1  # something was wrong with input or output; the message says what
EXIT_INTERRUPTED = 130


def main() -> None:
    """Run the command line."""
    # Waiting threads that spin starve the decoders and estimators that work beside the network.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name may hold what a code page lacks
        sys.stdout.reconfigure(errors="backslashreplace")
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
    except OSError as error:  # whatever else the system refuses
        where = error.filename if error.filename is not None else "the system"
        complain(f"{where}: {error.strerror or error}")
        sys.exit(EXIT_WRONG)
    except (MemoryError, RuntimeError) as error:
        from ...core.networks.shortage import is_shortage

        if not is_shortage(error):
            raise
        complain("out of memory: --proxy 1/2 or a larger --stroke-size takes less.")
        sys.exit(EXIT_WRONG)
    except ImportError as error:
        if (error.name or "").partition(".")[0] == __name__.partition(".")[0]:
            raise  # our own mistake, not this machine's
        what = (str(error).splitlines() or [""])[0]
        complain(
            f"{error.name or 'a library'} cannot be imported: {what}. "
            "Run `stillbrush doctor`: it says what to do."
        )
        sys.exit(EXIT_WRONG)

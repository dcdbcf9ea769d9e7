"""The command line in a process of its own, as a user starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The checkout under its own name, as in conftest: the tests need no installed package.
LOAD = (
    "import importlib.util as u, sys; "
    "s = u.spec_from_file_location('stillbrush', sys.argv.pop(1)); "
    "m = u.module_from_spec(s); sys.modules['stillbrush'] = m; s.loader.exec_module(m); "
)
START = LOAD + "from stillbrush.host_adapters.cli import main; main()"
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


def run(
    *arguments: object,
    before: Callable[[], None] | None = None,
    prefix: tuple[str, ...] = (),
    timeout: float = 300,
) -> tuple[int, str, str]:
    """Run `stillbrush` with arguments; return its exit code and what it said.

    Args:
        before: run in the new process before Python starts, to limit what it may do.
        prefix: a command that starts Python, such as `setpriv`.
    """
    given = [str(argument) for argument in arguments]
    done = subprocess.run(
        [*prefix, sys.executable, "-c", START, str(ROOT / "__init__.py"), *given],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | ENVIRONMENT,
        preexec_fn=before,
        timeout=timeout,
    )
    return done.returncode, done.stdout, done.stderr

"""How this machine is set up, for `stillbrush doctor`: colour, looks, folders, memory, speed."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path

from ... import __version__
from .folders import user_looks
from .health import Finding, State

LITTLE_DISK = 2 << 30  # bytes; some hundred frames of 2K half-float EXR
LITTLE_MEMORY = 2 << 30  # bytes; a 4K frame with its motion and read-ahead
SPEED_SIZE = (432, 768)  # the network's own working size, height and width
SPEED_SECONDS = 1.5


def product() -> Finding:
    """Say which Stillbrush this is."""
    return Finding("", f"{__version__} in {Path(__file__).resolve().parents[2]}")


def python() -> Finding:
    """Say which Python runs it."""
    version = platform.python_version()
    return Finding("", f"{version} at {sys.executable}, {platform.platform()}")


def colour() -> Finding:
    """Say which OCIO config is in force."""
    from ...core.errors import BadInput
    from ...core.media.colour import config

    try:
        name = config().configname()
    except BadInput as error:
        return Finding("", str(error), State.PROBLEM, "set $OCIO to a config, or unset it")
    said = os.environ.get("OCIO")
    return Finding("", f"{name} ({f'$OCIO is {said}' if said else 'the built-in one'})")


def looks() -> Finding:
    """Check every look there is."""
    from ...core.looks import list_looks
    from .looks import problem, where

    found = list_looks(user_looks())
    wrong = [told for told in (problem(str(path)) for path in found) if told]
    own = sum(where(path) == "user" for path in found)
    text = f"{len(found) - len(wrong)} of {len(found)} can be used ({own} in your own folder)"
    if len(wrong) == len(found):
        remedy = "install Stillbrush again, or give a file: --look FILE"
        return Finding("", wrong[0] if wrong else "none found", State.PROBLEM, remedy)
    if wrong:
        remedy = "stillbrush looks check lists them"
        return Finding("", f"{text}: {wrong[0]}", State.NOTE, remedy)
    return Finding("", text)


def encoder() -> Finding:
    """Read the encoder that `stillbrush train` and the report judge by."""
    from ...core.errors import StillbrushError
    from ...core.networks.loss_network import load_loss_network, shipped_encoder

    try:
        name = load_loss_network(shipped_encoder()).name
    except StillbrushError as error:
        remedy = "install Stillbrush again, or give --loss-network to train and to stylize --report"
        return Finding("", str(error), State.NOTE, remedy)
    return Finding("", f"{name}, to train with and to judge reports by")


def user_folder() -> Finding:
    """Find out whether looks can be saved, leaving nothing behind."""
    folder = user_looks()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        remedy = "looks new and train cannot save there; give yourself the right to write"
        return Finding("", f"{folder}: {error.strerror}", State.NOTE, remedy)
    return Finding("", f"{folder}{'' if there == folder else ' (made when needed)'}")


def disk() -> Finding:
    """Say how much the disk of the current folder has to spare."""
    free = shutil.disk_usage(Path.cwd()).free
    text = f"{free / 2**30:.1f} GiB free in {Path.cwd()}"
    if free < LITTLE_DISK:
        return Finding("", text, State.NOTE, "make room, or write to another disk with -o")
    return Finding("", text)


def memory() -> Finding:
    """Say how much memory is available."""
    free = free_memory()
    if free is None:
        return Finding("", "not known on this system")
    text = f"{free / 2**30:.1f} GiB available"
    if free < LITTLE_MEMORY:
        return Finding("", text, State.NOTE, "close something, or work at --proxy 1/2")
    return Finding("", text)


def free_memory() -> int | None:
    """Return the bytes that can be had: the system's, or less where a container allows less."""
    told = Path("/proc/meminfo")
    if told.exists():
        lines = dict(line.split(":", 1) for line in told.read_text().splitlines() if ":" in line)
        free = int(lines.get("MemAvailable", "0").split()[0]) * 1024
        limit = Path("/sys/fs/cgroup/memory.max")
        allowed = limit.read_text().strip() if limit.exists() else "max"
        return min(free, int(allowed)) if allowed.isdigit() else free
    if hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def threads() -> Finding:
    """Say how threads wait: those that spin starve the decoders beside the network."""
    policy = os.environ.get("OMP_WAIT_POLICY", "not set")
    text = f"OMP_WAIT_POLICY {policy}, OMP_NUM_THREADS {os.environ.get('OMP_NUM_THREADS', 'auto')}"
    if policy.upper() == "ACTIVE":
        return Finding("", text, State.NOTE, "unset OMP_WAIT_POLICY: it slows reading and motion")
    return Finding("", text)


def speed() -> Finding:
    """Paint noise for a moment with the first look that can be used."""
    import torch

    from ...core.looks import list_looks, load_look
    from ...core.render.request import Device, pick_device
    from ...core.stylizers.load import load_painter
    from ...core.stylizers.paint_state import PaintState
    from .looks import problem

    usable = (load_look(path) for path in list_looks(user_looks()) if problem(str(path)) is None)
    look = next((look for look in usable if not look.wants_pictures), None)
    if look is None:
        return Finding("", "not measured, there is no look", State.NOTE, "see looks above")
    place = pick_device(Device.AUTO)
    painter = load_painter(look, place)
    frame = torch.rand((1, *SPEED_SIZE, 3), device=place)
    painter.paint(frame, None, PaintState())[0].cpu()
    begun, count = time.perf_counter(), 0
    while (spent := time.perf_counter() - begun) < SPEED_SECONDS:
        painter.paint(frame, None, PaintState())[0].cpu()
        count += 1
    size = f"{SPEED_SIZE[1]}x{SPEED_SIZE[0]}"
    return Finding("", f"{count / spent:.2f} frames/s, the network alone at {size}, {place}")

"""Flows kept on disk, so that a second look at a shot does not measure its motion again.

An entry is named by what it was made from (both pictures, the estimator and its version), so it can
never be stale. It is written aside and renamed, and carries a checksum: a damaged entry is measured
again, with a warning. A cache that cannot be written costs time, never the render.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import time
import uuid
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from torch import Tensor, from_numpy

from .flow import Estimator, Flow

log = logging.getLogger(__name__)

SUFFIX = ".flow"
ABANDONED_AFTER = 3600.0  # seconds; a half-written entry that old belongs to a killed process


class FlowCache:
    """Flow entries in one folder, which is created when the first one is written.

    Args:
        folder: where entries live; several processes may share it.
        limit_bytes: total size beyond which the oldest entries are removed; None for no limit.
    """

    def __init__(self, folder: Path | str, limit_bytes: int | None = None) -> None:
        self.folder = Path(folder)
        self.limit_bytes = limit_bytes
        self.has_warned = False

    def estimate(self, estimator: Estimator, previous: Tensor, current: Tensor) -> Flow:
        """Return the flow from the cache, or measure and keep it; on the pictures' device."""
        key = self.key(estimator, previous, current)
        flow = self.get(key)
        if flow is None:
            flow = estimator.estimate(previous, current)
            self.put(key, flow)
        return Flow(flow.backward.to(current.device), flow.forward.to(current.device))

    @staticmethod
    def key(estimator: Estimator, previous: Tensor, current: Tensor) -> str:
        """Return the entry's name: SHA-256 of both pictures, the estimator and its version."""
        digest = hashlib.sha256(f"{estimator.name}\n{estimator.version}\n".encode())
        for picture in (previous, current):
            digest.update(f"{tuple(picture.shape)} {picture.dtype}\n".encode())
            digest.update(np.ascontiguousarray(picture.detach().cpu().numpy()).data)
        return digest.hexdigest()

    def get(self, key: str) -> Flow | None:
        """Return the entry, on the processor, or None where there is none or it is damaged."""
        path = self._path(key)
        try:
            with safe_open(path, framework="numpy") as entry:
                backward, forward = entry.get_tensor("backward"), entry.get_tensor("forward")
                stated = (entry.metadata() or {}).get("sha256")
        except FileNotFoundError:
            return None
        except (SafetensorError, OSError) as problem:
            log.warning("flow cache: %s is damaged (%s); measuring again", path, problem)
            return None
        if stated != _checksum(backward, forward):
            log.warning("flow cache: %s is damaged (checksum); measuring again", path)
            return None
        return Flow(from_numpy(backward), from_numpy(forward))

    def put(self, key: str, flow: Flow) -> None:
        """Keep a flow. A folder that cannot be written is a warning, not an error."""
        backward, forward = (
            np.ascontiguousarray(side.detach().cpu().numpy(), dtype=np.float32) for side in flow
        )
        stamp = {"sha256": _checksum(backward, forward)}
        aside = self.folder / f"{key}.{os.getpid()}.{uuid.uuid4().hex}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            aside.write_bytes(save({"backward": backward, "forward": forward}, stamp))
            os.replace(aside, self._path(key))
            self._make_room()
        except OSError as problem:
            if not self.has_warned:  # once, not for every frame
                log.warning("flow cache: cannot write in %s (%s)", self.folder, problem)
            self.has_warned = True
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{SUFFIX}"

    def _make_room(self) -> None:
        """Remove what killed processes left, then the oldest entries beyond the limit."""
        entries: list[tuple[float, int, Path]] = []
        for path in self.folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another process may tidy too
                facts = path.stat()
                if path.suffix == SUFFIX:
                    entries.append((facts.st_mtime, facts.st_size, path))
                elif path.suffix == ".part" and time.time() - facts.st_mtime > ABANDONED_AFTER:
                    path.unlink()
        if self.limit_bytes is None:
            return
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= self.limit_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size


def _checksum(*arrays: np.ndarray) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.shape} {array.dtype}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()

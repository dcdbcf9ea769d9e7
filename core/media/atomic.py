"""Files that are either whole or not there.

A frame is written under a hidden name in its own folder, forced to disk, and only then given its
name. Killed at any moment, a render leaves whole frames and at most one hidden `.partial` file,
which the next write of that frame removes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

from ..errors import StillbrushError, WriteRefused

_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file would be larger than allowed",
    errno.EACCES: "no permission to write there",
    errno.EPERM: "no permission to write there",
    errno.EROFS: "the disk is read-only",
    errno.ENOTDIR: "part of the path is a file, not a folder",
    errno.ENAMETOOLONG: "the name is too long",
}


@contextlib.contextmanager
def replacing(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Lend a hidden name to write under; on leaving without error, give the file its own name.

    The hidden name keeps the extension, by which writers choose the format. Parents are made.

    Raises:
        WriteRefused: `path` exists and `overwrite` is false, or the system refused; in both cases
            nothing under `path` was changed and the hidden file is gone.
    """
    refuse_existing(path, overwrite=overwrite)
    owner = f"{_host()}-{os.getpid()}-{threading.get_native_id()}"
    partial = path.with_name(f".{path.name}.{owner}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        _to_disk(partial)
        _give_name(partial, path, overwrite=overwrite)
        _sweep(path)
    except StillbrushError:
        raise
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
        raise WriteRefused(f"{path}: cannot be written, {reason}") from error
    except UnicodeError:
        raise WriteRefused(f"{str(path)!r}: expected a name that is valid UTF-8") from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def write_text_atomic(path: str | Path, text: str, *, overwrite: bool = True) -> None:
    """Write UTF-8 text (a report, a journal) so that a reader sees the old file or the new one.

    Raises:
        WriteRefused: The system refused, or the file exists and `overwrite` is false.
    """
    with replacing(Path(path), overwrite=overwrite) as partial:
        partial.write_bytes(text.encode("utf-8"))


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """Raise WriteRefused if `path` is a folder, or exists and may not be replaced."""
    try:
        is_folder, exists = path.is_dir(), os.path.lexists(path)
    except (OSError, ValueError) as error:
        raise WriteRefused(f"{path}: cannot be written ({error})") from None
    if is_folder:
        raise WriteRefused(f"{path}: expected a file name to write; got a folder")
    if exists and not overwrite:
        raise WriteRefused(f"{path}: exists and is kept; allow overwriting or choose another name")


def require_space(path: Path, size: int) -> None:
    """Raise WriteRefused if the disk that holds `path` has not `size` bytes to spare."""
    free = shutil.disk_usage(path.parent).free
    if free < size:
        raise WriteRefused(f"{path}: cannot be written, the disk is full ({free >> 20} MB free)")


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9]", "", platform.node())[:32]


def _to_disk(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _give_name(partial: Path, path: Path, *, overwrite: bool) -> None:
    """Rename; without `overwrite` through a hard link, which fails if the name is taken."""
    if overwrite:
        os.replace(partial, path)
    else:
        try:
            os.link(partial, path)
        except FileExistsError:
            raise WriteRefused(f"{path}: appeared while it was being written and is kept") from None
        except OSError:  # a file system without hard links (exFAT, some network shares)
            refuse_existing(path, overwrite=False)
            os.replace(partial, path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            with contextlib.suppress(OSError):  # some network shares refuse to sync a folder
                os.fsync(folder)
        finally:
            os.close(folder)


def _sweep(path: Path) -> None:
    """Remove what killed processes of this machine left of the same frame.

    Only on POSIX: asking Windows whether a process lives, with `os.kill`, would end it.
    """
    if os.name != "posix":
        return
    # Not a pattern to match: each frame's would stay in the caches of `re` and `fnmatch`.
    head, tail = f".{path.name}.{_host()}-", f".partial{path.suffix}"
    try:
        names = os.listdir(path.parent)
    except OSError:  # a folder that may be written and not be read
        return
    for name in names:
        if name.startswith(head) and name.endswith(tail):
            owner = re.search(r"-(\d+)-\d+\.partial", name)
            if owner and not _is_alive(int(owner[1])):
                with contextlib.suppress(OSError):
                    path.with_name(name).unlink()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True

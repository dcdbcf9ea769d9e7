"""Every error that Stillbrush raises on purpose: one base, and the built-in class that fits.

A message says *where: what was expected; what was got* and, where there is one, the remedy. Host
adapters catch :class:`StillbrushError`, show its text and nothing else.
"""

from __future__ import annotations


class StillbrushError(Exception):
    """Base of every deliberate error."""


class BadInput(StillbrushError, ValueError):
    """Something the user gave (a knob, a path, a frame range, a look) is not acceptable."""


class MissingFrame(StillbrushError, FileNotFoundError):
    """A frame, a sequence or a file that was asked for is not on disk."""


class UnreadableFile(StillbrushError, OSError):
    """A file is there but cannot be read: truncated, damaged, not a picture, no permission."""


class WriteRefused(StillbrushError, OSError):
    """Writing is impossible or would replace something: existing file, no permission, disk full."""


class OutOfMemory(StillbrushError, MemoryError):
    """There is too little memory for what was asked for; the message names a way out."""


class Cancelled(StillbrushError):
    """The user stopped the work; everything finished so far is sound."""

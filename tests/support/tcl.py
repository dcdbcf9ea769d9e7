"""Nuke's text read by Tcl itself, in an interpreter that can do nothing."""

from __future__ import annotations

import tkinter

LOCKED = "foreach name {exec open file source socket cd glob load} { rename $name {} }"


def parsed(text: str) -> list[str]:
    """Return the words at the top; a brace or quote that is not closed raises TclError."""
    tcl = tkinter.Tcl()
    tcl.eval(LOCKED)
    return [str(word) for word in tcl.splitlist(text)]

"""ComfyUI: every node of Stillbrush as a node of its own. Nothing of ComfyUI is imported here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .extension import StillbrushExtension


def build_extension() -> StillbrushExtension:
    """Return what ComfyUI loads."""
    from .extension import StillbrushExtension

    return StillbrushExtension()

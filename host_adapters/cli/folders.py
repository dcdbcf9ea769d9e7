"""Where a user's own things live."""

from __future__ import annotations

from ..folders import user_looks

__all__ = ["user_looks"]

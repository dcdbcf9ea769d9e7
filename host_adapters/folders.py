"""Where a user's own things live."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_data_path


def user_looks() -> Path:
    """Return the folder of the user's own looks; it may not exist."""
    return user_data_path("stillbrush", appauthor=False) / "looks"

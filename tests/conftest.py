"""Loads the package under its own name, and skips what this machine cannot run."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

if "PYTEST_XDIST_WORKER" in os.environ:  # one of several: each keeps to a core of its own
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def load_from_checkout(name: str) -> None:
    """Load the repository root as the package `name`, the way ComfyUI does."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "__init__.py")
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


if importlib.util.find_spec("stillbrush") is None:
    load_from_checkout("stillbrush")


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _has_comfyui() -> bool:
    from support.comfyui import checkout

    return checkout() is not None


def _has_browser() -> bool:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return any(shutil.which(name) for name in names)


NEEDS = {
    "cuda": (_has_gpu, "no NVIDIA GPU"),
    "comfy": (_has_comfyui, "no ComfyUI: STILLBRUSH_COMFYUI names no checkout"),
    "browser": (_has_browser, "no Chromium"),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests that are marked as needing something that this machine lacks."""
    for marker, (is_available, reason) in NEEDS.items():
        marked = [item for item in items if item.get_closest_marker(marker)]
        if marked and not is_available():
            for item in marked:
                item.add_marker(pytest.mark.skip(reason=reason))

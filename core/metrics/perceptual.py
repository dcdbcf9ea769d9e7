"""LPIPS (Zhang et al. 2018), where its package is installed (the extra `lpips`)."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import logging
from collections.abc import Callable

import torch
from torch import Tensor

log = logging.getLogger(__name__)


def is_installed() -> bool:
    """Say whether the package is there."""
    return importlib.util.find_spec("lpips") is not None


@functools.lru_cache(maxsize=1)
def network() -> Callable[[Tensor, Tensor], Tensor] | None:
    """Load the network once; None where there is none, or its weights cannot be fetched."""
    if not is_installed():
        return None
    try:
        return importlib.import_module("lpips").LPIPS(net="alex", verbose=False).eval()
    except OSError as error:  # its AlexNet is downloaded by torchvision
        log.warning("LPIPS is left out: %s", error)
        return None


@torch.no_grad()
def perceptual_distance(paint: Tensor, plate: Tensor) -> float | None:
    """Return the LPIPS distance of two pictures (1, h, w, 3), 0 to 1; None where it is absent."""
    judge = network()
    if judge is None:
        return None
    pair = (picture.cpu().permute(0, 3, 1, 2) * 2 - 1 for picture in (paint, plate))
    return float(judge(*pair))

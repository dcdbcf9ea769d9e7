"""Where nothing moves: estimated flow set to rest on what stands still.

On a flat wall an estimator follows the noise, and reports motion of many pixels where there is
none. Paint that is carried along it crawls. A pixel is put to rest where not moving explains the
picture as well as moving does, and the textured things around it, which the estimator does get
right, have no common motion. Noise has none, however fast it seems; a pan of a fifth of a pixel
has, and keeps its flat sky moving.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

REACHES = (24, 96)  # pixels (standard deviations) within which textured things speak for flat ones
COARSE = 8  # the vote is taken at an eighth of the size
WIDER = 0.05  # weight of the vote of a wider neighbourhood, where the nearer one has no texture
STILL = 0.04  # pixels of common motion that are none, where all agree
MOST = 0.25  # pixels of common motion that are motion, however much the vectors differ
NEGLIGIBLE = 0.05  # pixels: a pixel's own motion that is none whatever others do
SLACK = 1.5  # of 255: by how much not moving may explain less
CAP = 4.0  # pixels: one fast thing does not outvote its neighbourhood
FLAT = 3.0  # of 255: gradient of the smoothed picture below which nothing is texture
AMONG = 25  # pixels: a gap in what rests closes where most of this square rests
MAJORITY = 0.6


class Vote(NamedTuple):
    """What the textured things around each pixel do, (H, W) each, in pixels."""

    common: np.ndarray
    """Length of their mean motion."""
    spread: np.ndarray
    """Standard deviation about it."""


def at_rest(here: np.ndarray, there: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Return where the flow from one picture into another is better taken as none.

    Args:
        here: (H, W) uint8 luma, on which the flow lives.
        there: (H, W) uint8 luma, into which it points.
        flow: (H, W, 2) pixels.

    Returns:
        (H, W) bool.
    """
    around = vote(here.astype(np.float32), flow)
    standing = around.common < np.minimum(STILL + around.spread, MOST)
    standing |= speed(flow) < NEGLIGIBLE
    explained = is_explained(here.astype(np.float32), there.astype(np.float32), flow)
    resting = explained & standing
    return explained & (resting | (cv2.blur(resting.astype(np.float32), (AMONG, AMONG)) > MAJORITY))


def is_explained(here: np.ndarray, there: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Return where not moving explains a picture as well as a flow does, (H, W) bool."""
    height, width = here.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    moved = cv2.remap(
        there, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    del x, y  # large; two directions are measured at a time
    unmoved_error = cv2.blur(np.abs(here - there), (7, 7))
    moved_error = cv2.blur(np.abs(here - moved), (7, 7))
    return unmoved_error <= 1.1 * moved_error + SLACK


def speed(flow: np.ndarray) -> np.ndarray:
    """Return the length (H, W) of vectors (H, W, 2)."""
    return np.hypot(flow[..., 0], flow[..., 1])


def vote(grey: np.ndarray, flow: np.ndarray) -> Vote:
    """Ask the textured things around each pixel how they move.

    Where there is no texture near, those further off speak, and at last those of the whole frame.

    Args:
        grey: (H, W) luma, 0 to 255.
        flow: (H, W, 2) pixels.
    """
    height, width = grey.shape
    smooth = cv2.GaussianBlur(grey, (0, 0), 0.8)
    slope = np.hypot(
        cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8),
        cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8),
    )
    capping = np.minimum(1, CAP / np.maximum(speed(flow), 1e-6))
    weighed = np.empty((height, width, 4), np.float32)  # filled in place: it is large
    weighed[..., 3] = np.maximum(slope - FLAT, 0)
    for way in (0, 1):
        weighed[..., way] = flow[..., way] * capping
    weighed[..., 2] = np.square(weighed[..., 0]) + np.square(weighed[..., 1])
    weighed[..., :3] *= weighed[..., 3:]
    size = (max(1, width // COARSE), max(1, height // COARSE))
    small = cv2.resize(weighed, size, interpolation=cv2.INTER_AREA)
    total = small.sum((0, 1))
    mean = np.broadcast_to(total[:3] / (total[3] + 1e-6), (*small.shape[:2], 3))
    for reach in reversed(REACHES):
        wide = cv2.GaussianBlur(small, (0, 0), reach / COARSE, borderType=cv2.BORDER_REPLICATE)
        mean = (wide[..., :3] + WIDER * mean) / (wide[..., 3:] + WIDER)
    common = speed(mean[..., :2])
    spread = np.sqrt(np.maximum(mean[..., 2] - np.square(common), 0))
    full = [
        cv2.resize(found.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
        for found in (common, spread)
    ]
    return Vote(*full)

"""Where nothing moves: estimated flow set to rest on what stands still.

On a flat wall an estimator follows the noise, and reports motion of many pixels where there is
none. Paint that is carried along it crawls. A pixel is put to rest where not moving explains the
picture as well as moving does, and the textured things around it, which the estimator does get
right, are at rest too. The second condition keeps a flat sky moving with the pan that its horizon
shows.
"""

from __future__ import annotations

import cv2
import numpy as np

REACH = 24  # pixels (standard deviation) within which textured things speak for flat ones
COARSE = 8  # the vote is taken at an eighth of the size
AT_REST = 0.35  # pixels of mean motion of textured things around
SLACK = 1.5  # of 255: by how much not moving may explain less
CAP = 4.0  # pixels: one fast thing does not outvote its neighbourhood
FLAT = 4.0  # of 255: gradient below which nothing is texture


def at_rest(here: np.ndarray, there: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Return where the flow from one picture into another is better taken as none.

    Args:
        here: (H, W) uint8 luma, on which the flow lives.
        there: (H, W) uint8 luma, into which it points.
        flow: (H, W, 2) pixels.

    Returns:
        (H, W) bool.
    """
    a, b = here.astype(np.float32), there.astype(np.float32)
    height, width = a.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    moved = cv2.remap(
        b, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    unmoved_error = cv2.blur(np.abs(a - b), (7, 7))
    moved_error = cv2.blur(np.abs(a - moved), (7, 7))
    return (unmoved_error <= 1.1 * moved_error + SLACK) & (around(a, flow) < AT_REST)


def around(grey: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Return the mean speed (H, W) of the textured things around each pixel."""
    height, width = grey.shape
    slope = np.hypot(
        cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=1 / 8),
        cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=1 / 8),
    )
    weight = np.maximum(slope - FLAT, 0) + 1e-3
    speed = np.minimum(np.hypot(flow[..., 0], flow[..., 1]), CAP)
    size = (max(1, width // COARSE), max(1, height // COARSE))
    small = cv2.resize(np.dstack((weight * speed, weight)), size, interpolation=cv2.INTER_AREA)
    wide = cv2.GaussianBlur(small, (0, 0), REACH / COARSE, borderType=cv2.BORDER_REPLICATE)
    mean = np.asarray(wide[..., 0] / wide[..., 1], np.float32)
    return cv2.resize(mean, (width, height), interpolation=cv2.INTER_LINEAR)

"""Pictures for the page: heat over the plate, motion as colour, everything as data URIs."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ..render.gallery import Panel
from ..render.gauge import CEILING

DIMMED = 0.55  # of the plate's brightness under the heat
HEAT = cv2.COLORMAP_INFERNO  # evenly spaced to the eye, and in grey when printed
GROUND = 40  # grey of what cannot be judged


def uri(picture: np.ndarray, width: int, quality: int = 80) -> str:
    """Return a picture (H, W, 3) uint8 as a WebP data URI, at most so wide."""
    file = io.BytesIO()
    Image.fromarray(shrunk(picture, width)).save(file, "WEBP", quality=quality, method=2)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()


def file_uri(path: Path, width: int) -> str:
    """Return a picture file as a data URI; empty where it cannot be read."""
    try:
        read = cv2.imread(str(path))
    except cv2.error:  # larger than it reads, if its header is true
        return ""
    return "" if read is None else uri(np.ascontiguousarray(read[..., ::-1]), width)


def shrunk(picture: np.ndarray, width: int) -> np.ndarray:
    """Return a picture at most so wide."""
    high, wide = picture.shape[:2]
    if wide <= width:
        return np.ascontiguousarray(picture)
    size = (width, max(1, round(high * width / wide)))
    return cv2.resize(np.ascontiguousarray(picture), size, interpolation=cv2.INTER_AREA)


def enlarged(values: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Bring values (h, w) to the size of a picture."""
    size = (like.shape[1], like.shape[0])
    return cv2.resize(np.ascontiguousarray(values), size, interpolation=cv2.INTER_CUBIC)


def heat(change: np.ndarray, plate: np.ndarray, top: float) -> np.ndarray:
    """Lay a map of change over a plate.

    Args:
        change: (h, w) uint8, root mean square; 255 is `CEILING`.
        plate: (H, W, 3) uint8.
        top: root mean square change that is shown in full.

    Returns:
        (H, W, 3) uint8: the plate in dim grey, brighter and warmer where paint changes more.
    """
    level = enlarged(change.astype(np.float32), plate) / 255 * CEILING / top
    level = np.clip(level, 0, 1)[..., None]
    grey = plate.astype(np.float32).mean(-1, keepdims=True) * DIMMED
    colour = coloured(level[..., 0]).astype(np.float32)
    cover = np.clip(level * 2.2, 0, 1) ** 0.8
    return np.rint(grey * (1 - cover) + colour * cover).astype(np.uint8)


def coloured(level: np.ndarray) -> np.ndarray:
    """Return levels of 0 to 1 (h, w) in the colours of the heat map, (h, w, 3) uint8."""
    steps = np.rint(np.clip(level, 0, 1) * 255).astype(np.uint8)
    return np.ascontiguousarray(cv2.applyColorMap(steps, HEAT)[..., ::-1])


def heat_scale(width: int = 240, height: int = 10) -> np.ndarray:
    """Return the colours of the heat map from none to full, (height, width, 3) uint8."""
    return coloured(np.tile(np.linspace(0, 1, width), (height, 1)))


def motion(flow: np.ndarray, full: float) -> np.ndarray:
    """Show motion as colour: direction is hue, speed is saturation; black where it is not known.

    Args:
        flow: (h, w, 2) pixels, backward; shown as where things go, not where they came from.
        full: speed in pixels of full saturation.
    """
    known = np.isfinite(flow[..., 0]) & np.isfinite(flow[..., 1])
    u, v = (-np.where(known, flow[..., axis].astype(np.float32), 0) for axis in (0, 1))
    angle = (np.degrees(np.arctan2(v, u)) % 360) / 2
    speed = np.clip(np.hypot(u, v) / max(full, 1e-6), 0, 1)
    planes = (angle, speed * 215, np.full_like(angle, 235))
    hsv = np.stack([np.rint(plane) for plane in planes], -1).astype(np.uint8)
    rgb = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    return np.where(known[..., None], rgb, GROUND).astype(np.uint8)


def enlarged_flow(flow: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bring a flow (h, w, 2) to a size (width, height); its vectors stay as they are."""
    return cv2.resize(flow.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)


def wheel(side: int = 96) -> np.ndarray:
    """Return the colours of every direction (side, side, 3) uint8; grey outside the disc."""
    axis = np.linspace(-1, 1, side, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    outside = np.hypot(x, y) > 1
    flow = np.stack((-x, -y), -1)
    flow[outside] = np.nan
    return motion(flow, 1.0)


def speed_scale(panels: list[Panel]) -> float:
    """Return the speed that is shown in full over some frames: their fastest hundredth, pixels."""
    speeds = [np.hypot(*np.moveaxis(panel.flow.astype(np.float32), -1, 0)) for panel in panels]
    known = [speed[np.isfinite(speed)] for speed in speeds]
    together = np.concatenate(known) if known else np.zeros(0)
    return max(1.0, float(np.percentile(together, 99))) if together.size else 1.0


def heat_top(maps: list[np.ndarray]) -> float:
    """Return the root mean square change that is shown in full: the hundredth that changes most."""
    if not maps:
        return CEILING
    highest = np.percentile(np.stack([m[..., :2].max(-1) for m in maps]), 99.5)
    return max(0.02, float(highest) / 255 * CEILING)


def over_plate(mask: np.ndarray, plate: np.ndarray) -> np.ndarray:
    """Show a mask: the plate as it is where paint is carried over, dark where it is new."""
    share = np.clip(enlarged(mask.astype(np.float32), plate) / 255, 0, 1)[..., None]
    new = np.array((196, 84, 60), np.float32) * 0.75 + plate.mean(-1, keepdims=True) * 0.25
    kept = plate.astype(np.float32) * 0.35 + 150 * 0.65 * (plate.mean(-1, keepdims=True) / 255)
    return np.rint(np.clip(kept * share + new * (1 - share), 0, 255)).astype(np.uint8)

"""Carry paint along a flow, again and again, without wearing it down.

A recursion warps what it warped before. Catmull-Rom takes a quarter of the gradients in ten warps
by parts of a pixel, and the error to the painting triples; a network that has to make up for that
paints anew instead of keeping. Lanczos over eight pixels takes an eighth, but lets some
frequencies grow by two per cent a warp; a little of bilinear holds all of them down. Kernels are
tables in parts of a pixel, and Lanczos moves what is smooth by a little less or more than it says;
what is missing to the motion is followed along the slope. Without that, paint slides by a pixel in
a hundred frames.
"""

from __future__ import annotations

import functools
import math

import cv2
import numpy as np
import torch
from torch import Tensor

from .warp import check, warp

TAPS = 8  # pixels each way
STEPS = 32  # a flow is read in these parts of a pixel
STEADYING = 0.06  # share of bilinear: no frequency grows, diagonal ones neither
LARGEST = 32766  # pixels that OpenCV can address along a side


def warp_sharply(image: Tensor, flow: Tensor) -> Tensor:
    """Return the picture `w` with `w(x) = image(x + flow(x))`.

    Args:
        image: (B, H, W, C), any range.
        flow: (B, h, w, 2) pixels, x right, y down.

    Beyond the frame the edge pixel is repeated; an unknown flow reads some pixel of the picture.
    Whole-pixel flows are exact. A little overshoot is possible.

    Returns:
        (B, h, w, C) float32. No gradient.

    Raises:
        BadInput: shapes do not fit.
    """
    check(image, flow)
    image, asked = image.detach().float(), flow.detach().float().nan_to_num(0.0)
    reach = float(sum(image.shape[1:3]) + sum(flow.shape[1:3]))
    told, missing = in_steps(asked.clamp(-reach, reach), slip().to(image))
    return along_slope(mixed(image, told), missing)


def look_up(image: Tensor, flow: Tensor) -> Tensor:
    """Return `w` with `w(x) = image(x + flow(x))` by Lanczos alone, to 1/64 of a pixel.

    For what is warped once, and not again and again: nothing is steadied, no slope followed.

    Args:
        image: (B, H, W, C) float32, any range.
        flow: (B, h, w, 2) pixels, finite.

    Returns:
        (B, h, w, C) float32. No gradient.
    """
    told = (flow.detach() * STEPS).round() / STEPS
    return by_lanczos(image.detach(), told)


def mixed(image: Tensor, flow: Tensor) -> Tensor:
    """Warp by Lanczos and a little of bilinear along a flow in whole steps of the tables."""
    if is_opencv_s(image, flow):
        sharp, smooth = (by_opencv(image, flow, k) for k in (cv2.INTER_LANCZOS4, cv2.INTER_LINEAR))
    else:
        sharp, smooth = by_taps(image, flow, lanczos().to(image)), warp(image, flow)
    return sharp + STEADYING * (smooth - sharp)


def by_lanczos(image: Tensor, flow: Tensor) -> Tensor:
    """Warp by Lanczos along a flow in whole steps of the tables."""
    if is_opencv_s(image, flow):
        return by_opencv(image, flow, cv2.INTER_LANCZOS4)
    return by_taps(image, flow, lanczos().to(image))


def is_opencv_s(image: Tensor, flow: Tensor) -> bool:
    """Say whether OpenCV can warp it."""
    addressable = max(*image.shape[1:3], *flow.shape[1:3]) <= LARGEST
    return image.device.type == "cpu" and addressable and image.shape[-1] <= 4


def in_steps(asked: Tensor, slips: Tensor) -> tuple[Tensor, Tensor]:
    """Return a flow (B, h, w, 2) in whole steps that moves nearly as asked, and the rest.

    TorchScript reads this function too.

    Args:
        slips: what `slip` returns, (S,).
    """
    steps = slips.shape[0]
    part = ((asked - asked.floor()) * steps).round().long() % steps
    told = ((asked + slips[part]) * steps).round() / steps
    moved = told - slips[((told - told.floor()) * steps).long()]
    return told, asked - moved


def by_opencv(image: Tensor, flow: Tensor, kernel: int) -> Tensor:
    """Warp on the processor: five times as fast as sixteen taps in torch."""
    where = flow.numpy().copy()
    where[..., 0] += np.arange(flow.shape[2], dtype=np.float32)
    where[..., 1] += np.arange(flow.shape[1], dtype=np.float32)[:, None]
    pictures = np.ascontiguousarray(image.numpy())
    made = [
        cv2.remap(picture, at, None, kernel, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
        for picture, at in zip(pictures, where, strict=True)
    ]
    return torch.from_numpy(np.stack(made)).reshape(*flow.shape[:3], image.shape[-1])


def by_taps(image: Tensor, flow: Tensor, kernel: Tensor) -> Tensor:
    """Warp by a kernel on any device; TorchScript reads this function too.

    Args:
        image: (B, H, W, C).
        flow: (B, h, w, 2) pixels, in whole steps of the kernel.
        kernel: (S, T) weights of T taps for every S-th of a pixel; the taps lie around the place.
    """
    height, width, channels = image.shape[1], image.shape[2], image.shape[3]
    steps, taps = kernel.shape[0], kernel.shape[1]
    whole = flow.floor()
    weights = kernel[((flow - whole) * steps).long()]  # (B, h, w, 2, T)
    rows, columns = flow.shape[1], flow.shape[2]
    x = whole[..., 0].long() + torch.arange(columns, device=flow.device)
    y = whole[..., 1].long() + torch.arange(rows, device=flow.device)[:, None]
    frame = torch.arange(image.shape[0], device=flow.device)[:, None, None] * (height * width)
    flat = image.reshape(-1, channels)
    made = torch.zeros([image.shape[0], rows, columns, channels], device=image.device).to(image)
    first = 1 - taps // 2
    for j in range(taps):
        start = (y + (first + j)).clamp(0, height - 1) * width + frame
        line = torch.zeros_like(made)
        for i in range(taps):
            tap = flat[start + (x + (first + i)).clamp(0, width - 1)]
            line += tap * weights[..., 0, i, None]
        made += line * weights[..., 1, j, None]
    return made


def along_slope(picture: Tensor, by: Tensor) -> Tensor:
    """Move a picture (B, H, W, C) by tiny parts of a pixel (B, H, W, 2); TorchScript reads it too.

    Slope and bend, one axis after the other: with the bend no frequency grows.
    """
    across, down = by[..., :1], by[..., 1:]
    left = torch.cat((picture[:, :, :1], picture[:, :, :-1]), 2)
    right = torch.cat((picture[:, :, 1:], picture[:, :, -1:]), 2)
    bend = (right + left - 2 * picture) * (across.square() / 2)
    picture = picture + (right - left) * (across / 2) + bend
    above = torch.cat((picture[:, :1], picture[:, :-1]), 1)
    below = torch.cat((picture[:, 1:], picture[:, -1:]), 1)
    bend = (below + above - 2 * picture) * (down.square() / 2)
    return picture + (below - above) * (down / 2) + bend


@functools.lru_cache(maxsize=1)
def lanczos() -> Tensor:
    """Return the weights of the taps for every part of a pixel, (STEPS, TAPS); rows sum to 1."""
    half = TAPS // 2
    rows = []
    for step in range(STEPS):
        away = [tap - step / STEPS for tap in range(1 - half, half + 1)]
        row = torch.tensor([sinc(x) * sinc(x / half) for x in away], dtype=torch.float64)
        rows.append(row / row.sum())
    return torch.stack(rows).float()


@functools.lru_cache(maxsize=1)
def slip() -> Tensor:
    """Return how many pixels the mix moves what is smooth by too little, for every step, (STEPS,).

    Up to 0.014: Lanczos does not keep straight slopes.
    """
    kernel = lanczos().double()
    at = torch.arange(1 - TAPS // 2, 1 + TAPS // 2)
    due = torch.arange(STEPS, dtype=torch.float64) / STEPS
    return ((1 - STEADYING) * (due - (kernel * at).sum(1))).float()


def bilinear() -> Tensor:
    """Return the weights of two taps for every part of a pixel, (STEPS, 2)."""
    share = torch.arange(STEPS) / STEPS
    return torch.stack((1 - share, share), 1)


def sinc(x: float) -> float:
    """Return sin(pi x) / (pi x), and an exact 0 at whole numbers."""
    if x == 0:
        return 1.0
    return 0.0 if x == round(x) else math.sin(math.pi * x) / (math.pi * x)

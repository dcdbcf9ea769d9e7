"""Contact sheets: many small pictures on one, labelled, for reports and for the README."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..errors import BadInput, WriteRefused

BACKGROUND = (24, 24, 25)
LABEL_COLOUR = (188, 188, 190)
TITLE_COLOUR = (236, 236, 238)
SUFFIXES = (".png", ".jpg", ".jpeg")
JPEG_QUALITY = 93


def contact_sheet(
    pictures: Sequence[NDArray[np.float32]],
    labels: Sequence[str],
    columns: int,
    title: str | None = None,
    width: int = 1920,
) -> NDArray[np.uint8]:
    """Lay pictures out in rows with a label under each, on a dark neutral ground.

    Every picture is scaled to its column's width and keeps its shape; a row is as tall as its
    tallest picture. A label too long for its column ends in an ellipsis.

    Args:
        pictures: (H, W, 3) each, display-referred 0..1 (clipped); sizes may differ.
        labels: One for each picture; an empty one leaves its line blank.
        width: Of the sheet, pixels.

    Returns:
        (H, width, 3) uint8.

    Raises:
        BadInput: No pictures, a picture of another shape, labels that do not match, or columns too
            many for the width.
    """
    _check(pictures, labels, columns, width)
    columns = min(columns, len(pictures))
    margin = max(4, round(width * 0.016))
    font = _font(max(10.0, width / columns * 0.034))
    title_font = _font(max(13.0, width * 0.022))
    cell = (width - margin * (columns + 1)) // columns
    spare = (width - margin * (columns + 1)) - cell * columns
    rows = [_scaled(pictures[i : i + columns], cell) for i in range(0, len(pictures), columns)]
    line = _line_height(font) if any(labels) else 0
    heading = _line_height(title_font) + margin // 2 if title else 0
    tall = [max(p.shape[0] for p in row) for row in rows]
    height = margin + heading + sum(row + line + margin for row in tall)
    sheet = Image.new("RGB", (width, height), BACKGROUND)
    pen = ImageDraw.Draw(sheet)
    left, top = margin + spare // 2, margin
    if title:
        text = _ellipsised(title, title_font, width - 2 * left)
        pen.text((left, top), text, TITLE_COLOUR, title_font)
    top += heading
    names = iter(labels)
    for row, row_height in zip(rows, tall, strict=True):
        for column, picture in enumerate(row):
            x = left + column * (cell + margin)
            sheet.paste(Image.fromarray(picture), (x, top))
            text = _ellipsised(next(names), font, cell)
            pen.text((x, top + row_height + line * 0.22), text, LABEL_COLOUR, font)
        top += row_height + line + margin
    return np.asarray(sheet, np.uint8)


def save_picture_8bit(
    path: str | os.PathLike[str], picture: NDArray[np.uint8] | NDArray[np.float32]
) -> Path:
    """Write a PNG or JPEG, complete or not at all; an existing file is replaced in one step.

    Args:
        picture: (H, W, 3) or (H, W); uint8, or floating point display-referred 0..1.

    Raises:
        BadInput: A suffix or an array that is no 8-bit picture.
        WriteRefused: The file cannot be written.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        raise BadInput(f"{target}: expected a name ending in {', '.join(SUFFIXES)}; got {suffix!r}")
    array = np.asarray(picture)
    is_grey, is_rgb = array.ndim == 2, array.ndim == 3 and array.shape[2] == 3
    if not (is_grey or is_rgb) or 0 in array.shape:
        raise BadInput(f"{target}: expected a picture (H, W, 3) or (H, W); got {array.shape}")
    if array.dtype != np.uint8:
        array = _to_8bit(array)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    options = (
        {"quality": JPEG_QUALITY, "subsampling": 0} if suffix != ".png" else {"optimize": True}
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        kind = "PNG" if suffix == ".png" else "JPEG"
        Image.fromarray(np.ascontiguousarray(array)).save(partial, format=kind, **options)
        os.replace(partial, target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise WriteRefused(f"{target}: cannot write the picture; got: {reason}") from error
    finally:
        with contextlib.suppress(OSError):  # lest it hides what went wrong
            partial.unlink(missing_ok=True)
    return target


def _check(
    pictures: Sequence[NDArray[np.float32]], labels: Sequence[str], columns: int, width: int
) -> None:
    if not pictures:
        raise BadInput("contact sheet: expected at least one picture; got none")
    if len(labels) != len(pictures):
        raise BadInput(
            f"contact sheet: expected a label for each of {len(pictures)} pictures; "
            f"got {len(labels)}"
        )
    for index, picture in enumerate(pictures):
        if picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
            raise BadInput(
                f"contact sheet, picture {index + 1}: expected (H, W, 3); got {picture.shape}"
            )
    if columns < 1 or width < 40 * columns:
        raise BadInput(
            f"contact sheet: expected 1 column or more, each at least 40 px wide; got {columns} "
            f"columns in {width} px"
        )


def _scaled(row: Sequence[NDArray[np.float32]], cell: int) -> list[NDArray[np.uint8]]:
    scaled = []
    for picture in row:
        h, w = picture.shape[:2]
        size = (cell, max(1, round(cell * h / w)))
        how = cv2.INTER_AREA if cell < w else cv2.INTER_CUBIC
        scaled.append(
            _to_8bit(cv2.resize(np.asarray(picture, np.float32), size, interpolation=how))
        )
    return scaled


def _to_8bit(picture: NDArray[Any]) -> NDArray[np.uint8]:
    finite = np.nan_to_num(picture, nan=0.0, posinf=1.0, neginf=0.0)
    return np.rint(np.clip(finite, 0.0, 1.0) * 255.0).astype(np.uint8)


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def _line_height(font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> int:
    _, top, _, bottom = font.getbbox("Ágjp|")
    return round((bottom - top) * 1.45)


def _ellipsised(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, room: int) -> str:
    """Shorten `text` to what fits into `room` pixels."""
    text = " ".join(text.split())
    if font.getlength(text) <= room:
        return text
    while text and font.getlength(text.rstrip() + "…") > room:
        text = text[:-1]
    return text.rstrip() + "…"

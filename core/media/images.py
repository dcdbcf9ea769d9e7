"""One frame, in and out: pictures are read as stored and written so that nothing else changes.

OpenImageIO does all the reading and writing. What the writers do is in `exr` and `raster`.
"""

from __future__ import annotations

import collections.abc
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813

from ..errors import BadInput
from . import exr, raster
from .atomic import refuse_existing, replacing, write_text_atomic
from .form import AS_PLATE, Form
from .headers import (
    Header,
    Layout,
    choose_layout,
    named_channels,
    opened,
    part_specs,
    probe,
    unreadable,
)
from .originals import Original, Part, read_part, scaled, upright

__all__ = [
    "WRITABLE_SUFFIXES",
    "Header",
    "Layout",
    "Original",
    "Part",
    "Plate",
    "probe",
    "read_channels",
    "read_plate",
    "write_picture",
    "write_text_atomic",
]

WRITABLE_SUFFIXES = frozenset({".exr", *raster.SUFFIXES})


@dataclass(frozen=True)
class Plate:
    """One frame as it lies on disk.

    Attributes:
        frame: Its number.
        path: Its file.
        rgb: (H, W, 3) float32, values as stored: no colour conversion, no clamping, alpha neither
            multiplied nor divided. Integers are scaled to 0..1. H and W are the data window's.
        alpha: (H, W) float32, or None.
        original: All that the file held, for the writer.
    """

    frame: int
    path: Path
    rgb: np.ndarray
    alpha: np.ndarray | None
    original: Original

    @property
    def is_premultiplied(self) -> bool:
        """Say whether RGB is stored multiplied by alpha: EXR is, PNG is not, TIFF says."""
        return self.original.is_premultiplied


def read_plate(path: str | Path, frame: int, layer: str | None = None) -> Plate:
    """Read a whole picture: the RGB to be painted, and everything else to be kept.

    Args:
        path: EXR, PNG, TIFF, JPEG, DPX or another format that OpenImageIO reads.
        frame: Its frame number.
        layer: Layer or part to take RGB from (`diffuse`); by default plain R, G, B, else a layer
            called beauty, combined or rgba, else the first RGB layer, else a grey channel,
            which is repeated three times.

    Raises:
        MissingFrame: There is no such file.
        UnreadableFile: Damaged, truncated, empty, deep, subsampled, a folder, or no permission.
        BadInput: There is no such layer.
    """
    path = Path(path)
    with opened(path) as inp:
        specs = part_specs(inp, path)
        layout = choose_layout(path, specs, layer)
        parts = tuple(read_part(inp, path, i, spec) for i, spec in enumerate(specs))
        original = Original(parts, layout, inp.format_name())
    return Plate(frame, path, original.rgb(), original.alpha(), original)


def read_channels(path: str | Path, names: collections.abc.Sequence[str]) -> np.ndarray:
    """Read channels by name, for motion vectors, depth and mattes.

    Args:
        path: The picture.
        names: Channel names as `probe(path).channels` lists them, in the order wanted.

    Returns:
        (H, W, len(names)) float32, values as stored; integers of other formats than EXR in 0..1.

    Raises:
        BadInput: A channel is not there (the message lists what is), or parts differ in size.
        MissingFrame, UnreadableFile: As for `read_plate`.
    """
    path = Path(path)
    with opened(path) as inp:
        specs = part_specs(inp, path)
        known = {name: (part, index) for name, part, index in named_channels(specs)}
        missing = [name for name in names if name not in known]
        if missing or not names:
            raise BadInput(
                f"{path}: expected channels {', '.join(missing) or '(none named)'}; "
                f"got {', '.join(known)[:600]}"
            )
        planes: list[np.ndarray] = []
        for name in names:
            part, index = known[name]
            planes.append(_channel(inp, path, part, index, specs[part]))
    if len({plane.shape for plane in planes}) > 1:
        pairs = zip(names, planes, strict=True)
        sizes = ", ".join(f"{name} {p.shape[1]}x{p.shape[0]}" for name, p in pairs)
        raise BadInput(f"{path}: expected channels of one size; got {sizes}")
    return np.stack(planes, axis=-1)


def write_picture(
    path: str | Path,
    rgb: np.ndarray,
    plate: Plate | None,
    *,
    overwrite: bool,
    alpha: np.ndarray | None = None,
    extra: dict[str, np.ndarray] | None = None,
    metadata: dict[str, str] | None = None,
    form: Form = AS_PLATE,
) -> None:
    """Write one frame; the extension says the format. The file is whole, or it is not there.

    An EXR made from an EXR keeps every attribute, part, channel, type and window, and every
    pixel whose value was not changed, to the bit (`exr.build`). Other formats are 16-bit
    integers, rounded and clipped to 0..1 (`raster.build`); they hold the display window. The same
    inputs always give the same bytes: no clock time is written.

    Args:
        path: `.exr`, `.png`, `.tif`, `.jpg` or `.dpx`. Parent folders are made.
        rgb: (H, W, 3) float32 in the plate's own space and alpha association.
        plate: What the frame was made from, or None for a new picture (premultiplied by `alpha`).
        overwrite: Whether an existing file may be replaced.
        alpha: (H, W) float32 in place of the plate's own.
        extra: Further (H, W) float32 channels by name (`stillbrush.mask`); EXR only.
        metadata: Text attributes, named `stillbrush/...`; DPX has no place for them.
        form: Type of RGB and compression of an EXR, where they are not to be the plate's.

    Raises:
        BadInput: Wrong shape, unknown extension, or `extra` for another format than EXR.
        WriteRefused: The file exists, or the system refused; nothing was changed.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in WRITABLE_SUFFIXES:
        known = ", ".join(sorted(WRITABLE_SUFFIXES))
        raise BadInput(f"{path}: expected a name that ends in {known}; got {suffix or 'none'}")
    if extra and suffix != ".exr":
        raise BadInput(f"{path}: expected .exr for channels {', '.join(extra)}; got {suffix}")
    original = plate.original if plate else None
    _check_shapes(path, rgb, original, {"alpha": alpha, **(extra or {})})
    refuse_existing(path, overwrite=overwrite)
    painted = np.ascontiguousarray(rgb, np.float32)
    named = {_key(key): str(value) for key, value in (metadata or {}).items()}
    if suffix == ".exr":
        pages = exr.build(
            painted, original, alpha=alpha, extra=extra or {}, metadata=named, form=form
        )
    else:
        pages = raster.build(path, painted, original, alpha=alpha, metadata=named)
    with replacing(path, overwrite=overwrite) as partial:
        if suffix == ".exr":
            exr.write(partial, path, pages)
        else:
            raster.write(partial, path, pages[0])


def _channel(
    inp: oiio.ImageInput, path: Path, part: int, index: int, spec: oiio.ImageSpec
) -> np.ndarray:
    """Read one channel as float32; 32-bit EXR identifiers become the nearest float."""
    native = spec.channelformat(index).basetype
    is_exr = inp.format_name() == "openexr"
    exact = native in ((oiio.UINT32,) if is_exr else (oiio.UINT8, oiio.UINT16))
    pixels = inp.read_image(part, 0, index, index + 1, native if exact else oiio.FLOAT)
    if pixels is None or inp.has_error:
        raise unreadable(path, inp)
    plane = pixels.reshape(spec.height, spec.width)
    if is_exr:
        return plane.astype(np.float32)
    return scaled(upright(plane, spec))


def _key(name: str) -> str:
    return name if name.startswith("stillbrush/") else f"stillbrush/{name}"


def _check_shapes(
    path: Path, rgb: np.ndarray, original: Original | None, planes: dict[str, np.ndarray | None]
) -> None:
    """Raise BadInput unless everything has the plate's size (or, without a plate, one size)."""
    height, width = original.size if original else rgb.shape[:2]
    if rgb.shape != (height, width, 3) or not height or not width:
        raise BadInput(f"{path}: expected rgb of shape ({height}, {width}, 3); got {rgb.shape}")
    for name, plane in planes.items():
        if plane is not None and plane.shape != (height, width):
            expected = f"expected {name} of shape ({height}, {width})"
            raise BadInput(f"{path}: {expected}; got {plane.shape}")

"""Writing EXR so that what was not painted comes back bit for bit.

Compression is the file's own, with one exception. DWAA, DWAB, B44 and B44A change values each
time they are written, in RGB and in most other channels (B44 moves vectors by tens of pixels).
Where a part holds anything that has to stay exact, which is a pixel not painted, an alpha or a data
layer, it is written as zip instead, and the log says so once. Only a plain RGB frame painted all
over keeps its lossy compression. PXR24 stays: it is exact for half, and for floats that it has
rounded before.
"""

from __future__ import annotations

import functools
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813

from ..errors import WriteRefused
from .exr_header import mark_identifiers
from .form import AS_PLATE, Compression, Depth, Form
from .headers import attribute, has_attribute, text_attribute
from .originals import Original, Part, check_whole, writer

HALF_MAX = 65504.0
CARRIED = ("FramesPerSecond", "smpte:TimeCode", "PixelAspectRatio")

_log = logging.getLogger(__name__)
_KINDS = {Depth.PLATE: oiio.HALF, Depth.HALF: oiio.HALF, Depth.FLOAT: oiio.FLOAT}
_LOSSY = ("dwa", "b44")
_BLIND_TO_TYPE = {"none", "rle", "zips", "zip", "piz"}  # see the same 32 bits in uint and in float


@dataclass
class Page:
    """One part about to be written.

    Attributes:
        spec: Its header.
        pixels: (H, W, C) in a type that OpenImageIO writes without loss.
        identifiers: Names of 32-bit integer channels that lie in float32 pixels as raw bits.
    """

    spec: oiio.ImageSpec
    pixels: np.ndarray
    identifiers: tuple[str, ...] = ()


def build(
    painted: np.ndarray,
    original: Original | None,
    *,
    alpha: np.ndarray | None,
    extra: dict[str, np.ndarray],
    metadata: dict[str, str],
    form: Form = AS_PLATE,
) -> list[Page]:
    """Put a painted frame in the place of the RGB of its original.

    Only values whose float32 bits differ from the plate's are converted; all others keep the
    file's own bits, NaN payloads included. Painted values beyond half are clamped to 65504. A
    grey plate (Y) stays grey if the painting is grey, else Y gives way to R, G, B of its type.

    Args:
        painted: (H, W, 3) float32.
        original: The plate's, or None: then a new half float, zip-compressed RGB(A) file.
        alpha: (H, W) in place of the plate's alpha.
        extra: Channels to add as float32, or to replace where the name is there already.
        metadata: Text attributes for the part that holds RGB.
        form: Type of RGB and compression of that part, where not the plate's.
    """
    if original is None or not original.is_exr:
        page, untouched = _fresh(painted, original, alpha, form.depth), False
    else:
        page, untouched = _repainted(painted, original, alpha, form.depth)
    if form.compression is not Compression.PLATE:
        page.spec.attribute("compression", form.compression.value)
        page.spec.erase_attribute("openexr:dwaCompressionLevel")
    for name, plane in extra.items():
        _put(page, name, np.asarray(plane, np.float32), oiio.FLOAT)
    for key, value in metadata.items():
        page.spec.attribute(key, value)
    _settle(page, must_be_exact=untouched or page.spec.nchannels != painted.shape[-1])
    if original is None or not original.is_exr:
        return [page]
    pages = [_page(part) for part in original.parts]
    for other in pages:
        _settle(other, must_be_exact=True)
    pages[original.layout.part] = page
    return pages


def write(partial: Path, path: Path, pages: list[Page]) -> None:
    """Write all parts to `partial` and read them back; errors speak of `path`.

    Raises:
        WriteRefused: OpenImageIO could not write.
    """
    out = writer(partial, path)
    specs = [page.spec for page in pages]
    done = out.open(str(partial), specs[0] if len(specs) == 1 else tuple(specs))
    for index, page in enumerate(pages):
        if index:
            done = done and out.open(str(partial), page.spec, "AppendSubimage")
        done = done and out.write_image(np.ascontiguousarray(page.pixels))
    error = " ".join(out.geterror().split())[:200]
    if not (out.close() and done):
        raise WriteRefused(f"{path}: cannot be written ({error or 'disk full?'})")
    if any(page.identifiers for page in pages):
        mark_identifiers(partial, [set(page.identifiers) for page in pages])
    check_whole(partial, path)


def _page(part: Part) -> Page:
    spec = oiio.ImageSpec(part.spec)
    identifiers: tuple[str, ...] = ()
    if part.pixels.dtype == np.float32:
        names = spec.channelnames
        identifiers = tuple(n for i, n in enumerate(names) if part.is_identifier(i))
    return Page(spec, part.pixels, identifiers)


def _repainted(
    painted: np.ndarray, original: Original, alpha: np.ndarray | None, depth: Depth
) -> tuple[Page, bool]:
    """Replace RGB (and alpha, if given); say too whether any value of RGB was left as it was."""
    page, layout, part = _page(original.picture), original.layout, original.picture
    if depth is not Depth.PLATE:
        page.pixels = _mixed(page)
        kinds = _kinds(page.spec)
        for index in layout.rgb:
            kinds[index] = _KINDS[depth]
        _rename(page.spec, list(page.spec.channelnames), kinds)
        part = Part(page.spec, page.pixels)
    changed = painted.view(np.uint32) != original.rgb().view(np.uint32)
    if alpha is not None and layout.alpha is not None:
        page.pixels = page.pixels.copy()
        own = original.plane(layout.alpha)
        new = np.asarray(alpha, np.float32)
        _exchange(page, part, layout.alpha, new, new.view(np.uint32) != own.view(np.uint32))
    if changed.any():
        is_grey = layout.is_grey and bool((painted == painted[..., :1]).all())
        if layout.is_grey and not is_grey:
            _widen(page, layout.rgb[0], layout.layer)
            part = Part(page.spec, page.pixels)
        page.pixels = page.pixels.copy()
        indices = layout.rgb[:1] if is_grey else layout.rgb
        if layout.is_grey and not is_grey:
            indices = tuple(layout.rgb[0] + c for c in range(3))
        for c, index in enumerate(indices):
            _exchange(page, part, index, painted[..., c], changed[..., c])
    if alpha is not None and layout.alpha is None:
        prefix = f"{layout.layer}." if layout.layer else ""
        kind = original.picture.spec.channelformat(layout.rgb[0]).basetype
        _put(page, f"{prefix}A", np.asarray(alpha, np.float32), kind)
    return page, not changed.all()


def _exchange(page: Page, part: Part, index: int, values: np.ndarray, changed: np.ndarray) -> None:
    """Put the changed values of one channel into the page, in the channel's own type."""
    kind = part.spec.channelformat(index).basetype
    page.pixels[..., index][changed] = _stored(values[changed], kind, page.pixels.dtype)


def _stored(values: np.ndarray, kind: oiio.BASETYPE, dtype: np.dtype) -> np.ndarray:
    """Convert float32 values to a channel's type, in the form that an array of `dtype` holds."""
    if kind == oiio.UINT32:
        whole = np.rint(np.clip(np.nan_to_num(values.astype(np.float64)), 0, 2**32 - 1))
        return whole.astype(np.uint32).view(dtype)
    if kind == oiio.HALF:
        return np.clip(values, -HALF_MAX, HALF_MAX).astype(np.float16).astype(dtype)
    return values.astype(dtype)


def _widen(page: Page, index: int, layer: str) -> None:
    """Give R, G, B the place of a grey channel, all three with its bits."""
    kind = page.spec.channelformat(index).basetype
    prefix = f"{layer}." if layer else ""
    names, kinds = list(page.spec.channelnames), _kinds(page.spec)
    names[index : index + 1] = [f"{prefix}{c}" for c in "RGB"]
    kinds[index : index + 1] = [kind] * 3
    order = [*range(index), index, index, index, *range(index + 1, page.spec.nchannels)]
    page.pixels = page.pixels[..., order]
    _rename(page.spec, names, kinds)


def _put(page: Page, name: str, plane: np.ndarray, kind: oiio.BASETYPE) -> None:
    """Add a channel, or replace the one that has this name already."""
    names, kinds = list(page.spec.channelnames), _kinds(page.spec)
    if name in names:
        index = names.index(name)
        page.pixels = page.pixels.copy()
        page.pixels[..., index] = _stored(plane, kinds[index], page.pixels.dtype)
        return
    if kind != oiio.HALF or page.pixels.dtype != np.float16:
        page.pixels = _mixed(page)
    added = _stored(plane, kind, page.pixels.dtype)
    page.pixels = np.concatenate([page.pixels, added[..., None]], axis=-1)
    _rename(page.spec, [*names, name], [*kinds, kind])


def _mixed(page: Page) -> np.ndarray:
    """Turn the pixels into float32, in which half is exact and integers lie as raw bits."""
    if page.pixels.dtype == np.uint32:
        page.identifiers = tuple(page.spec.channelnames)
        return page.pixels.view(np.float32)
    return page.pixels.astype(np.float32)


def _kinds(spec: oiio.ImageSpec) -> list[oiio.BASETYPE]:
    return [spec.channelformat(index).basetype for index in range(spec.nchannels)]


def _rename(spec: oiio.ImageSpec, names: list[str], kinds: list[oiio.BASETYPE]) -> None:
    """Change the channel list of a header."""
    uniform = len(set(kinds)) == 1
    spec.nchannels = len(names)
    spec.set_format(kinds[0] if uniform else oiio.FLOAT)
    spec.channelnames = tuple(names)
    if not uniform:
        spec.channelformats = tuple(oiio.TypeDesc(kind) for kind in kinds)
    lowered = [name.lower() for name in names]
    spec.alpha_channel = lowered.index("a") if "a" in lowered else -1


def _fresh(
    painted: np.ndarray, original: Original | None, alpha: np.ndarray | None, depth: Depth
) -> Page:
    """Build an RGB(A) page, half unless asked for, premultiplied, for a source that was no EXR."""
    if alpha is None and original is not None:
        alpha = original.alpha()
    height, width, _ = painted.shape
    planes = [painted[..., c] for c in range(3)]
    if alpha is not None:
        if original is not None and not original.is_premultiplied:
            planes = [plane * alpha for plane in planes]
        planes.append(np.asarray(alpha, np.float32))
    kind = _KINDS[depth]
    spec = oiio.ImageSpec(width, height, len(planes), kind)
    spec.attribute("compression", "zip")
    if original is not None:
        carry(original.picture.spec, spec, CARRIED)
    stacked = np.stack(planes, axis=-1)
    dtype = np.dtype(np.float32 if kind == oiio.FLOAT else np.float16)
    return Page(spec, _stored(stacked, kind, dtype))


def carry(source: oiio.ImageSpec, target: oiio.ImageSpec, names: tuple[str, ...]) -> None:
    """Copy attributes with their types, where they are there and readable."""
    for name in names:
        value = attribute(source, name)
        if value is not None:
            kind = next(a.type for a in source.extra_attribs if a.name == name)
            target.attribute(name, kind, value)


def _settle(page: Page, *, must_be_exact: bool) -> None:
    """Make a header writable as it stands: no clock, one level, an honest compression."""
    spec = page.spec
    if not has_attribute(spec, "DateTime"):
        spec.attribute("DateTime", "")  # absent, OpenImageIO would write the time of day
    spec.erase_attribute("openexr:chunkCount")
    level = attribute(spec, "openexr:dwaCompressionLevel")
    compression = text_attribute(spec, "compression") or "zip"
    lossy = must_be_exact and compression.startswith(_LOSSY)
    if lossy or (page.identifiers and compression not in _BLIND_TO_TYPE):
        _say_once(compression)
        spec.attribute("compression", "zip")
        spec.erase_attribute("openexr:dwaCompressionLevel")
    elif compression.startswith("dwa") and isinstance(level, float):
        spec.attribute("compression", f"{compression}:{level:g}")
    if page.identifiers:
        floats = {oiio.UINT32: oiio.FLOAT}  # until `mark_identifiers` says what they are
        _rename(spec, list(spec.channelnames), [floats.get(k, k) for k in _kinds(spec)])
    if (text_attribute(spec, "textureformat") or "").endswith("Environment"):
        spec.attribute("openexr:levelmode", 0)  # stays an environment map, without smaller levels
    else:
        for name in ("textureformat", "oiio:miplevels", "openexr:roundingmode"):
            spec.erase_attribute(name)


@functools.cache
def _say_once(compression: str) -> None:
    _log.warning(
        "%s compression would change pixels that were not painted; writing zip instead",
        compression,
    )

"""What a picture file says of itself, and which of its channels are the picture."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import OpenImageIO as oiio  # noqa: N813

from ..errors import BadInput, MissingFrame, UnreadableFile
from ..hashing import refuse_special

Window = tuple[int, int, int, int]

_RED = {"r", "red"}
_GREEN = {"g", "green"}
_BLUE = {"b", "blue"}
_ALPHA = {"a", "alpha"}
_GREY = {"y", "l", "i", "luminance"}
# A layer of one of these names is the picture even where `AO.R` sorts before `Combined.R`.
_BEAUTY = {"combined", "beauty", "rgba", "rgb", "color", "colour"}
_TURNED = range(5, 9)  # EXIF orientations that exchange width and height


@dataclass(frozen=True)
class Layout:
    """Which channels of which part are the picture.

    Attributes:
        part: Index of the part (EXR part, OpenImageIO subimage).
        rgb: Channel indices of red, green, blue; three times the same for a grey picture.
        alpha: Channel index of the alpha, or None.
        layer: Name prefix of the channels; empty for plain R, G, B.
    """

    part: int
    rgb: tuple[int, int, int]
    alpha: int | None
    layer: str = ""

    @property
    def is_grey(self) -> bool:
        return self.rgb[0] == self.rgb[1]


@dataclass(frozen=True)
class Header:
    """What can be known of a picture without reading its pixels.

    Windows are (x, y, width, height) in pixels, y down. `width` and `height` are those of the data
    window, which is what `read_plate` gives. `colour_space`, `interop_id` and `chromaticities` are
    what the file states, None where it states nothing.
    """

    path: Path
    file_format: str
    width: int
    height: int
    data_window: Window
    display_window: Window
    pixel_aspect: float
    fps: Fraction | None
    channels: tuple[str, ...]
    parts: tuple[str, ...]
    channel_format: str
    compression: str | None
    colour_space: str | None
    interop_id: str | None
    chromaticities: tuple[float, ...] | None


def probe(path: str | Path, layer: str | None = None) -> Header:
    """Read the header of a picture; cheap, no pixels.

    Args:
        path: The picture.
        layer: As for `read_plate`; windows and format are those of the part that holds it.

    Raises:
        MissingFrame: There is no such file.
        UnreadableFile: The file is no picture that can be read.
        BadInput: The file has no such layer, or no picture channels at all.
    """
    path = Path(path)
    with opened(path) as inp:
        specs = part_specs(inp, path)
        spec = specs[choose_layout(path, specs, layer).part]
        width, height = spec.width, spec.height
        if inp.format_name() != "openexr" and spec.get_int_attribute("Orientation", 1) in _TURNED:
            width, height = height, width
        is_exr = inp.format_name() == "openexr"
        data = (spec.x, spec.y, width, height)
        display = (spec.full_x, spec.full_y, spec.full_width, spec.full_height)
        chromaticities = attribute(spec, "chromaticities")
        return Header(
            path=path,
            file_format=inp.format_name(),
            width=width,
            height=height,
            data_window=data,
            display_window=display if is_exr else data,
            pixel_aspect=float(spec.get_float_attribute("PixelAspectRatio", 1.0)) or 1.0,
            fps=frame_rate(spec),
            channels=tuple(name for name, _, _ in named_channels(specs)),
            parts=tuple(part_name(s) for s in specs),
            channel_format=str(spec.format),
            compression=text_attribute(spec, "compression"),
            colour_space=text_attribute(spec, "oiio:ColorSpace"),
            interop_id=text_attribute(spec, "colorInteropID"),
            chromaticities=chromaticities if isinstance(chromaticities, tuple) else None,
        )


@contextlib.contextmanager
def opened(path: Path) -> Iterator[oiio.ImageInput]:
    """Open a picture, or say in one line why not. Alpha stays as stored, not multiplied in."""
    _refuse_unopenable(path)
    config = oiio.ImageSpec()
    config.attribute("oiio:UnassociatedAlpha", 1)
    inp = None
    try:
        inp = oiio.ImageInput.open(str(path), config)
        if inp is None:
            reason = _explained(oiio.geterror())
            raise UnreadableFile(f"{path}: cannot be read as a picture{reason}")
        yield inp
    except UnicodeError:
        raise UnreadableFile(
            f"{path}: its name or header holds text that is not UTF-8; the file is damaged, "
            f"or should be saved again by the program that made it"
        ) from None
    except MemoryError:
        raise UnreadableFile(f"{path}: too large for the memory, or damaged") from None
    finally:
        if inp is not None:
            with contextlib.suppress(UnicodeError):
                inp.close()


def _refuse_unopenable(path: Path) -> None:
    refuse_special(path, "a picture")
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise UnreadableFile(f"{path}: is empty (0 bytes); copy or render it again")
    except FileNotFoundError:
        raise MissingFrame(f"{path}: no such file") from None
    except IsADirectoryError:
        raise UnreadableFile(f"{path}: expected a picture; got a folder") from None
    except UnreadableFile:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFile(f"{path}: cannot be opened, {reason}") from None


def _explained(error: str) -> str:
    """Turn OpenImageIO's words into one clause, with the remedy where there is one."""
    if "ubsampled" in error:
        return " (luma/chroma subsampled channels); save it as plain RGB, for instance from Nuke"
    line = " ".join(error.split())[:200]
    return f" ({line})" if line else ""


def unreadable(path: Path, inp: oiio.ImageInput) -> UnreadableFile:
    """Build the error for pixels that could not be read: truncated or damaged."""
    return UnreadableFile(
        f"{path}: opens, but its pixels are truncated or damaged{_explained(inp.geterror())}; "
        f"copy or render it again"
    )


def part_specs(inp: oiio.ImageInput, path: Path) -> list[oiio.ImageSpec]:
    """Copy the header of every EXR part; of other formats only the first page counts."""
    specs: list[oiio.ImageSpec] = []
    while inp.seek_subimage(len(specs), 0):
        spec = oiio.ImageSpec(inp.spec())
        if spec.deep:
            raise UnreadableFile(
                f"{path}: is a deep picture; flatten it first (DeepToImage in Nuke)"
            )
        specs.append(spec)
        if inp.format_name() != "openexr":
            break
    inp.geterror()  # the seek past the last part is no error
    return specs


def choose_layout(path: Path, specs: list[oiio.ImageSpec], layer: str | None) -> Layout:
    """Choose the picture: plain R, G, B; else a beauty layer; else the first RGB layer; else grey.

    Raises:
        BadInput: There is no such layer, or no picture; the message lists what there is.
    """
    found = _layouts(specs)
    if layer is not None:
        named = [
            layout
            for layout in found
            if layer in (layout.layer, part_name(specs[layout.part]))
            or layer == f"{part_name(specs[layout.part])}.{layout.layer}"
        ]
        if named:
            return named[0]
    else:
        colour = [layout for layout in found if not layout.is_grey]
        plain = [layout for layout in colour if not layout.layer]
        beauty = [c for c in colour if c.layer.rpartition(".")[2].lower() in _BEAUTY]
        ranked = plain + beauty + colour + found
        if ranked:
            return ranked[0]
    names = ", ".join(name for name, _, _ in named_channels(specs))[:300]
    expected = f"layer {layer!r} with R, G, B" if layer else "R, G, B or a grey channel"
    raise BadInput(f"{path}: expected {expected}; got channels {names}")


def _layouts(specs: list[oiio.ImageSpec]) -> list[Layout]:
    """List every layer that is a picture, in file order."""
    found: list[Layout] = []
    for part, spec in enumerate(specs):
        layers: dict[str, dict[str, int]] = {}
        for index, name in enumerate(spec.channelnames):
            prefix, _, channel = name.rpartition(".")
            layers.setdefault(prefix, {}).setdefault(channel.lower(), index)
        for prefix, channels in layers.items():
            r, g, b, a, y = (
                next((channels[name] for name in channels if name in names), None)
                for names in (_RED, _GREEN, _BLUE, _ALPHA, _GREY)
            )
            if r is not None and g is not None and b is not None:
                found.append(Layout(part, (r, g, b), a, prefix))
            elif y is not None:
                found.append(Layout(part, (y, y, y), a, prefix))
            elif spec.nchannels == 1 and channels.keys() <= _RED | _GREEN | _BLUE:
                found.append(Layout(part, (0, 0, 0), None, prefix))
    return found


def named_channels(specs: list[oiio.ImageSpec]) -> list[tuple[str, int, int]]:
    """Name every channel once, as (name, part, index): a name seen before gets its part's name."""
    seen: dict[str, tuple[str, int, int]] = {}
    for part, spec in enumerate(specs):
        for index, channel in enumerate(spec.channelnames):
            name = channel if channel not in seen else f"{part_name(spec)}.{channel}"
            seen.setdefault(name, (name, part, index))
    return list(seen.values())


def part_name(spec: oiio.ImageSpec) -> str:
    """Give the name of an EXR part, empty if it has none."""
    return text_attribute(spec, "oiio:subimagename") or text_attribute(spec, "name") or ""


def attribute(spec: oiio.ImageSpec, name: str) -> object:
    """Read one attribute; None if absent or if Python cannot hold it (text that is not UTF-8)."""
    try:
        return spec.getattribute(name)
    except UnicodeDecodeError:
        return None


def has_attribute(spec: oiio.ImageSpec, name: str) -> bool:
    """Say whether an attribute is there, readable from Python or not."""
    try:
        return spec.getattribute(name) is not None
    except UnicodeDecodeError:
        return True


def text_attribute(spec: oiio.ImageSpec, name: str) -> str | None:
    """Read one attribute if it is text."""
    value = attribute(spec, name)
    return value if isinstance(value, str) and value else None


def frame_rate(spec: oiio.ImageSpec) -> Fraction | None:
    """Read the frame rate in frames per second, exact where the file has it as a ratio."""
    value = attribute(spec, "FramesPerSecond")
    if isinstance(value, tuple) and len(value) == 2 and value[1]:
        return Fraction(int(value[0]), int(value[1]))
    for name in ("FramesPerSecond", "dpx:FrameRate", "dpx:TemporalFrameRate"):
        rate = attribute(spec, name)
        if isinstance(rate, float) and 0 < rate < 10_000:
            return Fraction(rate).limit_denominator(1001)
    return None

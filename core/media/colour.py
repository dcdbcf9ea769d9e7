"""Which colour space a plate is in, and the way to scene-linear Rec.709 and back, through OCIO.

One OCIO config, pinned by its full name so that a new OpenImageIO changes no picture; `$OCIO`,
where it is set, comes before it. OpenImageIO reads that variable, not this module.
"""

from __future__ import annotations

import atexit
import difflib
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import torch

from ..errors import BadInput
from .alpha import fill
from .encoding import from_srgb, to_srgb

if TYPE_CHECKING:
    from numpy.typing import NDArray

PINNED = "ocio://studio-config-v2.1.0_aces-v1.3_ocio-v2.3"
_UNSET = "ocio://default"  # what OpenImageIO loads where $OCIO is not set
_BROKEN = "built-in"  # what it falls back to where $OCIO cannot be loaded

LINEAR = "lin_rec709_scene"
DISPLAY = "srgb_rec709_scene"
# Spellings of studio configs that know no interop ids; the first that a config has is taken.
_SPELLINGS = {
    LINEAR: ("lin_rec709", "Linear Rec.709 (sRGB)", "Utility - Linear - Rec.709", "Linear Rec.709"),
    DISPLAY: ("srgb_tx", "sRGB - Texture", "Utility - sRGB - Texture", "sRGB"),
}
# CIE x, y of red, green, blue and white. XYZ counts as D65: its numbers need no adaptation.
_PRIMARIES = {
    LINEAR: (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290),
    "lin_ap0_scene": (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767),
    "lin_ap1_scene": (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767),
    "lin_p3d65_scene": (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.3290),
    "lin_rec2020_scene": (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290),
    "lin_ciexyzd65_scene": (1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1 / 3, 1 / 3),
}
BEYOND_WHITE = 1.5  # linear; the primaries of wide display spaces alone stay below
NEAR_ENOUGH = 1e-3  # of a value, or of 1: a value that comes back so is held by its space
_NEAR = 1e-3  # white points are published with four digits, and rounded differently
_SILENT = ("", "unknown")  # tags that say nothing


class Tagged(Protocol):
    """What a file says of its colour: a picture's header, or a video."""

    @property
    def path(self) -> Path:
        """The file, for messages."""
        ...

    @property
    def channel_format(self) -> str:
        """Type of a sample: `half`, `float`, `uint8`..."""
        ...

    @property
    def interop_id(self) -> str | None:
        """The attribute `colorInteropID`."""
        ...

    @property
    def colour_space(self) -> str | None:
        """The attribute `oiio:ColorSpace`."""
        ...

    @property
    def chromaticities(self) -> tuple[float, ...] | None:
        """CIE x, y of red, green, blue and white."""
        ...


@functools.lru_cache(maxsize=1)
def config() -> oiio.ColorConfig:
    """Return the OCIO config in force: that of `$OCIO`, else the pinned one.

    Raises:
        BadInput: `$OCIO` names a config that cannot be loaded.
    """
    found = oiio.ColorConfig()
    if found.configname() == _BROKEN:
        raise BadInput(f"$OCIO: expected a config that loads; got: {found.geterror()}")
    return oiio.ColorConfig(PINNED) if found.configname() == _UNSET else found


atexit.register(config.cache_clear)  # before the bindings go, or they complain of a leak


@functools.lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """Every name, alias and interop id, folded to lower case, and the space it means."""
    known: dict[str, str] = {}
    for space in config().getColorSpaceNames():
        interop = config().get_color_interop_id(space)
        for name in (space, *config().getAliases(space), interop):
            if name:
                known.setdefault(name.lower(), space)
    return known


def find_space(name: str) -> str:
    """Return the config's own name for a space given by name, alias, role or interop id.

    Raises:
        BadInput: the config has no such space; the message lists the nearest.
    """
    wanted = name.strip()
    for spelling in (wanted, *_SPELLINGS.get(wanted, ())):
        if spelling.lower() in _names():
            return _names()[spelling.lower()]
    if wanted and config().getColorSpaceIndex(wanted) >= 0:  # roles
        return config().resolve(wanted)
    near = difflib.get_close_matches(wanted.lower(), _names(), n=6, cutoff=0.4)
    hint = ", ".join(dict.fromkeys(_names()[match] for match in near))
    raise BadInput(
        f"colour space: expected one of {config().configname()}; got {name!r}"
        + (f"; near to it: {hint}" if hint else "")
    )


def _tagged_space(header: Tagged) -> str | None:
    """What the file itself says, if anything."""
    for tag in (header.interop_id, header.colour_space):
        if tag is not None and tag.strip().lower() not in _SILENT:
            return tag
    told = header.chromaticities
    if not told or not is_scene_referred(header):
        return None
    for space, primaries in _PRIMARIES.items():
        if len(told) == len(primaries) and np.allclose(told, primaries, rtol=0, atol=_NEAR):
            return space
    numbers = ", ".join(f"{value:.4g}" for value in told)
    raise BadInput(
        f"{header.path}: chromaticities {numbers} are of no space known here; "
        "choose the plate's colour space"
    )


def is_scene_referred(header: Tagged) -> bool:
    """Say whether samples are floating point, which by custom means linear light."""
    return header.channel_format in ("half", "float", "double")


def plate_space(header: Tagged | None, *, choice: str | None = None) -> str:
    """Decide which colour space a plate is in.

    In this order: the user's choice; `colorInteropID`; `oiio:ColorSpace`; chromaticities; linear
    Rec.709 for floating point (an EXR without a tag), sRGB-encoded Rec.709 for integers and video.

    Args:
        header: a picture's header or a video; None: a video that says nothing.
        choice: a name, alias, role or interop id.

    Returns:
        A name of :func:`config`.

    Raises:
        BadInput: a space that the config does not have, or chromaticities that none has.
    """
    config()  # a broken $OCIO is not the file's fault
    if choice is not None:
        return find_space(choice)
    tag = _tagged_space(header) if header is not None else None
    if header is None or tag is None:
        linear = header is not None and is_scene_referred(header)
        return find_space(LINEAR if linear else DISPLAY)
    try:
        return find_space(tag)
    except BadInput as error:
        raise BadInput(f"{header.path}: its header names a {error}; choose one") from None


@functools.lru_cache(maxsize=64)
def _steps(space: str) -> tuple[tuple[str, str, str], ...]:
    """Conversions (from, to, config) to linear Rec.709; none where there is nothing to do.

    A config without linear Rec.709 is left through ACES2065-1, which the role `aces_interchange`
    pins down in every OCIO 2 config, and the pinned config goes on from there.
    """
    named = PINNED if config().configname() == PINNED else ""
    if config().isData(space):
        return ()
    try:
        linear = find_space(LINEAR)
    except BadInput:
        middle = config().getColorSpaceNameByRole("aces_interchange")
        if not middle:
            raise BadInput(
                f"{config().configname()}: expected linear Rec.709 or the role aces_interchange; "
                "got neither. Add one, or unset $OCIO"
            ) from None
        first = () if middle == space else ((space, middle, named),)
        return (*first, ("ACES2065-1", "Linear Rec.709 (sRGB)", PINNED))
    return () if space == linear else ((space, linear, named),)


def _convert(rgb: NDArray[np.float32], source: str, target: str, where: str) -> NDArray[np.float32]:
    picture = oiio.ImageBuf(np.ascontiguousarray(rgb, np.float32))
    done = oiio.ImageBufAlgo.colorconvert(
        picture, source, target, unpremult=False, colorconfig=where
    )
    if done.has_error:
        raise BadInput(f"colour: {source} to {target}: {done.geterror()}")
    return np.asarray(done.get_pixels(oiio.FLOAT), np.float32)


@dataclass(frozen=True)
class PlateColour:
    """The way from a plate's space to scene-linear Rec.709 and back; safe in any thread.

    Pictures are `(H, W, 3)` float32, unpremultiplied, finite (see :func:`sanitise`) and unbounded:
    values below 0 and above 1 survive as far as the space itself can hold them.

    Attributes:
        space: a name, alias, role or interop id of :func:`config`.
    """

    space: str

    def __post_init__(self) -> None:
        """Refuse a space that the config does not have."""
        object.__setattr__(self, "space", find_space(self.space))

    @property
    def is_identity(self) -> bool:
        """Say whether the plate is scene-linear Rec.709 already (or data, never converted)."""
        return not _steps(self.space)

    @property
    def exceeds_display(self) -> bool:
        """Say whether full code values mean more light than white paper: log and camera spaces."""
        return float(self.to_linear(np.ones((1, 1, 3), np.float32)).max()) > BEYOND_WHITE

    @property
    def is_srgb(self) -> bool:
        """Say whether the plate is the pinned config's sRGB: its closed form is ten times as fast.

        It agrees with OCIO within 5e-5, which is what OCIO's own fast power misses the curve by.
        """
        return config().configname() == PINNED and self.space == find_space(DISPLAY)

    def holds(self, rgb: NDArray[np.float32]) -> bool:
        """Say whether the darkest and the brightest values of a plate come back from linear light.

        Curves rise, so that what lies between comes back too.
        """
        if self.is_identity or config().isColorSpaceLinear(self.space):
            return True
        finite = np.isfinite(rgb)
        least, most = (
            getattr(rgb, name)((0, 1), initial=0.0, where=finite) for name in ("min", "max")
        )
        ends = np.stack((least, most))[None].astype(np.float32)
        back = self.from_linear(self.to_linear(ends))
        return bool((np.abs(back - ends) <= NEAR_ENOUGH * np.maximum(np.abs(ends), 1)).all())

    def to_linear(self, rgb: NDArray[np.float32]) -> NDArray[np.float32]:
        """Convert plate values to scene-linear Rec.709; an identity gives back `rgb` itself."""
        if self.is_srgb:
            values = torch.from_numpy(np.ascontiguousarray(rgb, np.float32))
            return from_srgb(values).numpy()
        for source, target, where in _steps(self.space):
            rgb = _convert(rgb, source, target, where)
        return rgb

    def from_linear(self, rgb: NDArray[np.float32]) -> NDArray[np.float32]:
        """Convert scene-linear Rec.709 to plate values; an identity gives back `rgb` itself."""
        if self.is_srgb:
            return to_srgb(torch.from_numpy(np.ascontiguousarray(rgb, np.float32))).numpy()
        for source, target, where in reversed(_steps(self.space)):
            rgb = _convert(rgb, target, source, where)
        return rgb


def sanitise(rgb: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Replace pixels that hold NaN or infinity by what surrounds them, for a network to see.

    Args:
        rgb: `(H, W, 3)` float32.

    Returns:
        The picture, finite everywhere, and a mask `(H, W)`, true where a pixel was replaced: the
        writer puts the original values back there. `rgb` itself where nothing was amiss.
    """
    with np.errstate(invalid="ignore"):  # infinities of both signs
        total = rgb.sum(dtype=np.float64)  # ten times as fast as to ask every pixel
    if np.isfinite(total):
        return rgb, np.zeros(rgb.shape[:2], np.bool_)
    bad = np.logical_not(np.isfinite(rgb)).max(axis=2)
    kept = rgb.copy()
    kept[bad] = 0
    return fill(kept, np.where(bad, np.float32(0), np.float32(1))), bad

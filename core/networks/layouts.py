"""Layouts of style networks: how wide they are, and what each of their stages does.

Ours, and those of the papers. A layout holds no weights: the network, its renderer by bands, its
export and the files of weights all read the same one.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

INPUTS = 7  # frame 3, masked warped prior 3, mask 1
CARRIED = 4  # of them, those that the last layer sees again
LIMITS = {"stem": 256, "width": 256, "blocks": 32, "styles": 1024}  # of what a file may ask for


class Architecture(enum.Enum):
    """How the layers of a network follow one another."""

    STILLBRUSH = "stillbrush"  # ours: overlapping strided stems, the prior seen again at the end
    JOHNSON = "johnson"  # Johnson et al., nearest upsampling; with 7 inputs Ruder et al.
    DELCOUR = "delcour"  # Delcour and Lewin, table II: transposed convolutions
    DILATED = "dilated"  # Johnson's with dilation in place of strides (Ruder et al., section 5.1)


@dataclass(frozen=True)
class Shape:
    """Widths of a style network; saved beside its weights."""

    stem: int = 24
    width: int = 48
    blocks: int = 5
    decoder: tuple[int, int] = (32, 16)
    styles: int = 1
    architecture: Architecture = Architecture.STILLBRUSH
    inputs: int = INPUTS  # of the seven: 3 the frame alone, 6 with the last picture, 7 all
    keeps: bool = False  # says how much of the prior to keep; our own layout alone

    def metadata(self) -> dict[str, str]:
        """Return the shape as safetensors metadata."""
        return {key: str(value) for key, value in self.plain().items()} | {
            "decoder": ",".join(map(str, self.decoder))
        }

    def plain(self) -> dict[str, Any]:
        """Return the shape as plain values; ours does not say what only others have."""
        made = asdict(self) | {
            "architecture": self.architecture.value,
            "decoder": list(self.decoder),
        }
        if self.architecture is Architecture.STILLBRUSH and self.inputs == INPUTS:
            del made["architecture"], made["inputs"]
        if not self.keeps:
            del made["keeps"]
        return made

    @classmethod
    def from_metadata(cls, metadata: dict[str, str]) -> Shape:
        """Read a shape back.

        Raises:
            ValueError: a width is missing, is no number, or is beyond what any network has.
        """
        absent = [key for key in (*LIMITS, "decoder") if key not in metadata]
        if absent:
            raise ValueError(f"its header says nothing of {', '.join(absent)}")
        plain = {key: bounded(key, metadata[key], limit) for key, limit in LIMITS.items()}
        decoder = metadata["decoder"].split(",")
        if len(decoder) != 2:
            raise ValueError(f"decoder: expected two widths; got {metadata['decoder'][:40]!r}")
        first, second = (bounded("decoder", width, LIMITS["width"]) for width in decoder)
        named = metadata.get("architecture", Architecture.STILLBRUSH.value)
        if named not in {known.value for known in Architecture}:
            raise ValueError(f"architecture: there is none called {named[:40]!r}")
        inputs = bounded("inputs", metadata.get("inputs", str(INPUTS)), INPUTS)
        keeps = metadata.get("keeps", "False")
        if keeps not in ("True", "False") or (keeps == "True" and named != "stillbrush"):
            raise ValueError(f"keeps: {named} has no {keeps[:40]!r}")
        return cls(
            decoder=(first, second),
            architecture=Architecture(named),
            inputs=inputs,
            keeps=keeps == "True",
            **plain,
        )

    @classmethod
    def of_papers(cls, architecture: Architecture, inputs: int, share: float = 1.0) -> Shape:
        """Return the widths of Johnson et al., all of them scaled by a share."""
        stem, middle, width, last = (max(4, round(w * share)) for w in (32, 64, 128, 32))
        return cls(stem, width, 5, (middle, last), 1, architecture, inputs)


def bounded(key: str, text: str, limit: int) -> int:
    """Read one width, so that a forged header cannot ask for all of the memory.

    Raises:
        ValueError: it is no number, or not between 1 and the limit.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= limit):
        raise ValueError(f"{key}: expected 1 to {limit}; got {text[:40]!r}")
    return int(text)


@dataclass(frozen=True)
class Plan:
    """What a stage does; the band renderer reads it too."""

    inputs: int
    outputs: int
    kernel: int
    stride: int = 1
    upsampled: bool = False
    normalised: bool = True
    rectified: bool = True
    opens: bool = False  # remembers its input for the residual connection
    closes: bool = False  # adds the remembered input to its output
    recalls: bool = False  # reads the masked prior and the mask beside its input
    dilation: int = 1
    transposed: bool = False  # a transposed convolution that doubles the picture


def plans(shape: Shape) -> tuple[Plan, ...]:
    """List the stages of a network, in order."""
    return LAYOUTS[shape.architecture](shape)


def our_plans(shape: Shape) -> tuple[Plan, ...]:
    """List the stages of our own network."""
    width, (up1, up2) = shape.width, shape.decoder
    stem = (Plan(INPUTS, shape.stem, 5, 2), Plan(shape.stem, width, 5, 2))
    block = (Plan(width, width, 3, opens=True), Plan(width, width, 3, rectified=False, closes=True))
    decoder = (Plan(width, up1, 3, upsampled=True), Plan(up1, up2, 3, upsampled=True))
    outputs = 3 + shape.keeps
    head = (Plan(up2 + CARRIED, outputs, 5, normalised=False, rectified=False, recalls=True),)
    return stem + block * shape.blocks + decoder + head


def johnson_plans(shape: Shape, *, transposed: bool = False) -> tuple[Plan, ...]:
    """List c9s1-32, d64, d128, R128 x 5, u64, u32, c9s1-3, as widths go."""
    (middle, last), width = shape.decoder, shape.width
    return (
        Plan(shape.inputs, shape.stem, 9),
        Plan(shape.stem, middle, 3, 2),
        Plan(middle, width, 3, 2),
        *residual_plans(width, 1) * shape.blocks,
        Plan(width, middle, 3, upsampled=not transposed, transposed=transposed),
        Plan(middle, last, 3, upsampled=not transposed, transposed=transposed),
        Plan(last, 3, 9, normalised=False, rectified=False),
    )


def dilated_plans(shape: Shape) -> tuple[Plan, ...]:
    """List the same layers at full size; a layer sees as much of the picture as it does there."""
    (middle, last), width = shape.decoder, shape.width
    return (
        Plan(shape.inputs, shape.stem, 9),
        Plan(shape.stem, middle, 3),
        Plan(middle, width, 3, dilation=2),
        *residual_plans(width, 4) * shape.blocks,
        Plan(width, middle, 3, dilation=2),
        Plan(middle, last, 3),
        Plan(last, 3, 9, normalised=False, rectified=False),
    )


def residual_plans(width: int, dilation: int) -> tuple[Plan, Plan]:
    """List a residual block."""
    return (
        Plan(width, width, 3, opens=True, dilation=dilation),
        Plan(width, width, 3, rectified=False, closes=True, dilation=dilation),
    )


LAYOUTS: dict[Architecture, Callable[[Shape], tuple[Plan, ...]]] = {
    Architecture.STILLBRUSH: our_plans,
    Architecture.JOHNSON: johnson_plans,
    Architecture.DELCOUR: functools.partial(johnson_plans, transposed=True),
    Architecture.DILATED: dilated_plans,
}

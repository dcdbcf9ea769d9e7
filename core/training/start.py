"""Where a run begins: at random, or from the weights of a network that already paints.

Only scales and shifts are a style's own (conditional instance normalisation): a new style finds
convolutions that know how to paint.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..errors import BadInput
from ..hashing import file_sha256
from ..networks.style_network import StyleNetwork
from ..networks.weights import load_weights

PER_STYLE = ("scale", "shift", "balance")


@dataclass(frozen=True)
class Start:
    """Weights to begin with.

    Attributes:
        path: safetensors of a style network.
        style: the style of that file that every new style begins as; None takes them one by one,
            and begins further styles as the mean of all.
    """

    path: Path
    style: int | None = None

    def identity(self) -> str:
        """Return what decides the weights: the file by what it holds, and the style."""
        return f"{file_sha256(self.path)} {self.style}"


def begin(network: StyleNetwork, start: Start) -> None:
    """Put a network's weights where another one's are.

    Of networks that see less (the frame alone, or no mask) and more (what was painted before), what
    both see is taken over; the rest begins at nothing. Where nothing was painted before, it paints
    as the other one did. How much of the prior to keep begins afresh where the other one had no say
    in it.

    Raises:
        MissingFrame, UnreadableFile: there are no such weights.
        BadInput: they are of another architecture, or have no such style.
    """
    there = load_weights(start.path)
    if start.style is not None and not 0 <= start.style < there.shape.styles:
        raise BadInput(
            f"train: {start.path} holds {there.shape.styles} styles; there is no style "
            f"{start.style}."
        )
    taken = there.state_dict()
    count = network.shape.styles
    first = next(name for name, value in taken.items() if value.ndim == 4)
    for name, value in network.state_dict().items():
        found = taken.get(name)
        if found is None and name == "balance":
            continue  # the other one had no say in it
        if found is not None and name.rsplit(".", 1)[-1] in PER_STYLE:
            found = spread(found, count, start.style)
        if found is not None and name == first:
            found = seeing(found, (there.shape.inputs, network.shape.inputs))
        if found is not None and name.startswith(f"stages.{len(network.stages) - 1}."):
            found = keeping(found, value)
        if found is None or found.shape != value.shape:
            raise BadInput(
                f"train: {start.path} holds a network of another architecture ({there.shape}); "
                f"expected {network.shape}."
            )
        value.copy_(found)


def spread(rows: Tensor, count: int, style: int | None) -> Tensor:
    """Return one row for each of `count` styles from the rows (S, C) of a file."""
    if style is not None:
        return rows[style].expand(count, -1)
    more = rows.mean(0).expand(max(0, count - len(rows)), -1)
    return torch.cat((rows, more))[:count]


def seeing(kernels: Tensor, inputs: tuple[int, int]) -> Tensor:
    """Return kernels (O, I, k, k) of the first layer of a network for other inputs.

    Args:
        kernels: of our own layout they see all there is, whatever the network is given.
        inputs: channels that are seen by the network that they are of, and by the new one.
    """
    before, after = inputs
    if before == after or kernels.shape[1] != before:
        return kernels
    made = kernels.new_zeros((len(kernels), after, *kernels.shape[2:]))
    both = min(before, after)
    made[:, :both] = kernels[:, :both]
    return made


def keeping(found: Tensor, value: Tensor) -> Tensor:
    """Return weights (O, ...) of a last layer for one of more, or fewer, outputs.

    Args:
        found: of the network there.
        value: of the new one, as it is; says what outputs begin with that the other one lacks.
    """
    if found.shape[1:] != value.shape[1:]:
        return found
    return torch.cat((found[: len(value)].to(value), value[len(found) :]))

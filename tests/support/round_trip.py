"""Every working space of the OCIO config in force, through encoding and back without a network.

Run in a process of its own, because OpenImageIO reads `$OCIO` once: prints a line a space, with the
worst error as a share of the larger of the value and 1.
"""

from __future__ import annotations

import json
import sys

import numpy as np
import torch

from stillbrush.core.knobs import ShotKnobs
from stillbrush.core.media.colour import PlateColour, config
from stillbrush.core.media.encoding import Encoding
from stillbrush.core.media.placing import Placed
from stillbrush.core.render.compose import compose
from stillbrush.core.render.prepare import prepare

STEPS = 17  # code values a channel


def codes(space: str) -> np.ndarray:
    """Return what a plate in a space may hold: codes 0 to 1, and for linear ones far more light."""
    axis = np.linspace(0, 1, STEPS, dtype=np.float32)
    cube = np.stack(np.meshgrid(axis, axis, axis), -1).reshape(STEPS, -1, 3)
    if config().isColorSpaceLinear(space):
        cube = np.concatenate((cube, cube * 1000, cube - 0.5, np.float32(1e-4) * cube))
    return np.ascontiguousarray(cube)


def light(space: str) -> np.ndarray:
    """Return a plate of colours that Rec.709 holds, twelve stops of them, as the space codes them.

    Film density ends where its dyes do: two stops.
    """
    stops = (-1, 1) if space.startswith("ADX") else (-8, 4)
    grey = 0.18 * 2.0 ** np.linspace(*stops, 40, dtype=np.float32)[:, None, None]
    tint = np.random.default_rng(3).uniform(0.5, 1.5, (40, 60, 3)).astype(np.float32)
    return PlateColour(space).from_linear(grey * tint)


def error(space: str, plate: np.ndarray, strength: float) -> float:
    """Return the worst relative error of a plate that is prepared and composed.

    With strength 0 nothing is painted; with strength 1 the paint is the encoded plate itself, as if
    the network changed nothing.
    """
    colour = PlateColour(space)
    whole = (slice(0, plate.shape[0]), slice(0, plate.shape[1]))
    way = Encoding(0.0, has_shoulder=True)
    ready = prepare(Placed(1, plate, None, None, whole), colour, way, torch.device("cpu"))
    back = compose(ready, ready.encoded, ShotKnobs(strength=strength), colour, way)
    return float((np.abs(back - plate) / np.maximum(np.abs(plate), 1)).max())


def main() -> None:
    """Print the errors."""
    named = config()
    found = {}
    for space in named.getColorSpaceNames():
        family = named.getColorSpaceFamilyByName(space) or ""
        if not named.isData(space):
            found[space] = [
                family,
                error(space, codes(space), 0.0),
                error(space, light(space), 1.0),
            ]
    sys.stdout.write(json.dumps({"config": named.configname(), "spaces": found}) + "\n")


if __name__ == "__main__":
    main()

"""Small material for painting by optimisation: a tiny loss network, a look, a painter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from stillbrush.core.hashing import file_sha256
from stillbrush.core.look import Look, StylizerKind
from stillbrush.core.looks import load_look, save_look
from stillbrush.core.networks.encoder import Encoder, EncoderShape
from stillbrush.core.networks.loss_network import LossNetwork
from stillbrush.core.optimise_looks import Optimise, StyleFile
from stillbrush.core.stylizers.optimise.layers import choose_layers
from stillbrush.core.stylizers.optimise.painter import OptimisePainter
from stillbrush.core.stylizers.optimise.settings import make_settings
from stillbrush.core.stylizers.optimise.styles import Painting

QUICK: dict[str, Any] = {"iterations": 5, "later_iterations": 4, "scales": 1, "width": 64}


def tiny_encoder(seed: int = 0) -> LossNetwork:
    """Return an encoder of our own kind with random weights, in double precision."""
    torch.manual_seed(seed)
    encoder = Encoder(EncoderShape((4, 4, 4, 4, 4), (0, 0, 0, 0, 0))).double()
    return LossNetwork("tiny", encoder).eval().requires_grad_(False)


def picture(seed: int, height: int = 40, width: int = 56, *, double: bool = False) -> torch.Tensor:
    """Return a smooth random picture (1, height, width, 3), 0 to 1."""
    rng = torch.Generator().manual_seed(seed)
    coarse = torch.rand((1, 3, height // 4, width // 4), generator=rng)
    made = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)
    made = made.permute(0, 2, 3, 1).contiguous()
    return made.double() if double else made


def painting(seed: int, height: int = 48, width: int = 64) -> np.ndarray:
    """Return a made-up painting (height, width, 3) uint8, full of strokes."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    waves = [np.sin((x * a + y * b) / 3 + seed) for a, b in ((1, 0.5), (0.3, 1), (1, -1))]
    return np.uint8(np.stack(waves, -1) * 100 + 128)


def painter(network: LossNetwork | None = None, **knobs: Any) -> OptimisePainter:
    """Return a quick painter with one made-up painting."""
    settings = make_settings(QUICK | knobs)
    network = network or tiny_encoder().float()
    style = torch.from_numpy(painting(1))[None].float() / 255
    layers = choose_layers(network, settings)
    return OptimisePainter(network, layers, (Painting(style, 1.0),), settings)


def optimise_look(folder: Path, **knobs: Any) -> Look:
    """Write a look that optimises, with the encoder that ships; quick."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "strokes.png"
    if not file.exists():
        cv2.imwrite(str(file), painting(1))
    told = Optimise((StyleFile(file.name, file_sha256(file)),), knobs=QUICK | knobs)
    look = Look("tiny-fine", "Tiny", None, "CC0-1.0", StylizerKind.OPTIMISE, optimise=told)
    return load_look(save_look(look, folder, overwrite=True))

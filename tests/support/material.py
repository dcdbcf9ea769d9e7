"""Small real material: an HDR shot of our own, and a look with random weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import torch

from stillbrush import nodes  # noqa: F401 - declares the knobs
from stillbrush.core.demo import DemoShot, write_demo_shot
from stillbrush.core.hashing import file_sha256
from stillbrush.core.look import Look, StylizerKind, Weights
from stillbrush.core.looks import load_look, save_look
from stillbrush.core.networks.adain import Decoder, DecoderShape, save_decoder
from stillbrush.core.networks.layouts import Shape
from stillbrush.core.networks.loss_network import shipped_encoder
from stillbrush.core.networks.style_network import StyleNetwork
from stillbrush.core.networks.weights import save_weights

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
SMALL = DecoderShape(widths=(8, 8, 8, 4))
TINY = Shape(stem=8, width=8, blocks=1, decoder=(8, 8), styles=2)


def tiny_look(folder: Path, seed: int = 3, *, keeps: bool = False) -> Look:
    """Write a look with a small random network; its paint is strong and depends on the prior."""
    torch.manual_seed(seed)
    network = StyleNetwork(replace(TINY, keeps=keeps))
    if keeps:
        network.balance.data.copy_(torch.tensor([[0.1], [-0.2]]))
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / "tiny.safetensors"
    save_weights(network, weights)
    named = Weights(weights.name, file_sha256(weights), 1)
    path = save_look(Look("tiny", "Tiny", named, "CC0-1.0"), folder, overwrite=True)
    return load_look(path)


def decoder(shape: DecoderShape = SMALL) -> Decoder:
    """Return an untrained decoder for any style."""
    torch.manual_seed(3)
    return Decoder(shape).eval().requires_grad_(False)


def any_style(folder: Path) -> Look:
    """Save a look for any style with an untrained decoder."""
    folder.mkdir(exist_ok=True)
    weights = folder / "any.safetensors"
    save_decoder(decoder(), weights, file_sha256(shipped_encoder()))
    named = Weights(weights.name, file_sha256(weights), 0)
    look = Look("any", "Any", named, "CC0-1.0", StylizerKind.ADAIN)
    return load_look(save_look(look, folder))


def tiny_shot(folder: Path, frames: int = 6, width: int = 96, height: int = 64) -> str:
    """Write a small HDR EXR shot with motion vectors; return its pattern."""
    shot = DemoShot(width=width, height=height, frames=frames)
    return write_demo_shot(folder, shot)


def overscan_frame(path: Path, seed: int) -> None:
    """Write a frame with overscan, pixel aspect 2, depth and a motion channel."""
    spec = oiio.ImageSpec(72, 52, 6, oiio.FLOAT)
    spec.channelnames = ("R", "G", "B", "A", "depth.Z", "forward.u")
    spec.x, spec.y, spec.full_width, spec.full_height = -4, -2, 64, 48
    spec.attribute("PixelAspectRatio", 2.0)
    pixels = np.random.default_rng(seed).uniform(-0.1, 3.0, (52, 72, 6)).astype(np.float32)
    pixels[..., 3] = 1.0
    output = oiio.ImageOutput.create(str(path))
    assert output.open(str(path), spec)
    assert output.write_image(pixels)
    output.close()

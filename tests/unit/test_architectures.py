"""The layouts of the papers: sizes, shifts, and that every renderer's door opens to them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from stillbrush.core.networks.bands import paint_in_bands
from stillbrush.core.networks.layouts import INPUTS, Architecture, Shape
from stillbrush.core.networks.style_network import StyleNetwork
from stillbrush.core.networks.weights import load_weights, save_weights
from stillbrush.core.stylizers.paint_state import PaintState
from stillbrush.core.stylizers.painter import Painter, RecurrentPainter, StillPainter
from stillbrush.core.stylizers.prior import Prior
from stillbrush.core.stylizers.shot_statistics import Sample

PAPERS = [known for known in Architecture if known is not Architecture.STILLBRUSH]
STYLE = torch.ones(1)


def network(architecture: Architecture, inputs: int = 3, blocks: int = 1) -> StyleNetwork:
    torch.manual_seed(4)
    shape = Shape(6, 8, blocks, (8, 6), 1, architecture, inputs)
    return StyleNetwork(shape).eval().requires_grad_(False)


def sizes(architecture: Architecture) -> list[tuple[int, ...]]:
    """Return channels and height of every layer of a small picture."""
    seen: list[tuple[int, ...]] = []
    made = network(architecture, blocks=5)
    for stage in made.stages:
        stage.convolution.register_forward_hook(lambda m, i, o: seen.append(tuple(o.shape[1:3])))
    made(torch.rand(1, 7, 64, 64), torch.ones(1, 1))
    return seen


@pytest.mark.parametrize("architecture", [Architecture.JOHNSON, Architecture.DELCOUR])
def test_layers_are_those_of_the_table(architecture: Architecture):
    shape = Shape.of_papers(architecture, 3)
    assert (shape.stem, shape.decoder[0], shape.width, shape.decoder[1]) == (32, 64, 128, 32)
    found = sizes(architecture)
    assert found == [(6, 64), (8, 32), *[(8, 16)] * 11, (8, 32), (6, 64), (3, 64)]


def test_the_network_of_ruder_is_as_large_as_theirs():
    shape = Shape.of_papers(Architecture.JOHNSON, INPUTS)
    count = sum(value.numel() for value in StyleNetwork(shape).parameters())
    assert count == pytest.approx(1.679e6, rel=0.01)


def shifted_errors(architecture: Architecture) -> list[float]:
    """Return how far paint differs where only the window has moved, by 1 to 4 pixels."""
    made = network(architecture)
    wide = torch.rand(1, 7, 180, 180, generator=torch.Generator().manual_seed(1))
    plain, used = made(wide[..., :160, :160], torch.ones(1, 1))
    errors = []
    for shift in range(1, 5):
        moved, _ = made(wide[..., :160, shift : 160 + shift], torch.ones(1, 1), used)
        inner = slice(60, 100)
        difference = moved[..., inner, inner] - plain[..., inner, 60 + shift : 100 + shift]
        errors.append(difference.square().mean().item())
    return errors


@pytest.mark.parametrize("architecture", [Architecture.JOHNSON, Architecture.DELCOUR])
def test_strides_hold_paint_to_a_grid_of_four(architecture: Architecture):
    *others, four = shifted_errors(architecture)
    assert four < 1e-6 * min(others)


def test_dilation_holds_it_to_none():
    assert max(shifted_errors(Architecture.DILATED)) < 1e-10


@pytest.mark.parametrize("architecture", PAPERS)
@pytest.mark.parametrize("size", [(32, 40), (33, 41)])
def test_any_size_is_painted(architecture: Architecture, size: tuple[int, int]):
    x = torch.rand(2, *size, INPUTS)
    painted, used = paint_in_bands(network(architecture), x, STYLE)
    assert painted.shape == (2, *size, 3)
    again, _ = paint_in_bands(network(architecture), x, STYLE, used)
    torch.testing.assert_close(again, painted)


@pytest.mark.parametrize("architecture", PAPERS)
def test_weights_read_back_as_written(tmp_path: Path, architecture: Architecture):
    made = network(architecture, 6)
    save_weights(made, tmp_path / "w.safetensors", half=False)
    again = load_weights(tmp_path / "w.safetensors")
    assert again.shape == made.shape
    x = torch.rand(1, 7, 32, 32)
    torch.testing.assert_close(again(x, torch.ones(1, 1))[0], made(x, torch.ones(1, 1))[0])


def test_a_network_that_keeps_reads_back_and_says_so(tmp_path: Path):
    made = StyleNetwork(Shape(8, 8, 1, (8, 8), keeps=True))
    save_weights(made, tmp_path / "w.safetensors", half=False)
    again = load_weights(tmp_path / "w.safetensors")
    assert again.shape.keeps
    x = torch.rand(1, 7, 32, 32)
    torch.testing.assert_close(again(x, torch.ones(1, 1))[0], made(x, torch.ones(1, 1))[0])


def test_only_our_own_layout_keeps():
    johnson = Shape(architecture=Architecture.JOHNSON).metadata()
    for metadata in (johnson | {"keeps": "True"}, Shape().metadata() | {"keeps": "perhaps"}):
        with pytest.raises(ValueError, match="keeps"):
            Shape.from_metadata(metadata)


def test_a_layout_that_is_none_is_refused():
    metadata = Shape(architecture=Architecture.JOHNSON).metadata() | {"architecture": "cathedral"}
    with pytest.raises(ValueError, match="cathedral"):
        Shape.from_metadata(metadata)


def pair(seed: int) -> tuple[Prior, PaintState]:
    rng = torch.Generator().manual_seed(seed)
    flow = torch.rand((1, 32, 40, 2), generator=rng) * 6 - 3
    mask = torch.rand((1, 32, 40, 1), generator=rng)
    state = PaintState(torch.rand((1, 32, 40, 3), generator=torch.Generator().manual_seed(9)))
    return Prior(flow, mask, torch.ones_like(mask)), state


def test_a_recurrent_painter_reads_its_last_picture_and_no_flow():
    made = RecurrentPainter(network(Architecture.JOHNSON, 6), STYLE)
    frame = torch.rand(1, 32, 40, 3)
    (one, state), (other, _) = pair(1), pair(2)
    first = made.paint(frame, one, state)[0]
    assert torch.equal(first, made.paint(frame, other, state)[0])
    assert not torch.allclose(first, made.paint(frame, one, PaintState(frame * 0.1))[0])


def test_a_feed_forward_painter_reads_the_frame_alone():
    made = StillPainter(network(Architecture.JOHNSON), STYLE)
    frame = torch.rand(1, 32, 40, 3)
    prior, state = pair(1)
    alone = made.paint(frame, None, PaintState())[0]
    assert torch.equal(made.paint(frame, prior, state)[0], alone)


def test_statistics_are_measured_and_frozen():
    made = Painter(network(Architecture.JOHNSON, 7), STYLE)
    frame = torch.rand(1, 32, 40, 3)
    prior, _ = pair(1)
    frozen = made.frozen(made.measure([Sample(frame, frame, prior)] * 2, (32, 40)))
    fresh = PaintState()
    torch.testing.assert_close(
        frozen.paint(frame, None, fresh)[0], made.paint(frame, None, fresh)[0]
    )

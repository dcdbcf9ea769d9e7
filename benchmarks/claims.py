r"""What the papers claim, asked of your looks and clips: one Markdown table each.

    python benchmarks/claims.py noise CLIP... --look plain.yaml --look noise.yaml
    python benchmarks/claims.py patches CLIP... --look prior.yaml --look recurrent.yaml
    python benchmarks/claims.py schedules CLIP... --look two.yaml --look multi.yaml
    python benchmarks/claims.py trace STATIC_CLIP... --look a --look b --look c
    python benchmarks/claims.py distortions CLIP... --look a --look b
    python benchmarks/claims.py shifts PICTURE [--look a --look b]
    python benchmarks/claims.py speed
    python benchmarks/claims.py peer CLIP... --look any-style.yaml --style picture.jpg \
        --encoders vgg19_distilled16x_encoders.safetensors --decoders wct16x_decoders.safetensors

The first look is what the others are compared with. What is measured is what `stillbrush measure`
measures, and is kept in `--output` in the same cells: a claim that was stopped goes on, and another
one over the same clips measures nothing twice.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from paired import load, race
from peer import peer
from tables import beside, markdown, mean
from torch import Tensor

from stillbrush import nodes  # noqa: F401 - declares the knobs
from stillbrush.core.look import Look
from stillbrush.core.looks import find_look
from stillbrush.core.metrics.structure import psnr
from stillbrush.core.motion.consistency import trust_mask
from stillbrush.core.motion.flow import DisFlow
from stillbrush.core.networks.adain import Decoder
from stillbrush.core.networks.bands import paint_in_bands
from stillbrush.core.networks.layouts import Architecture, Shape
from stillbrush.core.networks.style_network import StyleNetwork
from stillbrush.core.stylizers.adain import AnyStylePainter, StyleMix, read_style_statistics
from stillbrush.core.stylizers.load import load_painter, painting_encoder
from stillbrush.core.stylizers.paint_state import PaintState
from stillbrush.core.training.aims import read_style
from stillbrush.core.training.recipe import INPUTS_OF
from stillbrush.core.training.terms import SystemKind
from stillbrush.core.yardstick.cell import Extent, Method
from stillbrush.core.yardstick.clips import ClipFiles, find_clips
from stillbrush.core.yardstick.sweep import Cell, Line, Plan, lines, predict, sweep

BOTH_WAYS = ("patches",)  # what is asked is whether going on is better than not
MARGIN = 48  # pixels at the border of a shifted picture, where it is mirrored
COLUMNS = {
    "noise": ("temporal", "swarnakar", "swarnakar_literal", "swarnakar_squared", "instability",
              "style", "content", "sharpness"),
    "patches": ("patch_psnr", "patch_ssim", "temporal", "style", "content", "sharpness"),
    "schedules": ("temporal", "true_temporal", "temporal_far", "style", "content", "sharpness"),
}  # fmt: skip
"""Swarnakar and Bao table 1, Delcour and Lewin appendix C; Gupta table 1; Ruder table 5."""


def plan(given: argparse.Namespace, *, distortions: bool = False, only_alone: bool = False) -> Plan:
    """Return what a claim measures."""
    clips = tuple(clip for path in given.clips for clip in find_clips(Path(path)).clips)
    looks = tuple(find_look(name, Path()) for name in given.look)
    extent = Extent(given.frames, given.width, distortions=distortions)
    ways = (Method.PER_FRAME,) if only_alone else (Method.OWN,)
    if given.claim in BOTH_WAYS:
        ways = (Method.PER_FRAME, Method.OWN)
    return Plan(clips, looks, ways, given.output, extent, given.loss_network)


def measured(asked: Plan) -> tuple[list[Cell], list[Line]]:
    """Measure; say what is being done."""

    def begun(clip: ClipFiles, look: Look, way: Method) -> None:
        print(f"{clip.name}, {look.name}, {way.value}", flush=True)

    cells = sweep(asked, begun)
    return cells, lines(cells)


def compare(given: argparse.Namespace) -> None:
    """Print the numbers of every look in every way, means over the clips, beside the first look."""
    columns = COLUMNS[given.claim]
    asked = plan(given)
    _, table = measured(asked)
    order = [look.name for look in asked.looks]
    kinds = list(dict.fromkeys((line.look, line.method) for line in table))
    kinds.sort(key=lambda kind: (order.index(kind[0]), kind[1] is Method.OWN))
    rows, first = [], dict[str, float]()
    for look, way in kinds:
        own = [line for line in table if (line.look, line.method) == (look, way)]
        found = {name: mean([line.numbers[name] for line in own]) for name in columns}
        first = first or found
        rows.append([look, way.value, *(beside(found[name], first[name]) for name in columns)])
    print(markdown(("look", "way", *columns), rows))


def trace(given: argparse.Namespace) -> None:
    """Print whether the trace of the Gram matrix predicts flicker (Gupta et al. figure 3)."""
    asked = plan(given, only_alone=True)
    found = predict(asked, measured(asked)[1])
    if found is None:
        print("expected three looks whose style can be judged, and a clip in which nothing moves")
        return
    layers = list(found.traces)
    rows = [
        [look, found.instability[n], *(found.traces[layer][n] for layer in layers)]
        for n, look in enumerate(found.looks)
    ]
    rows.append(["rank correlation", "", *(found.correlation[layer] for layer in layers)])
    print(markdown(("look", "instability", *(f"trace {layer}" for layer in layers)), rows))


def distortions(given: argparse.Namespace) -> None:
    """Print the areas under the curves of Gupta et al. figure 6, of the content's own."""
    cells, _ = measured(plan(given, distortions=True, only_alone=True))
    rows = []
    for look in dict.fromkeys(cell.look for cell in cells):
        own = [cell.measured.distortions for cell in cells if cell.look == look]
        rows.append([look, *(mean([one[kind].area for one in own]) for kind in own[0])])
    print(markdown(("look", *own[0]), rows))


def shifts(given: argparse.Namespace) -> None:
    """Print how well paint of a shifted picture is the shifted paint (Ruder et al. figure 3)."""
    picture = read_style(Path(given.clips[0]), given.width // 2)
    looks = [find_look(name, Path()) for name in given.look]
    painters = {look.name: alone(look) for look in looks}
    painters = painters or {f"{kind.value}, untrained": untrained(kind) for kind in Architecture}
    side = min(picture.shape[-2:]) - given.most
    window = picture[..., :side, :]
    rows = []
    for name, paint in painters.items():
        first = paint(window)
        found = [
            psnr(*(inner(one) for one in (first[..., shift:, :],
                   paint(picture[..., shift : shift + side, :])[..., : side - shift, :])))
            for shift in range(1, given.most + 1)
        ]  # fmt: skip
        rows.append([name, *(f"{value:.1f}" for value in found)])
    print(markdown(("PSNR in dB at a shift of", *map(str, range(1, given.most + 1))), rows))


def inner(picture: Tensor) -> Tensor:
    """Return what lies far from the border, (1, H, W, 3)."""
    return picture[..., MARGIN:-MARGIN, MARGIN:-MARGIN].permute(0, 2, 3, 1)


def alone(look: Look) -> Callable[[Tensor], Tensor]:
    """Return what paints pictures (1, 3, H, W) by themselves."""
    painter = load_painter(look)

    def paint(x: Tensor) -> Tensor:
        made, _ = painter.paint(x.permute(0, 2, 3, 1), None, PaintState())
        return made.permute(0, 3, 1, 2)

    return paint


def untrained(kind: Architecture) -> Callable[[Tensor], Tensor]:
    """Return a network of random weights: what shifts do to it is up to its layers."""
    network, style = made(shape(kind, SystemKind.PRIOR)), torch.ones(1, 1)

    @torch.no_grad()
    def paint(x: Tensor) -> Tensor:
        empty = x.new_zeros((1, 4, *x.shape[-2:]))
        return network(torch.cat((x, empty), 1), style)[0]

    return paint


def shape(kind: Architecture, system: SystemKind) -> Shape:
    """Return the widths of a system's network."""
    if kind is Architecture.STILLBRUSH:
        return Shape()
    return Shape.of_papers(kind, INPUTS_OF.get(system, 7))


def made(shape: Shape) -> StyleNetwork:
    """Return a network of random weights."""
    torch.manual_seed(1)
    return StyleNetwork(shape).eval().requires_grad_(False)


@torch.inference_mode()
def speed(given: argparse.Namespace) -> None:
    """Print what each system costs a frame, beside Johnson et al.'s network; processor time."""
    height = round(given.width * 9 / 16)
    x = torch.rand(1, height, given.width, 7)
    style = torch.ones(1)

    def network(kind: Architecture, system: SystemKind) -> Callable[[], object]:
        of = made(shape(kind, system))
        return lambda: paint_in_bands(of, x, style)

    encoder = painting_encoder(torch.device("cpu"))
    decoder = Decoder().eval()
    statistics = read_style_statistics(Path(given.style[0]), encoder, decoder.read)
    any_style = AnyStylePainter(encoder, decoder, StyleMix((statistics,), (1.0,)))
    previous = torch.roll(x[..., :3], 2, 2)
    papers, ours = Architecture.JOHNSON, Architecture.STILLBRUSH
    candidates: dict[str, Callable[[], object]] = {
        "Johnson et al., feed-forward": network(papers, SystemKind.FEEDFORWARD),
        "Delcour and Lewin": network(Architecture.DELCOUR, SystemKind.NOISE),
        "Ruder et al., prior": network(papers, SystemKind.PRIOR),
        "Ruder et al., dilated": network(Architecture.DILATED, SystemKind.PRIOR),
        "Gupta et al., recurrent": network(papers, SystemKind.RECURRENT),
        "ours, any network of a style": network(ours, SystemKind.PRIOR),
        "ours, any style": lambda: any_style.run(x),
        "motion and mask, beside prior and any style": lambda: trust_mask(
            DisFlow().estimate(previous, x[..., :3])
        ),
    }
    rows = [
        [name, f"{found.milliseconds:.0f}", f"{1 / found.ratio:.2f}"]
        for name, found in race(candidates, given.rounds).items()
    ]
    head = (f"system, {given.width}x{height}, one thread", "cpu-ms a frame", "of Johnson's")
    print(markdown(head, rows))
    print(load())


CLAIMS = {
    "noise": compare,
    "patches": compare,
    "schedules": compare,
    "trace": trace,
    "distortions": distortions,
    "shifts": shifts,
    "speed": speed,
    "peer": peer,
}


def read(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read a command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("claim", choices=CLAIMS)
    parser.add_argument("clips", nargs="*")
    parser.add_argument("--look", action="append", default=[])
    parser.add_argument("--style", action="append", default=[])
    parser.add_argument("-o", "--output", type=Path, default=Path("claims"))
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--loss-network", type=Path)
    parser.add_argument("--encoders", type=Path)
    parser.add_argument("--decoders", type=Path)
    parser.add_argument("--most", type=int, default=8, help="pixels, of shifts")
    parser.add_argument("--rounds", type=int, default=7)
    return parser.parse_args(words)


def main() -> None:
    """Print the table of a claim."""
    given = read()
    torch.set_num_threads(1)
    CLAIMS[given.claim](given)


if __name__ == "__main__":
    main()

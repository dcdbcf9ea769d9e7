r"""What the papers claim, asked of your looks and clips: one Markdown table each.

    python benchmarks/claims.py noise CLIP... --look plain.yaml --look noise.yaml
    python benchmarks/claims.py patches CLIP... --look fast.yaml --look recurrent.yaml --look prior
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
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from paired import load, race
from torch import Tensor
from wct import Wct

from stillbrush import nodes  # noqa: F401 - declares the knobs
from stillbrush.core.look import Look
from stillbrush.core.look_pictures import give_picture
from stillbrush.core.looks import find_look
from stillbrush.core.metrics.judge import Judge
from stillbrush.core.metrics.structure import psnr
from stillbrush.core.metrics.temporal import carried_change
from stillbrush.core.motion.consistency import trust_mask
from stillbrush.core.motion.flow import DisFlow
from stillbrush.core.networks.adain import Decoder
from stillbrush.core.networks.bands import paint_in_bands
from stillbrush.core.networks.loss_network import load_loss_network, shipped_encoder
from stillbrush.core.networks.style_network import Architecture, Shape, StyleNetwork
from stillbrush.core.stylizers.adain import AnyStylePainter, StyleMix, read_style_statistics
from stillbrush.core.stylizers.load import load_painter, painting_encoder
from stillbrush.core.stylizers.paint_state import PaintState
from stillbrush.core.training.loop import read_style
from stillbrush.core.training.losses import manners
from stillbrush.core.training.recipe import INPUTS_OF
from stillbrush.core.training.terms import SystemKind
from stillbrush.core.yardstick.cell import Extent, Method, Pair, neighbours, set_up
from stillbrush.core.yardstick.clips import ClipFiles, find_clips
from stillbrush.core.yardstick.sweep import Cell, Line, Plan, lines, predict, sweep

STYLE_SIDE = 384  # short side of a style picture, as in training
MARGIN = 48  # pixels at the border of a shifted picture, where it is mirrored
COLUMNS = {
    "noise": ("temporal", "swarnakar", "swarnakar_literal", "swarnakar_squared", "instability",
              "style", "content", "sharpness"),
    "patches": ("patch_psnr", "patch_ssim", "temporal", "style", "content", "sharpness"),
    "schedules": ("temporal", "true_temporal", "temporal_far", "style", "content", "sharpness"),
}  # fmt: skip
"""Swarnakar and Bao table 1, Delcour and Lewin appendix C; Gupta table 1; Ruder table 5."""


def markdown(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table."""
    told = [[f"{v:.4g}" if isinstance(v, float) else str(v) for v in row] for row in rows]
    return "\n".join(
        "| " + " | ".join(row) + " |" for row in (list(head), ["---"] * len(head), *told)
    )


def mean(values: Sequence[float]) -> float:
    """Return the mean of what is known."""
    known = [value for value in values if math.isfinite(value)]
    return float(np.mean(known)) if known else math.nan


def plan(given: argparse.Namespace, *, distortions: bool = False, only_alone: bool = False) -> Plan:
    """Return what a claim measures."""
    clips = tuple(clip for path in given.clips for clip in find_clips(Path(path)).clips)
    looks = tuple(find_look(name, Path()) for name in given.look)
    extent = Extent(given.frames, given.width, distortions=distortions)
    ways = (Method.PER_FRAME,) if only_alone else (Method.OWN,)
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
    _, table = measured(plan(given))
    kinds = list(dict.fromkeys((line.look, line.method) for line in table))
    kinds.sort(key=lambda kind: (given.look.index(kind[0]) if kind[0] in given.look else 0,
                                 kind[1] is Method.OWN))  # fmt: skip
    rows, first = [], dict[str, float]()
    for look, way in kinds:
        own = [line for line in table if (line.look, line.method) == (look, way)]
        found = {name: mean([line.numbers[name] for line in own]) for name in columns}
        first = first or found
        rows.append([look, way.value, *(beside(found[name], first[name]) for name in columns)])
    print(markdown(("look", "way", *columns), rows))


def beside(value: float, first: float) -> str:
    """Write a number and its share of the first look's."""
    return f"{value:.4g} ({100 * value / first:.0f} %)" if first else f"{value:.4g}"


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
    statistics = read_style_statistics(Path(given.style[0]), encoder, range(3))
    any_style = AnyStylePainter(encoder, Decoder().eval(), StyleMix((statistics,), (1.0,)))
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


@dataclass
class Peer:
    """What is known of one way of painting a clip."""

    rows: list[dict[str, float]]
    seconds: list[float]


def peer(given: argparse.Namespace) -> None:
    """Print any-style beside the WCT peer: the same clips, judged alike."""
    encoder = load_loss_network(given.loss_network or shipped_encoder())
    found: dict[str, list[Peer]] = {}
    for text in given.style:
        style = read_style(Path(text), STYLE_SIDE)
        with torch.no_grad():
            judge = Judge(encoder, manners(encoder(style)))
        wct = Wct(given.encoders, given.decoders, style)
        for path in given.clips:
            for clip in find_clips(Path(path)).clips:
                for way, made in painted(given, clip, Path(text), wct).items():
                    print(f"{clip.name}, {Path(text).stem}, {way}", flush=True)
                    found.setdefault(way, []).append(judged(made, judge))
    names = ("temporal", "style", "content", "sharpness")
    rows = [
        [way, *(mean([row[n] for one in every for row in one.rows if n in row]) for n in names),
         mean([value for one in every for value in one.seconds])]
        for way, every in found.items()
    ]  # fmt: skip
    print(markdown(("way", *names, "cpu-s a frame"), rows))
    print(load())


Frames = Callable[[], list[tuple[Pair, float]]]


def painted(given: argparse.Namespace, clip: ClipFiles, style: Path, wct: Wct) -> dict[str, Frames]:
    """Return every way of painting a clip: pairs of plate and paint, and what they took."""
    extent = Extent(given.frames, given.width)
    made: dict[str, Frames] = {}
    for name in given.look:
        look = find_look(name, Path()).with_pictures((give_picture(style),))
        for way in (Method.PER_FRAME, Method.OWN):

            def ours(look: Look = look, way: Method = way) -> list[tuple[Pair, float]]:
                painting = set_up(clip, look, way, extent)
                frames = painting.frames[: extent.frames]
                pairs, begun = [], time.process_time()
                for moment in painting.timeline.roll(frames[0], frames[-1]):
                    took = time.process_time() - begun
                    plate = painting.small(moment.frame)
                    pairs.append((Pair(plate, moment.outputs.picture), took))
                    begun = time.process_time()
                return pairs

            made[f"{look.name}, {way.value}"] = ours
    look = find_look(given.look[0], Path()).with_pictures((give_picture(style),))

    def theirs() -> list[tuple[Pair, float]]:
        painting = set_up(clip, look, Method.PER_FRAME, extent)
        pairs = []
        for frame in painting.frames[: extent.frames]:
            plate, begun = painting.small(frame), time.process_time()
            paint = wct(plate)
            pairs.append((Pair(plate, paint), time.process_time() - begun))
        return pairs

    return {"WCT peer, per-frame": theirs, **made}


def judged(paint: Frames, judge: Judge) -> Peer:
    """Measure a painted clip as `stillbrush measure` does."""
    rows, past, pairs = [], None, paint()
    for here, _ in pairs:
        row = judge.still(here.paint, judge.see(here.plate))
        if past is not None:
            followed = judge.follow(past.plate, here.plate)
            row |= neighbours(
                past, here, followed, carried_change(past.paint, here.paint, followed)
            )
        rows.append(row)
        past = here
    return Peer(rows, [took for _, took in pairs[1:]])  # the first loads what is needed


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


def main() -> None:
    """Print the table of a claim."""
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
    given = parser.parse_args()
    torch.set_num_threads(1)
    CLAIMS[given.claim](given)


if __name__ == "__main__":
    main()

"""Any style beside a peer that whitens and colours, on the same clips, judged alike."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from paired import load
from tables import markdown, mean
from wct import Wct

from stillbrush.core.look import Look
from stillbrush.core.look_pictures import give_picture
from stillbrush.core.looks import find_look
from stillbrush.core.metrics.judge import Judge
from stillbrush.core.metrics.temporal import carried_change
from stillbrush.core.networks.loss_network import load_loss_network, shipped_encoder
from stillbrush.core.training.aims import read_style
from stillbrush.core.training.losses import manners
from stillbrush.core.yardstick.cell import Extent, Method, Pair, neighbours, set_up
from stillbrush.core.yardstick.clips import ClipFiles, find_clips

STYLE_SIDE = 384  # short side of a style picture, as in training


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

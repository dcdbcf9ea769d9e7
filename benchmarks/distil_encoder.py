r"""Distil our own loss network from VGG-19, and measure how well it agrees.

One command repeats the run that made `presets/encoder.safetensors` (docs/encoder.md); killed, it
goes on at its last checkpoint when it is run again:

    python benchmarks/distil_encoder.py --photographs photographs/ --paintings paintings/ \\
        --vgg vgg19.safetensors --distilled vgg19_distilled.safetensors -o encoder.safetensors
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from stillbrush.core.training.distil import Distiller, Errors, Lesson
from stillbrush.core.training.distil_run import Material, distil, finish

EVERY = 50  # iterations between lines


class Lines:
    """Prints the mean errors of the last iterations."""

    def __init__(self) -> None:
        self.recent: list[Errors] = []

    def __call__(self, distiller: Distiller, errors: Errors) -> None:
        """Take note of an iteration."""
        self.recent.append(errors)
        if distiller.step % EVERY:
            return
        count = len(self.recent)
        taps = {
            tap: sum(each.features[tap] for each in self.recent) / count for tap in errors.features
        }
        manner = sum(each.manner for each in self.recent) / count
        missed = "  ".join(f"{tap} {share:.3f}" for tap, share in taps.items())
        total = distiller.lesson.iterations
        took = distiller.seconds / distiller.step
        print(f"{distiller.step}/{total}  {missed}  manner {manner:.3f}  {took:.2f} s each")
        sys.stdout.flush()
        self.recent = []


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--photographs", type=Path, required=True)
    parser.add_argument("--paintings", type=Path, nargs="+", required=True)
    parser.add_argument("--vgg", type=Path, required=True, help="true VGG-19, to conv3_1 or on")
    parser.add_argument("--distilled", type=Path, required=True, help="compressed VGG-19")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--iterations", type=int, default=Lesson.iterations)
    parser.add_argument("--work", type=Path, help="checkpoints; default: OUTPUT.training")
    return parser.parse_args()


def main() -> None:
    """Distil, then write the encoder."""
    given = parse()
    torch.set_num_threads(1)  # the sums of a run are the same at an equal number of threads
    lesson = Lesson(iterations=given.iterations)
    paintings = tuple(given.paintings)
    material = Material(given.photographs, paintings, given.vgg, given.distilled, lesson)
    work = given.work or given.output.with_suffix(".training")
    distiller = distil(material, work, Lines())
    finish(distiller, material, given.output)
    print(f"{given.output}: {given.output.stat().st_size} bytes")


if __name__ == "__main__":
    main()

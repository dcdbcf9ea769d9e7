"""Several passes: the equations, both directions alike, resume, bounded disk."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from support.material import tiny_look, tiny_shot
from support.optimising import optimise_look
from support.rendering import Quiet, frames_in, paint
from torch import Tensor

from stillbrush.core.demo import DemoShot, write_demo_shot
from stillbrush.core.errors import Cancelled, UnreadableFile, WriteRefused
from stillbrush.core.knobs import chain
from stillbrush.core.render.assembly import assemble
from stillbrush.core.render.painting import Settings
from stillbrush.core.render.request import Request
from stillbrush.core.render.watching import Progress
from stillbrush.core.stylizers.prior import carried_over
from stillbrush.core.stylizers.protocol import Iterate
from stillbrush.core.temporal.multi_pass import (
    Carry,
    Passes,
    PassStore,
    Turn,
    blended,
    run_passes,
)
from stillbrush.host_adapters.cli.commands import cli

LENGTH, SIZE = 5, (12, 18)


def drawn(seed: int, channels: int = 3) -> Tensor:
    return torch.rand((1, *SIZE, channels), generator=torch.Generator().manual_seed(seed))


class Mixes:
    """Paints a frame of a clip halfway towards what it starts from; notes its turns."""

    def __init__(self, clip: list[Tensor]) -> None:
        self.clip = clip
        self.turns: list[Turn] = []

    def repaint(self, turn: Turn) -> Tensor:
        self.turns.append(turn)
        frame = self.clip[turn.place]
        return frame if turn.start is None else torch.lerp(frame, turn.start, 0.5)


def ways(length: int) -> dict[tuple[int, int], Carry]:
    """Motion between all neighbours, in both directions."""
    made = {}
    for place in range(1, length):
        flow = (drawn(50 + place, 2) - 0.5) * 4
        back = (drawn(70 + place, 2) - 0.5) * 4
        made[place, place - 1] = Carry(flow, drawn(90 + place, 1))
        made[place - 1, place] = Carry(back, drawn(110 + place, 1))
    return made


CLIP = [drawn(n) for n in range(LENGTH)]


def run(folder: Path, passes: Passes, clip=CLIP, carry=None, before=None) -> list[Tensor]:
    store, found = PassStore(folder), ways(LENGTH)
    run_passes(
        LENGTH,
        Mixes(clip),
        carry or (lambda place, beside: found[place, beside]),
        passes,
        store,
        before or (lambda number, place: None),
    )
    return [store.read(passes.count, place) for place in range(LENGTH)]


def test_the_blend_is_that_of_equation_13() -> None:
    own, other, carry, delta = drawn(1), drawn(2), ways(2)[1, 0], 0.3
    c = carry.mask
    wanted = delta * c * carried_over(other, carry.flow) + ((1 - delta) + delta * (1 - c)) * own
    assert torch.allclose(blended(own, other, carry, delta), wanted, atol=1e-6)


def test_a_backward_pass_over_the_reversed_clip_is_the_forward_pass(tmp_path) -> None:
    """Both begin with the same frames: pass 1 paints each by itself."""
    found = ways(LENGTH)
    last = LENGTH - 1

    def reversed_ways(place: int, beside: int) -> Carry:
        return found[last - place, last - beside]

    class Forwards(Passes):
        def order(self, number: int, length: int) -> range:
            return range(length)

    forwards = run(tmp_path / "a", Forwards(2))
    backwards = run(tmp_path / "b", Passes(2), CLIP[::-1], reversed_ways)
    assert all(torch.equal(a, b) for a, b in zip(forwards, backwards[::-1], strict=True))
    assert not torch.equal(forwards[0], run(tmp_path / "c", Passes(2))[0])


def test_passes_alternate_and_begin_with_the_frames_own_last_version(tmp_path) -> None:
    repainter, found, store = Mixes(CLIP), ways(LENGTH), PassStore(tmp_path)
    run_passes(LENGTH, repainter, lambda *pair: found[pair], Passes(4, temporal_from=3), store)
    places = [turn.place for turn in repainter.turns]
    there, back = list(range(LENGTH)), list(range(LENGTH))[::-1]
    assert places == there + back + there + back
    assert [t.start is None for t in repainter.turns] == [True] * LENGTH + [False] * 3 * LENGTH
    assert [t.is_temporal for t in repainter.turns] == [False] * 2 * LENGTH + [True] * 2 * LENGTH
    first_of_second = repainter.turns[LENGTH]
    assert first_of_second.carry is None
    assert torch.equal(first_of_second.start, CLIP[-1])  # i = 1: its own x of the pass before


def test_the_temporal_loss_is_off_in_the_first_half() -> None:
    assert [Passes(15).is_temporal(n) for n in (1, 7, 8, 15)] == [False, False, True, True]


def test_a_run_stopped_in_pass_7_goes_on_with_the_same_bits(tmp_path) -> None:
    passes = Passes(9)
    whole = run(tmp_path / "whole", passes)

    def stop(number: int, place: int) -> None:
        if (number, place) == (7, 2):
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        run(tmp_path / "parts", passes, before=stop)
    left = sorted(path.name for path in (tmp_path / "parts").iterdir())
    assert len(left) == LENGTH  # one version of each frame and no more
    assert sum(".pass.7." in name for name in left) == 2
    begun: list[tuple[int, int]] = []
    again = run(tmp_path / "parts", passes, before=lambda *at: begun.append(at))
    assert begun[0] == (7, 2)
    assert all(torch.equal(a, b) for a, b in zip(again, whole, strict=True))


def test_a_crash_between_writing_and_letting_go_costs_nothing(tmp_path) -> None:
    whole = run(tmp_path / "whole", Passes(3))
    store = PassStore(tmp_path / "crash")
    run(store.folder, Passes(2))
    kept = store.path(2, 0).read_bytes()
    run_passes(1, Mixes(CLIP), lambda *_: None, Passes(3), store)
    store.path(2, 0).write_bytes(kept)
    again = run(store.folder, Passes(3))
    assert all(torch.equal(a, b) for a, b in zip(again, whole, strict=True))


def test_a_cut_carries_nothing_over(tmp_path) -> None:
    found = ways(LENGTH)

    def cut(place: int, beside: int) -> Carry | None:
        return None if {place, beside} == {2, 3} else found[place, beside]

    made = run(tmp_path / "a", Passes(5), carry=cut)
    other = [*CLIP[:3], drawn(900), drawn(901)]
    also = run(tmp_path / "b", Passes(5), other, cut)
    assert all(torch.equal(a, b) for a, b in zip(made[:3], also[:3], strict=True))


def test_what_will_not_fit_is_refused_before_it_begins(tmp_path) -> None:
    store = PassStore(tmp_path / "small", limit=1_000_000)
    store.check_room(2, 100, 100)
    with pytest.raises(WriteRefused, match=r"60 frames of 768x432 .* the limit is 0\.0 GB"):
        store.check_room(60, 432, 768)


def test_a_damaged_frame_is_an_error_and_no_other_picture(tmp_path) -> None:
    run(tmp_path, Passes(2))
    path = PassStore(tmp_path).path(2, 3)
    content = bytearray(path.read_bytes())
    content[-5] ^= 255
    path.write_bytes(bytes(content))
    with pytest.raises(UnreadableFile, match="damaged"):
        PassStore(tmp_path).read(2, 3)


def test_a_shot_is_painted_in_passes_and_goes_on_where_it_was_stopped(tmp_path) -> None:
    shot, look = tiny_shot(tmp_path / "shot", 4), tiny_look(tmp_path / "look")
    several = {"passes": Passes(3)}
    paint(shot, look, tmp_path / "whole/p.####.exr", request=several)
    with pytest.raises(Cancelled):
        paint(shot, look, tmp_path / "parts/p.####.exr", request=several, watcher=Quiet(6))
    assert not frames_in(tmp_path / "parts")
    paint(shot, look, tmp_path / "parts/p.####.exr", request=several)
    whole = frames_in(tmp_path / "whole")
    assert frames_in(tmp_path / "parts") == whole
    assert not list((tmp_path / "parts/.stillbrush").rglob("frame.*"))
    paint(shot, look, tmp_path / "one/p.####.exr", request={"passes": Passes(1)})
    assert frames_in(tmp_path / "one") != whole


class Passing(Quiet):
    """A watcher that notes how far the passes are told to be, and what it sees of a frame."""

    def __init__(self, stop_after: int | None = None) -> None:
        super().__init__(stop_after)
        self.told: list[tuple[str, int, int, int]] = []
        self.iterates: list[tuple[int, int]] = []

    def progress(self, progress: Progress) -> None:
        super().progress(progress)
        if progress.part:
            self.told.append((progress.part, progress.frame, progress.done, progress.total))

    def iterated(self, frame: int, iterate: Iterate) -> None:
        self.iterates.append((frame, iterate.done))


def test_the_passes_tell_how_far_they_are_and_what_is_left_of_them(tmp_path) -> None:
    shot, look = tiny_shot(tmp_path / "shot", 3), tiny_look(tmp_path / "look")
    whole, first, rest = Passing(), Passing(4), Passing()
    for name, watcher in (("whole", whole), ("parts", first), ("parts", rest)):
        with pytest.raises(Cancelled) if watcher is first else nullcontext():
            output = tmp_path / name / "p.####.exr"
            paint(shot, look, output, request={"passes": Passes(2)}, watcher=watcher)
    order = [("pass 1/2", n) for n in (1001, 1002, 1003)]
    order += [("pass 2/2", n) for n in (1003, 1002, 1001)]
    assert whole.told == [(*at, done, 6) for done, at in enumerate(order, 1)]
    assert first.told == whole.told[:4]
    assert rest.told == [(*order[4], 1, 2), (*order[5], 2, 2)]
    assert sorted(whole.frames) == sorted(rest.frames) == [1001, 1002, 1003]


def test_a_frame_that_is_optimised_in_a_pass_is_shown_and_stopped_within_an_iteration(tmp_path):
    look = optimise_look(tmp_path / "look", iterations=6, width=96)
    shot = str(write_demo_shot(tmp_path / "plate", DemoShot(width=96, height=64, frames=2)))
    watcher = Passing(4)
    request = {"passes": Passes(2), "settings": Settings()}
    with pytest.raises(Cancelled):
        paint(shot, look, tmp_path / "p.####.exr", request=request, watcher=watcher)
    assert watcher.told == []
    assert watcher.iterates == [(1001, 0), (1001, 1), (1001, 2)]


def test_the_command_line_takes_passes(tmp_path) -> None:
    shot, look = tiny_shot(tmp_path / "shot", 3), tiny_look(tmp_path / "look")
    out = str(tmp_path / "out/p.####.exr")
    plain = ["stylize", shot, "--look", str(look.path), "-o", out, "--stroke-size", "4"]
    made = CliRunner().invoke(cli, [*plain, "--passes", "2", "--pass-blend", "0.3"])
    assert made.exit_code == 0, made.output
    assert len(frames_in(tmp_path / "out")) == 3
    assert "pass 2/2, frame 1001  6/6" in made.output
    for lone in ("--pass-blend", "--disk-limit"):
        failed = CliRunner().invoke(cli, [*plain, lone, "0.3"])
        assert f"{lone}: is for several passes; give --passes too." in str(failed.exception)


def test_passes_paint_with_a_look_that_optimises_and_a_late_one_holds_to_its_neighbour(tmp_path):
    look = optimise_look(tmp_path / "look", temporal_weight=50.0)
    shape = DemoShot(width=96, height=64, frames=3)
    shot = str(write_demo_shot(tmp_path / "plate", shape))
    made = {}
    for begin in (2, 3):  # in the second of two passes; never
        settings = Settings(chain(look.knobs, {}), look.exposure)
        passes = Passes(2, temporal_from=begin)
        painting = assemble(Request(shot, look, settings=settings, passes=passes)).painting()
        made[begin] = painting.frame(painting.frames[1])
    assert np.isfinite(made[2]).all()
    assert np.abs(made[2] - made[3]).max() > 0

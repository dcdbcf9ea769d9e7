"""The nodes a comp needs around the paint: what they do to pixels, and what they leave alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.material import tiny_shot
from support.rendering import assert_untouched

from stillbrush import graph
from stillbrush.core.comp.light import Curve, curve, graded
from stillbrush.core.comp.merging import Operation, merged
from stillbrush.core.comp.timing import agree, held, offset, only, ranged
from stillbrush.core.comp.windows import Resize, cropped, reformatted
from stillbrush.core.errors import BadInput, WriteRefused
from stillbrush.core.media.images import read_plate
from stillbrush.core.media.placing import Placed, Window
from stillbrush.core.media.source import Shot, open_shot
from stillbrush.core.media.video import VideoSource


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Shot:
    return open_shot(tiny_shot(tmp_path_factory.mktemp("in"), 3, 64, 48))


def flat(shot: Shot, value: float, alpha: float | None) -> Shot:
    size = (shot.canvas.height, shot.canvas.width)
    whole = (slice(0, size[0]), slice(0, size[1]))
    rgb = np.full((*size, 3), value, np.float32)
    cover = None if alpha is None else np.full(size, alpha, np.float32)
    return replace(shot, read=lambda n: Placed(n, rgb, cover, None, whole))


def test_a_shot_moves_in_time_and_its_pixels_do_not(shot: Shot) -> None:
    later = offset(shot, 10)
    assert later.frames == (1011, 1012, 1013)
    np.testing.assert_array_equal(later.read(1012).rgb, shot.read(1002).rgb)
    assert later.read(1012).frame == 1012
    back = offset(later, -10)
    np.testing.assert_array_equal(back.read(1003).rgb, shot.read(1003).rgb)
    still = held(shot, 1002)
    np.testing.assert_array_equal(still.read(1001).rgb, shot.read(1002).rgb)
    longer = ranged(shot, 999, 1005)
    assert longer.frames == tuple(range(999, 1006))
    np.testing.assert_array_equal(longer.read(999).rgb, shot.read(1001).rgb)
    np.testing.assert_array_equal(longer.read(1005).rgb, shot.read(1003).rgb)
    assert ranged(shot, 1010, 1012).frames == (1010, 1011, 1012)
    assert only(shot, 1002, 1009).frames == only(shot, 1002, 0).frames == (1002, 1003)
    assert only(shot, 0, 0) is shot
    agree((1002, 1003), shot, only(shot, 1002, 1003))
    with pytest.raises(BadInput, match="from first to last, 1002 to 1003; got 1001"):
        agree((1001, 1002), shot, only(shot, 1002, 1003))
    for wrong in (lambda: held(shot, 5), lambda: ranged(shot, 2, 1), lambda: only(shot, 1, 2)):
        with pytest.raises(BadInput):
            wrong()


def test_a_grade_takes_black_and_white_points_to_their_levels() -> None:
    change = curve((0.1, 0.9), (0.0, 2.0), 1.0, 0.0, 1.0)
    np.testing.assert_allclose(change.applied(np.float32([0.1, 0.5, 0.9])), [0, 1, 2], atol=1e-6)
    bent = Curve(gamma=2.0).applied(np.float32([0.25, -1.0]))
    np.testing.assert_allclose(bent, [0.5, -1.0])
    with pytest.raises(BadInput, match="whitepoint"):
        curve((1, 1), (0, 1), 1, 0, 1)


def test_a_grade_at_its_defaults_or_at_mix_zero_is_the_input_itself(shot: Shot) -> None:
    assert graded(shot, Curve(), 1.0, None) is shot
    assert graded(shot, Curve(2.0), 0.0, None) is shot
    brighter = graded(shot, Curve(2.0), 1.0, None).read(1001)
    np.testing.assert_allclose(brighter.rgb, shot.read(1001).rgb * 2, rtol=1e-6)


def test_over_is_a_plus_what_it_leaves_of_b(shot: Shot) -> None:
    b, a = flat(shot, 0.5, 0.5), flat(shot, 0.2, 0.25)
    made = merged(b, a, Operation.OVER, 1.0, None).read(1001)
    np.testing.assert_allclose(made.rgb, 0.2 + 0.5 * 0.75, rtol=1e-6)
    np.testing.assert_allclose(made.alpha, 0.25 + 0.5 * 0.75, rtol=1e-6)
    assert merged(b, a, Operation.OVER, 0.0, None) is b
    half = merged(b, a, Operation.MIX, 0.5, None).read(1001)
    np.testing.assert_allclose(half.rgb, 0.35, rtol=1e-6)
    other = reformatted(a, 20, 10, Resize.FIT)
    with pytest.raises(BadInput, match="Reformat"):
        merged(b, other, Operation.OVER, 1.0, None).read(1001)


def test_a_crop_is_black_outside_its_box_and_a_reformat_has_its_size(shot: Shot) -> None:
    box = Window(10, 5, 20, 30)
    made, plate = cropped(shot, box, reformat=False).read(1001), shot.read(1001)
    np.testing.assert_array_equal(made.rgb[5:35, 10:30], plate.rgb[5:35, 10:30])
    assert made.rgb.sum() == pytest.approx(made.rgb[5:35, 10:30].sum())
    small = cropped(shot, box, reformat=True)
    assert (small.format.width, small.format.height) == (20, 30)
    np.testing.assert_array_equal(small.read(1001).rgb, plate.rgb[5:35, 10:30])
    for resize in Resize:
        framed = reformatted(shot, 40, 40, resize)
        assert framed.read(1001).rgb.shape == (40, 40, 3)
    whole = reformatted(shot, 64, 48, Resize.FIT).read(1001)
    np.testing.assert_array_equal(whole.rgb, plate.rgb)


def test_what_a_comp_did_not_touch_is_written_as_it_was(tmp_path: Path) -> None:
    plate = tiny_shot(tmp_path / "in", 2, 64, 48)
    graph.scriptClear()
    read = graph.createNode("Read", file=plate)
    dot = graph.createNode("Dot", inputs=[graph.createNode("Switch", inputs=[read])])
    late = graph.createNode("TimeOffset", inputs=[dot], offset=100)
    write = graph.createNode("Write", inputs=[late], file=f"{tmp_path}/out/p.####.exr")
    graph.execute(write)
    for frame in (1001, 1002):
        assert_untouched(tmp_path / f"in/plate.{frame}.exr", tmp_path / f"out/p.{frame + 100}.exr")


def test_a_merge_writes_its_own_alpha_and_the_layers_of_b(tmp_path: Path) -> None:
    plate = tiny_shot(tmp_path / "in", 2, 64, 48)
    graph.scriptClear()
    read = graph.createNode("Read", file=plate)
    crop = graph.createNode("Crop", inputs=[read], x=8, y=8, width=16, height=16)
    write = graph.createNode("Write", inputs=[crop], file=f"{tmp_path}/out/p.####.exr")
    graph.execute(write, 1001)
    before, made = (read_plate(tmp_path / p, 1) for p in ("in/plate.1001.exr", "out/p.1001.exr"))
    assert made.alpha is not None
    assert made.alpha[8:24, 8:24].min() == 1
    assert made.alpha.sum() == 256
    names = before.original.parts[0].spec.channelnames
    assert made.original.parts[0].spec.channelnames == names


def test_a_viewer_writes_pictures_and_a_flipbook(tmp_path: Path) -> None:
    plate = tiny_shot(tmp_path / "in", 3, 64, 48)
    graph.scriptClear()
    read = graph.createNode("Read", file=plate)
    still = graph.createNode("Viewer", inputs=[read], file=f"{tmp_path}/v.####.png")
    film = graph.createNode("Viewer", inputs=[read], file=f"{tmp_path}/v.mp4")
    made = graph.execute([still, film], 1001, 1002)
    assert [Path(f).name for f in made["Viewer1"]] == ["v.1001.png", "v.1002.png"]
    assert len(VideoSource(tmp_path / "v.mp4").frames) == 2
    still["overwrite"].setValue(False)
    with pytest.raises(WriteRefused):
        graph.execute(still, 1001)
    still["file"].setValue("v.gif")
    with pytest.raises(BadInput, match="png"):
        graph.execute(still, 1001)

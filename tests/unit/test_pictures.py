"""Pictures in memory as shots, and the forms of a new EXR."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest
import torch
from support.material import tiny_shot

from stillbrush.core.clip import Clip
from stillbrush.core.errors import BadInput
from stillbrush.core.media.colour import DISPLAY, LINEAR, PlateColour
from stillbrush.core.media.form import Compression, Depth, Form
from stillbrush.core.media.images import read_plate, write_picture
from stillbrush.core.media.pictures import renumber, shot_of_pictures, with_pictures
from stillbrush.core.media.placing import Placed
from stillbrush.core.media.source import open_shot
from stillbrush.core.spec import REGISTRY

PICTURES = np.random.default_rng(1).normal(0.4, 2.0, (3, 24, 32, 3)).astype(np.float32)


def memory_shot(space: str = LINEAR, **more: int):
    return shot_of_pictures(lambda n: PICTURES[n], (24, 32), 3, PlateColour(space), **more)


def test_pictures_in_memory_come_back_as_they_are() -> None:
    shot = memory_shot(first=7)
    assert shot.frames == (7, 8, 9)
    assert shot.is_scene_referred
    assert not memory_shot(DISPLAY).is_scene_referred
    np.testing.assert_array_equal(shot.read(8).rgb, PICTURES[1])
    moved = renumber(shot, 1001)
    assert moved.frames == (1001, 1002, 1003)
    assert moved.read(1003).frame == 1003
    np.testing.assert_array_equal(moved.read(1003).rgb, PICTURES[2])


def test_a_plate_lends_its_windows_and_alpha_to_other_pictures(tmp_path: Path) -> None:
    plate = open_shot(tiny_shot(tmp_path, 2))
    doubled = with_pictures(plate, lambda n: plate.read(1001 + n).rgb * 2, (64, 96), 2)
    np.testing.assert_array_equal(doubled.read(1002).rgb, plate.read(1002).rgb * 2)
    np.testing.assert_array_equal(doubled.read(1002).alpha, plate.read(1002).alpha)
    with pytest.raises(BadInput, match="expected 2 pictures of 96x64"):
        with_pictures(plate, lambda n: PICTURES[n], (24, 32), 3)


@pytest.mark.parametrize("depth", Depth)
@pytest.mark.parametrize("compression", Compression)
def test_a_new_exr_has_the_form_that_was_asked_for(tmp_path, depth, compression) -> None:
    path = tmp_path / "new.exr"
    write_picture(path, PICTURES[0], None, overwrite=False, form=Form(depth, compression))
    plate = read_plate(path, 1)
    spec = plate.original.picture.spec
    assert str(spec.format) == ("float" if depth is Depth.FLOAT else "half")
    wanted = "zip" if compression is Compression.PLATE else compression.value
    assert str(spec.getattribute("compression")).startswith(wanted)
    exact = not compression.value.startswith("dwa")
    expected = PICTURES[0] if depth is Depth.FLOAT else PICTURES[0].astype(np.float16)
    if exact:
        np.testing.assert_array_equal(plate.rgb, expected.astype(np.float32))


@pytest.mark.parametrize("depth", [Depth.HALF, Depth.FLOAT])
def test_a_plate_changes_the_type_of_rgb_alone(tmp_path, depth) -> None:
    folder = tmp_path / "plate"
    tiny_shot(folder, 1)
    plate = read_plate(folder / "plate.1001.exr", 1001)
    path = tmp_path / "painted.exr"
    painted = plate.rgb * np.float32(1.7) + np.float32(1e-5)
    write_picture(path, painted, plate, overwrite=False, form=Form(depth, Compression.PIZ))
    spec = oiio.ImageInput.open(str(path)).spec()
    kinds = dict(
        zip(spec.channelnames, [str(spec.channelformat(c)) for c in range(8)], strict=True)
    )
    assert [kinds[c] for c in "RGB"] == [depth.value] * 3
    assert (kinds["A"], kinds["forward.u"]) == ("half", "float")
    assert spec.getattribute("compression") == "piz"
    again = read_plate(path, 1001)
    expected = painted if depth is Depth.FLOAT else painted.astype(np.float16)
    np.testing.assert_array_equal(again.rgb, expected.astype(np.float32))
    np.testing.assert_array_equal(again.alpha, plate.alpha)


def test_write_numbers_pictures_that_have_no_plate(tmp_path: Path) -> None:
    shot = memory_shot(first=1)
    clip = Clip(shot.frames, shot.format, None, lambda n: torch.from_numpy(shot.read(n).rgb)[None])
    write = REGISTRY["write"]
    knobs = write.make_knobs(file=f"{tmp_path}/new.####.exr", start_frame=95, depth="float")
    files = write.step(write.inputs_type(clip, shot), knobs).files
    assert [Path(f).name for f in files] == [f"new.{n:04d}.exr" for n in (95, 96, 97)]
    np.testing.assert_array_equal(read_plate(files[2], 97).rgb, PICTURES[2])


def test_files_of_bare_frames_are_not_read_again() -> None:
    plate = memory_shot(first=1)
    read: list[int] = []

    def counted(frame: int) -> Placed:
        read.append(frame)
        return plate.read(frame)

    known = {frame: replace(plate.read(frame), rgb=np.empty((0, 0, 3))) for frame in (1, 3)}
    other = with_pictures(
        replace(plate, read=counted), lambda n: PICTURES[n] * 2, (24, 32), 3, known
    )
    placed = {frame: other.read(frame) for frame in plate.frames}
    assert read == [2]
    for place, frame in enumerate(plate.frames):
        np.testing.assert_array_equal(placed[frame].rgb, PICTURES[place] * 2)
        assert placed[frame].alpha is None
        assert placed[frame].inside == plate.read(frame).inside

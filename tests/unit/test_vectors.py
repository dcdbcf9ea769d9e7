"""Rendered vectors and flow files: every renderer's habit ends in the same pixels."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from stillbrush.core.errors import BadInput, MissingFrame, UnreadableFile, WriteRefused
from stillbrush.core.motion.consistency import MaskRecipe, trust_mask
from stillbrush.core.motion.flow import UNKNOWN, is_known
from stillbrush.core.motion.flow_files import MAGIC, read_flo, read_kitti, write_flo
from stillbrush.core.motion.vectors import (
    BLENDER,
    NUKE,
    STILLBRUSH,
    Unit,
    VectorConvention,
    detect,
    forward_from_backward,
    suggest_convention,
    to_flow,
)
from stillbrush.core.motion.warp import warp

SHARED = Path(__file__).resolve().parents[2] / "../shared"
STEP = (10.0, -5.0)  # an object that moves right by 10 and up by 5, in pixels, y down


def plane(x: float, y: float, height: int = 24, width: int = 40) -> Tensor:
    return torch.tensor([x, y]).expand(1, height, width, 2).clone()


def scene(step: tuple[int, int] = (6, 4)) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Frames t-1 and t of a square over a still ground, and the exact flows back and ahead."""
    generator = torch.Generator().manual_seed(5)
    ground, paint = torch.rand(2, 1, 60, 80, 3, generator=generator).unbind(0)
    dx, dy = step
    frames, flows = [], []
    for x, y, sign in ((20, 15, 1.0), (20 + dx, 15 + dy, -1.0)):
        frame, flow = ground.clone(), torch.zeros(1, 60, 80, 2)
        frame[:, y : y + 25, x : x + 25] = paint[:, 15:40, 20:45]
        flow[:, y : y + 25, x : x + 25] = sign * torch.tensor([float(dx), float(dy)])
        frames.append(frame)
        flows.append(flow)
    return frames[0], frames[1], flows[1], flows[0]


@pytest.mark.parametrize(
    ("convention", "backward", "forward"),
    [
        (STILLBRUSH, (-10.0, 5.0), (10.0, -5.0)),
        (NUKE, (-10.0, -5.0), (10.0, 5.0)),  # y up
        (BLENDER, (-10.0, -5.0), (-10.0, -5.0)),  # measured: previous-current, current-next, y up
        (
            VectorConvention("houdini", ("x", "y"), unit=Unit.FRAME),
            (-10.0 / 40, 5.0 / 24),
            (10.0 / 40, -5.0 / 24),
        ),
        (
            VectorConvention("moonray", ("x", "y"), unit=Unit.HALF_FRAME),
            (-20.0 / 40, 10.0 / 24),
            (20.0 / 40, -10.0 / 24),
        ),
        (
            VectorConvention("offset", ("x", "y"), offset=-0.5, scale=64.0),
            (0.5 - 10.0 / 64, 0.5 + 5.0 / 64),
            (0.5 + 10.0 / 64, 0.5 - 5.0 / 64),
        ),
        (VectorConvention("yx", ("x", "y"), swapped=True), (5.0, -10.0), (-5.0, 10.0)),
    ],
    ids=lambda x: getattr(x, "name", None),
)
def test_every_convention_ends_in_the_same_pixels(
    convention: VectorConvention, backward: tuple[float, float], forward: tuple[float, float]
) -> None:
    raw = plane(*backward)
    raw[0, 3, 4, 0] = UNKNOWN
    raw[0, 5, 6, 1] = float("nan")
    flow = to_flow(raw, plane(*forward), convention)
    known = is_known(raw)[..., 0]
    torch.testing.assert_close(
        flow.backward[known], plane(-STEP[0], -STEP[1])[known], atol=1e-4, rtol=0
    )
    torch.testing.assert_close(flow.forward, plane(*STEP), atol=1e-4, rtol=0)
    assert (flow.backward[~known] == UNKNOWN).all()
    assert int((~known).sum()) == 2


def test_channels_name_their_renderer() -> None:
    rgb = ["R", "G", "B", "A"]
    nuke = detect([*rgb, "forward.u", "forward.v", "backward.u", "backward.v"])
    assert nuke == NUKE
    layers = [f"ViewLayer.{name}" for name in ("Combined.R", "Vector.W", "Vector.X", "Vector.Y")]
    blender = detect([*layers, "ViewLayer.Vector.Z"])
    assert blender is not None
    assert blender.name == "blender"
    assert blender.backward == ("ViewLayer.Vector.X", "ViewLayer.Vector.Y")
    assert blender.forward == ("ViewLayer.Vector.Z", "ViewLayer.Vector.W")
    alone = detect(["left.Backward.U", "left.Backward.V", "right.forward.u", "right.forward.v"])
    assert alone == replace(NUKE, backward=("left.Backward.U", "left.Backward.V"), forward=None)
    ours = [*STILLBRUSH.backward, *(STILLBRUSH.forward or ()), *NUKE.backward]
    assert detect(ours) == STILLBRUSH


@pytest.mark.parametrize(
    "names", [[], ["R", "G", "B"], ["backward.u"], ["myVector.X", "myVector.Y"], ["N.X", "N.Y"]]
)
def test_other_channels_are_no_vectors(names: list[str]) -> None:
    assert detect(names) is None


def test_a_derived_forward_flow_is_the_true_one() -> None:
    previous, current, backward, forward = scene()
    derived = forward_from_backward(backward, (previous, current))
    known = is_known(derived)[..., 0]
    torch.testing.assert_close(derived[known], forward[known])
    covered = torch.zeros(1, 60, 80, dtype=torch.bool)
    covered[:, 15 + 4 : 15 + 4 + 25, 20 + 6 : 20 + 6 + 25] = True
    covered[:, 15:40, 20:45] = False  # what the square hides in frame t
    assert covered[~known].all()
    mask = trust_mask(to_flow(backward, None, STILLBRUSH, (previous, current)), dilate=0)
    truth = trust_mask(to_flow(backward, forward, STILLBRUSH), dilate=0)
    assert torch.equal(mask, truth)


def test_without_pictures_a_derived_forward_flow_errs_on_the_safe_side() -> None:
    _, _, backward, forward = scene()
    recipe = MaskRecipe.DISOCCLUSION
    mask = trust_mask(to_flow(backward, None, STILLBRUSH), recipe, dilate=0)
    truth = trust_mask(to_flow(backward, forward, STILLBRUSH), recipe, dilate=0)
    assert (mask <= truth).all()
    uncovered = int((truth == 0).sum())
    assert int((mask == 0).sum()) == 2 * uncovered  # the strip, and what of the square covered it


def test_a_zoom_leaves_no_holes() -> None:
    x = (torch.arange(80.0) - 39.5).expand(60, 80)
    y = (torch.arange(60.0) - 29.5)[:, None].expand(60, 80)
    backward = 0.4 * torch.stack((x, y), -1)[None]  # frame t is the middle of frame t-1, shrunk
    derived = forward_from_backward(backward)
    want = torch.stack((x, y), -1)[None] * (1 / 1.4 - 1)
    inner = (slice(None), slice(1, -1), slice(1, -1))
    assert is_known(derived)[inner].all()
    assert float((derived - want)[inner].norm(dim=-1).max()) < 1.0
    mask = trust_mask(to_flow(backward, None, STILLBRUSH), MaskRecipe.DISOCCLUSION, 0)
    assert mask[:, 10:-10, 14:-14].all()


def test_a_gap_is_filled_only_where_both_sides_agree() -> None:
    backward = torch.zeros(1, 12, 20, 2)
    backward[:, :, 9] = UNKNOWN  # puts nothing down: a gap of one column in frame t-1
    assert is_known(forward_from_backward(backward)).all()
    backward[:, :, 10:, 1] = 3.0  # now two motions meet at it
    derived = forward_from_backward(backward)
    assert not is_known(derived)[:, 3:, 9].any()
    assert is_known(derived)[:, 3:, :9].all()
    assert is_known(derived)[:, 3:, 10:].all()


def test_unknown_vectors_put_nothing_down() -> None:
    assert not is_known(forward_from_backward(torch.full((2, 9, 9, 2), UNKNOWN))).any()
    assert not is_known(forward_from_backward(plane(1e6, float("nan")))).any()


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("sign", [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)])
def test_all_eight_signs_and_axes_are_told_apart(swapped: bool, sign: tuple[float, float]) -> None:
    previous, current, backward, _ = scene()
    raw = backward * torch.tensor(sign)
    raw = raw.flip(-1) if swapped else raw
    found = suggest_convention(previous, current, raw)
    assert found.is_convincing
    assert (found.convention.swapped, found.convention.backward_sign) == (swapped, sign)
    assert torch.equal(to_flow(raw, raw, found.convention).backward, backward)


def test_a_suggestion_keeps_the_renderers_habit_and_admits_failure() -> None:
    previous, current, backward, forward = scene()
    raw = backward * torch.tensor([1.0, -1.0])
    found = suggest_convention(previous, current, raw, BLENDER)
    ahead = forward * torch.tensor([-1.0, 1.0])
    assert torch.equal(to_flow(raw, ahead, found.convention).forward, forward)
    assert not suggest_convention(previous, current, torch.zeros_like(raw)).is_convincing


def test_vectors_that_do_not_fit_are_refused() -> None:
    with pytest.raises(BadInput, match=r"\(B, H, W, 2\)"):
        to_flow(torch.zeros(1, 4, 5, 3), None, NUKE)
    with pytest.raises(BadInput, match="size of backward"):
        to_flow(torch.zeros(1, 4, 5, 2), torch.zeros(1, 4, 6, 2), NUKE)
    previous, current, backward, _ = scene()
    with pytest.raises(BadInput, match="raw"):
        suggest_convention(previous, current, backward[:, 1:])


def test_flow_files_come_back_as_they_were(tmp_path: Path) -> None:
    flow = torch.randn(1, 7, 11, 2) * 30
    flow[0, 2, 3] = UNKNOWN
    write_flo(tmp_path / "a.flo", flow)
    assert torch.equal(read_flo(tmp_path / "a.flo"), flow)
    assert np.array_equal(cv2.readOpticalFlow(str(tmp_path / "a.flo")), flow[0].numpy())
    assert [path.name for path in tmp_path.iterdir()] == ["a.flo"]
    with pytest.raises(WriteRefused, match="exists"):
        write_flo(tmp_path / "a.flo", flow)
    write_flo(tmp_path / "a.flo", -flow, overwrite=True)
    assert torch.equal(read_flo(tmp_path / "a.flo")[0, 0], -flow[0, 0])
    with pytest.raises(WriteRefused, match="cannot write"):
        write_flo(tmp_path / "nowhere/a.flo", flow)
    with pytest.raises(BadInput, match="one flow"):
        write_flo(tmp_path / "b.flo", flow[0])


def test_a_published_flow_file_is_read() -> None:
    path = SHARED / "data/flow_gt/middlebury_RubberWhale/flow12.flo"
    if not path.is_file():
        pytest.skip("no shared flow data")
    flow = read_flo(path)
    assert flow.shape == (1, 388, 584, 2)
    known = is_known(flow)[..., 0]
    assert 0.9 < float(known.float().mean()) < 1.0
    assert float(flow[known].norm(dim=-1).max()) < 5.0
    folder = path.parent
    first, second = (
        torch.from_numpy(cv2.imread(str(folder / name)) / np.float32(255))[None]
        for name in ("frame1.png", "frame2.png")
    )
    step = torch.where(known[..., None], flow, 0.0)
    assert (warp(second, step) - first).abs().mean() < 0.4 * (second - first).abs().mean()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "something else"),
        (b"PIEH\x01\0\0\0", "something else"),
        (b"HEIP" + struct.pack("<ii", 1, 1) + bytes(8), "something else"),
        (MAGIC + struct.pack("<ii", 0, 5), "sizes"),
        (MAGIC + struct.pack("<ii", -3, 5), "sizes"),
        (MAGIC + struct.pack("<ii", 2**30, 2**30), "sizes"),
        (MAGIC + struct.pack("<ii", 65536, 65536), "bytes"),
        (MAGIC + struct.pack("<ii", 2, 2) + bytes(31), "cut short"),
        (MAGIC + struct.pack("<ii", 2, 2) + bytes(33), "bytes"),
    ],
)
def test_damaged_flow_files_are_refused(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "a.flo"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=why) as caught:
        read_flo(path)
    assert "\n" not in str(caught.value)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=80), st.booleans())
def test_no_bytes_crash_the_readers(tmp_path: Path, content: bytes, headed: bool) -> None:
    path = tmp_path / "a.flo"
    path.write_bytes(MAGIC + struct.pack("<ii", 2, 3) + content if headed else content)
    try:
        flow = read_flo(path)
        assert flow.shape == (1, 3, 2, 2)
        assert flow.isfinite().all()
    except UnreadableFile:
        assert not headed or len(content) != 48
    with pytest.raises(UnreadableFile):
        read_kitti(path)


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFrame, match=r"no\.flo"):
        read_flo(tmp_path / "no.flo")
    with pytest.raises(UnreadableFile, match="cannot read"):
        read_flo(tmp_path)


def test_kitti_pictures_hold_sixty_fourths_and_validity(tmp_path: Path) -> None:
    u, v = np.float32(-12.25), np.float32(3.5)
    picture = np.zeros((4, 5, 3), np.uint16)
    picture[...] = (1, v * 64 + 2**15, u * 64 + 2**15)  # OpenCV writes blue first
    picture[1, 2, 0] = 0
    assert cv2.imwrite(str(tmp_path / "k.png"), picture)
    flow = read_kitti(tmp_path / "k.png")
    assert flow.shape == (1, 4, 5, 2)
    assert (flow[0, 1, 2] == UNKNOWN).all()
    assert flow[0, 0, 0].tolist() == [-12.25, 3.5]
    assert cv2.imwrite(str(tmp_path / "8bit.png"), picture.astype(np.uint8))
    with pytest.raises(UnreadableFile, match="16-bit"):
        read_kitti(tmp_path / "8bit.png")

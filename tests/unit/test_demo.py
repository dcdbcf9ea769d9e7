from __future__ import annotations

import time

import cv2
import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest

from stillbrush.core.demo import DemoShot, write_demo_shot
from stillbrush.core.demo.plate import timecode
from stillbrush.core.errors import BadInput, WriteRefused

W, H = 320, 180


@pytest.fixture(scope="module")
def small() -> DemoShot:
    return DemoShot(64, 36, frames=24)


@pytest.fixture(scope="module")
def shot() -> DemoShot:
    return DemoShot(W, H, grain=0)


def encoded(rgb: np.ndarray) -> np.ndarray:
    """A display-like 0..1 range, in which an error of 0.01 is about what an eye may see."""
    return np.clip(rgb, 0, 1) ** (1 / 2.2)


def warp(picture: np.ndarray, flow: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    return cv2.remap(picture, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR)


def interior(shot: DemoShot, number: int) -> np.ndarray:
    """Pixels with no other layer within two pixels."""
    owner = shot._composite(shot._placed(number))[1].astype(np.uint8)
    window = np.ones((5, 5), np.uint8)
    return cv2.dilate(owner, window) == cv2.erode(owner, window)


def owners(shot: DemoShot, number: int) -> np.ndarray:
    """Which layer each pixel shows, -1 outside: an oracle that asks point by point."""
    y, x = np.mgrid[: shot.height, : shot.width]
    return np.vectorize(lambda u, v: owner_at(shot, number, u, v))(x, y)


def owner_at(shot: DemoShot, number: int, x: float, y: float) -> int:
    """Walk the layers from the nearest back and stop at the first that covers this point."""
    if not (-0.5 <= x < shot.width - 0.5 and -0.5 <= y < shot.height - 0.5):
        return -1
    tau = (number - shot.frames[0]) / max(23, len(shot.frames) - 1)
    for index in reversed(range(len(shot._layers))):
        layer = shot._layers[index]
        matrix = layer.texel_to_pixel(tau, shot.width, shot.height)
        u, v, _ = np.linalg.solve(matrix, [x, y, 1.0])
        if index == 0 or bilinear(layer.matte, u, v) > 0.5:
            return index
    raise AssertionError("the sky covers everything")


def bilinear(matte: np.ndarray, u: float, v: float) -> float:
    column, row = int(np.floor(u)), int(np.floor(v))
    total = 0.0
    for dy, wy in ((0, 1 - (v - row)), (1, v - row)):
        for dx, wx in ((0, 1 - (u - column)), (1, u - column)):
            if 0 <= row + dy < matte.shape[0] and 0 <= column + dx < matte.shape[1]:
                total += wy * wx * float(matte[row + dy, column + dx])
    return total


@pytest.mark.parametrize("number", [1002, 1013, 1024])
def test_the_last_frame_carried_along_backward_motion_is_this_frame(shot, number) -> None:
    here, before = shot.frame(number), shot.frame(number - 1)
    error = np.abs(encoded(warp(before.rgb, here.backward)) - encoded(here.rgb)).max(axis=2)
    seen = ~here.disoccluded
    inside = (
        seen
        & interior(shot, number)
        & (warp(interior(shot, number - 1) * 1.0, here.backward) > 0.99)
    )
    assert inside.mean() > 0.5
    assert error[inside].mean() < 0.008
    assert np.percentile(error[inside], 99) < 0.08
    # Both frames sample their textures bilinearly, so the finest detail differs a little, and so
    # do pixels along mattes, which mix two layers; an error of motion would differ everywhere.
    assert error[seen].mean() < 0.013
    assert np.percentile(error[seen], 90) < 0.035
    unmoved = np.abs(encoded(before.rgb) - encoded(here.rgb)).max(axis=2)
    assert error[seen].mean() < 0.25 * unmoved[seen].mean()


def test_forward_motion_undoes_backward_motion(shot) -> None:
    here, before = shot.frame(1013), shot.frame(1012)
    there = warp(before.forward, here.backward)
    closed = np.linalg.norm(here.backward + there, axis=2)[~here.disoccluded]
    # Only where remap mixes two layers' motion along an edge does the round trip not close.
    assert np.median(closed) < 1e-3
    assert (closed < 0.05).mean() > 0.9


def test_disocclusion_and_motion_equal_a_point_by_point_oracle(small) -> None:
    shot, number = small, 1012
    frame, owner = shot.frame(number), owners(shot, number)
    assert set(np.unique(owner)) >= {0, 1, 2, 4, 5, 6, 7, 8}
    y, x = np.mgrid[:36, :64]
    hidden = np.zeros((36, 64), bool)
    motion = np.zeros((36, 64, 2))
    for v, u in zip(y.flat, x.flat, strict=True):
        layer = shot._layers[owner[v, u]]
        ahead, back = (layer.texel_to_pixel((n - 1001) / 23, 64, 36) for n in (number, number - 1))
        qx, qy, _ = back @ np.linalg.solve(ahead, [u, v, 1.0])
        motion[v, u] = qx - u, qy - v
        hidden[v, u] = owner_at(shot, number - 1, qx, qy) != owner[v, u]
    # OpenCV 4 places a bilinear sample to 1/32 texel, so that a pixel on a matte's one-half line
    # may fall to either side.
    same_motion = np.abs(frame.backward - motion).max(axis=2) < 1e-3
    assert (~same_motion).sum() <= 2
    assert (frame.disoccluded != hidden).sum() <= 2
    assert 0.02 < hidden.mean() < 0.3


@pytest.mark.parametrize(("dx", "dy"), [(-3, 0), (3, 0), (0, -3), (0, 3)])
def test_what_was_beyond_any_side_of_the_picture_is_disoccluded(small, dx, dy) -> None:
    front = np.full((36, 64), len(small._layers) - 1)  # nothing is nearer, so nothing covers it
    flow = np.zeros((36, 64, 2), np.float32) + np.float32((dx, dy))
    hidden = small._hidden(front, flow, small._placed(1011))
    y, x = np.mgrid[:36, :64]
    outside = (x + dx < 0) | (x + dx > 63) | (y + dy < 0) | (y + dy > 35)
    assert np.array_equal(hidden, outside)


def test_frames_are_pure_and_free_of_order(small) -> None:
    first, second = small, DemoShot(64, 36)
    forwards = {n: first.frame(n) for n in (1001, 1012, 1024)}
    for number in (1024, 1001, 1012, 1024):
        frame = second.frame(number)
        for name in ("rgb", "alpha", "backward", "forward", "disoccluded"):
            assert np.array_equal(getattr(frame, name), getattr(forwards[number], name)), name
    assert not np.array_equal(forwards[1001].rgb, DemoShot(64, 36, seed=8).frame(1001).rgb)


def test_the_shot_is_a_plate_hdr_opaque_grainy_and_fast_moving(shot) -> None:
    for number in shot.frames[::6]:
        frame = shot.frame(number)
        assert frame.rgb.shape == (H, W, 3)
        assert frame.rgb.dtype == frame.backward.dtype == np.float32
        assert np.isfinite(frame.rgb).all()
        assert 20 < frame.rgb.max() <= 60
        assert frame.rgb.min() >= 0
        assert (frame.alpha == 1).all()
        speeds = np.unique(np.round(frame.backward[..., 0], 1))
        assert len(speeds) > 8


def test_grain_has_the_strength_asked_for_and_is_new_on_every_frame() -> None:
    clean, grainy = DemoShot(64, 36, grain=0), DemoShot(64, 36, grain=0.004)
    grain = {n: grainy.frame(n).rgb - clean.frame(n).rgb for n in (1001, 1002)}
    light = np.sqrt(np.clip(clean.frame(1001).rgb, 0.02, 4.0))
    assert (grain[1001] / light).std() == pytest.approx(0.004, rel=0.05)
    assert abs(np.corrcoef(grain[1001].ravel(), grain[1002].ravel())[0, 1]) < 0.05


def test_a_long_shot_covers_the_same_way_slower(small) -> None:
    short, long = small, DemoShot(64, 36, frames=240)
    fast = np.abs(short.frame(1001).backward).max()
    slow = np.abs(long.frame(1001).backward).max()
    assert slow == pytest.approx(fast * 23 / 239, rel=0.05)


def test_a_frame_is_quick() -> None:
    shot = DemoShot(640, 360)
    started = time.perf_counter()
    shot.frame(1001)
    setup = time.perf_counter() - started
    started = time.perf_counter()
    shot.frame(1002)
    # Several times what it takes, so that a busy machine passes: setup about 1 s, a frame 50 ms.
    assert time.perf_counter() - started < 0.6
    assert setup < 9


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"width": 4}, "width: expected 16 to 8192; got 4"),
        ({"frames": 0}, "frames: expected 1 to"),
        ({"first": -1}, "first: expected 0 to"),
        ({"seed": -1}, "seed: expected 0 to"),
        ({"grain": float("nan")}, "grain: expected 0.0 to 1.0; got nan"),
    ],
)
def test_bad_arguments_are_named(knobs, message) -> None:
    with pytest.raises(BadInput, match=message):
        DemoShot(**knobs)


def test_a_frame_outside_the_shot_is_refused() -> None:
    with pytest.raises(BadInput, match="expected a frame in 1001-1024; got 1025"):
        DemoShot(64, 36).frame(1025)


def test_the_written_plate_reads_back_with_its_motion(tmp_path) -> None:
    shot = DemoShot(48, 27, frames=3)
    pattern = write_demo_shot(tmp_path / "new", shot)
    assert pattern == str(tmp_path / "new" / "plate.####.exr")
    names = [f"plate.{n}.exr" for n in (1001, 1002, 1003)]
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == names
    frame = shot.frame(1002)
    picture = oiio.ImageInput.open(str(tmp_path / "new" / names[1]))
    spec, pixels = picture.spec(), picture.read_image(oiio.FLOAT)
    picture.close()
    at = {name: pixels[..., i] for i, name in enumerate(spec.channelnames)}
    for i, name in enumerate("RGB"):
        assert np.array_equal(at[name], frame.rgb[..., i].astype(np.float16).astype(np.float32))
    assert (at["A"] == 1).all()
    for name, flow in (("forward", frame.forward), ("backward", frame.backward)):
        assert np.array_equal(at[f"{name}.u"], flow[..., 0])
        assert np.array_equal(at[f"{name}.v"], -flow[..., 1])
    kinds = dict(zip(spec.channelnames, map(str, spec.channelformats), strict=True))
    assert kinds["R"] == kinds["A"] == "half"
    assert kinds["forward.u"] == kinds["backward.v"] == "float"
    assert spec["oiio:ColorSpace"] == "lin_rec709_scene"
    assert spec["PixelAspectRatio"] == 1.0
    assert spec["FramesPerSecond"] == (24, 1)
    assert spec["smpte:TimeCode"] == (timecode(1002), 0)
    assert spec["compression"] == "zip"


def test_the_same_shot_writes_the_same_bytes(tmp_path) -> None:
    for name in ("a", "b"):
        write_demo_shot(tmp_path / name, DemoShot(32, 18, frames=1))
    first, second = (tmp_path / name / "plate.1001.exr" for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_an_existing_plate_is_not_overwritten(tmp_path) -> None:
    shot = DemoShot(32, 18, frames=2)
    (tmp_path / "plate.1002.exr").write_bytes(b"mine")
    with pytest.raises(WriteRefused, match=r"plate\.1002\.exr: expected no file yet"):
        write_demo_shot(tmp_path, shot)
    assert [p.name for p in tmp_path.iterdir()] == ["plate.1002.exr"]
    assert (tmp_path / "plate.1002.exr").read_bytes() == b"mine"


def test_a_failed_write_leaves_no_frame_and_no_litter(tmp_path, monkeypatch) -> None:
    from stillbrush.core.demo import plate

    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(plate.os, "replace", full)
    with pytest.raises(WriteRefused, match="frame 1001; got: No space left"):
        write_demo_shot(tmp_path, DemoShot(32, 18, frames=1))
    assert list(tmp_path.iterdir()) == []


def test_timecode_counts_seconds_minutes_and_hours() -> None:
    frames = ((1 * 60 + 2) * 60 + 3) * 24 + 4
    assert timecode(frames) == 0x01020304

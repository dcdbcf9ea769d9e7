"""A matte file says where to paint, whichever program wrote it and however it was cropped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest

from stillbrush.core.errors import BadInput
from stillbrush.core.media.source import ReadSettings, Shot, open_shot
from stillbrush.core.render.matte import open_matte

HEIGHT, WIDTH = 12, 20
BOX = (slice(4, 8), slice(6, 16))


def save(
    path: Path,
    pixels: np.ndarray,
    names: str,
    at: tuple[int, int] = (0, 0),
    display: tuple[int, int, int, int] | None = None,
) -> Path:
    """Write (H, W, C) with its data window at x, y; display is x, y, width, height."""
    height, width, count = pixels.shape
    spec = oiio.ImageSpec(width, height, count, "float" if path.suffix == ".exr" else "uint8")
    spec.channelnames = tuple(names)
    spec.x, spec.y = at
    shown = display or (*at, width, height)
    spec.full_x, spec.full_y, spec.full_width, spec.full_height = shown
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec)
    assert out.write_image(np.ascontiguousarray(pixels, np.float32))
    assert out.close()
    return path


def plate(folder: Path, proxy: int = 1, overscan: int = 0) -> Shot:
    grey = np.full((HEIGHT + 2 * overscan, WIDTH + 2 * overscan, 3), 0.5)
    shown = (0, 0, WIDTH, HEIGHT)
    path = save(folder / "plate.exr", grey, "RGB", (-overscan, -overscan), shown)
    return open_shot(path, ReadSettings(proxy=proxy))


def box() -> np.ndarray:
    matte = np.zeros((HEIGHT, WIDTH), np.float32)
    matte[BOX] = 1.0
    return matte


def rgba(brightness: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return np.stack([brightness] * 3 + [alpha], -1)


@pytest.mark.parametrize("suffix", ["png", "exr"])
def test_an_opaque_alpha_leaves_it_to_the_brightness(suffix, tmp_path) -> None:
    file = save(tmp_path / f"m.{suffix}", rgba(box(), np.ones_like(box())), "RGBA")
    np.testing.assert_array_equal(open_matte(file, plate(tmp_path)).frame(1), box())


def test_a_frame_that_is_covered_whole_keeps_to_the_alpha_of_the_others(tmp_path) -> None:
    black, ones = np.zeros_like(box()), np.ones_like(box())
    save(tmp_path / "m.0001.exr", rgba(black, ones), "RGBA")
    save(tmp_path / "m.0002.exr", rgba(black, box()), "RGBA")
    matte = open_matte(tmp_path / "m.####.exr", plate(tmp_path))
    np.testing.assert_array_equal(matte.frame(1), ones)
    np.testing.assert_array_equal(matte.frame(2), box())


@pytest.mark.parametrize("value", [0.25, 1.0])
def test_a_file_of_alpha_alone_is_a_matte(value, tmp_path) -> None:
    alpha = np.full((HEIGHT, WIDTH, 1), value)
    matte = open_matte(save(tmp_path / "m.exr", alpha, "A"), plate(tmp_path))
    matte.check((1,))
    np.testing.assert_array_equal(matte.frame(1), alpha[..., 0])


@pytest.mark.parametrize("names", ["A", "RGB", "RGBA"])
@pytest.mark.parametrize("inverted", [False, True])
def test_a_cropped_matte_lies_at_its_data_window(names, inverted, tmp_path) -> None:
    ones = np.ones((4, 10, len(names)))
    file = save(tmp_path / "m.exr", ones, names, (6, 4), (0, 0, WIDTH, HEIGHT))
    matte = open_matte(file, plate(tmp_path), inverted=inverted)
    matte.check((1,))
    np.testing.assert_array_equal(matte.frame(1), 1 - box() if inverted else box())


@pytest.mark.parametrize("at", [(-3, -2), (15, 10), (-3, 4), (40, 40), (-40, -40)])
def test_what_lies_outside_of_the_picture_is_left_out(at, tmp_path) -> None:
    values = np.linspace(0.1, 1, 40, dtype=np.float32).reshape(4, 10)
    file = save(tmp_path / "m.exr", values[..., None], "A", at, (0, 0, WIDTH, HEIGHT))
    wanted = np.zeros((HEIGHT + 100, WIDTH + 100), np.float32)
    wanted[50 + at[1] : 54 + at[1], 50 + at[0] : 60 + at[0]] = values
    got = open_matte(file, plate(tmp_path)).frame(1)
    np.testing.assert_array_equal(got, wanted[50 : 50 + HEIGHT, 50 : 50 + WIDTH])


def test_a_cropped_matte_reaches_into_overscan(tmp_path) -> None:
    file = save(tmp_path / "m.exr", np.ones((5, 6, 1)), "A", (-2, -1), (0, 0, WIDTH, HEIGHT))
    wanted = np.zeros((HEIGHT + 4, WIDTH + 4), np.float32)
    wanted[1:6, 0:6] = 1
    np.testing.assert_array_equal(open_matte(file, plate(tmp_path, overscan=2)).frame(1), wanted)


@pytest.mark.parametrize("scale", [1, 2])
def test_a_cropped_matte_serves_a_proxy_at_either_size(scale, tmp_path) -> None:
    ones, at = np.ones((2 * scale, 5 * scale, 1)), (3 * scale, 2 * scale)
    shown = (0, 0, WIDTH // 2 * scale, HEIGHT // 2 * scale)
    file = save(tmp_path / "m.exr", ones, "A", at, shown)
    got = open_matte(file, plate(tmp_path, proxy=2)).frame(1)
    np.testing.assert_array_equal(got, box()[::2, ::2])


def test_another_display_window_is_refused(tmp_path) -> None:
    file = save(tmp_path / "m.exr", np.ones((4, 10, 1)), "A", (6, 4), (0, 0, 30, HEIGHT))
    matte = open_matte(file, plate(tmp_path))
    for ask in (lambda: matte.check((1,)), lambda: matte.frame(1)):
        with pytest.raises(BadInput, match=r"expected 20x12 as the plate; got 10x4"):
            ask()


def test_a_file_without_picture_or_alpha_is_refused(tmp_path) -> None:
    file = save(tmp_path / "m.exr", np.ones((HEIGHT, WIDTH, 1)), "Z")
    with pytest.raises(BadInput, match="R, G, B or a grey channel"):
        open_matte(file, plate(tmp_path)).check((1,))

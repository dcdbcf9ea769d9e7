from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import ImageFont

from stillbrush.core.errors import BadInput, WriteRefused
from stillbrush.core.render import sheet


def flat(value: float, height: int = 30, width: int = 60) -> np.ndarray:
    return np.full((height, width, 3), value, np.float32)


def test_pictures_stand_in_reading_order_with_even_margins() -> None:
    values = [0.2, 0.4, 0.6, 0.8, 1.0]
    result = sheet.contact_sheet([flat(v) for v in values], [""] * 5, columns=2, width=402)
    assert result.shape[1] == 402
    assert result.dtype == np.uint8
    boxes = []
    for value in values:
        rows, columns = np.nonzero((result == round(value * 255)).all(axis=2))
        boxes.append((columns.min(), columns.max() + 1, rows.min(), rows.max() + 1))
    gap = boxes[1][0] - boxes[0][1]
    assert boxes[0][2] == gap
    assert abs(boxes[0][0] - gap) <= 1
    assert abs(402 - boxes[1][1] - gap) <= 1
    assert boxes[2][2] - boxes[0][3] == gap
    assert result.shape[0] - boxes[4][3] == gap
    assert [box[:2] for box in boxes[:2]] == [box[:2] for box in boxes[2:4]]


def test_a_picture_keeps_its_shape_and_is_clipped_not_wrapped() -> None:
    tall = flat(1.7, 100, 50)
    tall[0, 0] = np.nan
    result = sheet.contact_sheet([tall], [""], columns=4, width=200)
    rows, columns = np.nonzero((result > 250).all(axis=2))
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert height == pytest.approx(2 * width, abs=2)


def test_labels_and_title_are_drawn_light_on_the_dark_ground() -> None:
    bare = sheet.contact_sheet([flat(0.0)], [""], 1, width=400)
    named = sheet.contact_sheet([flat(0.0)], ["frame 1001"], 1, title="Starry Night", width=400)
    assert bare.max() <= max(sheet.BACKGROUND)
    assert named.shape[0] > bare.shape[0]
    picture = np.nonzero((named == 0).all(axis=2))[0]
    assert named[: picture.min()].max() > 200
    assert named[picture.max() + 1 :].max() > 150


def test_a_long_label_is_ellipsised_and_stays_in_its_column() -> None:
    pictures = [flat(0.0), flat(0.0)]
    result = sheet.contact_sheet(pictures, ["a very long label indeed " * 9, ""], 2, width=400)
    black = np.nonzero((result == 0).all(axis=2))
    below = result[black[0].max() + 1 :]
    first_column_ends = 200
    assert below[:, :first_column_ends].max() > 150
    assert below[:, first_column_ends:].max() <= max(sheet.BACKGROUND)
    font = ImageFont.load_default(size=14)
    short = sheet._ellipsised("plate 1001 before", font, 70)
    assert short.endswith("…")
    assert font.getlength(short) <= 70
    assert sheet._ellipsised("plate", font, 70) == "plate"


@pytest.mark.parametrize(
    ("pictures", "labels", "columns", "message"),
    [
        ([], [], 1, "at least one picture; got none"),
        ([flat(0.1)], [], 1, "each of 1 pictures; got 0"),
        ([np.zeros((4, 4), np.float32)], ["a"], 1, r"picture 1: expected \(H, W, 3\)"),
        ([flat(0.1)], ["a"], 0, "got 0 columns"),
        ([flat(0.1)], ["a"], 99, "got 99 columns in 400 px"),
    ],
)
def test_bad_input_is_named(pictures, labels, columns, message) -> None:
    with pytest.raises(BadInput, match=message):
        sheet.contact_sheet(pictures, labels, columns, width=400)


def test_saved_pictures_read_back_and_leave_nothing_else(tmp_path) -> None:
    ramp = np.zeros((16, 24, 3), np.float32)
    ramp[..., 0] = np.linspace(-0.5, 1.5, 24)
    png = sheet.save_picture_8bit(tmp_path / "new" / "a.png", ramp)
    jpg = sheet.save_picture_8bit(tmp_path / "new" / "a.JPG", np.full((8, 8), 100, np.uint8))
    expected = np.rint(np.clip(ramp, 0, 1) * 255).astype(np.uint8)
    assert np.array_equal(cv2.imread(str(png))[..., ::-1], expected)
    assert abs(int(cv2.imread(str(jpg)).mean()) - 100) <= 1
    assert sorted(p.name for p in png.parent.iterdir()) == ["a.JPG", "a.png"]


def test_a_refused_picture_keeps_what_was_there(tmp_path, monkeypatch) -> None:
    path = sheet.save_picture_8bit(tmp_path / "a.png", flat(0.5))
    before = path.read_bytes()

    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sheet.os, "replace", full)
    with pytest.raises(WriteRefused, match=r"a\.png: .*No space left"):
        sheet.save_picture_8bit(path, flat(0.9))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_no_8bit_picture_is_refused(tmp_path) -> None:
    with pytest.raises(BadInput, match=r"got '\.exr'"):
        sheet.save_picture_8bit(tmp_path / "a.exr", flat(0.5))
    with pytest.raises(BadInput, match=r"got \(4, 4, 2\)"):
        sheet.save_picture_8bit(tmp_path / "a.png", np.zeros((4, 4, 2), np.float32))

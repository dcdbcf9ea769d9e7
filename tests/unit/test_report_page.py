"""The page: one file that loads nothing, whatever names it is given."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import cv2
import numpy as np
import pytest
import torch
from support.material import tiny_look
from support.pages import Page
from support.report_material import panel, plain_report, write_all

from stillbrush.core.errors import UnreadableFile
from stillbrush.core.knobs import ShotKnobs
from stillbrush.core.look import Look
from stillbrush.core.metrics.judge import Judge
from stillbrush.core.render.gallery import KEPT_WORST, Gallery
from stillbrush.core.render.gauge import KEPT, Gauge
from stillbrush.core.render.painting import Settings
from stillbrush.core.report import pictures
from stillbrush.core.report.model import Row, Shot, read_report, spread
from stillbrush.core.report.page import write_page
from stillbrush.core.report.verdict import caution, place_in_words, verdict

HOSTILE = '"><script>alert(1)</script><img src=http://x.example/y onerror=alert(2)>{{ 7*7 }}&.exr'


@pytest.fixture
def look(tmp_path: Path) -> Look:
    return tiny_look(tmp_path / "look")


def made(folder: Path, look: Look, frames: int = 12, **more: Any) -> str:
    report, gallery = write_all(folder, frames, **more)
    write_page(report, gallery, look, folder / "page.html")
    return (folder / "page.html").read_text(encoding="utf-8")


def test_the_page_is_one_file_that_loads_nothing(look, tmp_path) -> None:
    text = made(tmp_path, look)
    page = Page(text)
    assert page.open == []  # every element is closed
    outside = [a for a in page.addresses if not a.startswith(("data:image/", "#"))]
    assert outside == []
    assert not re.search(r"url\(\s*['\"]?(?!#|data:)|@import|https?://", text)
    assert page.events == []
    assert "default-src 'none'" in text
    assert all(image.get("alt") for image in page.images)
    assert len(page.images) > 24


def test_the_page_tells_all_four_numbers_together(look, tmp_path) -> None:
    text = Page(made(tmp_path, look)).text
    for wanted in ("less than frame by frame", "style error", "content error", "sharpness"):
        assert wanted in text
    for wanted in ("Before and after", "Contact sheet", "Over time", "Settings", "Times"):
        assert wanted in text
    assert "strength" in text


def test_the_same_report_gives_the_same_page(look, tmp_path) -> None:
    first = made(tmp_path / "a", look) if (tmp_path / "a").mkdir() is None else ""
    second = made(tmp_path / "b", look) if (tmp_path / "b").mkdir() is None else ""
    assert first == second


def test_hostile_names_stay_text(look, tmp_path) -> None:
    hostile = replace(look, title=HOSTILE, name=HOSTILE)
    page = Page(made(tmp_path, hostile, source=HOSTILE))
    assert page.tags.count("script") == 1
    assert page.events == []
    assert [a for a in page.addresses if not a.startswith(("data:image/", "#"))] == []
    assert HOSTILE in page.text  # whole, as text, its braces too
    assert page.open == []


def test_a_long_shot_keeps_few_panels_and_a_small_page(look, tmp_path) -> None:
    report, gallery = write_all(tmp_path, 500)
    assert len(gallery.panels()) <= 24 + KEPT_WORST
    write_page(report, gallery, look, tmp_path / "page.html")
    assert (tmp_path / "page.html").stat().st_size < 8_000_000
    page = Page((tmp_path / "page.html").read_text())
    assert page.tags.count("figure") <= 24 + 2 + 6 * 6
    assert page.tags.count("tr") > 500


def test_a_gauge_holds_a_few_plates_however_long_the_shot() -> None:
    gauge = Gauge(Judge())
    for frame in range(300):
        placed = SimpleNamespace(frame=frame)
        ready: Any = SimpleNamespace(prepared=SimpleNamespace(placed=placed), small=frame)
        gauge.remember(cast(Any, None), ready)
    assert list(gauge.smalls) == list(range(300 - KEPT, 300))


@pytest.mark.parametrize(("sensitivity", "is_measured"), [(0.5, False), (0.0, True)])
def test_frame_by_frame_cuts_are_found_as_the_shot_asks(
    sensitivity: float, is_measured: bool
) -> None:
    rng = torch.Generator().manual_seed(1)
    last, this = torch.rand((2, 1, 64, 96, 3), generator=rng)
    painting: Any = SimpleNamespace(
        frames=(1, 2),
        settings=Settings(ShotKnobs(cut_sensitivity=sensitivity), per_frame=True),
        small=lambda frame: last,
        alone=lambda small: small,
    )
    ready: Any = SimpleNamespace(
        prepared=SimpleNamespace(placed=SimpleNamespace(frame=2)), small=this
    )
    painted: Any = SimpleNamespace(picture=this, before=None)
    change = Gauge(Judge()).change(painting, ready, painted, this)
    assert (change is not None) == is_measured


def test_worst_frames_are_kept_in_whatever_order_they_come(tmp_path) -> None:
    rng = np.random.default_rng(3)
    errors = {frame: float(e) for frame, e in enumerate(rng.permutation(60))}
    for order in (list(errors), list(reversed(errors))):
        gallery = Gallery(tmp_path / str(order[0]))
        for frame in order:
            if gallery.is_worth_it(frame, errors[frame]):
                gallery.keep_panel(frame, panel(frame), frozenset())
        worst = sorted(sorted(errors, key=lambda f: -errors[f])[:KEPT_WORST])
        assert gallery.panels() == worst


def test_what_was_measured_with_other_settings_is_cleared(tmp_path) -> None:
    gallery = Gallery(tmp_path)
    gallery.keep_panel(7, panel(7), frozenset({7}))
    gallery.keep_map(7, panel(7).change)
    gallery.begin({})
    assert gallery.panels() == []
    assert gallery.map(7) is None


def test_a_damaged_panel_is_left_out(look, tmp_path) -> None:
    report, gallery = write_all(tmp_path, 12)
    for frame in gallery.panels()[::2]:
        path = gallery.panel_path(frame)
        path.write_bytes(path.read_bytes()[:200])
    write_page(report, gallery, look, tmp_path / "page.html")
    assert Page((tmp_path / "page.html").read_text()).open == []


def test_a_report_without_pictures_or_numbers_is_a_page_still(look, tmp_path) -> None:
    told = plain_report(1)
    told["frames"] = [{"frame": 1001, "file": "a", "sha256": "b"}]
    (tmp_path / "r.json").write_text(json.dumps(told))
    write_page(tmp_path / "r.json", Gallery(tmp_path / "none"), look, tmp_path / "p.html")
    assert "Nothing was measured" in Page((tmp_path / "p.html").read_text()).text
    (tmp_path / "r.json").write_text("{")
    with pytest.raises(UnreadableFile):
        write_page(tmp_path / "r.json", Gallery(tmp_path), look, tmp_path / "p.html")


def shot(**columns: float) -> Shot:
    return Shot({}, {}, (Row(1, "", {}), Row(2, "", dict(columns))))


def test_the_verdict_never_names_the_temporal_number_alone() -> None:
    told = verdict(
        shot(
            temporal=0.002,
            temporal_alone=0.0056,
            style=1.04,
            style_alone=1.0,
            content=1.01,
            content_alone=1.0,
            sharpness=0.065,
            sharpness_alone=0.07,
        )
    )
    assert told == (
        "Paint changes 2.8× less than frame by frame; style error 104 %, content error 101 %, "
        "sharpness 93 %."
    )
    told = verdict(shot(temporal=0.1, temporal_alone=0.1, sharpness=1.0, sharpness_alone=1.0))
    assert told == (
        "Paint changes as much as frame by frame; sharpness 100 %; style and content not judged."
    )
    assert "blur" in caution(shot(sharpness=0.5, sharpness_alone=1.0))
    assert caution(shot(sharpness=0.9, sharpness_alone=1.0)) == ""


def test_nought_divides_nothing() -> None:
    assert "does not change at all" in verdict(shot(temporal=0.0, temporal_alone=0.1))
    assert "stands still" in verdict(shot(temporal=0.0, temporal_alone=0.0))


def test_means_are_over_frames_that_have_both_numbers() -> None:
    rows = (Row(1, "", {"style": 9.0}), Row(2, "", {"style": 2.0, "style_alone": 4.0}))
    compared = Shot({}, {}, rows).compared["style"]
    assert (compared.ours, compared.alone, compared.share) == (2.0, 4.0, 0.5)


def test_a_place_is_said_in_words() -> None:
    change = np.zeros((30, 60))
    assert place_in_words(change) == "nowhere"
    change[:9, 45:] = 5
    assert place_in_words(change) == "top right"
    assert place_in_words(change[:, ::-1]) == "top left"
    assert place_in_words(np.ones((9, 9))) == "all over the frame"


def test_motion_is_shown_as_where_things_go() -> None:
    flow = np.zeros((1, 3, 2), np.float32)
    flow[0, 1] = (-4, 0)  # came from the left: moves right
    flow[0, 2] = np.nan
    still, right, unknown = pictures.motion(flow, 4.0)[0].astype(int)
    assert still.max() - still.min() == 0
    assert right[0] > right[2]
    assert right[0] > right[1]
    assert (unknown == pictures.GROUND).all()


def test_heat_is_the_plate_in_grey_where_nothing_changes() -> None:
    plate = np.full((8, 8, 3), (200, 100, 0), np.uint8)
    shown = pictures.heat(np.zeros((4, 4), np.uint8), plate, 0.1)
    assert (shown == shown[0, 0, 0]).all()
    hot = pictures.heat(np.full((4, 4), 255, np.uint8), plate, 0.1)
    assert hot.mean() > shown.mean() * 1.5


def test_frames_are_spread_from_first_to_last() -> None:
    assert spread(list(range(5)), 9) == [0, 1, 2, 3, 4]
    assert spread(list(range(1001, 1501)), 24)[::23] == [1001, 1500]
    assert len(set(spread(list(range(500)), 24))) == 24


def test_a_report_is_read_in_order_of_frames() -> None:
    told = plain_report(3)
    told["frames"].reverse()
    assert read_report(told).frames == [1001, 1002, 1003]


def test_a_thumbnail_that_claims_to_be_huge_is_left_out(tmp_path) -> None:
    path = tmp_path / "look.jpg"
    cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))
    assert pictures.file_uri(path, 448).startswith("data:image/webp")
    data = bytearray(path.read_bytes())
    frame = data.index(b"\xff\xc0")  # baseline header: length, precision, height, width
    data[frame + 5 : frame + 9] = b"\xff\xdc\xff\xdc"
    path.write_bytes(data)
    assert pictures.file_uri(path, 448) == ""
    assert pictures.file_uri(tmp_path / "gone.jpg", 448) == ""

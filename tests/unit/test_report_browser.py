"""The page in a real browser: it opens quickly, logs nothing, asks the network for nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image
from support.material import tiny_look
from support.report_material import write_all

from stillbrush.core.report.page import write_page

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-device-scale-factor=1",
)
# Appended to a copy of the page: it wipes, changes the frame, and writes what it saw into the page.
PROBE = """
<script>
addEventListener("load", () => {
  const timing = performance.getEntriesByType("navigation")[0];
  const at = document.getElementById("at"), before = document.getElementById("over").src;
  at.value = 25;
  at.dispatchEvent(new Event("input"));
  const press = new KeyboardEvent("keydown", { key: "ArrowDown", cancelable: true });
  at.dispatchEvent(press);
  document.documentElement.dataset.seen = JSON.stringify({
    ready: timing.domContentLoadedEventEnd, loaded: performance.now(),
    wiped: at.parentElement.style.getPropertyValue("--at"),
    changed: document.getElementById("over").src !== before && press.defaultPrevented,
    wide: document.documentElement.scrollWidth <= innerWidth,
    broken: [...document.images].filter((i) => i.complete && !i.naturalWidth).length,
    resources: performance.getEntriesByType("resource").filter((r) => !r.name.startsWith("data:"))
      .length,
  });
});
</script></body>"""


def chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


def browse(profile: Path, *arguments: str) -> str:
    """Run Chromium with a profile of its own; return what it prints."""
    command = [str(chromium()), *QUIET, f"--user-data-dir={profile}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=240).stdout


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of 500 frames, its policy opened for the probe."""
    folder = tmp_path_factory.mktemp("page")
    report, gallery = write_all(folder, 500)
    write_page(report, gallery, tiny_look(folder / "look"), folder / "page.html")
    return folder / "page.html"


@pytest.mark.browser
def test_500_frames_open_within_a_second(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    start = text.index("script-src '")
    opened = text[:start] + "script-src 'unsafe-inline'" + text[text.index("'", start + 12) + 1 :]
    probed = tmp_path / "probed.html"
    probed.write_text(opened.replace("</body>", PROBE), encoding="utf-8")
    dom = browse(tmp_path / "profile", "--dump-dom", "--window-size=1440,900", f"file://{probed}")
    seen = json.loads(dom.partition('data-seen="')[2].partition('"')[0].replace("&quot;", '"'))
    print(seen)  # noqa: T201 - the figures, with `pytest -rP`
    assert seen["wiped"] == "25%"
    assert seen["changed"]
    assert seen["wide"], "the page scrolls sideways"
    assert (seen["broken"], seen["resources"]) == (0, 0)
    busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))  # others share this machine
    assert seen["ready"] < 1000 * busy


@pytest.mark.browser
def test_the_page_s_own_script_passes_its_policy(page: Path, tmp_path: Path) -> None:
    """The contact sheet's current frame is marked by the script only."""
    dom = browse(tmp_path / "profile", "--dump-dom", f"file://{page}")
    assert 'class="cell now"' in dom


@pytest.mark.browser
def test_the_page_prints_light(page: Path, tmp_path: Path) -> None:
    pdf = tmp_path / "page.pdf"
    browse(
        tmp_path / "profile",
        f"--print-to-pdf={pdf}",
        "--no-pdf-header-footer",
        f"file://{page}",
    )
    assert pdf.read_bytes().startswith(b"%PDF")
    if shutil.which("pdftoppm"):
        subprocess.run(["pdftoppm", "-r", "30", "-png", "-l", "1", pdf, tmp_path / "p"], check=True)
        with Image.open(next(tmp_path.glob("p*.png"))) as first:
            grey = first.convert("L")
            assert grey.getpixel((3, 3)) > 250

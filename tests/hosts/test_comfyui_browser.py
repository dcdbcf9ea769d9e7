"""ComfyUI's own frontend in a headless Chromium: what an artist sees and presses.

STILLBRUSH_SHOTS names a folder for the screenshots; look at them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.browser import Browser, browsing
from support.comfyui import UNDOTTED, Server, running
from support.examples import EXAMPLES as EXAMPLES_AS_MEANT
from support.examples import values
from support.material import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.heavy]
EXAMPLES = sorted((ROOT / "example_workflows").glob("*.json"))
FIT = """
let [x0, y0, x1, y1] = [1e9, 1e9, -1e9, -1e9];
for (const n of app.graph._nodes) {
  x0 = Math.min(x0, n.pos[0]); y0 = Math.min(y0, n.pos[1] - 30);
  x1 = Math.max(x1, n.pos[0] + n.size[0]); y1 = Math.max(y1, n.pos[1] + n.size[1]);
}
const scale = Math.min((innerWidth - 140) / (x1 - x0), (innerHeight - 140) / (y1 - y0), 1.2);
app.canvas.ds.scale = scale;
app.canvas.ds.offset = [-x0 + 100 / scale, -y0 + 90 / scale];
app.canvas.setDirty(true, true);
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("comfyui"), name=UNDOTTED) as found:
        yield found


@pytest.fixture(scope="module")
def browser(server: Server) -> Iterator[Browser]:
    with browsing() as found:
        found.open_comfyui(server.url)
        yield found


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    named = os.environ.get("STILLBRUSH_SHOTS")
    return Path(named) if named else tmp_path_factory.mktemp("shots")


def load(browser: Browser, path: Path) -> None:
    """Open a workflow as the template browser does, and fit it into the window."""
    browser.run("await app.loadGraphData(args[0]);" + FIT, json.loads(path.read_text()))
    time.sleep(0.5)


def finished(server: Server, count: int, limit: float = 900) -> dict:
    begun = time.perf_counter()
    while time.perf_counter() - begun < limit:
        history = server.get("/history")
        if len(history) > count:
            return list(history.values())[-1]
        time.sleep(0.3)
    raise TimeoutError


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_template_opens_is_queued_and_finishes(server, browser, shots, path) -> None:
    load(browser, path)
    missing = "return app.graph._nodes.filter((n) => n.has_errors || !n.type).map((n) => n.type)"
    assert browser.run(missing) == []
    before = len(server.get("/history"))
    browser.run("await app.queuePrompt(0, 1)")
    done = finished(server, before)
    assert done["status"]["status_str"] == "success", done["status"]
    time.sleep(2)
    assert browser.shot(shots / f"{path.stem}.png").stat().st_size > 20_000


@pytest.mark.parametrize("title", EXAMPLES_AS_MEANT)
def test_every_widget_of_an_example_has_its_value_in_its_place(server, browser, title) -> None:
    load(browser, ROOT / f"example_workflows/{title}.json")
    script = (
        "return app.graph._nodes.filter((n) => n.type.startsWith('Stillbrush')).map((n) => "
        "[n.type, n.pos.map(Math.round), Object.fromEntries(n.widgets.map((w) => "
        "[w.name, w.value]))]);"
    )
    info = server.get("/object_info")
    found = sorted(browser.run(script), key=str)
    meant = [
        [box.kind, list(box.at), values(box, info)]
        for box in EXAMPLES_AS_MEANT[title].values()
        if box.kind.startswith("Stillbrush")
    ]
    for (kind, _, shown), (_, _, expected) in zip(found, sorted(meant, key=str), strict=True):
        assert {k: v for k, v in shown.items() if not k.startswith("$$")} == expected, kind


def click_text(text: str) -> str:
    """Write a script that clicks the innermost element of a text, and says whether there is one."""
    return (
        "const all = [...document.querySelectorAll('body *')].filter((e) => "
        f"e.textContent.trim() === {text!r} && e.getClientRects().length);"
        "if (!all.length) return false; all[all.length - 1].click(); return true;"
    )


def test_templates_are_offered(browser, shots) -> None:
    browser.run("await app.extensionManager.command.execute('Comfy.BrowseTemplates')")
    browser.until(click_text(UNDOTTED))
    browser.until("return document.body.innerText.includes('Steady any painted clip')")
    time.sleep(2)
    browser.shot(shots / "templates.png")
    browser.press("\ue00c")


def test_wires_have_colours_of_their_own(browser) -> None:
    kinds = ("LOOK", "PLATE", "FLOW", "PRIOR", "STATE")
    found = browser.run(
        "return args[0].map((k) => app.canvas.constructor.link_type_colors['STILLBRUSH_' + k])",
        list(kinds),
    )
    assert len(set(found)) == len(kinds)
    assert all(found)


def test_a_widget_says_what_it_does(browser) -> None:
    load(browser, ROOT / "example_workflows/First shot.json")
    script = (
        "const n = app.graph._nodes.find((n) => n.type === 'StillbrushStylizeShot');"
        "const said = n.constructor.nodeData.inputs ?? {};"
        "return n.widgets.map((w) => [w.name, w.label ?? '', "
        "w.tooltip ?? w.options?.tooltip ?? said[w.name]?.tooltip ?? '']);"
    )
    widgets = browser.run(script)
    assert [w[0] for w in widgets][:3] == ["strength", "mix", "stroke_size"]
    assert all(tip for _, _, tip in widgets)


def test_an_error_reads_well(server, browser, shots) -> None:
    load(browser, ROOT / "example_workflows/Long shot.json")
    browser.run(
        "const n = app.graph._nodes.find((n) => n.type === 'StillbrushStylizeShotStream');"
        "n.widgets.find((w) => w.name === 'output').value = '/etc/plate.####.exr';"
        "try { await app.queuePrompt(0, 1) } catch {}"
    )
    browser.until('return document.body.innerText.includes("inside ComfyUI\'s output folder")')
    browser.run(click_text("View details"))
    time.sleep(1.5)
    browser.shot(shots / "error.png")
    browser.press("\ue00c")


def test_an_error_while_running_is_told_in_its_details(server, browser, shots) -> None:
    load(browser, ROOT / "example_workflows/Long shot.json")
    browser.run(
        "const n = app.graph._nodes.find((n) => n.type === 'StillbrushStylizeShotStream');"
        "n.widgets.find((w) => w.name === 'frames').value = 'abc';"
    )
    before = len(server.get("/history"))
    browser.run("await app.queuePrompt(0, 1)")
    assert finished(server, before)["status"]["status_str"] == "error"
    browser.until(click_text("View details"))
    browser.until("return document.body.innerText.includes('expected a range such as')")
    time.sleep(1)
    browser.shot(shots / "error while running.png")
    browser.press("\ue00c")


def test_the_help_page_is_shown(browser, shots) -> None:
    load(browser, ROOT / "example_workflows/First shot.json")
    browser.run(
        "const n = app.graph._nodes.find((n) => n.type === 'StillbrushStylizeShot');"
        "app.canvas.selectNode(n, false);"
    )
    time.sleep(1)
    browser.until(
        "const button = document.querySelector('[data-testid=\"info-button\"]');"
        "button?.click(); return Boolean(button);"
    )
    browser.until("return document.body.innerText.includes('Range and default')", limit=180)
    browser.shot(shots / "help.png")

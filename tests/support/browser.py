"""A headless Chromium, spoken to over the WebDriver protocol; no library is needed."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.comfyui import free_port

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1600,1000",
)


class Browser:
    """One window."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.session = ""

    def call(self, method: str, path: str, data: dict[str, Any] | None = None) -> Any:
        """Send a command of the protocol."""
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(
            self.base + path, body, {"Content-Type": "application/json"}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=300) as answer:
                return json.loads(answer.read())["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.loads(error.read())["value"]["message"]) from None

    def begin(self, profile: str) -> None:
        """Open the window, with a fresh profile."""
        options = {
            "binary": shutil.which("chromium"),
            "args": [*FLAGS, f"--user-data-dir={profile}"],
        }
        wanted = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}
        self.session = self.call("POST", "/session", {"capabilities": wanted})["sessionId"]

    def go(self, url: str) -> None:
        """Open a page."""
        self.call("POST", f"/session/{self.session}/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a function's body; promises are waited for."""
        path = f"/session/{self.session}/execute/async"
        wrapped = (
            "const done = arguments[arguments.length - 1];"
            f"(async (...args) => {{ {script} }})(...Array.from(arguments).slice(0, -1))"
            ".then(done, (error) => done({failed: String(error && error.stack || error)}));"
        )
        value = self.call("POST", path, {"script": wrapped, "args": list(arguments)})
        if isinstance(value, dict) and "failed" in value:
            raise RuntimeError(value["failed"])
        return value

    def until(self, script: str, *arguments: Any, limit: float = 60) -> Any:
        """Run a function's body until it returns something true."""
        begun = time.perf_counter()
        while time.perf_counter() - begun < limit:
            value = self.run(script, *arguments)
            if value:
                return value
            time.sleep(0.2)
        raise TimeoutError(script)

    def press(self, key: str) -> None:
        """Press a key."""
        actions = [{"type": kind, "value": key} for kind in ("keyDown", "keyUp")]
        data = {"actions": [{"type": "key", "id": "keys", "actions": actions}]}
        self.call("POST", f"/session/{self.session}/actions", data)

    def move(self, x: int, y: int, *, click: bool = False) -> None:
        """Move the pointer, and click if asked."""
        actions: list[dict[str, Any]] = [{"type": "pointerMove", "duration": 60, "x": x, "y": y}]
        if click:
            actions += [{"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp")]
        data = {"actions": [{"type": "pointer", "id": "mouse", "actions": actions}]}
        self.call("POST", f"/session/{self.session}/actions", data)

    def shot(self, path: Path) -> Path:
        """Save what is seen."""
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = self.call("GET", f"/session/{self.session}/screenshot")
        path.write_bytes(base64.b64decode(picture))
        return path

    def open_comfyui(self, url: str) -> None:
        """Open ComfyUI and wait until it can be worked with."""
        self.go(url)
        self.call("POST", f"/session/{self.session}/timeouts", {"script": 290_000})
        ready = (
            "return Boolean(window.app?.graph && window.LiteGraph && "
            "Object.keys(LiteGraph.registered_node_types).length > 100)"
        )
        self.until(ready, limit=120)
        self.run("await app.extensionManager.setting.set('Comfy.TutorialCompleted', true)")
        for _ in range(5):  # the templates open by themselves on a fresh profile
            time.sleep(0.6)
            self.press("\ue00c")
            closed = "document.querySelectorAll('[aria-label=\"Close dialog\"]')"
            self.run(f"for (const button of {closed}) button.click()")


@contextmanager
def browsing() -> Iterator[Browser]:
    """Run a browser for a while."""
    port = free_port()
    driver = subprocess.Popen(
        [shutil.which("chromedriver") or "chromedriver", f"--port={port}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(port)
        try:
            for _ in range(100):
                try:
                    browser.call("GET", "/status")
                    break
                except OSError:
                    time.sleep(0.1)
            browser.begin(profile)
            yield browser
        finally:
            if browser.session:
                browser.call("DELETE", f"/session/{browser.session}")
            driver.terminate()
            driver.wait()

"""Pages in tests: a measured render, and what a page consists of."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from stillbrush.core.knobs import ShotKnobs
from stillbrush.core.look import Look
from stillbrush.core.render.assembly import assemble
from stillbrush.core.render.painting import Settings
from stillbrush.core.render.renderer import Job, render
from stillbrush.core.render.request import Request
from stillbrush.core.report.making import measured, write_job_page

from .rendering import Quiet

VOID = {"meta", "img", "input", "br", "hr", "link", "path", "use"}


def measured_job(
    source: str | Path, look: Look, output: Path | str, *, overwrite: bool = False, **asked: Any
) -> Job:
    """Plan a measured render; `encoder` and knobs may be given, the rest is the request's."""
    encoder = asked.pop("encoder", None)
    per_frame = asked.pop("per_frame", False)
    knobs = {"stroke_size": 4.0} | asked.pop("knobs", {})
    settings = Settings(ShotKnobs(**knobs), per_frame=per_frame)
    made = assemble(Request(str(source), look, **{"settings": settings} | asked))
    return measured(made.job(str(output), overwrite=overwrite), look, encoder)


def report(
    source: str | Path, look: Look, output: Path | str, watcher: Quiet | None = None, **asked: Any
) -> Path:
    """Render a shot, measured, and make its page."""
    job = measured_job(source, look, output, **asked)
    render(job, watcher or Quiet())
    return write_job_page(job, look)


class Page(HTMLParser):
    """What a page consists of: its elements, its addresses, its text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.events: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element and what it loads."""
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        named = dict(attrs)
        self.events += [name for name in named if name.startswith("on")]
        for name in ("src", "href", "xlink:href", "action", "srcset", "poster", "data"):
            if named.get(name):
                self.addresses.append(str(named[name]))
        if tag == "img":
            self.images.append(named)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that is closed at once."""
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        """Demand that elements close in order."""
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.words.append(data)

    @property
    def text(self) -> str:
        """All text, its spaces made single."""
        return " ".join(" ".join(self.words).split())

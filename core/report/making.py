"""A render with a page: measured while it goes on, and shown when it is done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..look import Look
from ..metrics.encoder import appoint
from ..render.gallery import Gallery
from ..render.gauge import Gauge
from ..render.renderer import Job
from .model import spread
from .page import CONTACT, write_page
from .plots import require_matplotlib


def measured(job: Job, look: Look, encoder: Path | None = None) -> Job:
    """Return a job that is measured while it is rendered; its pixels stay the same.

    Args:
        job: what is rendered.
        look: what it is painted like.
        encoder: what style and content are seen by; None takes the one that ships.

    Raises:
        BadInput: matplotlib is not there.
        MissingFrame, UnreadableFile: encoder or the look's manner is missing or damaged.
    """
    require_matplotlib()
    appointed = appoint(look, encoder)
    gauge = Gauge(appointed.judge, frozenset(spread(list(job.frames), CONTACT)))
    return replace(job, gauge=gauge, facts=job.facts | {"judge": appointed.facts()})


def write_job_page(job: Job, look: Look) -> Path:
    """Make the page of a finished, measured job, beside its JSON.

    Raises:
        UnreadableFile: the JSON is not there or damaged.
        WriteRefused: the page cannot be written.
    """
    name, folder = job.output.name, job.output.folder
    page = folder / f"{name}.report.html"
    gallery = job.gauge.gallery if job.gauge else Gallery(folder / ".stillbrush" / name / "page")
    write_page(folder / f"{name}.report.json", gallery, look, page)
    return page

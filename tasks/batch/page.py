"""The combined report of a batch: one HTML file with a row per scan, which leads to the scan's own report."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import statistics
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from PIL import Image

from proxflow.models.metrics.registry import METRICS
from proxflow.models.metrics.value import number_from_json
from proxflow.tasks.batch.batch import Batch
from proxflow.tasks.batch.outcome import ScanOutcome
from proxflow.tasks.report.metric_table import metric_label
from proxflow.tasks.report.numbers import number_text, seconds_text
from proxflow.tasks.report.pages import page_environment

THUMBNAIL_PIXELS = 128  # of the longer side: twice what is shown, for fine screens
MOST_THUMBNAILS = 500  # about 3 kB each
SCROLLED_FROM = 25  # rows: a longer table scrolls in its own box, under its head
URGENCY = ("failed", "left", "interrupted", "done")


@dataclass(frozen=True)
class Row:
    """One scan and method. ``link`` and ``log`` are addresses from the page; by ``keys`` the columns are
    sorted, None last."""

    outcome: ScanOutcome
    method: str
    link: str
    log: str
    thumbnail: str
    cells: tuple[str, ...]
    keys: tuple[str | float | None, ...]


@dataclass(frozen=True)
class Head:
    """One metric's head, and its median over the scans of each method."""

    label: str
    unit: str
    arrow: str
    medians: dict[str, str]


def render_batch(batch: Batch, folder: Path) -> str:
    """The HTML text; pictures come from the scans' folders in ``folder``, and are inlined like all else.

    A content security policy forbids loading anything; what comes from scans and recipes is escaped.
    """
    own, shared = files("proxflow.tasks.batch"), files("proxflow.tasks.report")
    css = shared.joinpath("report.css").read_text("utf-8") + own.joinpath("batch.css").read_text("utf-8")
    script = own.joinpath("batch.js").read_text("utf-8")
    environment = page_environment()
    environment.filters.update(seconds=seconds_text)
    template = environment.from_string(own.joinpath("batch.html.j2").read_text("utf-8"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return template.render(
        batch=batch, css=Markup(css), script=Markup(script), script_digest=digest, **_content(batch, folder)
    )


def _content(batch: Batch, folder: Path) -> dict[str, Any]:
    names = batch.metric_names()
    ordered = sorted(batch.outcomes, key=lambda outcome: URGENCY.index(outcome.state))  # stable
    pairs = [(outcome, method) for outcome in ordered for method in outcome.metrics or [""]]
    pictured = [pair for pair in pairs if pair[1]][:MOST_THUMBNAILS]
    methods = list(dict.fromkeys(method for _, method in pairs if method))
    return {
        "rows": [
            _row(outcome, method, names, folder, (outcome, method) in pictured) for outcome, method in pairs
        ],
        "heads": [_head(name, batch, methods) for name in names],
        "methods": methods,
        "states": [(state, batch.count(state)) for state in ("done", "failed", "left", "interrupted")],
        "computed": sum(outcome.stages - outcome.cached for outcome in batch.outcomes),
        "found": sum(outcome.cached for outcome in batch.outcomes),
        "many": len(pairs) > SCROLLED_FROM,
        "most_pictures": MOST_THUMBNAILS,
        "pictured": len(pictured) == sum(bool(method) for _, method in pairs),
    }


def _row(outcome: ScanOutcome, method: str, names: tuple[str, ...], folder: Path, pictured: bool) -> Row:
    figures = outcome.metrics.get(method, {})
    numbers = [number_from_json(figures[name]) if name in figures else None for name in names]
    cells = tuple(
        "" if number is None else number_text(number, _unit(name))
        for name, number in zip(names, numbers, strict=True)
    )
    sortable = [
        None if number is None or number != number else max(-1e300, min(1e300, number)) for number in numbers
    ]
    keys = (outcome.name, outcome.state, method, *sortable, outcome.seconds if outcome.stages else None)
    log = f"{outcome.folder}/log.txt" if outcome.folder and outcome.state != "done" else ""
    picture = folder / outcome.folder / "previews" / f"{method}.png"
    return Row(
        outcome,
        method,
        quote(os.fsencode(outcome.report)),
        quote(os.fsencode(log)),
        thumbnail(picture) if pictured else "",
        cells,
        keys,
    )


def _head(name: str, batch: Batch, methods: list[str]) -> Head:
    better = METRICS[name].higher_is_better if name in METRICS else None
    medians = {}
    for method in methods:
        found = [outcome.metrics.get(method, {}).get(name) for outcome in batch.outcomes]
        numbers = [number for number in map(number_from_json, found) if number == number]
        medians[method] = number_text(statistics.median(numbers), _unit(name)) if numbers else ""
    arrow = {True: "↑", False: "↓", None: ""}[better]
    return Head(metric_label(name), _unit(name), arrow, medians)


def _unit(name: str) -> str:
    return METRICS[name].unit if name in METRICS else ""


def thumbnail(picture: Path) -> str:
    """A small JPEG of a preview as a ``data:`` address; empty where there is none."""
    try:
        with Image.open(picture) as image:
            small = image.convert("RGB")
    except OSError:  # the run folder was moved or tidied up
        return ""
    small.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
    buffer = io.BytesIO()
    small.save(buffer, "jpeg", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")

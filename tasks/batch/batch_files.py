"""What a batch leaves in its folder beside the scans' own: batch.json, batch.csv, report.html."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from proxflow.data.writers.atomic import atomic_path
from proxflow.tasks.batch.batch import Batch
from proxflow.tasks.batch.page import render_batch

JSON_NAME, CSV_NAME, PAGE_NAME = BATCH_FILES = ("batch.json", "batch.csv", "report.html")


def write_batch(folder: Path, batch: Batch) -> Path:
    """Write the three files, each whole or not at all; the path of the page."""
    _write(folder / JSON_NAME, json.dumps(batch_document(batch), indent=1, ensure_ascii=False) + "\n")
    _write(folder / CSV_NAME, batch_csv(batch))
    _write(folder / PAGE_NAME, render_batch(batch, folder))
    return folder / PAGE_NAME


def batch_document(batch: Batch) -> dict[str, Any]:
    """The content of batch.json: the summary and every scan."""
    return batch.summary() | {
        "source": batch.source,
        "command": batch.command,
        "items": [outcome.to_json() for outcome in batch.outcomes],
    }


def batch_csv(batch: Batch) -> str:
    """A row per scan and method, one row of a scan without any; numbers as in metrics.csv."""
    names = batch.metric_names()
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["name", "scan", "state", "method", *names, "seconds", "cached", "report", "why"])
    for outcome in batch.outcomes:
        for method, figures in (outcome.metrics or {"": {}}).items():
            numbers = [figures.get(name) for name in names]
            row = [outcome.name, outcome.scan, outcome.state, method, *numbers]
            writer.writerow([*row, outcome.seconds, outcome.cached, outcome.report, outcome.why])
    return buffer.getvalue()


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")

"""What a batch shows in the Prefect UI: how far it is while it runs, its table and report when it ends."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.artifacts import (
    create_link_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from proxflow.flows.batch_run import BatchListener
from proxflow.flows.scan_unit import ScanUnit
from proxflow.tasks.batch.outcome import ScanOutcome

UPDATE_SECONDS = 2.0
MOST_ROWS = 1000  # above 1.5 MB the server refuses the artifact's event


class BatchProgress:
    """Passes everything on to ``listener``, and draws the batch as a progress artifact."""

    def __init__(self, name: str, total: int, listener: BatchListener) -> None:
        self._total, self._listener = total, listener
        self._done, self._failed = 0, 0
        self._began = self._updated = time.monotonic()
        made = create_progress_artifact(
            progress=0.0, key=artifact_key("progress", name), description=self._text()
        )
        self._bar = made if isinstance(made, UUID) else made.id  # type: ignore[attr-defined]

    def scan_started(self, unit: ScanUnit) -> None:
        self._listener.scan_started(unit)

    def scan_ended(self, outcome: ScanOutcome) -> None:
        self._done += 1
        self._failed += outcome.state != "done"
        self._listener.scan_ended(outcome)
        if self._done == self._total or time.monotonic() - self._updated > UPDATE_SECONDS:
            self._updated = time.monotonic()
            update_progress_artifact(
                self._bar, progress=100 * self._done / self._total, description=self._text()
            )

    def _text(self) -> str:
        text = f"{self._done} of {self._total} scans"
        if self._failed:
            text += f", {self._failed} of them not done"
        if 0 < self._done < self._total:
            left = (time.monotonic() - self._began) * (self._total - self._done) / self._done
            text += f", about {left:.0f} s left"
        return text


def publish_batch(name: str, outcomes: Sequence[ScanOutcome], report: Path, text: str) -> None:
    """The table of ``outcomes`` and the link to the combined report, as artifacts of the present flow run."""
    rows = [
        row
        for outcome in sorted(outcomes, key=lambda outcome: outcome.state == "done")
        for row in _rows(outcome)
    ]
    create_table_artifact(table=rows[:MOST_ROWS], key=artifact_key("scans", name), description=text)
    path = str(report.resolve())
    create_link_artifact(
        link=report.resolve().as_uri(), link_text=path, key=artifact_key("report", name), description=path
    )


def artifact_key(kind: str, name: str) -> str:
    """Artifact keys are lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", f"{kind}-{name}".lower()).strip("-")


def _rows(outcome: ScanOutcome) -> list[dict[str, Any]]:
    if outcome.state != "done":
        return [{"scan": outcome.name, "state": outcome.state, "why": outcome.why}]
    return [
        {"scan": outcome.name, "state": "done", "method": method}
        | {name: _cell(value) for name, value in figures.items()}
        | {"seconds": round(outcome.seconds, 2), "report": outcome.report}
        for method, figures in outcome.metrics.items()
    ]


def _cell(value: Any) -> Any:
    return float(f"{value:.5g}") if isinstance(value, float) else value

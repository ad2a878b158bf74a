"""What a run shows in the Prefect UI: progress while it computes, figures and pictures when it is done."""

from __future__ import annotations

import base64
import re
import threading
import time
from typing import TYPE_CHECKING
from uuid import UUID

from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from proxflow.tasks.report.numbers import bytes_text
from proxflow.tasks.reporting import Reporter
from proxflow.tasks.stage import StageOutcome

if TYPE_CHECKING:
    from proxflow.flows.launch import Finished
    from proxflow.models.solvers.iteration import Iteration

UPDATE_SECONDS = 2.0
MAX_PICTURE_BYTES = 600_000  # above 1.5 MB the server refuses the artifact's event


class ArtifactReporter:
    """Passes everything on to ``listener``, and draws long stages as progress artifacts."""

    def __init__(self, listener: Reporter) -> None:
        self._listener = listener
        self._lock = threading.Lock()
        self._bars: dict[str, UUID] = {}
        self._began: dict[str, float] = {}
        self._updated: dict[str, float] = {}
        self.stage_waiting = listener.stage_waiting
        self.items_solved = listener.items_solved

    def stage_started(self, label: str) -> None:
        self._began[label] = self._updated[label] = time.monotonic()
        self._listener.stage_started(label)

    def iteration(self, label: str, item: int, n_items: int, iteration: Iteration) -> None:
        self._listener.iteration(label, item, n_items, iteration)
        now = time.monotonic()
        with self._lock:
            if now - self._updated.get(label, now) < UPDATE_SECONDS:
                return
            self._updated[label] = now
        done = (item * iteration.n_iter + iteration.index) / (n_items * iteration.n_iter)
        left = (now - self._began[label]) * (1 - done) / max(done, 1e-9)
        text = (
            f"{label}: item {item + 1} of {n_items}, iteration {iteration.index} of {iteration.n_iter}, "
            f"at most {left:.0f} s left"
        )
        if label in self._bars:
            update_progress_artifact(self._bars[label], progress=100 * done, description=text)
        else:
            made = create_progress_artifact(
                progress=100 * done, key=_key("progress", label), description=text
            )
            self._bars[label] = made if isinstance(made, UUID) else made.id  # type: ignore[attr-defined]

    def stage_finished(self, outcome: StageOutcome) -> None:
        if outcome.label in self._bars:
            update_progress_artifact(
                self._bars[outcome.label], progress=100.0, description=f"{outcome.label}: done"
            )
        self._listener.stage_finished(outcome)


def publish(finished: Finished, name: str) -> None:
    """Metric table, preview picture and the link to the report, as artifacts of the present flow run."""
    rows = [
        {"method": method} | {metric: _cell(value) for metric, value in figures.items()}
        for method, figures in finished.metrics.items()
    ]
    create_table_artifact(table=rows, key=_key("metrics", name), description=f"Figures of {name}")
    create_markdown_artifact(markdown=_page(finished, rows), key=_key("preview", name), description=name)
    link = finished.report.resolve().as_uri()
    path = str(finished.report.resolve())
    create_link_artifact(link=link, link_text=path, key=_key("report", name), description=path)


def _page(finished: Finished, rows: list[dict[str, object]]) -> str:
    columns = list(rows[0])
    lines = [" | ".join(columns), " | ".join("---" for _ in columns)]
    lines += [" | ".join(str(row.get(column, "")) for column in columns) for row in rows]
    stages = ["stage | result | seconds | peak memory | read | written", "--- | --- | --- | --- | --- | ---"]
    stages += [_stage_row(outcome) for outcome in finished.result.outcomes]
    picture = finished.folder / "previews" / "comparison.png"
    shown = ""
    if picture.exists() and picture.stat().st_size < MAX_PICTURE_BYTES:
        shown = (
            f"![images side by side](data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode()})"
        )
    return "\n".join([shown, "", *lines, "", *stages, "", f"Run folder: `{finished.folder.resolve()}`"])


def _stage_row(outcome: StageOutcome) -> str:
    sizes = (outcome.peak_memory_bytes, outcome.bytes_read, outcome.bytes_written)
    how = "cached" if outcome.cached else "computed"
    return " | ".join([outcome.label, how, f"{outcome.elapsed:.2f}", *(bytes_text(size) for size in sizes)])


def _cell(value: object) -> object:
    return float(f"{value:.5g}") if isinstance(value, float) else value


def _key(kind: str, name: str) -> str:
    """Artifact keys are lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", f"{kind}-{name}".lower()).strip("-")

"""What a batch shows in the Prefect UI: how far it is while it runs, its table and report when it ends."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_table_artifact,
)

from proxflow.flows.batch_run import BatchListener
from proxflow.flows.progress_bars import ProgressBars, artifact_key, rounded
from proxflow.flows.report_server import report_link
from proxflow.flows.scan_unit import ScanUnit
from proxflow.tasks.batch.outcome import ScanOutcome
from proxflow.tasks.batch.page import thumbnail

MOST_ROWS, MOST_PICTURES = 1000, 60  # above 1.5 MB the server refuses the artifact's event


class BatchProgress:
    """Passes everything on to ``listener``, and draws the batch as a progress artifact."""

    def __init__(self, name: str, total: int, listener: BatchListener) -> None:
        self._name, self._total, self._listener = name, total, listener
        self._done, self._failed = 0, 0
        self._bars = ProgressBars()
        self._bars.begin(name)
        self._bars.show(name, 0.0, self._text())

    def scan_started(self, unit: ScanUnit) -> None:
        self._listener.scan_started(unit)

    def scan_ended(self, outcome: ScanOutcome) -> None:
        self._done += 1
        self._failed += outcome.state != "done"
        self._listener.scan_ended(outcome)
        if self._done == self._total:
            self._bars.show(self._name, 100.0, self._text())
        else:
            self._bars.follow(self._name, self._done / self._total, self._text())

    def close(self) -> None:
        """Let what is on its way arrive, unless the server is gone."""
        self._bars.close()

    def _text(self) -> str:
        text = f"{self._done} of {self._total} scans"
        if self._failed:
            text += f", {self._failed} of them not done"
        return text


def publish_batch(name: str, outcomes: Sequence[ScanOutcome], report: Path, text: str) -> None:
    """A page with pictures, the table of ``outcomes`` and the way to the combined report, as artifacts of the
    present flow run."""
    ordered = sorted(outcomes, key=lambda outcome: outcome.state == "done")  # what wants a look comes first
    rows = [row for outcome in ordered for row in _rows(outcome)]
    create_markdown_artifact(
        markdown=_page(ordered, report, text), key=artifact_key("batch", name), description=text
    )
    create_table_artifact(table=rows[:MOST_ROWS], key=artifact_key("scans", name), description=text)
    if link := report_link(report):
        create_link_artifact(
            link=link,
            link_text="Open the combined report",
            key=artifact_key("report", name),
            description=str(report.resolve()),
        )


def _page(outcomes: Sequence[ScanOutcome], report: Path, text: str) -> str:
    link, root = report_link(report), report.parent
    lines = [text, "", f"[Open the combined report]({link})" if link else f"Report: `{report.resolve()}`", ""]
    lines += [
        f"- **{_escaped(outcome.name)}** {outcome.state}: {_escaped(outcome.why)}"
        for outcome in outcomes
        if outcome.why
    ][:MOST_ROWS]
    done = [outcome for outcome in outcomes if outcome.state == "done"]
    if done:
        names = list(
            dict.fromkeys(name for one in done for figures in one.metrics.values() for name in figures)
        )
        lines += ["", " | ".join(["", "scan", "method", *names]), " | ".join(["---"] * (3 + len(names)))]
    for outcome in done[:MOST_PICTURES]:
        own = report_link(root / outcome.report)
        shown = f"[{_escaped(outcome.name)}]({own})" if own else _escaped(outcome.name)
        for method, figures in outcome.metrics.items():
            picture = thumbnail(root / outcome.folder / "previews" / f"{method}.png")
            cells = [f"![{method}]({picture})" if picture else "", shown, method]
            lines.append(" | ".join([*cells, *(str(rounded(figures.get(name, ""))) for name in names)]))
    if len(done) > MOST_PICTURES:
        lines += ["", f"The first {MOST_PICTURES} of {len(done)}; the combined report has all."]
    return "\n".join(lines)


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is."""
    return re.sub(r"([\\`*_{}\[\]<>#|!])", r"\\\1", text)


def _rows(outcome: ScanOutcome) -> list[dict[str, Any]]:
    if outcome.state != "done":
        return [{"scan": outcome.name, "state": outcome.state, "why": outcome.why}]
    return [
        {"scan": outcome.name, "state": "done", "method": method}
        | {name: rounded(value) for name, value in figures.items()}
        | {"seconds": round(outcome.seconds, 2), "report": outcome.report}
        for method, figures in outcome.metrics.items()
    ]

"""What a run shows in the Prefect UI: progress while it computes, figures and pictures when it is done."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING

from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_table_artifact,
)

from proxflow.flows.progress_bars import ProgressBars, artifact_key, rounded, span
from proxflow.flows.report_server import report_link
from proxflow.tasks.calls import StageOutcome
from proxflow.tasks.progress import StageProgress
from proxflow.tasks.report.numbers import bytes_text
from proxflow.tasks.reporting import Reporter

if TYPE_CHECKING:
    from proxflow.flows.launch import Finished
    from proxflow.models.solvers.iteration import Iteration

MAX_PICTURE_BYTES = 600_000  # above 1.5 MB the server refuses the artifact's event


class ArtifactReporter:
    """Passes everything on to ``listener``, and draws long stages as progress artifacts."""

    def __init__(self, listener: Reporter) -> None:
        self._listener = listener
        self._bars = ProgressBars()
        self._progress: dict[str, StageProgress] = {}
        self.stage_waiting = listener.stage_waiting

    def stage_started(self, label: str) -> None:
        self._bars.begin(label)
        self._progress.setdefault(label, StageProgress())  # one that was spread begins again, to assemble
        self._listener.stage_started(label)

    def iteration(self, label: str, item: int, n_items: int, iteration: Iteration) -> None:
        self._listener.iteration(label, item, n_items, iteration)
        if label in self._progress:
            done = self._progress[label].iteration(item, n_items, iteration)
            where = f"item {item + 1} of {n_items}, iteration {iteration.index} of {iteration.n_iter}"
            self._bars.follow(label, done, f"{label}: {where}", at_most=True)

    def items_solved(self, label: str, done: int, n_items: int) -> None:
        self._listener.items_solved(label, done, n_items)
        if label in self._progress:
            share = self._progress[label].items_solved(done, n_items)
            self._bars.follow(label, share, f"{label}: {done} of {n_items} items", at_most=True)

    def stage_finished(self, outcome: StageOutcome) -> None:
        if self._bars.shows(outcome.label):
            self._bars.show(outcome.label, 100.0, f"{outcome.label}: done in {span(outcome.elapsed)}")
        self._listener.stage_finished(outcome)

    def close(self) -> None:
        """Let what is on its way arrive, unless the server is gone."""
        self._bars.close()


def publish(finished: Finished, name: str) -> None:
    """Metric table, preview picture and the way to the report, as artifacts of the present flow run."""
    rows = [
        {"method": method} | {metric: rounded(value) for metric, value in figures.items()}
        for method, figures in finished.metrics.items()
    ]
    create_markdown_artifact(
        markdown=_page(finished, rows),
        key=artifact_key("preview", name),
        description="Images, figures, stages and the report",
    )
    create_table_artifact(table=rows, key=artifact_key("metrics", name), description=f"Figures of {name}")
    if link := report_link(finished.report):
        create_link_artifact(
            link=link,
            link_text="Open the report",
            key=artifact_key("report", name),
            description=_path(finished),
        )


def _page(finished: Finished, rows: list[dict[str, object]]) -> str:
    columns = list(rows[0])
    table = [" | ".join(columns), " | ".join("---" for _ in columns)]
    table += [" | ".join(str(row.get(column, "")) for column in columns) for row in rows]
    stages = ["stage | result | took | peak memory | read | written", "--- | --- | --- | --- | --- | ---"]
    stages += [_stage_row(outcome) for outcome in finished.result.outcomes]
    link = report_link(finished.report)
    report = f"[Open the report]({link})" if link else f"Report: `{_path(finished)}`"
    cautions = [f"> {caution}\n" for caution in finished.cautions]
    images = picture(finished.folder / "previews" / "comparison.png", "images side by side")
    return "\n".join(
        [report, "", images, "", *cautions, "", *table, "", *stages, "",
         f"Run folder: `{finished.folder.resolve()}`"]
    )  # fmt: skip


def picture(path: Path, words: str) -> str:
    """A PNG file inside a text: the page of the UI may load none."""
    content = path.read_bytes()
    if len(content) > MAX_PICTURE_BYTES:
        content = _smaller(content)
    return f"![{words}](data:image/png;base64,{base64.b64encode(content).decode()})"


def _smaller(content: bytes) -> bytes:
    from PIL import Image

    while len(content) > MAX_PICTURE_BYTES:
        picture = Image.open(io.BytesIO(content))
        shrink = min(0.8, (MAX_PICTURE_BYTES / len(content)) ** 0.5)
        size = [max(1, round(side * shrink)) for side in picture.size]
        target = io.BytesIO()
        picture.resize((size[0], size[1])).save(target, "png")
        content = target.getvalue()
    return content


def _path(finished: Finished) -> str:
    return str(finished.report.resolve())


def _stage_row(outcome: StageOutcome) -> str:
    sizes = (outcome.peak_memory_bytes, outcome.bytes_read, outcome.bytes_written)
    how = "cached" if outcome.cached else "computed"
    return " | ".join([outcome.label, how, span(outcome.elapsed), *(bytes_text(size) for size in sizes)])

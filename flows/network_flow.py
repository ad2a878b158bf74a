"""What the flows that train networks share: their parts as task runs, progress, and what they publish."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from prefect import task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.states import Completed

from proxflow.flows.artifacts import picture
from proxflow.flows.late_report import server_listens, tell
from proxflow.flows.many_run import scans_text
from proxflow.flows.network_plan import Headings, NetworkPlan, NetworkTraining
from proxflow.flows.network_training_run import FinishedTraining, bar, launch_network_training
from proxflow.flows.prefect_origin import flow_origin
from proxflow.flows.progress_bars import ProgressBars, artifact_key
from proxflow.flows.recorded_run import introduce, refused
from proxflow.flows.report_server import report_link
from proxflow.flows.task_runs import count_task_run
from proxflow.flows.told import hand_over, told
from proxflow.models.networks.judged import Judged
from proxflow.tasks.network_training.folder import EXAMPLES
from proxflow.tasks.network_training.watcher import TrainingWatcher

T = TypeVar("T")


def trained_by_form(training: NetworkTraining[Any], form: Mapping[str, Any]) -> Any:
    """Train what a form asks for, within the present flow run, whose final state it gives. Artifacts where
    the server listens.
    """

    def train() -> Any:
        with refused():
            plan = training.by_form(form)
        return _trained(plan, form["out"])

    return told(train)


def _trained(plan: NetworkPlan, out: str) -> Any:
    title = f"{plan.names.name} {scans_text(plan.sources)}" if plan.sources else plan.names.name
    introduce(title, [plan.flow, plan.names.kind])
    tell("started")
    finished = _launched(plan, Path(out) if out else None)
    hand_over(finished)
    tell(f"done after {finished.seconds:.0f} s of training, {finished.weights.resolve()}")
    if server_listens():
        _publish(finished, plan.names.name, plan.names.headings)
    return Completed(message=f"Weights: {finished.weights.resolve()}", data=finished)


def _launched(plan: NetworkPlan, out: Path | None) -> FinishedTraining:
    watcher = TrainingProgress(plan.names.name, bar.get())
    try:
        return launch_network_training(plan, out=out, watcher=watcher, origin=flow_origin(), part=as_task)
    finally:
        watcher.close()


def as_task(name: str, work: Callable[[], T]) -> T:
    """``work()`` as a task run of the present flow, in its thread; what it gives stays in this process."""
    given: list[T] = []
    count_task_run(name)

    @task(name=name, persist_result=False)
    def part() -> None:
        given.append(work())

    part()
    return given[0]


class TrainingProgress:
    """Passes everything on to ``watcher``, and draws the training as a progress artifact."""

    def __init__(self, name: str, watcher: TrainingWatcher) -> None:
        self._name, self._watcher = name, watcher
        self._bars = ProgressBars()
        self._n_steps, self._gain = 1, ""

    def began(self, step: int, n_steps: int) -> None:
        self._n_steps = n_steps
        self._watcher.began(step, n_steps)
        self._bars.begin(self._name, step / n_steps)
        self._bars.show(self._name, 100 * step / n_steps, f"begins at step {step} of {n_steps}")

    def stepped(self, step: int, loss: float) -> None:
        self._watcher.stepped(step, loss)
        text = f"step {step} of {self._n_steps}, loss {loss:.2e}{self._gain}"
        if step < self._n_steps:
            self._bars.follow(self._name, step / self._n_steps, text)
        else:
            self._bars.show(self._name, 100.0, text)

    def judged(self, step: int, rows: Sequence[Judged]) -> None:
        self._watcher.judged(step, rows)
        gains = ", ".join(f"{row.gain:+.2f}" for row in rows)
        self._gain = f", gain {gains} dB at step {step}"

    def close(self) -> None:
        """Let what is on its way arrive, unless the server is gone."""
        self._bars.close()


def _publish(finished: FinishedTraining, name: str, headings: Headings) -> None:
    """The gains as a table, and the card with pictures, as artifacts of the present flow run."""
    rows = [
        {
            headings.level: row.level,
            f"{headings.before} dB": round(row.before, 2),
            f"{headings.after} dB": round(row.after, 2),
            "gain dB": round(row.gain, 2),
            "mean squared error": f"{row.mse:.2e}",
            **({} if row.ssim_after is None else {"SSIM": round(row.ssim_after, 4)}),
        }
        for row in finished.rows
    ]
    told_of = f"{headings.figure[:1].upper()}{headings.figure[1:]} of {name} on {headings.judged_on}"
    create_table_artifact(table=rows, key=artifact_key("gains", name), description=told_of)
    parts = [
        finished.card.read_text("utf-8"),
        f"## {headings.pictures.capitalize()}\n",
        picture(finished.folder / EXAMPLES, headings.pictures),
        f"\nWeights: `{finished.weights.resolve()}`",
    ]
    key = artifact_key("card", name)
    create_markdown_artifact(markdown="\n".join(parts), key=key, description=f"Card of {name}")
    if link := report_link(finished.weights):
        create_link_artifact(
            link=link,
            link_text="Download the weights",
            key=artifact_key("weights", name),
            description=str(finished.weights.resolve()),
        )

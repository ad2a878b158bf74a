"""The Prefect flow that trains: the same stages and numbers as the plain command's, recorded as tasks."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.states import Completed
from pydantic import WithJsonSchema

from proxflow.flows.artifacts import ArtifactReporter
from proxflow.flows.form_schema import COUNT, NUMBER, TEXTS, recipe_choice, trainable_names
from proxflow.flows.forms import DEFAULT_RECIPE
from proxflow.flows.late_report import server_listens, tell
from proxflow.flows.prefect_engine import PrefectEngine
from proxflow.flows.prefect_origin import flow_origin
from proxflow.flows.progress_bars import artifact_key
from proxflow.flows.recorded_run import introduce, refused
from proxflow.flows.report_server import report_link
from proxflow.flows.told import hand_over, told
from proxflow.flows.training_plan import plan_train
from proxflow.flows.training_run import FinishedTraining, TrainingPlan, launch_training
from proxflow.tasks.reporting import reporter
from proxflow.tasks.training.error_plot import standalone_plot
from proxflow.tasks.training.search import Candidate

BASE, METHODS, LINES = map(WithJsonSchema, (recipe_choice(), trainable_names(), TEXTS))
FRACTION, SEEDS = map(WithJsonSchema, (NUMBER, COUNT))


@flow(name="train", persist_result=False, validate_parameters=False)
def train(
    recipe: Annotated[Any, BASE] = DEFAULT_RECIPE,
    scans: Annotated[Any, LINES] = None,
    methods: Annotated[Any, METHODS] = None,
    fraction: Annotated[Any, FRACTION] = 0.05,
    seeds: Annotated[Any, SEEDS] = 3,
    changes: Annotated[Any, LINES] = None,
    out: str = "",
    command: str = "",
) -> Any:
    """Choose the numbers of methods by how well measurements they were not shown are predicted.

    The result is a recipe with these numbers, every error that was measured, and a page that shows them. What
    was tried before is found in the store: a training that was stopped goes on where it was.

    Args:
        recipe: A ready recipe, or a recipe file on the machine that serves.
        scans: Scans, folders, patterns to train on, read as the recipe says; its own scan if there are none.
        methods: Methods to train; all of the recipe that have numbers to be chosen, if there are none.
        fraction: Of the measurements, held out from each reconstruction. Above 0, at most 0.5.
        seeds: Times that each value is tried, each time with other measurements held out.
        changes: Single values of the recipe, as with --set: prepare.0.acceleration=6
        out: Folder for the result; runs/TIME-NAME-train if empty.
        command: What does the same on the command line; made up if empty.
    """
    form = dict(locals())
    return told(lambda: _trained(form))


def _trained(form: Mapping[str, Any]) -> Any:
    """The flow's final state; its artifacts where the server listens."""
    with refused():
        plan = plan_train(form)
    names = [config.method for config in plan.methods]
    introduce(f"{plan.recipe.name} train {', '.join(names)}", ["train", plan.recipe.scan.kind, *names])
    tell("started")
    finished = _launched(plan, Path(form["out"]) if form["out"] else None)
    hand_over(finished)
    tell(f"done in {finished.seconds:.1f} s, report {finished.report.resolve()}")
    if server_listens():
        _publish(finished, plan.recipe.name)
    return Completed(message=f"Report: {finished.report.resolve()}", data=finished)


def _launched(plan: TrainingPlan, out: Path | None) -> FinishedTraining:
    listener = TrainingArtifacts(reporter(), plan.recipe.name)
    try:
        return launch_training(plan, out=out, listener=listener, engine=PrefectEngine, origin=flow_origin())
    finally:
        listener.close()


class TrainingArtifacts(ArtifactReporter):
    """Stages as with other runs, and one progress bar for the training as a whole."""

    def __init__(self, listener: Any, name: str) -> None:
        super().__init__(listener)
        self._training: Any = listener if hasattr(listener, "tried") else None
        self._label = f"training-{name}"
        self._planned: dict[str, int] = {}
        self._done = 0
        self._bars.begin(self._label)

    def planned(self, method: str, reconstructions: int) -> None:
        """How many reconstructions there will be."""
        self._planned[method] = reconstructions
        if not self._done:
            self._bars.show(self._label, 0.0, f"about {sum(self._planned.values())} reconstructions")
        if self._training:
            self._training.planned(method, reconstructions)

    def tried(self, method: str, number: str, candidate: Candidate) -> None:
        """Draw how far the training is."""
        if self._training:
            self._training.tried(method, number, candidate)
        self._done += len(candidate.errors)
        total = sum(self._planned.values())
        text = (
            f"{self._done} of about {total} reconstructions; last {method} {number} = {candidate.value:g}, "
            f"error {candidate.error:.5f}"
        )
        if self._done < total:
            self._bars.follow(self._label, self._done / total, text)
        else:
            self._bars.show(self._label, 100.0, text)


def _publish(finished: FinishedTraining, name: str) -> None:
    """The numbers as a table, and a page with the curves, as artifacts of the present flow run."""
    rows = [
        {
            "method": fit.method,
            "number": fit.number,
            "chosen": fit.chosen.value,
            "error": float(f"{fit.chosen.error:.5g}"),
            "recipe had": fit.before,
            "its error": float(f"{fit.as_it_was.error:.5g}"),
            "as good as chosen": f"{fit.alike[0]:g} to {fit.alike[1]:g}",
        }
        for fit in finished.training.fits
    ]
    create_table_artifact(table=rows, key=artifact_key("numbers", name), description=f"Numbers of {name}")
    link = report_link(finished.report)
    parts = [f"[Open the report]({link})\n" if link else f"Report: `{finished.report.resolve()}`\n"]
    for fit in finished.training.fits:
        svg = base64.b64encode(standalone_plot(fit, len(finished.training.scans)).encode()).decode()
        parts.append(f"## {fit.method}: {fit.number} = {fit.chosen.value:g}\n")
        parts.append(f"![held-out error against {fit.number}](data:image/svg+xml;base64,{svg})\n")
    parts += [f"- Caution: {caution}" for caution in finished.training.cautions]
    parts.append(f"\nRecipe with these numbers: `{(finished.folder / 'recipe.yaml').resolve()}`")
    key = artifact_key("training-page", name)
    create_markdown_artifact(markdown="\n".join(parts), key=key, description=f"Training of {name}")

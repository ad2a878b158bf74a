"""The Prefect flow of many scans: the same batch as ``proxflow many``, a task run per scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from prefect import flow
from prefect.states import Completed, Failed
from pydantic import WithJsonSchema

from proxflow.flows.batch_artifacts import BatchProgress, publish_batch
from proxflow.flows.batch_forms import plan_many
from proxflow.flows.batch_plan import check_machine
from proxflow.flows.batch_tasks import run_as_tasks, screen
from proxflow.flows.form_schema import TEXTS, method_names, recipe_choice
from proxflow.flows.forms import DEFAULT_RECIPE
from proxflow.flows.late_report import server_listens, tell
from proxflow.flows.many_run import reconstruct_scans, scans_text
from proxflow.flows.prefect_origin import flow_origin
from proxflow.flows.recorded_run import introduce, refused
from proxflow.flows.told import hand_over, told
from proxflow.tasks.batch.scan_list import find_scans

BASE, METHODS, LINES = map(WithJsonSchema, (recipe_choice(), method_names(), TEXTS))


@flow(name="reconstruct-many", persist_result=False, validate_parameters=False)
def reconstruct_many(
    recipe: Annotated[Any, BASE] = DEFAULT_RECIPE,
    scans: Annotated[Any, LINES] = None,
    methods: Annotated[Any, METHODS] = None,
    changes: Annotated[Any, LINES] = None,
    out: str = "",
) -> Any:
    """Reconstruct many scans by one recipe. A scan that fails does not stop the others.

    Args:
        recipe: What is done with each scan; its own scan.path is not used. A file lies on the machine that
            serves.
        scans: Scans, folders of scans, patterns such as /data/day1/*.h5, sample://NAME, or @/data/list.txt, a
            text file with one of these on each line.
        methods: Methods to compare on every scan; the recipe's own alone if none is chosen.
        changes: Single values of the recipe, as with --set: reconstruct.lam=0.01
        out: Folder of the results; runs/TIME-NAME-many if empty.
    """
    form = dict(locals())
    return told(lambda: _reconstructed(form))


def _reconstructed(form: Mapping[str, Any]) -> Any:
    """The flow's final state, failed where a scan did; its artifacts where the server listens."""
    with refused():
        plan = plan_many(form)
        chosen = plan.recipe
        found = find_scans(plan.scans, chosen.recipe.scan.reader)
        check_machine(chosen.recipe)
    title = f"{chosen.recipe.name} on {len(found)} scan{'s' if len(found) != 1 else ''}"
    introduce(title, [chosen.recipe.scan.kind, *chosen.methods])
    tell("started")
    progress = BatchProgress(chosen.recipe.name, len(found), screen.get())
    try:
        finished = reconstruct_scans(
            replace(chosen, origin=flow_origin()),
            found,
            command=chosen.command("many", *plan.scans),
            source=scans_text(plan.scans),
            out=plan.out,
            listener=progress,
            run_units=run_as_tasks,
        )
    finally:
        progress.close()
    hand_over(finished)
    text = finished.batch.sentence
    tell(f"{text}, report {finished.report.resolve()}")
    if server_listens():
        publish_batch(finished.batch.recipe, finished.batch.outcomes, finished.report, text)
    ended = Completed if finished.batch.status == "done" else Failed
    return ended(message=text, data=finished)

"""The Prefect flow of many scans: the same batch as ``proxflow many``, a task run per scan."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from prefect import flow
from prefect.states import Completed, Failed
from pydantic import WithJsonSchema

from proxflow.flows.batch_artifacts import BatchProgress, publish_batch
from proxflow.flows.batch_forms import ManyPlan, plan_many
from proxflow.flows.batch_plan import check_machine
from proxflow.flows.batch_tasks import batch_run_name, run_as_tasks, screen
from proxflow.flows.embedded_server import tie_to_this_process
from proxflow.flows.flow_failure import failed
from proxflow.flows.form_schema import TEXTS, method_names, recipe_choice
from proxflow.flows.forms import DEFAULT_RECIPE
from proxflow.flows.many_run import FinishedBatch, reconstruct_scans, scans_text
from proxflow.flows.prefect_origin import flow_origin
from proxflow.tasks.batch.scan_list import find_scans

BASE, METHODS, LINES = map(WithJsonSchema, (recipe_choice(), method_names(), TEXTS))


@flow(name="reconstruct-many", flow_run_name=batch_run_name, persist_result=False, validate_parameters=False)
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
    tie_to_this_process()
    try:
        finished = _run(plan_many(form))
    except Exception as error:
        return failed("reconstruct-many", error)
    text = finished.batch.sentence
    publish_batch(finished.batch.recipe, finished.batch.outcomes, finished.report, text)
    ended = Completed if finished.batch.status == "done" else Failed
    return ended(message=text, data=finished)


def _run(plan: ManyPlan) -> FinishedBatch:
    chosen = replace(plan.recipe, origin=flow_origin())
    check_machine(chosen.recipe)
    found = find_scans(plan.scans, chosen.recipe.scan.reader)
    progress = BatchProgress(chosen.recipe.name, len(found), screen.get())
    try:
        return reconstruct_scans(
            chosen,
            found,
            command=chosen.command("many", *plan.scans),
            source=scans_text(plan.scans),
            out=plan.out,
            listener=progress,
            run_units=run_as_tasks,
        )
    finally:
        progress.close()

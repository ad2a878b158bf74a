"""The Prefect flow of a watched folder: one pass, a task run per scan that arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from prefect import flow
from prefect.states import Completed, Failed
from pydantic import WithJsonSchema

from proxflow.flows.batch_artifacts import publish_batch
from proxflow.flows.batch_forms import plan_watch
from proxflow.flows.batch_plan import check_machine
from proxflow.flows.batch_tasks import run_as_tasks, screen
from proxflow.flows.form_schema import TEXTS, recipe_choice
from proxflow.flows.forms import DEFAULT_RECIPE
from proxflow.flows.late_report import server_listens, tell
from proxflow.flows.prefect_origin import flow_origin
from proxflow.flows.recorded_run import introduce, refused
from proxflow.flows.told import told
from proxflow.flows.watch_pass import watch_pass
from proxflow.flows.watch_request import watch_request
from proxflow.tasks.watch.arrivals import EVERYTHING

BASE, LINES = map(WithJsonSchema, (recipe_choice(), TEXTS))


@flow(name="watch", persist_result=False, validate_parameters=False)
def watch(
    folder: str = "",
    recipe: Annotated[Any, BASE] = DEFAULT_RECIPE,
    changes: Annotated[Any, LINES] = None,
    out: str = "",
    pattern: str = EVERYTHING,
    settle: float = 5.0,
    retry_failed: bool = False,
) -> Any:
    """Reconstruct the scans that arrived in a folder since the last run, each exactly once.

    Args:
        folder: The folder in which scans arrive, on the machine that serves.
        recipe: What is done with each scan; its own scan.path is not used. A file lies on the machine that
            serves.
        changes: Single values of the recipe, as with --set: reconstruct.lam=0.01
        out: Folder of the results, and of what was done already; if empty proxflow-NAME in the watched
            folder, NAME the recipe's.
        pattern: Names to take, as *.h5 or */*.cfl; with * all that look like scans.
        settle: Seconds for which a scan must not change before it counts as whole.
        retry_failed: Take scans that failed before once more.
    """
    form = dict(locals())
    return told(lambda: _watched(form))


def _watched(form: Mapping[str, Any]) -> Any:
    """The flow's final state, failed where a scan did; its artifacts where the server listens."""
    with refused():
        plan = plan_watch(form)
        chosen = replace(plan.recipe, origin=flow_origin())
        request = watch_request(plan.folder, chosen, plan.out, plan.pattern, plan.settle, plan.retry_failed)
        check_machine(chosen.recipe)
    introduce(f"{chosen.recipe.name} on {request.folder.name}", [chosen.recipe.scan.kind])
    done = watch_pass(request, screen.get(), run_as_tasks)
    if done.outcomes:
        tell(f"{done.sentence}, report {done.report.resolve()}")
        if server_listens():
            publish_batch(f"watch-{done.folder.name}", done.outcomes, done.report, done.sentence)
    ended = Completed if done.status == "done" else Failed
    return ended(message=done.sentence, data=done)

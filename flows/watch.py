"""The Prefect flow of a watched folder: one pass, a task run per scan that arrived."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow
from prefect.states import Completed, Failed

from proxflow.flows.batch_artifacts import publish_batch
from proxflow.flows.batch_plan import batch_recipe
from proxflow.flows.batch_tasks import batch_run_name, run_as_tasks, screen
from proxflow.flows.embedded_server import tie_to_this_process
from proxflow.flows.watch_pass import watch_pass
from proxflow.flows.watch_request import watch_request


@flow(name="watch", flow_run_name=batch_run_name, persist_result=False, validate_parameters=False)
def watch(
    folder: str = "",
    recipe: str = "mri-brain-poisson4",
    out: str = "",
    pattern: str = "*",
    settle: float = 5.0,
    retry_failed: bool = False,
    changes: list[str] = [],  # noqa: B006
) -> Any:
    """Reconstruct the scans that arrived in a folder since the last run, each exactly once.

    Args:
        folder: The folder in which scans arrive, on the machine that runs this.
        recipe: A recipe file on that machine, or the name of a ready recipe. Its scan.path is not used.
        out: Folder of the results, and of what was done already; if empty proxflow-NAME in the watched
            folder, NAME the recipe's.
        pattern: Names to take, as *.h5 or */*.cfl; with * all that look like scans.
        settle: Seconds for which a scan must not change before it counts as whole.
        retry_failed: Take scans that failed before once more.
        changes: Numbers of the recipe to change, as reconstruct.lam=0.01 or runtime.workers=4.
    """
    tie_to_this_process()
    chosen = batch_recipe(recipe, changes, [])
    request = watch_request(Path(folder), chosen, Path(out) if out else None, pattern, settle, retry_failed)
    done = watch_pass(request, screen.get(), run_as_tasks)
    if done.outcomes:
        publish_batch(request.folder.name, done.outcomes, done.report, done.sentence)
    ended = Completed if done.status == "done" else Failed
    return ended(message=done.sentence, data=done)

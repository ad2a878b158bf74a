"""The Prefect flow of many scans: the same batch as ``proxflow many``, a task run per scan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow
from prefect.states import Completed, Failed

from proxflow.flows.batch_artifacts import BatchProgress, publish_batch
from proxflow.flows.batch_plan import batch_recipe
from proxflow.flows.batch_tasks import batch_run_name, run_as_tasks, screen
from proxflow.flows.embedded_server import tie_to_this_process
from proxflow.flows.many_run import reconstruct_scans, scans_text
from proxflow.tasks.batch.scan_list import find_scans


@flow(
    name="reconstruct-many",
    flow_run_name=batch_run_name,
    persist_result=False,
    validate_parameters=False,
)
def reconstruct_many(
    recipe: str = "mri-brain-poisson4",
    scans: list[str] = [],  # noqa: B006
    methods: list[str] = [],  # noqa: B006
    changes: list[str] = [],  # noqa: B006
    out: str = "",
) -> Any:
    """Reconstruct many scans by one recipe. A scan that fails does not stop the others.

    Args:
        recipe: A recipe file on the machine that runs this, or the name of a ready recipe. Its scan.path is
            not used.
        scans: Scans, folders of scans, patterns such as /data/day1/*.h5, sample://NAME, or @/data/list.txt, a
            text file with one of these on each line.
        methods: Methods to compare on every scan; the recipe's own alone if empty.
        changes: Numbers of the recipe to change, as reconstruct.lam=0.01 or runtime.workers=4.
        out: Folder of the results; runs/TIME-NAME-many where this runs if empty.
    """
    tie_to_this_process()
    chosen = batch_recipe(recipe, changes, methods)
    found = find_scans(scans, chosen.recipe.scan.reader)
    name = chosen.recipe.name
    finished = reconstruct_scans(
        chosen,
        found,
        command=chosen.command("many", *scans),
        source=scans_text(scans),
        out=Path(out).expanduser() if out else None,
        listener=BatchProgress(name, len(found), screen.get()),
        run_units=run_as_tasks,
    )
    text = finished.batch.sentence
    publish_batch(name, finished.batch.outcomes, finished.report, text)
    ended = Completed if finished.batch.status == "done" else Failed
    return ended(message=text, data=finished)

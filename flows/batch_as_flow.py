"""A batch from the command line as a flow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from proxflow.flows.as_flow import as_flow
from proxflow.flows.batch_plan import BatchRecipe
from proxflow.flows.batch_run import BatchListener
from proxflow.flows.many_run import FinishedBatch


def run_many_as_flow(
    recipe: BatchRecipe, scans: Sequence[str], *, out: Path | None, listener: BatchListener
) -> FinishedBatch:
    """``reconstruct_scans`` as the flow ``reconstruct-many``; see ``as_flow``."""

    def load() -> Callable[[], Any]:
        from proxflow.flows.batch_tasks import screen
        from proxflow.flows.many import reconstruct_many

        def run() -> Any:
            listening = screen.set(listener)
            try:
                return reconstruct_many(
                    recipe=recipe.text,
                    scans=list(scans),
                    methods=list(recipe.names),
                    changes=list(recipe.changes),
                    out=str(out) if out else "",
                    return_state=True,
                )
            finally:
                screen.reset(listening)

        return run

    finished: FinishedBatch = as_flow(load)
    return finished

"""A batch from the command line as a flow run: on the configured server, or on Prefect's embedded one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from proxflow.flows.batch_plan import BatchRecipe
from proxflow.flows.batch_run import BatchListener
from proxflow.flows.many_run import FinishedBatch
from proxflow.flows.prefect_environment import prepare_environment, server_configured
from proxflow.flows.prefect_run import drain


def run_many_as_flow(
    recipe: BatchRecipe, scans: Sequence[str], *, out: Path | None, listener: BatchListener
) -> FinishedBatch:
    """``reconstruct_scans`` as the flow ``reconstruct-many``; nothing is left running."""
    embedded = not server_configured()
    prepare_environment(quiet=True)
    from prefect.settings import get_current_settings

    from proxflow.flows.batch_tasks import screen
    from proxflow.flows.many import reconstruct_many

    get_current_settings().flows.heartbeat_frequency = None  # joining its thread costs a second
    token = screen.set(listener)
    try:
        state: Any = reconstruct_many(
            recipe=recipe.text,
            scans=list(scans),
            methods=list(recipe.names),
            changes=list(recipe.changes),
            out=str(out) if out else "",
            return_state=True,
        )
        finished: FinishedBatch | BaseException = state.result(raise_on_failure=False)
    finally:
        screen.reset(token)
    if isinstance(finished, BaseException):
        raise finished
    if embedded:
        drain(state.state_details.flow_run_id, len(finished.batch.outcomes))
    return finished

"""A batch from the command line as a flow run: on the configured server, or on Prefect's embedded one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from proxflow.flows import server_contact
from proxflow.flows.batch_plan import BatchRecipe
from proxflow.flows.batch_run import BatchListener
from proxflow.flows.many_run import FinishedBatch
from proxflow.flows.prefect_environment import prepare_environment, server_configured
from proxflow.flows.prefect_run import drain


def run_many_as_flow(
    recipe: BatchRecipe, scans: Sequence[str], *, out: Path | None, listener: BatchListener
) -> FinishedBatch:
    """``reconstruct_scans`` as the flow ``reconstruct-many``; nothing is left running.

    A configured server must answer at the start (RequestError); if it goes later, the batch completes and a
    line on standard error says that its record did not.
    """
    embedded = not server_configured()
    if not embedded:
        server_contact.configured_server()
    prepare_environment(quiet=True)
    from prefect.settings import get_current_settings

    from proxflow.flows.batch_tasks import outcomes, screen
    from proxflow.flows.embedded_server import start_apart
    from proxflow.flows.late_report import CONTACT_FAULTS
    from proxflow.flows.many import reconstruct_many

    get_current_settings().flows.heartbeat_frequency = None  # joining its thread costs a second
    if embedded:
        start_apart()
    kept: list[FinishedBatch | Exception] = []
    listening, waiting = screen.set(listener), outcomes.set(kept)
    state: Any = None
    try:
        state = reconstruct_many(
            recipe=recipe.text,
            scans=list(scans),
            methods=list(recipe.names),
            changes=list(recipe.changes),
            out=str(out) if out else "",
            return_state=True,
        )
    except CONTACT_FAULTS:
        if not kept:
            raise
        server_contact.lost.set()
        print(
            "proxflow: Prefect's server is gone; the batch is complete, its record there is not",
            file=sys.stderr,
        )
    finally:
        screen.reset(listening)
        outcomes.reset(waiting)
    if isinstance(kept[0], Exception):
        raise kept[0]
    if embedded and state is not None:
        drain(state.state_details.flow_run_id, len(kept[0].batch.outcomes))
    return kept[0]

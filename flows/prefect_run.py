"""A flow run from the command line: on the configured server, or on Prefect's embedded one."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from proxflow.configs.methods import MethodConfig
from proxflow.configs.recipe import Recipe
from proxflow.flows import server_contact
from proxflow.flows.launch import Finished
from proxflow.flows.prefect_environment import prepare_environment, server_configured
from proxflow.tasks.reporting import Reporter, listen

DRAIN_SECONDS = 30.0
T = TypeVar("T")


def launch_as_flow(
    recipe: Recipe, methods: Sequence[MethodConfig], *, command: str, out: Path | None, listener: Reporter
) -> Finished:
    """``launch`` as a Prefect flow. Nothing is left running: the embedded server ends with this process.

    A configured server must answer at the start (RequestError); if it goes later, the run completes and a
    line on standard error says that its record did not.
    """
    embedded = not server_configured()
    if not embedded:
        server_contact.configured_server()
    prepare_environment(quiet=True)
    from prefect.settings import get_current_settings

    from proxflow.flows.embedded_server import start_apart
    from proxflow.flows.late_report import CONTACT_FAULTS
    from proxflow.flows.recipe_flows import named_flow
    from proxflow.flows.told import outcomes

    get_current_settings().flows.heartbeat_frequency = None  # joining its thread costs a second
    if embedded:
        start_apart()
    run = named_flow("reconstruct" if len(methods) == 1 else "compare", recipe.runtime.workers)
    kept: list[Finished | Exception] = []
    waiting, previous = outcomes.set(kept), listen(listener)
    try:
        state = run(
            recipe=recipe.model_dump(mode="json"),
            methods=[config.method for config in methods],
            command=command,
            out=str(out) if out else None,
            return_state=True,
        )
        finished: Finished = state.result()
    except CONTACT_FAULTS:
        return unreported(kept)
    finally:
        listen(previous)
        outcomes.reset(waiting)
    if embedded:
        drain(state.state_details.flow_run_id, len(finished.result.outcomes))
    return finished


def unreported(kept: list[T | Exception]) -> T:
    """The outcome of a run whose server went; the fault itself if it came before there was an outcome."""
    if not kept:
        raise
    server_contact.lost.set()
    print("proxflow: Prefect's server is gone; the run is complete, its record there is not", file=sys.stderr)
    if isinstance(kept[0], Exception):
        raise kept[0]
    return kept[0]


def drain(flow_run_id: UUID | None, expected: int) -> None:
    """Wait until the embedded server has recorded every task run: it digests them after the flow's end,
    and what it has not digested when it stops is lost."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import TERMINAL_STATES

    query = {
        "flow_runs": {"id": {"any_": [str(flow_run_id)]}},
        "task_runs": {"state": {"type": {"any_": [state.value for state in TERMINAL_STATES]}}},
    }
    with get_client(sync_client=True) as client:
        end = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < end:
            if client.request("POST", "/task_runs/count", json=query).json() >= expected:
                return
            time.sleep(0.1)

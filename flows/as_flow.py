"""A flow run from the command line: on the configured server, or on Prefect's embedded one."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from proxflow.flows import server_contact
from proxflow.flows.prefect_environment import prepare_environment, server_configured

DRAIN_SECONDS = 30.0


def as_flow(load: Callable[[], Callable[[], Any]]) -> Any:
    """The outcome of a flow; nothing is left running: the embedded server ends with this process.

    A configured server must answer at the start (RequestError); if it goes later, the flow completes and a
    line on standard error says that its record did not.

    Args:
        load: imports the flow, once Prefect's settings are made, and gives a call of it that returns its
            state, and hands its outcome over (``told.hand_over``).
    """
    embedded = not server_configured()
    if not embedded:
        server_contact.configured_server()
    prepare_environment(quiet=True)
    from prefect.settings import get_current_settings

    from proxflow.flows.embedded_server import start_apart
    from proxflow.flows.late_report import CONTACT_FAULTS
    from proxflow.flows.task_runs import submitted
    from proxflow.flows.told import outcomes

    get_current_settings().flows.heartbeat_frequency = None  # joining its thread costs a second
    run = load()
    if embedded:
        start_apart()
    kept: list[Any] = []
    task_runs: list[str] = []
    waiting, counting = outcomes.set(kept), submitted.set(task_runs)
    state: Any = None
    try:
        state = run()
    except CONTACT_FAULTS:
        if not kept:
            raise
        server_contact.lost.set()
        print(
            "proxflow: Prefect's server is gone; the run is complete, its record there is not",
            file=sys.stderr,
        )
    finally:
        outcomes.reset(waiting)
        submitted.reset(counting)
    if not kept:
        state.result()  # raises what ended the flow before it had an outcome
    outcome = kept[0]
    if isinstance(outcome, Exception):
        raise outcome
    if embedded and state is not None:
        drain(state.state_details.flow_run_id, len(task_runs))
    return outcome


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

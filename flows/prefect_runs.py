"""Runs as the Prefect server of PREFECT_API_URL knows them: those planned or going on, and cancelling."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from proxflow.flows.prefect_environment import prepare_environment
from proxflow.tasks.errors import RequestError

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

FLOWS = ("reconstruct", "compare", "reconstruct-many", "watch", "train")
ALIVE = ("SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING")
MOST = 200  # the server's own limit on one answer


class ServerRun(NamedTuple):
    """A flow run that has not ended. expected: when it starts or started, ISO text."""

    id: str
    name: str
    flow: str
    state: str
    expected: str | None


def waiting_runs(limit: int = MOST) -> list[ServerRun]:
    """Flow runs of ours that are planned or going on, the next ones first. RequestError if the server
    does not answer."""
    from prefect.client.schemas import filters
    from prefect.client.schemas.objects import StateType
    from prefect.client.schemas.sorting import FlowRunSort

    types = filters.FlowRunFilterStateType(any_=[StateType(name) for name in ALIVE])
    with _server() as client:
        flows = {flow.id: flow.name for flow in client.read_flows()}
        found = client.read_flow_runs(
            flow_filter=filters.FlowFilter(name=filters.FlowFilterName(any_=list(FLOWS))),
            flow_run_filter=filters.FlowRunFilter(state=filters.FlowRunFilterState(type=types)),
            sort=FlowRunSort.EXPECTED_START_TIME_ASC,
            limit=min(limit, MOST),
        )
    return [_server_run(run, flows.get(run.flow_id, "")) for run in found]


def cancel_flow_run(flow_run_id: str) -> None:
    """Tell the server to cancel: the runner of the deployment then ends the process."""
    from prefect.states import Cancelling

    with _server() as client:
        client.set_flow_run_state(UUID(flow_run_id), Cancelling(message="proxflow cancel"))


def flow_run_state(flow_run_id: str) -> str:
    """The type of a flow run's state, as ``CANCELLED``."""
    with _server() as client:
        state = client.read_flow_run(UUID(flow_run_id)).state
        return state.type.value if state else "PENDING"


def _server_run(run: Any, flow: str) -> ServerRun:
    expected = run.start_time or run.expected_start_time
    state = run.state_name.lower() if run.state_name else "pending"
    when = expected.isoformat() if expected else None
    return ServerRun(str(run.id), run.name, flow, state, when)


@contextmanager
def _server() -> Iterator[SyncPrefectClient]:
    prepare_environment(quiet=True)
    from httpx import HTTPError
    from prefect.client.orchestration import get_client
    from prefect.exceptions import PrefectException

    try:
        with get_client(sync_client=True) as client:
            yield client
    except (HTTPError, PrefectException, OSError) as error:
        url = os.environ.get("PREFECT_API_URL")
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise RequestError(f"PREFECT_API_URL must be a server that answers, got {url}: {reason}") from None

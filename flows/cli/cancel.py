"""``proxflow cancel``."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from proxflow.flows.cli.ledger import Store, goes_by, open_ledger
from proxflow.flows.cli.options import Json

if TYPE_CHECKING:
    from proxflow.tasks.run_ledger import RunLedger
    from proxflow.tasks.run_record import RunRecord

PATIENCE_SECONDS = 45.0  # Prefect's runner waits 30 s before it kills
POLL_SECONDS = 0.1


def command(
    run: Annotated[
        str,
        Parameter(help="Its id or the start of it, the name of its run folder or recipe."),
    ],
    /,
    *,
    store: Store = None,
    json: Json = False,
) -> int:
    """Stop a run; started again, it goes on from where it was.

    A run of a command is told to terminate, on this machine; one of a batch with the whole batch. A run of a
    Prefect deployment is cancelled through the server in PREFECT_API_URL, also one that is only planned.
    Waits until it has ended; exit code 1 if it does not.

    `proxflow cancel 261121-1757`
    """
    from proxflow.tasks.errors import RequestError

    ledger = open_ledger(store)
    named = [record for record in ledger.records() if goes_by(record, run)]
    exact = [record for record in named if record.id == run]
    alive = [record for record in exact or named if record.state == "running"]
    if len(alive) > 1:
        ids = ", ".join(record.id for record in alive)
        raise RequestError(f"RUN must name one run, got {run!r}, which is {ids}")
    batch = None
    if alive:
        who, batch, ended = alive[0].id, alive[0].origin.batch, _stop(ledger, alive[0])
    elif (planned := _on_server(run)) is not None:
        who, ended = planned, _cancel_on_server(planned, lambda: True)
    elif named:
        raise RequestError(f"RUN must be a run that goes on, got {named[0].id}, which is {named[0].state}")
    else:
        raise RequestError(f"RUN must be a run of {ledger.folder} or of the Prefect server, got {run!r}")
    return _say(who, batch, ended, json)


def _say(who: str, batch: str | None, ended: bool, as_json: bool) -> int:
    all_of = f", with all of the batch {batch}" if batch else ""
    sentence = (
        f"{who} was stopped{all_of}" if ended else f"{who} was told to stop{all_of}, and goes on so far"
    )
    if as_json:
        import json

        print(json.dumps({"status": "done" if ended else "failed", "run": who, "ended": ended}))
    else:
        print(sentence)
    return 0 if ended else 1


def _stop(ledger: RunLedger, record: RunRecord) -> bool:
    """Whether it ended."""

    def over() -> bool:
        now = ledger.record(record.id)
        return now is None or now.state != "running"

    if record.origin.flow_run_id and record.origin.deployment:
        return _cancel_on_server(record.origin.flow_run_id, over)
    _terminate(record)
    return _wait(over)


def _terminate(record: RunRecord) -> None:
    """SIGTERM to the process of the run, or of its batch; RequestError where that cannot be."""
    from proxflow.tasks.errors import RequestError

    process = record.origin.process or record.process
    if not process.is_here():
        raise RequestError(
            f"RUN must go on on this machine, got {record.id}, which does on {process.host}: cancel it there"
        )
    if not process.lives():
        raise RequestError(f"RUN must be of a live process, got {record.id}, of process {process.pid}")
    try:
        os.kill(process.pid, signal.SIGTERM)
    except PermissionError:
        raise RequestError(f"RUN must be one's own, got {record.id} of another user's process") from None


def _on_server(run: str) -> str | None:
    """The id of the one flow run on the server that goes by this name; None if there is none."""
    from proxflow.flows.prefect_environment import server_configured
    from proxflow.tasks.errors import RequestError

    if not server_configured():
        return None
    from proxflow.flows.prefect_runs import waiting_runs

    found = [one.id for one in waiting_runs() if one.name == run or one.id.startswith(run)]
    if len(found) > 1:
        raise RequestError(f"RUN must name one run, got {run!r}, which on the server is {', '.join(found)}")
    return found[0] if found else None


def _cancel_on_server(flow_run_id: str, over: Callable[[], bool]) -> bool:
    """Whether the flow run was cancelled; and ``over``."""
    from proxflow.flows.prefect_environment import server_configured
    from proxflow.flows.prefect_runs import cancel_flow_run, flow_run_state
    from proxflow.tasks.errors import RequestError

    if not server_configured():
        raise RequestError(
            f"PREFECT_API_URL must be set to cancel a run of a deployment, got flow run {flow_run_id}"
        )
    cancel_flow_run(flow_run_id)
    return _wait(lambda: over() and flow_run_state(flow_run_id) != "CANCELLING")


def _wait(over: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        if over():
            return True
        time.sleep(POLL_SECONDS)
    return over()

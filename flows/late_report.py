"""What becomes of a run's record when Prefect's server goes while it computes.

The run itself needs no server. A deployed run waits for it to come back, then reports; one at a person's
terminal gives up at once and says so.
"""

from __future__ import annotations

import os

import httpx
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import get_current_settings

from proxflow.flows import server_contact

WAIT_SECONDS = 1800.0
CONTACT_FAULTS = (httpx.TransportError, PrefectHTTPStatusError)


def present_run() -> FlowRun | None:
    """The flow run this code belongs to."""
    context = FlowRunContext.get()
    return context.flow_run if context else None


def run_name() -> str:
    """Of the present flow run."""
    run = present_run()
    return run.name if run else ""


def deployed() -> bool:
    """Whether the present flow run was started for a deployment, so that nobody waits at a terminal."""
    run = present_run()
    return bool(run and run.deployment_id)


def tell(line: str) -> None:
    """A line on the terminal of ``proxflow serve``; nothing for a run with a terminal of its own."""
    if deployed():
        print(f"proxflow: {run_name()}: {line}", flush=True)


def server_listens() -> bool:
    """Whether the end of the present run can be reported now; a deployed run waits until it can.

    Where not, this process gives the server up: what it has still to say is not tried for minutes.
    """
    url = os.environ.get("PREFECT_API_URL")
    if not url or server_contact.alive(url):  # the embedded server lives as long as we do
        return True
    if deployed():
        minutes = WAIT_SECONDS / 60
        tell(f"the server does not answer; it is told when it is back, within {minutes:.0f} minutes")
        if server_contact.wait_for_server(url, WAIT_SECONDS):
            return True
        tell("the server stayed away; its record of this run stays unfinished")
    server_contact.lost.set()
    get_current_settings().client.max_retries = 0
    return False

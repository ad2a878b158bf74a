"""How the present flow run came about, for the ledger."""

from __future__ import annotations

from typing import Literal

from prefect.runtime import deployment, flow_run

from proxflow.flows.late_report import CONTACT_FAULTS, run_name
from proxflow.tasks.run_record import Origin

SCHEDULED = "auto-scheduled"  # the tag Prefect's scheduler gives its runs


def flow_origin() -> Origin:
    """Started by a schedule, by a person from a deployment, or from a command."""
    kind: Literal["command", "schedule", "deployment"] = "command"
    if deployment.id:
        kind = "schedule" if SCHEDULED in flow_run.tags else "deployment"
    return Origin(
        kind=kind,
        deployment=_deployment_name(),
        flow_run_id=str(flow_run.id),
        flow_run_name=run_name(),
    )


def _deployment_name() -> str | None:
    try:
        return deployment.name  # the one thing here that is asked of the server
    except CONTACT_FAULTS:
        return None

"""How the present flow run came about, for the ledger."""

from __future__ import annotations

from typing import Literal

from prefect.runtime import deployment, flow_run

from proxflow.tasks.run_record import Origin

SCHEDULED = "auto-scheduled"  # the tag Prefect's scheduler gives its runs


def flow_origin() -> Origin:
    """Started by a schedule, by a person from a deployment, or from a command."""
    kind: Literal["command", "schedule", "deployment"] = "command"
    if deployment.id:
        kind = "schedule" if SCHEDULED in flow_run.tags else "deployment"
    return Origin(
        kind=kind, deployment=deployment.name, flow_run_id=str(flow_run.id), flow_run_name=flow_run.name
    )

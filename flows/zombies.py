"""The server's rule that a run whose heartbeat stopped has crashed.

A process that was killed cannot say so; without the rule its run stays Running for ever.
"""

from __future__ import annotations

from datetime import timedelta

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

NAME = "proxflow: a run without heartbeat has crashed"
HEARTBEAT = "prefect.flow-run.heartbeat"
ENDS = ("Completed", "Failed", "Cancelled", "Crashed")
SILENCE = timedelta(seconds=120)  # four heartbeats


def mark_silent_runs_crashed() -> None:
    """Create the rule on the server, or bring the one that is there up to date."""
    rule = AutomationCore(
        name=NAME,
        description="Made by `proxflow serve`.",
        trigger=EventTrigger(
            after={HEARTBEAT},
            expect={HEARTBEAT, *(f"prefect.flow-run.{end}" for end in ENDS)},
            match={"prefect.resource.id": ["prefect.flow-run.*"]},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=SILENCE,
        ),
        actions=[
            ChangeFlowRunState(
                name=None,
                force=False,
                state=StateType.CRASHED,
                message=f"No sign of life for {SILENCE.seconds} s: its process was killed or cut off.",
            )
        ],
    )
    with get_client(sync_client=True) as client:
        known = client.read_automations_by_name(NAME)
        if known:
            client.update_automation(known[0].id, rule)
        else:
            client.create_automation(rule)

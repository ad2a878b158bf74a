"""A run that computes knows better than the server whether it lives.

The server takes a run for crashed whose heartbeat it missed. After the server itself was away that is wrong,
until the run ends: its end is believed.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.states import Running

from proxflow.flows.late_report import CONTACT_FAULTS, deployed, present_run

LOOK_SECONDS = 30.0


class StillHere:
    """While it is entered, a deployed run that the server calls crashed is called running again."""

    def __init__(self) -> None:
        run = present_run()
        self._run = run.id if run and deployed() else None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        if self._run:
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._run:
            self._thread.join()  # or it could revive a run that ended meanwhile

    def _watch(self) -> None:
        while not self._done.wait(LOOK_SECONDS):
            with suppress(*CONTACT_FAULTS):
                if self._run and _called_crashed(self._run) and not self._done.is_set():
                    with get_client(sync_client=True) as client:
                        client.set_flow_run_state(self._run, Running(), force=True)


def _called_crashed(run: UUID) -> bool:
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(run).state
    return state is not None and state.type == StateType.CRASHED

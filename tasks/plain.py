"""The plain caller: stages run one after another in this process, without Prefect."""

from __future__ import annotations

from proxflow.data.store.store import ArtefactStore
from proxflow.tasks.stage import Machine, StageCall, StageOutcome, execute


class PlainEngine:
    """Executes each call at once."""

    def __init__(self, machine: Machine, store: ArtefactStore) -> None:
        self._machine, self._store = machine, store

    def submit(self, call: StageCall) -> StageOutcome:
        return execute(call, self._machine, self._store)

    def result(self, handle: StageOutcome) -> StageOutcome:
        return handle

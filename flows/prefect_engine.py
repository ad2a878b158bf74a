"""The Prefect caller: every stage call as a task run."""

from __future__ import annotations

from typing import Any

from prefect import task
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.states import Completed

from proxflow.data.store.errors import DamagedArtefactError, StoreError
from proxflow.data.store.store import ArtefactStore
from proxflow.tasks.stage import Machine, StageCall, StageOutcome, execute

RETRY_SECONDS = [1.0, 5.0]
_stores: dict[str, ArtefactStore] = {}


def _is_io_fault(_task: Any, _run: Any, state: State[Any]) -> bool:
    """Retry what a moment may mend: a file system's fault, not a full disk and never a number.

    A damaged input is not mended here, but by the run, which computes it again.
    """
    try:
        state.result()
    except (StoreError, DamagedArtefactError, FileNotFoundError, PermissionError):
        return False
    except OSError:
        return True
    except Exception:
        return False
    return False


@task(
    task_run_name="{label}",
    persist_result=False,
    retries=len(RETRY_SECONDS),
    retry_delay_seconds=RETRY_SECONDS,
    retry_condition_fn=_is_io_fault,
)
def run_stage(label: str, call: StageCall, machine: Machine) -> Any:
    """One stage; a hit in the store shows as Cached. Takes and returns references, never arrays."""
    store = _stores.setdefault(machine.store_root, ArtefactStore(machine.store_path, machine.store_limit))
    outcome = execute(call, machine, store)
    if outcome.cached:
        return Completed(name="Cached", message=f"key {outcome.ref.key}", data=outcome)
    return Completed(message=f"key {outcome.ref.key}, {outcome.elapsed:.2f} s", data=outcome)


class PrefectEngine:
    """Submits each call to the flow's task runner."""

    def __init__(self, machine: Machine, store: ArtefactStore) -> None:
        self._machine = machine
        _stores[machine.store_root] = store
        self.submitted = 0

    def submit(self, call: StageCall) -> PrefectFuture[StageOutcome]:
        self.submitted += 1
        return run_stage.submit(call.label, call, self._machine)

    def result(self, handle: PrefectFuture[StageOutcome]) -> StageOutcome:
        return handle.result()

"""The Prefect caller: every stage call, and every part of one that is spread, as a task run."""

from __future__ import annotations

import threading
import uuid
from typing import Any

from prefect import task
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.states import Completed

from proxflow.data.store.errors import DamagedArtefactError, StoreError
from proxflow.data.store.store import ArtefactStore
from proxflow.flows.task_runs import count_task_run
from proxflow.tasks.calls import Machine, StageCall, StageOutcome
from proxflow.tasks.dispatch import Dispatcher, part_label
from proxflow.tasks.runners.runner import Runner
from proxflow.tasks.spreading_engine import SpreadingEngine

RETRY_SECONDS = [1.0, 5.0]
_engines: dict[str, PrefectEngine] = {}  # a task takes a name: Prefect would pickle the engine itself


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


OPTIONS: dict[str, Any] = {
    "task_run_name": "{label}",
    "persist_result": False,
    "retries": len(RETRY_SECONDS),
    "retry_delay_seconds": RETRY_SECONDS,
    "retry_condition_fn": _is_io_fault,
}


@task(**OPTIONS)
def run_stage(label: str, call: StageCall, engine: str) -> Any:
    """One stage; a hit in the store shows as Cached. Takes and returns references, never arrays."""
    with _engines[engine].turn:
        outcome = _engines[engine].dispatcher.run(call)
    if outcome.cached:
        return Completed(name="Cached", message=f"key {outcome.ref.key}", data=outcome)
    return Completed(message=f"key {outcome.ref.key}, {outcome.elapsed:.2f} s", data=outcome)


@task(**OPTIONS)
def solve_part(label: str, call: StageCall, items: tuple[int, ...], engine: str) -> int:
    """Some items of a stage, for ``run_stage`` to assemble; how many."""
    with _engines[engine].turn:
        return _engines[engine].dispatcher.solve_part(call, items)


class PrefectEngine(SpreadingEngine):
    """Submits each call to the flow's threads, which take turns: as many work as the runner has workers."""

    def __init__(self, machine: Machine, store: ArtefactStore, runner: Runner) -> None:
        super().__init__(Dispatcher(machine, store, runner))
        self.turn = threading.BoundedSemaphore(runner.workers)
        self._name = uuid.uuid4().hex
        _engines[self._name] = self

    def _start(self, call: StageCall) -> PrefectFuture[StageOutcome]:
        count_task_run(call.label)
        return run_stage.submit(call.label, call, self._name)

    def _start_part(self, call: StageCall, items: tuple[int, ...]) -> PrefectFuture[int]:
        label = part_label(call.label, items)
        count_task_run(label)
        return solve_part.submit(label, call, items, self._name)

    def _outcome(self, handle: PrefectFuture[StageOutcome]) -> StageOutcome:
        return handle.result()

    def close(self) -> None:
        """Forget the engine: its tasks are done."""
        del _engines[self._name]

"""The Prefect caller: every stage call, and every part of one that is spread, as a task run."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass
from typing import Any

from prefect import task
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.states import Completed

from proxflow.data.store.errors import DamagedArtefactError, StoreError
from proxflow.data.store.store import ArtefactStore
from proxflow.tasks.calls import Machine, StageCall, StageOutcome
from proxflow.tasks.dispatch import Dispatcher, part_label
from proxflow.tasks.reporting import reporter
from proxflow.tasks.runners.runner import Runner

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


@dataclass(frozen=True)
class _Spread:
    """A call whose items are being solved; it runs when they are done."""

    call: StageCall
    parts: list[PrefectFuture[int]]
    n_items: int


class PrefectEngine:
    """Submits each call to the flow's threads, which take turns: as many work as the runner has workers."""

    def __init__(self, machine: Machine, store: ArtefactStore, runner: Runner) -> None:
        self.dispatcher = Dispatcher(machine, store, runner)
        self.turn = threading.BoundedSemaphore(runner.workers)
        self._name = uuid.uuid4().hex
        _engines[self._name] = self

    def submit(self, call: StageCall) -> Any:
        parts = self.dispatcher.parts(call)
        if not parts:
            return run_stage.submit(call.label, call, self._name)
        handles = [solve_part.submit(part_label(call.label, part), call, part, self._name) for part in parts]
        return _Spread(call, handles, sum(map(len, parts)))

    def result(self, handle: Any) -> StageOutcome:
        if isinstance(handle, _Spread):
            done = 0
            for part in handle.parts:
                done += part.result()
                reporter().items_solved(handle.call.label, done, handle.n_items)
            handle = run_stage.submit(handle.call.label, handle.call, self._name)
        outcome: StageOutcome = handle.result()
        return outcome

    def close(self) -> None:
        """Forget the engine: its tasks are done."""
        del _engines[self._name]

"""Units of a batch as Prefect tasks, one task run per scan, named after it."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from queue import SimpleQueue
from typing import Any

from prefect import task
from prefect.futures import PrefectFuture
from prefect.states import Completed, Failed

from proxflow.flows.batch_run import BatchListener, Crew
from proxflow.flows.scan_unit import ScanUnit
from proxflow.flows.task_runs import count_task_run
from proxflow.tasks.batch.outcome import ScanOutcome


class SilentListener:
    """Hears of every scan, says nothing."""

    def scan_started(self, unit: ScanUnit) -> None: ...

    def scan_ended(self, outcome: ScanOutcome) -> None: ...


# Who listens to a batch that runs as a flow; the command line's screen, where there is one.
screen: ContextVar[BatchListener] = ContextVar("screen", default=SilentListener())  # noqa: B039


def run_as_tasks(units: Sequence[ScanUnit], crew: Crew, listener: BatchListener) -> None:
    """At most ``crew.workers`` task runs at once, whatever the flow's task runner allows; within a flow.

    A scan that failed is a failed task run, with its sentence; one from the store shows as Cached.
    """
    ended: SimpleQueue[ScanOutcome | None] = SimpleQueue()

    @task(name="scan", task_run_name="{name}", persist_result=False)
    def scan(name: str, unit: ScanUnit) -> Any:
        outcome = None
        try:
            outcome = crew.work(unit)
        finally:
            ended.put(outcome)
        return _state(outcome)

    waiting, futures = list(reversed(units)), list[PrefectFuture[Any]]()

    def submit() -> None:
        if waiting:
            unit = waiting.pop()
            count_task_run(unit.name)
            futures.append(scan.submit(unit.name, unit))

    try:
        for _ in range(crew.workers):
            submit()
        for _ in units:
            if (outcome := ended.get()) is not None:
                listener.scan_ended(outcome)
            submit()
    except BaseException:
        crew.stop()
        raise
    finally:
        for future in futures:
            future.wait()


def _state(outcome: ScanOutcome | None) -> Any:
    if outcome is None:
        return Completed(name="Elsewhere", message="dealt with by another watcher")
    if outcome.state != "done":
        return Failed(message=outcome.why)
    if outcome.cached == outcome.stages:
        return Completed(name="Cached", message=f"all {outcome.stages} stages from the store")
    return Completed(message=f"{outcome.seconds:.2f} s, {outcome.report}")

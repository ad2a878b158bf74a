"""Units of a batch, as many at once as the runner has workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Protocol

from proxflow.flows.in_process_runner import Runner
from proxflow.flows.scan_unit import ScanUnit, failed, reconstruct_scan, stop_units
from proxflow.tasks.batch.outcome import ScanOutcome

Work = Callable[[ScanUnit], ScanOutcome | None]  # None where there was nothing to do


class BatchListener(Protocol):
    """Hears of every scan. ``scan_started`` comes from the thread that waits for the scan."""

    def scan_started(self, unit: ScanUnit) -> None: ...

    def scan_ended(self, outcome: ScanOutcome) -> None: ...


class RunUnits(Protocol):
    """A way to run units: in threads, or as Prefect tasks."""

    def __call__(
        self, units: Sequence[ScanUnit], work: Work, workers: int, listener: BatchListener
    ) -> None: ...


def work_on(runner: Runner, listener: BatchListener) -> Work:
    """The function that runs one unit where the runner runs them."""

    def work(unit: ScanUnit) -> ScanOutcome | None:
        listener.scan_started(unit)
        try:
            outcome: ScanOutcome = runner.call(reconstruct_scan, unit)
            return outcome
        except Exception as error:  # the worker is gone, not the batch
            return failed(unit, error)

    return work


def run_in_threads(units: Sequence[ScanUnit], work: Work, workers: int, listener: BatchListener) -> None:
    """One thread per worker waits for a unit. Ctrl-C ends those that run at their next iteration."""
    stop_units(False)
    if workers == 1:
        for unit in units:  # in this thread: an interruption reaches the computation at once
            if (outcome := work(unit)) is not None:
                listener.scan_ended(outcome)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="scan") as pool:
        try:
            for future in as_completed([pool.submit(work, unit) for unit in units]):
                if (outcome := future.result()) is not None:
                    listener.scan_ended(outcome)
        except BaseException:
            stop_units()
            pool.shutdown(wait=False, cancel_futures=True)
            raise

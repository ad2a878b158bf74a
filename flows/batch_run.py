"""Units of a batch, as many at once as the runner has workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from proxflow.configs.runtime import RuntimeConfig
from proxflow.flows.scan_unit import ScanUnit, failed, reconstruct_scan, stop_units
from proxflow.tasks.batch.outcome import ScanOutcome
from proxflow.tasks.runners.open_runner import open_runner
from proxflow.tasks.runners.runner import Runner, ThreadRunner

Work = Callable[[ScanUnit], ScanOutcome | None]  # None where there was nothing to do


class BatchListener(Protocol):
    """Hears of every scan. ``scan_started`` comes from the thread that waits for the scan."""

    def scan_started(self, unit: ScanUnit) -> None: ...

    def scan_ended(self, outcome: ScanOutcome) -> None: ...


@dataclass(frozen=True)
class Crew:
    """Who does the work: ``workers`` units at once; ``stop`` ends what they are at."""

    work: Work
    workers: int
    stop: Callable[[], None]


class RunUnits(Protocol):
    """A way to run units: in threads, or as Prefect tasks."""

    def __call__(self, units: Sequence[ScanUnit], crew: Crew, listener: BatchListener) -> None: ...


@contextmanager
def batch_runner(runtime: RuntimeConfig, n_scans: int) -> Iterator[Runner]:
    """The recipe's runner for scans; a single scan is run here, and spreads its slices over the workers."""
    if n_scans == 1:
        yield ThreadRunner(1, None)
    else:
        with open_runner(runtime) as runner:
            yield runner


def crew_of(runner: Runner, listener: BatchListener) -> Crew:
    """Units are run where ``runner`` runs them; ``listener`` hears when each begins."""

    def work(unit: ScanUnit) -> ScanOutcome | None:
        listener.scan_started(unit)
        try:
            return runner.call(reconstruct_scan, unit)
        except Exception as error:  # the worker is gone, not the batch
            return failed(unit, error)

    def stop() -> None:
        stop_units()
        runner.close(abandon=True)

    stop_units(False)
    return Crew(work, runner.workers, stop)


def run_in_threads(units: Sequence[ScanUnit], crew: Crew, listener: BatchListener) -> None:
    """One thread per worker waits for a unit. Ctrl-C ends those that run at their next iteration."""
    if crew.workers == 1:
        for unit in units:  # in this thread: an interruption reaches the computation at once
            if (outcome := crew.work(unit)) is not None:
                listener.scan_ended(outcome)
        return
    with ThreadPoolExecutor(crew.workers, thread_name_prefix="scan") as pool:
        try:
            for future in as_completed([pool.submit(crew.work, unit) for unit in units]):
                if (outcome := future.result()) is not None:
                    listener.scan_ended(outcome)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            crew.stop()
            raise

"""The runner that a recipe asks for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from proxflow.configs.runtime import RuntimeConfig
from proxflow.tasks.runners.dask_cluster import DaskRunner
from proxflow.tasks.runners.processes import ProcessRunner
from proxflow.tasks.runners.runner import Runner, ThreadRunner

UNITS_IN_FLIGHT = 64  # on a running cluster, whose scheduler queues what its workers cannot take yet


@contextmanager
def open_runner(runtime: RuntimeConfig) -> Iterator[Runner]:
    """The recipe's runner; its workers start with the first unit, and end here.

    An error, and Ctrl-C, abandons what the workers are at.
    """
    runner = _runner(runtime)
    try:
        yield runner
    except BaseException:
        runner.close(abandon=True)
        raise
    runner.close()


def _runner(runtime: RuntimeConfig) -> Runner:
    shared = runtime.threads or max(1, len(os.sched_getaffinity(0)) // runtime.workers)
    if runtime.runner == "processes":
        return ProcessRunner(runtime.workers, shared)
    if runtime.runner == "dask" and runtime.scheduler:
        in_flight = runtime.workers if runtime.workers > 1 else UNITS_IN_FLIGHT
        return DaskRunner(in_flight, runtime.threads or 1, runtime.scheduler)
    if runtime.runner == "dask":
        return DaskRunner(runtime.workers, shared)
    alone = runtime.workers == 1 and not runtime.threads
    return ThreadRunner(runtime.workers, None if alone else shared)

"""Units in processes of this machine, which outlive neither this process nor a run that is interrupted."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import wait
from typing import Any, ParamSpec, TypeVar, cast

from proxflow.tasks.dropped_signal import tell_again
from proxflow.tasks.errors import WorkerLostError
from proxflow.tasks.runners.runner import unit_name
from proxflow.tasks.runners.unit import UnitResult, repeat_here, run_unit

log = logging.getLogger("proxflow.runner")
P = ParamSpec("P")
T = TypeVar("T")
ATTEMPTS = 3
_busy = _told = False  # in a worker: computing; told to end


class ProcessRunner:
    """``workers`` processes, started when needed. A worker that dies is replaced, its unit run again."""

    in_process = False

    def __init__(self, workers: int, threads: int) -> None:
        self.workers, self._threads = workers, threads
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._closed = False

    def call(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """``function(*arguments)`` in a worker; see ``Runner``."""
        for attempt in range(1, ATTEMPTS + 1):
            pool = self._live_pool()
            try:
                done = pool.submit(_in_worker, function, arguments, named, self._threads).result()
            except BrokenProcessPool:
                self._discard(pool)
                if self._closed:
                    continue
                log.warning(
                    "a worker process died, %s is run again (%d of %d)",
                    unit_name(function),
                    attempt,
                    ATTEMPTS,
                )
                continue
            repeat_here(done.records)
            return cast("T", done.value)
        raise WorkerLostError(
            f"workers must stay alive, {ATTEMPTS} died at {unit_name(function)}: out of memory?"
        )

    def close(self, *, abandon: bool = False) -> None:
        """End the workers; ``abandon`` interrupts what they are at."""
        with self._lock:
            pool, self._pool, self._closed = self._pool, None, True
        if pool is None:
            return
        if abandon:
            for process in list((pool._processes or {}).values()):
                with suppress(OSError):
                    process.terminate()
        pool.shutdown(wait=True, cancel_futures=abandon)

    def _live_pool(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._closed:
                raise WorkerLostError("workers must be there, the run has let go of them")
            if self._pool is None:
                spawn = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang
                self._pool = ProcessPoolExecutor(self.workers, mp_context=spawn, initializer=_start_worker)
            return self._pool

    def _discard(self, broken: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._pool is broken:
                self._pool = None
        broken.shutdown(wait=False)


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, tidy up on SIGTERM, and end with the parent however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _terminate)
    sys.unraisablehook = lambda dropped: tell_again(dropped, _terminate_again, sys.__unraisablehook__)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _terminate(*_: Any) -> None:
    global _told
    if not _busy:
        os._exit(143)
    if not _told:
        _told = True
        raise KeyboardInterrupt  # files half written are removed on the way out


def _terminate_again(_: KeyboardInterrupt) -> None:
    global _told
    _told = False
    os.kill(os.getpid(), signal.SIGTERM)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _in_worker(
    function: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any], threads: int
) -> UnitResult:
    """The unit; told to end, the process ends with it: the pool would wait for another unit, and for ever
    where a worker that ended held the lock of its queue."""
    global _busy
    try:
        _busy = True
        return run_unit(function, arguments, named, threads)
    finally:
        _busy = False
        if _told:
            os._exit(143)

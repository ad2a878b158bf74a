"""Units on a Dask cluster: one of this machine's own, or a running one by its scheduler's address."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from proxflow.tasks.errors import RequestError, WorkerLostError
from proxflow.tasks.provenance import PRESENTATION, source_digest
from proxflow.tasks.runners.runner import unit_name
from proxflow.tasks.runners.unit import repeat_here, run_unit

if TYPE_CHECKING:
    from distributed import Client

P = ParamSpec("P")
T = TypeVar("T")
CONNECT_SECONDS = 10


class DaskRunner:
    """``workers`` units at once at most. A unit whose worker dies is given to another by the scheduler.

    Workers need the same Proxflow and see the same files; they need no Prefect. Raises RequestError where
    there is no scheduler at the address, no worker, or one with another Proxflow.
    """

    in_process = False

    def __init__(self, workers: int, threads: int, scheduler: str = "") -> None:
        self.workers, self._threads, self._scheduler = workers, threads, scheduler
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._closed = False
        self._opened = ExitStack()

    def call(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """``function(*arguments)`` on a worker; see ``Runner``."""
        from distributed.client import FutureCancelledError
        from distributed.scheduler import KilledWorker

        client = self._connected()
        future = client.submit(run_unit, function, arguments, named, self._threads, pure=False)
        try:
            done = future.result()
        except KilledWorker:
            raise WorkerLostError(
                f"workers must stay alive, several died at {unit_name(function)}: out of memory?"
            ) from None
        except FutureCancelledError as error:
            raise WorkerLostError(f"the Dask scheduler must stay reachable, it was lost: {error}") from None
        repeat_here(done.records)
        return cast("T", done.value)

    def close(self, *, abandon: bool = False) -> None:
        """End our own cluster, leave another's; units that have not begun are taken back."""
        with self._lock:
            self._client, self._closed = None, True
            self._opened.close()

    def _connected(self) -> Client:
        with self._lock:
            if self._closed:
                raise WorkerLostError("workers must be there, the run has let go of them")
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> Client:
        try:
            from distributed import Client, LocalCluster
        except ImportError:
            raise RequestError(
                "runtime.runner dask needs Dask, got none: pip install 'proxflow[dask]'"
            ) from None
        logging.getLogger("distributed").setLevel(logging.ERROR)
        where: Any = self._scheduler
        if not where:
            where = self._opened.enter_context(
                LocalCluster(
                    n_workers=self.workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
                )
            )
        try:
            client = self._opened.enter_context(Client(where, timeout=CONNECT_SECONDS, set_as_default=False))
        except (OSError, ValueError) as error:
            raise RequestError(
                "runtime.scheduler must be the address of a running Dask scheduler, "
                f"got {self._scheduler}: {error}"
            ) from None
        _check_workers(client, self._scheduler)
        return client


def _check_workers(client: Client, scheduler: str) -> None:
    """Every worker has our source: another would compute other numbers under other keys."""
    with suppress(TimeoutError):
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    found = client.run(worker_source, on_error="return")
    if not found:
        raise RequestError(f"runtime.scheduler must have workers, got none at {scheduler}")
    for address, digest in found.items():
        if digest != source_digest(PRESENTATION):
            got = f"none ({digest})" if isinstance(digest, Exception) else "another"
            raise RequestError(f"Dask workers must have the Proxflow of this process, {address} has {got}")


def worker_source() -> str:
    """Digest of the source a worker computes by."""
    return source_digest(PRESENTATION)

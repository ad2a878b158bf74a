"""The plain caller: stages without Prefect, one after another or, with several workers, at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, TypeVar

from proxflow.data.store.store import ArtefactStore
from proxflow.tasks.calls import Machine, StageCall, StageOutcome
from proxflow.tasks.dispatch import Dispatcher
from proxflow.tasks.reporting import reporter
from proxflow.tasks.runners.runner import Runner, ThreadRunner

T = TypeVar("T")


@dataclass(frozen=True)
class _Spread:
    """A call whose items are being solved; it runs when they are done."""

    call: StageCall
    parts: list[Future[int]]
    n_items: int


class PlainEngine:
    """Executes each call at once, or in as many threads as the runner has workers."""

    def __init__(self, machine: Machine, store: ArtefactStore, runner: Runner | None = None) -> None:
        self._dispatcher = Dispatcher(machine, store, runner or ThreadRunner(1, None))
        self._pool: ThreadPoolExecutor | None = None

    def submit(self, call: StageCall) -> Any:
        if self._dispatcher.runner.workers == 1:
            return self._dispatcher.run(call)
        parts = self._dispatcher.parts(call)
        if not parts:
            return self._in_thread(self._dispatcher.run, call)
        handles = [self._in_thread(self._dispatcher.solve_part, call, part) for part in parts]
        return _Spread(call, handles, sum(map(len, parts)))

    def result(self, handle: Any) -> StageOutcome:
        if isinstance(handle, _Spread):
            done = 0
            for part in handle.parts:
                done += part.result()
                reporter().items_solved(handle.call.label, done, handle.n_items)
            return self._dispatcher.run(handle.call)
        outcome: StageOutcome = handle.result() if isinstance(handle, Future) else handle
        return outcome

    def close(self) -> None:
        """Wait for what is still computed; nothing new begins."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _in_thread(self, work: Callable[..., T], *arguments: Any) -> Future[T]:
        if self._pool is None:
            workers = self._dispatcher.runner.workers
            self._pool = ThreadPoolExecutor(workers, thread_name_prefix="proxflow-unit")
        return self._pool.submit(copy_context().run, work, *arguments)

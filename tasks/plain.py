"""The plain caller: stages without Prefect, one after another or, with several workers, at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

from proxflow.data.store.store import ArtefactStore
from proxflow.tasks.calls import Machine, StageCall, StageOutcome
from proxflow.tasks.dispatch import Dispatcher
from proxflow.tasks.runners.runner import Runner, ThreadRunner
from proxflow.tasks.spreading_engine import SpreadingEngine

T = TypeVar("T")


class PlainEngine(SpreadingEngine):
    """Executes each call at once, or in as many threads as the runner has workers."""

    def __init__(self, machine: Machine, store: ArtefactStore, runner: Runner | None = None) -> None:
        super().__init__(Dispatcher(machine, store, runner or ThreadRunner(1, None)))
        self._pool: ThreadPoolExecutor | None = None

    def _start(self, call: StageCall) -> StageOutcome | Future[StageOutcome]:
        if self.dispatcher.runner.workers == 1:
            return self.dispatcher.run(call)
        return self._in_thread(self.dispatcher.run, call)

    def _start_part(self, call: StageCall, items: tuple[int, ...]) -> Future[int]:
        return self._in_thread(self.dispatcher.solve_part, call, items)

    def _outcome(self, handle: StageOutcome | Future[StageOutcome]) -> StageOutcome:
        return handle.result() if isinstance(handle, Future) else handle

    def close(self) -> None:
        """Wait for what is still computed; nothing new begins."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _in_thread(self, work: Callable[..., T], *arguments: Any) -> Future[T]:
        if self._pool is None:
            workers = self.dispatcher.runner.workers
            self._pool = ThreadPoolExecutor(workers, thread_name_prefix="proxflow-unit")
        return self._pool.submit(copy_context().run, work, *arguments)

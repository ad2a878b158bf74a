"""What both engines share: a call whose items are independent is solved in parts first, then assembled."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol

from proxflow.tasks.calls import StageCall, StageOutcome
from proxflow.tasks.dispatch import Dispatcher
from proxflow.tasks.reporting import reporter


class PartHandle(Protocol):
    """Of a part that is being solved; ``result`` waits and tells how many items it was."""

    def result(self) -> int: ...


@dataclass(frozen=True)
class _Spread:
    """A call whose items are being solved; it runs when they are done."""

    call: StageCall
    parts: list[PartHandle]
    n_items: int


class SpreadingEngine(ABC):
    """Starts calls, and the parts of those that are spread, where the subclass says."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher

    def submit(self, call: StageCall) -> Any:
        """Start a call; a handle for ``result``."""
        parts = self.dispatcher.parts(call)
        if not parts:
            return self._start(call)
        handles = [self._start_part(call, part) for part in parts]
        return _Spread(call, handles, sum(map(len, parts)))

    def result(self, handle: Any) -> StageOutcome:
        """Wait for a call."""
        if not isinstance(handle, _Spread):
            return self._outcome(handle)
        done = 0
        for part in handle.parts:
            done += part.result()
            reporter().items_solved(handle.call.label, done, handle.n_items)
        return self._outcome(self._start(handle.call))

    @abstractmethod
    def _start(self, call: StageCall) -> Any:
        """Run the whole call; a handle for ``_outcome``."""

    @abstractmethod
    def _start_part(self, call: StageCall, items: tuple[int, ...]) -> PartHandle:
        """Solve these items."""

    @abstractmethod
    def _outcome(self, handle: Any) -> StageOutcome:
        """Wait for what ``_start`` gave."""

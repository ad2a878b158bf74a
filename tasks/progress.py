"""How far a stage is, by what its listener hears of iterations and of items solved by workers."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxflow.models.solvers.iteration import Iteration


class StageProgress:
    """The part of one stage that is done, between 0 and 1; items may be solved side by side."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun: dict[int, float] = {}
        self.fraction = 0.0

    def iteration(self, item: int, n_items: int, iteration: Iteration) -> float:
        """After an iteration of ``item`` (0-based)."""
        with self._lock:
            self._begun[item] = iteration.index / iteration.n_iter
            if item - 1 in self._begun:
                self._begun[item - 1] = 1.0  # it may have converged before its last iteration
            return self._grown_to(sum(self._begun.values()) / n_items)

    def items_solved(self, done: int, n_items: int) -> float:
        """After ``done`` of the items were solved."""
        with self._lock:
            return self._grown_to(done / n_items)

    def _grown_to(self, fraction: float) -> float:
        self.fraction = max(self.fraction, min(fraction, 1.0))
        return self.fraction

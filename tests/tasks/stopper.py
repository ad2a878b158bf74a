"""A training that is interrupted where a test wants it."""

from __future__ import annotations

from collections.abc import Sequence

from proxflow.models.networks.judged import Judged
from proxflow.tasks.network_training.watcher import SilentWatcher


class Stopper(SilentWatcher):
    """Ctrl-C after the step ``at``, when it is told of it or when it is judged."""

    def __init__(self, at: int, *, judged: bool = False) -> None:
        self._at, self._judged = at, judged

    def stepped(self, step: int, loss: float) -> None:
        if step == self._at and not self._judged:
            raise KeyboardInterrupt

    def judged(self, step: int, rows: Sequence[Judged]) -> None:
        if step == self._at and self._judged:
            raise KeyboardInterrupt

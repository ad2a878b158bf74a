"""Who hears how a training goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from proxflow.models.networks.judged import Judged


class TrainingWatcher(Protocol):
    """Hears how a training goes on."""

    def began(self, step: int, n_steps: int) -> None:
        """Steps done already, and of how many."""

    def stepped(self, step: int, loss: float) -> None:
        """A step is done."""

    def judged(self, step: int, rows: Sequence[Judged]) -> None:
        """What was measured after this step."""


class SilentWatcher:
    """Hears everything, says nothing."""

    def began(self, step: int, n_steps: int) -> None: ...

    def stepped(self, step: int, loss: float) -> None: ...

    def judged(self, step: int, rows: Sequence[Judged]) -> None: ...

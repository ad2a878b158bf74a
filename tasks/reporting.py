"""How stages tell a person what they are doing; the terminal and Prefect each listen in their way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from proxflow.models.solvers.iteration import Iteration
    from proxflow.tasks.stage import StageOutcome


class Reporter(Protocol):
    """Listener to a run. Calls come from the thread that computes; they must be quick."""

    def stage_started(self, label: str) -> None:
        """A stage begins to compute: it was not in the store."""

    def stage_waiting(self, label: str) -> None:
        """Another process computes this stage; we wait for it."""

    def iteration(self, label: str, item: int, n_items: int, iteration: Iteration) -> None:
        """An iterative method finished one iteration of item ``item`` (0-based)."""

    def stage_finished(self, outcome: StageOutcome) -> None:
        """A stage's artefact is there, computed or found."""


class SilentReporter:
    """Hears everything, says nothing."""

    def stage_started(self, label: str) -> None: ...

    def stage_waiting(self, label: str) -> None: ...

    def iteration(self, label: str, item: int, n_items: int, iteration: Iteration) -> None: ...

    def stage_finished(self, outcome: StageOutcome) -> None: ...


_current: Reporter = SilentReporter()


def reporter() -> Reporter:
    """The listener of this process."""
    return _current


def listen(new: Reporter) -> Reporter:
    """Make ``new`` the listener of this process; returns the one before."""
    global _current
    previous, _current = _current, new
    return previous

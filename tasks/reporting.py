"""How stages tell a person what they are doing; the terminal and Prefect each listen in their way."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from proxflow.models.solvers.iteration import Iteration
    from proxflow.tasks.calls import StageOutcome


class Reporter(Protocol):
    """Listener to a run. Calls come from the thread that computes; they must be quick."""

    def stage_started(self, label: str) -> None:
        """A stage begins to compute: it was not in the store."""

    def stage_waiting(self, label: str) -> None:
        """Another process computes this stage; we wait for it."""

    def iteration(self, label: str, item: int, n_items: int, iteration: Iteration) -> None:
        """An iterative method finished one iteration of item ``item`` (0-based)."""

    def items_solved(self, label: str, done: int, n_items: int) -> None:
        """Workers have solved ``done`` of the items of a stage that is spread over them."""

    def stage_finished(self, outcome: StageOutcome) -> None:
        """A stage's artefact is there, computed or found."""


class SilentReporter:
    """Hears everything, says nothing."""

    def stage_started(self, label: str) -> None: ...

    def stage_waiting(self, label: str) -> None: ...

    def iteration(self, label: str, item: int, n_items: int, iteration: Iteration) -> None: ...

    def items_solved(self, label: str, done: int, n_items: int) -> None: ...

    def stage_finished(self, outcome: StageOutcome) -> None: ...


_current: ContextVar[Reporter] = ContextVar("reporter", default=SilentReporter())  # noqa: B039


def reporter() -> Reporter:
    """The listener of this run; its threads have the context of the one that started them."""
    return _current.get()


def listen(new: Reporter) -> Reporter:
    """Make ``new`` the listener of this run; returns the one before."""
    previous = _current.get()
    _current.set(new)
    return previous

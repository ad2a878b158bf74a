"""A training on a terminal: one bar with the time left, and a line for every value tried."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import MofNCompleteColumn, TextColumn

from proxflow.flows.cli.terminal_bar import TerminalBar

if TYPE_CHECKING:
    from proxflow.models.solvers.iteration import Iteration
    from proxflow.tasks.calls import StageOutcome
    from proxflow.tasks.training.search import Candidate


class TrainingBar(TerminalBar):
    """Draws on ``console``; a context manager. One plain line a value where that is not a terminal."""

    def __init__(self, console: Console) -> None:
        super().__init__(
            console,
            before=TextColumn("reconstructions"),
            after=MofNCompleteColumn(),
            last=TextColumn("[dim]{task.description}"),
        )
        self._bar = self._progress.add_task("", total=None)
        self._planned: dict[str, int] = {}
        self._lock = threading.Lock()
        self._best: dict[str, float] = {}

    def planned(self, method: str, reconstructions: int) -> None:
        """The bar's length: what all methods will take."""
        with self._lock:
            self._planned[method] = reconstructions
            self._progress.update(self._bar, total=sum(self._planned.values()))

    def tried(self, method: str, number: str, candidate: Candidate) -> None:
        """A line for the value, marked where it is the best so far."""
        better = candidate.error < self._best.get(method, float("inf"))
        self._best[method] = min(candidate.error, self._best.get(method, float("inf")))
        self._console.print(
            f"  {method:<12} {number} {candidate.value:<10g} error {candidate.error:.5f}"
            f"{'  [green]best so far[/]' if better else ''}",
            highlight=False,
        )

    def stage_started(self, label: str) -> None:
        self._progress.update(self._bar, description=label)

    def stage_waiting(self, label: str) -> None:
        self._console.print(f"  {label}: another process is computing it, waiting", style="yellow")

    def iteration(self, label: str, item: int, n_items: int, iteration: Iteration) -> None:
        place = f", item {item + 1}/{n_items}" if n_items > 1 else ""
        text = f"{label}{place}, iteration {iteration.index}/{iteration.n_iter}"
        self._progress.update(self._bar, description=text)

    def items_solved(self, label: str, done: int, n_items: int) -> None:
        self._progress.update(self._bar, description=f"{label}, item {done}/{n_items}")

    def stage_finished(self, outcome: StageOutcome) -> None:
        if outcome.label.startswith("hold_out"):
            self._progress.advance(self._bar)

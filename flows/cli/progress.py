"""Stages and iterations on a terminal: one line a stage, a bar with the time left for the running one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import TaskID, TextColumn

from proxflow.flows.cli.terminal_bar import TerminalBar
from proxflow.tasks.progress import StageProgress

if TYPE_CHECKING:
    from proxflow.models.solvers.iteration import Iteration
    from proxflow.tasks.calls import StageOutcome


class TerminalReporter(TerminalBar):
    """Draws on ``console``; a context manager. Quiet where the console is not a terminal, but for one
    plain line a stage."""

    def __init__(self, console: Console) -> None:
        super().__init__(
            console, before=TextColumn("{task.description}"), after=TextColumn("{task.fields[state]}")
        )
        self._bars: dict[str, TaskID] = {}
        self._done: dict[str, StageProgress] = {}
        self._lock = threading.Lock()

    def stage_started(self, label: str) -> None:
        with self._lock:
            if label not in self._bars:  # a stage that was spread begins once more, to assemble its items
                self._bars[label] = self._progress.add_task(f"[bold]{label}", total=None, state="")
                self._done[label] = StageProgress()

    def stage_waiting(self, label: str) -> None:
        self._console.print(f"  {label}: another process is computing it, waiting", style="yellow")

    def iteration(self, label: str, item: int, n_items: int, iteration: Iteration) -> None:
        """Iterations of all items make one bar, so the time left is the stage's."""
        bar = self._bars.get(label)
        if bar is not None:
            place = f"item {item + 1}/{n_items}, " if n_items > 1 else ""
            self._progress.update(
                bar,
                total=1.0,
                completed=self._done[label].iteration(item, n_items, iteration),
                state=f"{place}iteration {iteration.index}/{iteration.n_iter}, "
                f"change {iteration.relative_change:.1e}, residual {iteration.data_residual:.4f}",
            )

    def items_solved(self, label: str, done: int, n_items: int) -> None:
        """Items that workers have solved, where a stage is spread over them."""
        bar = self._bars.get(label)
        if bar is not None:
            completed = self._done[label].items_solved(done, n_items)
            self._progress.update(bar, total=1.0, completed=completed, state=f"{done} of {n_items} items")

    def stage_finished(self, outcome: StageOutcome) -> None:
        with self._lock:
            bar = self._bars.pop(outcome.label, None)
        if bar is not None:
            self._progress.remove_task(bar)
        how = "[dim]cached[/]" if outcome.cached else f"{outcome.elapsed:7.2f} s"
        self._console.print(f"  [green]✓[/] {outcome.label:<24} {how}", highlight=False)

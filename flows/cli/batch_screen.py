"""A batch on a terminal: one line a scan, a bar with the time left, and the table at the end."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import MofNCompleteColumn, TextColumn

from proxflow.flows.cli.terminal_bar import TerminalBar

if TYPE_CHECKING:
    from rich.table import Table

    from proxflow.flows.many_run import FinishedBatch
    from proxflow.flows.scan_unit import ScanUnit
    from proxflow.tasks.batch.outcome import ScanOutcome

MARK = {"done": "[green]✓[/]", "failed": "[red]✗[/]", "left": "[yellow]![/]", "interrupted": "[yellow]…[/]"}
MOST_ROWS = 40  # of the table; more are in the report
RUNNING_SHOWN = 3
LONGEST_NAME = 36


class BatchScreen(TerminalBar):
    """Draws on ``console``; a context manager. Where that is not a terminal, one plain line a scan."""

    def __init__(self, console: Console, total: int | None) -> None:
        self._lock = threading.Lock()
        super().__init__(console, before=MofNCompleteColumn(), after=TextColumn("{task.fields[running]}"))
        self._bar = self._progress.add_task("", total=total, running="")
        self._running: list[str] = []

    def scan_started(self, unit: ScanUnit) -> None:
        with self._lock:
            self._running.append(unit.name)
            self._show()

    def scan_ended(self, outcome: ScanOutcome) -> None:
        with self._lock:
            if outcome.name in self._running:
                self._running.remove(outcome.name)
            self._progress.advance(self._bar)
            self._show()
        text = escape(outcome.why) if outcome.why else _how(outcome)
        self._console.print(
            f"  {MARK[outcome.state]} {escape(outcome.name):<28} {text}", highlight=False, soft_wrap=True
        )

    def _show(self) -> None:
        shown = ", ".join(self._running[:RUNNING_SHOWN])
        more = f" and {len(self._running) - RUNNING_SHOWN} more" if len(self._running) > RUNNING_SHOWN else ""
        self._progress.update(self._bar, running=escape(shown + more))


def show_batch(finished: FinishedBatch) -> None:
    """The table of what is done, a sentence on each scan that is not, and where the report is."""
    console, batch = Console(highlight=False), finished.batch
    done = [outcome for outcome in batch.outcomes if outcome.state == "done"]
    if done:
        console.print(batch_table(done[:MOST_ROWS], batch.metric_names()))
    if len(done) > MOST_ROWS:
        console.print(f"[dim]the first {MOST_ROWS} of {len(done)} scans; the report has all[/]")
    for outcome in batch.outcomes:
        if outcome.state != "done":
            text = f"{MARK[outcome.state]} {escape(outcome.name)}: {escape(outcome.why)}"
            console.print(text, soft_wrap=True)
    console.print(f"\n{batch.sentence}", soft_wrap=True)
    console.print(f"report  {finished.report}", soft_wrap=True)
    show_tracebacks(batch.outcomes)


def show_tracebacks(outcomes: tuple[ScanOutcome, ...]) -> None:
    """On standard error, for faults that nobody foresaw."""
    console = Console(stderr=True, highlight=False)
    for outcome in outcomes:
        if outcome.traceback:
            console.print(f"\n{escape(outcome.name)}:\n{escape(outcome.traceback)}", soft_wrap=True)


def batch_table(done: Sequence[ScanOutcome], names: Sequence[str]) -> Table:
    """A row per scan and method, a column per metric."""
    from rich import box
    from rich.table import Table

    from proxflow.models.metrics.registry import METRICS

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    several = any(len(outcome.metrics) > 1 for outcome in done)
    table.add_column("scan", no_wrap=True, max_width=LONGEST_NAME)
    if several:
        table.add_column("method", no_wrap=True)
    for name in names:
        table.add_column(f"{METRICS[name].label}\n[dim]{METRICS[name].unit}[/]", justify="right")
    table.add_column("time", justify="right", no_wrap=True)
    for outcome in done:
        for method, figures in outcome.metrics.items():
            cells = [_cell(figures.get(name), METRICS[name].unit) for name in names]
            taken = "cached" if _cached(outcome) else f"{outcome.seconds:.1f} s"
            table.add_row(escape(outcome.name), *([method] if several else []), *cells, taken)
    return table


def _cell(value: Any, unit: str) -> str:
    from proxflow.tasks.report.numbers import number_text

    return "" if value is None else value if isinstance(value, str) else number_text(value, unit)


def _how(outcome: ScanOutcome) -> str:
    return "[dim]from the store[/]" if _cached(outcome) else f"{outcome.seconds:7.2f} s"


def _cached(outcome: ScanOutcome) -> bool:
    return bool(outcome.stages) and outcome.cached == outcome.stages
